import { builtInExports, type ExportEvent, type ExportSettings } from '@throughline/contracts';
import { derivedId, type Decider } from '@throughline/event-sourcing';

type ExportsConfigured = Extract<ExportEvent, { type: 'ExportsConfigured' }>;
export type ExportSettingsCommand = { type: 'ConfigureExports' } & ExportSettings;

/** One stream holds them. */
export const exportSettingsId = derivedId('export-settings');

/** How much may be exported. */
export const exportSettings: Decider<ExportSettings, ExportSettingsCommand, ExportsConfigured> = {
  category: 'export-settings',
  initial: builtInExports,
  decide: (state, { rowsPerDay }) =>
    state.rowsPerDay === rowsPerDay ? [] : [{ type: 'ExportsConfigured', rowsPerDay }],
  evolve: (_, { rowsPerDay }) => ({ rowsPerDay }),
};
