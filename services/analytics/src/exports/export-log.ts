import type { ExportEvent, ExportSettings } from '@throughline/contracts';
import { conflict, derivedId, type Decider } from '@throughline/event-sourcing';

type CustomersExported = Extract<ExportEvent, { type: 'CustomersExported' }>;
export type ExportCommand = { type: 'ExportCustomers' } & Omit<CustomersExported, 'type'>;

/** One stream for each person or program and day. */
export const exportLogId = (actor: { type: string; id: string }, day: string): string =>
  derivedId('export', actor.type, actor.id, day);

/** Who took which customers out of the house; the state is how many rows they took on the day. */
export const exportLog: Decider<number, ExportCommand, CustomersExported, ExportSettings> = {
  category: 'export',
  initial: 0,

  decide(taken, { type: _, ...exported }, { rules: { rowsPerDay } }) {
    const { rows } = exported;
    if (rowsPerDay > 0 && taken + rows > rowsPerDay) {
      throw conflict('export-cap-reached', { rowsPerDay, taken, rows });
    }
    return [{ type: 'CustomersExported', ...exported }];
  },

  evolve: (taken, { rows }) => taken + rows,
};
