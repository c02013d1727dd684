import type { ExportFormat, PrivacyEvent } from '@throughline/contracts';
import { derivedId, type Decider } from '@throughline/event-sourcing';

export type PersonalDataCommand = {
  type: 'RecordExport';
  customerId: string;
  format: ExportFormat;
  language: 'zh' | 'en';
};

export const exportsId = (customerId: string): string => derivedId('personal-data', customerId);

/** Who was told what is known about a person: every time is recorded. */
export const personalDataExports: Decider<number, PersonalDataCommand, PrivacyEvent> = {
  category: 'personal-data',
  initial: 0,
  decide: (_, { type: __, ...exported }) => [{ type: 'PersonalDataExported', ...exported }],
  evolve: (count) => count + 1,
};
