import { isDeepStrictEqual } from 'node:util';
import {
  customerFieldNames,
  isErased,
  known,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
  type SourceStamp,
} from '@throughline/contracts';
import { Elsewhere, conflict, notFound, type Decider } from '@throughline/event-sourcing';
import { changesInBulk, type BulkChange } from './customer-bulk.ts';
import { asShown, emailKeys, tidyFields, type CustomerInput } from './customer-fields.ts';
import { changesByPolicy, type ImportPolicies } from './customer-import.ts';
import type { Undone } from './customer-undo.ts';

export type CustomerCommand =
  | { type: 'CreateCustomer'; number: string; fields: CustomerInput; externalId?: ExternalId }
  | { type: 'ChangeCustomer'; changes: CustomerInput }
  | { type: 'ChangeInBulk'; change: BulkChange }
  | { type: 'RecordSeenCustomer'; number: string; externalId?: ExternalId; stamp: SourceStamp; fields: CustomerFields }
  | { type: 'ImportCustomer'; number: string; mode: ImportMode; row: CustomerInput; policies: ImportPolicies }
  | { type: 'UndoChanges'; undone: Undone }
  | { type: 'ArchiveCustomer' }
  | { type: 'RestoreCustomer' }
  | { type: 'EraseCustomer'; erasureId: string };

export type CustomerRules = {
  /** What an e-mail that another customer has does to people and the API. Connectors are never refused. */
  emailDuplicates: 'block' | 'allow';
};
export const builtInRules: CustomerRules = { emailDuplicates: 'block' };

/** What a row may do: make a new record, change one that is there, or whichever it takes. */
export type ImportMode = 'create' | 'update' | 'both';

type ExternalId = { connectionId: string; id: string };

export type Customer = {
  status: 'none' | 'active' | 'archived' | 'erased';
  number: string;
  details: CustomerFields;
  emailsReserved: boolean;
  /** Whether what was recorded of the person can no longer be read: at every moment, also before the erasure. */
  unreadable: boolean;
  externalIds: readonly ExternalId[];
  /** What the source said last, and when: its next word counts where it is newer and different. */
  said: CustomerFields;
  stamps: { readonly [F in CustomerField]?: SourceStamp };
  /** The record that answers for this one since they were merged. */
  goldenId?: string | undefined;
  into?: string | undefined;
  /** The records that were merged into this one. */
  members: readonly string[];
  /** E-mail addresses, by place, that another record of the group holds. */
  unreserved: readonly number[];
};

/** A command that concerns all records of a customer was sent to one of them. */
export class OneOfSeveral extends Elsewhere {}

/** A source goes on speaking of its own record alone, and what was said of one is taken back there. */
const ofOneRecord = new Set(['CreateCustomer', 'RecordSeenCustomer', 'UndoChanges']);

