import { isDeepStrictEqual } from 'node:util';
import type { FormText, FormConsent, FormEvent, FormField } from '@throughline/contracts';
import { conflict, invalid, notFound, type Decider, type FieldError } from '@throughline/event-sourcing';
import { isAsked, naming } from './form-fields.ts';

type OwnEvent = Exclude<FormEvent, { type: 'FormSubmitted' }>;

/** The version is counted here, not given. */
export type ConsentSettings = Omit<FormConsent, 'version'>;

export type FormSettings = {
  name: string;
  title: FormText;
  fields: FormField[];
  origins: string[];
  active: boolean;
  description?: FormText | null;
  consent?: ConsentSettings | null;
  source?: string | null;
  channel?: string | null;
  campaign?: string | null;
  redirect?: string | null;
};

export type FormCommand =
  | ({ type: 'MakeForm'; key: string } & FormSettings)
  | { type: 'ChangeForm'; changes: Partial<FormSettings> }
  | { type: 'ArchiveForm' };

export type Form = Omit<FormSettings, 'consent'> & {
  status: 'none' | 'active' | 'archived';
  key: string;
  consent: FormConsent | undefined;
  /** The highest there was, so that none is ever used for another text. */
  consentVersion: number;
};

export const form: Decider<Form, FormCommand, OwnEvent> = {
  category: 'form',
  initial: {
    status: 'none',
    key: '',
    name: '',
    title: {},
    fields: [],
    origins: [],
    active: false,
    consent: undefined,
    consentVersion: 0,
  },

  decide(state, command) {
    if (command.type === 'MakeForm') {
      if (state.status !== 'none') throw conflict('form-exists');
      check(command);
      const { consent, ...made } = command;
      return [{ ...made, type: 'FormMade', ...(consent && { consent: { ...consent, version: 1 } }) }];
    }
    if (state.status === 'none') throw notFound('form-not-found');
    switch (command.type) {
      case 'ChangeForm': {
        if (state.status === 'archived') throw conflict('form-archived');
        check(command.changes);
        const changed = Object.entries({ ...command.changes, ...consentOf(state, command.changes) }).filter(
          ([name, value]) => value !== undefined && !isDeepStrictEqual(value, state[name as keyof Form] ?? null),
        );
        return changed.length === 0
          ? []
          : [{ type: 'FormChanged', ...(Object.fromEntries(changed) as Omit<Changed, 'type'>) }];
      }
      case 'ArchiveForm':
        return state.status === 'archived' ? [] : [{ type: 'FormArchived' }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'FormMade':
      case 'FormChanged': {
        const { type, consent = state.consent, ...given } = event;
        const consentVersion = Math.max(state.consentVersion, consent?.version ?? 0);
        const status = type === 'FormMade' ? 'active' : state.status;
        return { ...state, ...given, status, consent: consent ?? undefined, consentVersion };
      }
      case 'FormArchived':
        return { ...state, status: 'archived' };
    }
  },

  claims: ({ status, key }) => (status === 'none' ? [] : [`form-key:${key}`]),

  fields: ({ status, consentVersion: _, ...fields }) => ({ ...fields, archived: status === 'archived' }),
};

type Changed = Extract<OwnEvent, { type: 'FormChanged' }>;

/** Another text or other purposes are another version: what somebody agreed to stays what they read. */
function consentOf(state: Form, { consent }: Partial<FormSettings>): { consent?: FormConsent | null } {
  if (consent === undefined || consent === null) return consent === null ? { consent } : {};
  const before = state.consent;
  const isSame =
    before && isDeepStrictEqual(before.text, consent.text) && isDeepStrictEqual(before.purposes, consent.purposes);
  return { consent: { ...consent, version: isSame ? before.version : state.consentVersion + 1 } };
}

function check({ title, fields, consent, origins }: Partial<FormSettings>): void {
  const errors: FieldError[] = [];
  if (title && !saysSomething(title)) errors.push({ path: 'title', code: 'required' });
  if (consent && !saysSomething(consent.text)) errors.push({ path: 'consent.text', code: 'required' });
  origins?.forEach((origin, index) => {
    if (!isOrigin(origin)) errors.push({ path: `origins.${index}`, code: 'wrong-type' });
  });
  fields?.forEach(({ field }, index) => {
    const path = `fields.${index}.field`;
    if (!isAsked(field)) errors.push({ path, code: 'not-allowed' });
    if (fields.findIndex((other) => other.field === field) < index) errors.push({ path, code: 'repeated' });
  });
  // A record that nobody can be told by would be of no use.
  if (fields && !fields.some(({ field }) => naming.includes(field)))
    errors.push({ path: 'fields', code: 'names-nobody' });
  if (errors.length > 0) throw invalid('invalid-form', errors);
}

const saysSomething = ({ en, zh }: FormText): boolean => Boolean(en?.trim() || zh?.trim());

function isOrigin(text: string): boolean {
  try {
    const { origin, protocol } = new URL(text);
    return origin === text && /^https?:$/.test(protocol);
  } catch {
    return false;
  }
}
