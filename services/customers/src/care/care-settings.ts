import { isDeepStrictEqual } from 'node:util';
import { builtInCare, type CareSettings, type CareSettingsEvent } from '@throughline/contracts';
import { derivedId, type Decider } from '@throughline/event-sourcing';

export type CareSettingsCommand = { type: 'ConfigureCare' } & CareSettings;

/** One stream holds them. */
export const careSettingsId = derivedId('care-settings');

/** How customers are looked after. */
export const careSettings: Decider<CareSettings, CareSettingsCommand, CareSettingsEvent> = {
  category: 'care-settings',
  initial: builtInCare,
  decide: (state, { type: _, ...wanted }) =>
    isDeepStrictEqual(state, wanted) ? [] : [{ type: 'CareConfigured', ...wanted }],
  evolve: (_, { type: __, ...configured }) => configured,
};
