import type { OrganisationEvent } from '@throughline/contracts';
import { defaultTimeZone, isCurrency } from '@throughline/contracts';
import { derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';

export type Settings = { name?: string; timeZone?: string; baseCurrency?: string };
export type OrganisationCommand = { type: 'ConfigureOrganisation'; changes: Settings };

/** An installation is one organisation. */
export const organisationId = derivedId('organisation');

export const organisation: Decider<Settings, OrganisationCommand, OrganisationEvent> = {
  category: 'organisation',
  initial: {},

  decide(state, { changes }) {
    const errors: FieldError[] = [];
    if (changes.timeZone !== undefined && !isTimeZone(changes.timeZone))
      errors.push({ path: 'timeZone', code: 'not-allowed' });
    if (changes.baseCurrency !== undefined && !isCurrency(changes.baseCurrency)) {
      errors.push({ path: 'baseCurrency', code: 'not-allowed' });
    }
    if (errors.length > 0) throw invalid('invalid-settings', errors);
    const changed = Object.entries(changes).filter(([name, value]) => value !== state[name as keyof Settings]);
    return changed.length === 0
      ? []
      : [{ type: 'OrganisationConfigured', ...(Object.fromEntries(changed) as Settings) }];
  },

  evolve: (state, { type: _, ...changes }) => ({ ...state, ...changes }),
  fields: (state) => ({ timeZone: defaultTimeZone, ...state }),
};

const isTimeZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};