export const customer: Decider<Customer, CustomerCommand, CustomerEvent, CustomerRules> = {
  category: 'customer',
  initial: {
    status: 'none',
    number: '',
    details: {},
    emailsReserved: false,
    unreadable: false,
    externalIds: [],
    said: {},
    stamps: {},
    members: [],
    unreserved: [],
  },

  guard({ into, members }, { type }) {
    if (!ofOneRecord.has(type) && (into || members.length > 0)) {
      throw new OneOfSeveral();
    }
  },

  decide(state, command, { entry, rules, now }) {
    const reserves = (entry === 'person' || entry === 'api') && rules.emailDuplicates === 'block';
    if (command.type === 'CreateCustomer') {
      if (state.status !== 'none') throw conflict('customer-exists');
      const fields = tidyFields(command.fields, {}, now);
      const { number, externalId } = command;
      const emailsReserved = reserves && hasEmails(fields);
      return [{ type: 'CustomerCreated', number, ...fields, emailsReserved, ...(externalId && { externalId }) }];
    }
    if (command.type === 'RecordSeenCustomer') return recordSeen(state, command);
    if (command.type === 'ImportCustomer' && state.status === 'none' && command.mode !== 'update') {
      return [
        { type: 'CustomerCreated', number: command.number, ...tidyFields(command.row, {}, now), emailsReserved: false },
      ];
    }
    if (state.status === 'none') throw notFound('customer-not-found');
    if (command.type === 'EraseCustomer') {
      return state.status === 'erased' ? [] : [{ type: 'CustomerErased', erasureId: command.erasureId }];
    }
    if (state.status === 'erased') throw conflict('customer-erased');

    switch (command.type) {
      case 'ChangeCustomer':
        return change(state, command.changes, reserves, now);
      case 'ChangeInBulk':
        return changeInBulk(state, command.change, reserves, now);
      case 'ImportCustomer':
        if (command.mode === 'create') throw conflict('customer-exists');
        return change(state, changesByPolicy(command.row, state.details, command.policies), false, now);
      case 'UndoChanges':
        return undoChanges(state, command.undone);
      case 'ArchiveCustomer':
        return state.status === 'archived' ? [] : [{ type: 'CustomerArchived' }];
      case 'RestoreCustomer':
        return state.status === 'active' ? [] : [{ type: 'CustomerRestored' }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'CustomerCreated': {
        const externalId = known(event.externalId);
        return {
          ...withFields(state, event, event.stamp),
          status: 'active',
          number: event.number,
          emailsReserved: event.emailsReserved,
          externalIds: externalId ? [externalId] : [],
        };
      }
      case 'CustomerDetailsChanged':
        return {
          ...withFields(state, event, event.stamp, event.confirmed),
          emailsReserved: event.emailsReserved,
          unreserved: event.unreserved ?? (event.emails === undefined ? state.unreserved : []),
        };
      case 'CustomerConfirmed':
        return withFields(state, {}, event.stamp, event.confirmed);
      case 'CustomerArchived':
        return { ...state, status: 'archived' };
      case 'CustomerRestored':
        return { ...state, status: 'active' };
      case 'CustomerErased':
        return { ...state, ...customer.initial, number: state.number, status: 'erased', members: state.members };
      case 'CustomersMerged':
        return { ...state, members: [...state.members, ...event.absorbed] };
      case 'CustomersUnmerged':
        return { ...state, members: state.members.filter((id) => !event.released.includes(id)) };
      case 'CustomerAbsorbed':
        return { ...state, into: event.into, goldenId: event.goldenId };
      case 'CustomerReleased':
        return { ...state, into: undefined, goldenId: undefined };
    }
  },

  claims(state) {
    const { status, number } = state;
    if (status === 'none') return [];
    // The number is never given out again; an archived customer's addresses are free for others.
    const emails = status === 'active' ? reservedEmails(state) : [];
    return [`number:${number}`, ...emails.map((email) => `email:${email}`)];
  },

  access: ({ details }) => ({ ownerId: details.ownerId ?? undefined }),

  fields: ({ status, number, details, externalIds, unreadable }) => ({
    number,
    ...asShown(details),
    externalIds,
    archived: status === 'archived',
    ...((status === 'erased' || unreadable) && { erased: true }),
  }),
};

function change(state: Customer, input: CustomerInput, reserves: boolean, now: string): CustomerEvent[] {
  if (state.status === 'archived') throw conflict('customer-archived');
  const changes = changed(tidyFields(input, state.details, now), state.details);
  if (Object.keys(changes).length === 0) return [];
  const emailsReserved = changes.emails === undefined ? state.emailsReserved : reserves && hasEmails(changes);
  return [{ type: 'CustomerDetailsChanged', ...changes, emailsReserved }];
}

function changeInBulk(state: Customer, bulk: BulkChange, reserves: boolean, now: string): CustomerEvent[] {
  const isRestored = bulk.restore === true && state.status === 'archived';
  const current: Customer = isRestored ? { ...state, status: 'active' } : state;
  const changes = changesInBulk(bulk, state.details);
  return [
    ...(isRestored ? [{ type: 'CustomerRestored' as const }] : []),
    ...(Object.keys(changes).length > 0 ? change(current, changes, reserves, now) : []),
    ...(bulk.archive && current.status === 'active' ? [{ type: 'CustomerArchived' as const }] : []),
  ];
}

/** Back to what was: values that were valid then are not checked again. */
function undoChanges(state: Customer, { fields, record }: Undone): CustomerEvent[] {
  const changes = changed(fields, state.details);
  const isChanged = Object.keys(changes).length > 0;
  const emailsReserved = state.emailsReserved && changes.emails === undefined;
  return [
    ...(isChanged ? [{ type: 'CustomerDetailsChanged' as const, ...changes, emailsReserved }] : []),
    ...(record === 'archive' && state.status === 'active' ? [{ type: 'CustomerArchived' as const }] : []),
    ...(record === 'restore' && state.status === 'archived' ? [{ type: 'CustomerRestored' as const }] : []),
  ];
}

/** The addresses that nobody else may have. */
export const reservedEmails = ({ details, emailsReserved, unreserved }: Customer): string[] =>
  emailsReserved ? emailKeys({ emails: (details.emails ?? []).filter((_, index) => !unreserved.includes(index)) }) : [];

/**
 * A source's word about its own customer. A field counts where its stamp is newer than the one before, so any order of
 * arrival ends the same; where the source only repeats itself, a person's edit since then stands.
 */
function recordSeen(
  state: Customer,
  command: Extract<CustomerCommand, { type: 'RecordSeenCustomer' }>,
): CustomerEvent[] {
  const { stamp, number, externalId, fields } = command;
  // A late delivery brings nobody back.
  if (state.status === 'erased') return [];
  if (state.status === 'none') {
    return [
      { type: 'CustomerCreated', number, ...fields, emailsReserved: false, stamp, ...(externalId && { externalId }) },
    ];
  }
  const newer = (Object.keys(fields) as CustomerField[]).filter((field) => isNewer(stamp, state.stamps[field]));
  const confirmed = newer.filter((field) => isDeepStrictEqual(fields[field], state.said[field]));
  const changes = Object.fromEntries(
    newer.filter((field) => !confirmed.includes(field)).map((field) => [field, fields[field]]),
  ) as CustomerFields;
  if (newer.length === 0) return [];
  if (Object.keys(changes).length === 0) return [{ type: 'CustomerConfirmed', stamp, confirmed }];
  const emailsReserved = state.emailsReserved && changes.emails === undefined;
  return [
    { type: 'CustomerDetailsChanged', ...changes, emailsReserved, stamp, ...(confirmed.length > 0 && { confirmed }) },
  ];
}

function isNewer(stamp: SourceStamp, before: SourceStamp | undefined): boolean {
  if (!before) return true;
  if (stamp.rank !== before.rank) return stamp.rank === 'profile';
  if (stamp.at !== before.at) return stamp.at > before.at;
  return stamp.hash > before.hash;
}

function withFields(
  state: Customer,
  event: object,
  stamp: SourceStamp | undefined,
  confirmed: readonly string[] = [],
): Customer {
  const given: Record<string, unknown> = {};
  let { unreadable } = state;
  for (const field of customerFieldNames) {
    if (!(field in event)) continue;
    const value = (event as Record<string, unknown>)[field];
    given[field] = value === null ? undefined : known(value);
    unreadable ||= isErased(value);
  }
  const details = compact({ ...state.details, ...given });
  if (!stamp) return { ...state, details, unreadable };
  const stamps = Object.fromEntries([...Object.keys(given), ...confirmed].map((field) => [field, stamp]));
  return {
    ...state,
    details,
    unreadable,
    said: compact({ ...state.said, ...given }),
    stamps: { ...state.stamps, ...stamps },
  };
}

const compact = (fields: Record<string, unknown>): CustomerFields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Only what differs; null clears what is there. */
const changed = (wanted: CustomerFields, now: CustomerFields): CustomerFields =>
  Object.fromEntries(
    Object.entries(wanted).filter(
      ([field, value]) => !isDeepStrictEqual(value ?? null, now[field as CustomerField] ?? null),
    ),
  );

const hasEmails = ({ emails }: CustomerFields) => (emails?.length ?? 0) > 0;
