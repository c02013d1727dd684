import { isDeepStrictEqual } from 'node:util';
import {
  known,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
  type Reservable,
  type Reverted,
  type SourceStamp,
  type UniqueValue,
} from '@throughline/contracts';
import { Elsewhere, conflict, notFound, type DecideContext, type Decider } from '@throughline/event-sourcing';
import { checkMove, checkStage } from '../care/lifecycle.ts';
import { atTheDoor, withCorrections } from '../cleaning/at-the-door.ts';
import { cleanCustomer } from '../cleaning/clean-customer.ts';
import { withoutCorrection } from '../cleaning/corrections.ts';
import { openAgain, saidOf, withInferred, type SayingEvent } from '../cleaning/inferred.ts';
import { suggestionsFor, type CompanyDomains } from '../cleaning/suggestions.ts';
import { fittingCustom } from '../field/custom-values.ts';
import { stillUnique } from '../rules/unique-values.ts';
import { changesInBulk, type BulkChange } from './customer-bulk.ts';
import { asShown, withSource, type CustomerInput } from './customer-fields.ts';
import { changesByPolicy, type ImportPolicies } from './customer-import.ts';
import type { Undone } from './customer-undo.ts';
import { withWords } from './customer-words.ts';
import type { CustomerRules, ReservedField } from './customer-rules.ts';
import { customerMet, metErrors, type Met } from './met.ts';
import {
  claimed,
  claimedByRules,
  claimedLate,
  reservations,
  reservedEmails,
  reservedValues,
} from './reserved-values.ts';

export type CustomerCommand =
  | {
      type: 'CreateCustomer';
      number: string;
      fields: CustomerInput;
      externalId?: ExternalId;
      met?: Met;
      /** Fields that a form brought values of another type for: they are not in `fields`. */
      leftOut?: string[];
    }
  | { type: 'ChangeCustomer'; changes: CustomerInput }
  | { type: 'ChangeInBulk'; change: BulkChange }
  | { type: 'RecordSeenCustomer'; number: string; externalId?: ExternalId; stamp: SourceStamp; fields: CustomerFields }
  | {
      type: 'ImportCustomer';
      number: string;
      externalId?: ExternalId;
      mode: ImportMode;
      row: CustomerInput;
      policies: ImportPolicies;
    }
  | { type: 'UndoChanges'; undone: Undone }
  | { type: 'RevertCorrection'; reverted: Reverted }
  | { type: 'AcceptSuggestion' | 'DismissSuggestion'; suggestionId: string; companies: CompanyDomains }
  | { type: 'ClaimValues'; free: readonly string[] }
  | { type: 'ArchiveCustomer' }
  | { type: 'RestoreCustomer' }
  | { type: 'EraseCustomer'; erasureId: string };

export { builtInRules, type CustomerRules, type ReservedField } from './customer-rules.ts';

/** What a row may do: make a new record, change one that is there, or whichever it takes. */
export type ImportMode = 'create' | 'update' | 'both';

type ExternalId = { connectionId: string; id: string };

export type Customer = {
  status: 'none' | 'active' | 'archived' | 'erased';
  number: string;
  details: CustomerFields;
  emailsReserved: boolean;
  /** The other fields whose values nobody else may have. */
  reserved: readonly Reservable[];
  /** The rules by which nobody else may have what fields hold. */
  unique: readonly UniqueValue[];
  /** Whether what was recorded of the person can no longer be read: at every moment, also before the erasure. */
  unreadable: boolean;
  externalIds: readonly ExternalId[];
  /** What the source said last, and when: its next word counts where it is newer and different. */
  said: CustomerFields;
  stamps: { readonly [F in CustomerField]?: SourceStamp };
  /** Field -> the rule that its value follows from, where nobody said it. */
  inferred: Readonly<Record<string, string>>;
  /** Fields that somebody cleared: nothing is inferred there any more. */
  cleared: readonly string[];
  /** Corrections that were taken back: the values stay as they were entered. */
  reverted: readonly Reverted[];
  /** Suggestions that somebody does not want. */
  dismissed: readonly string[];
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

/** A source goes on speaking of its own record alone, what was said of one is taken back there, and each claims its own values. */
const ofOneRecord = new Set(['CreateCustomer', 'RecordSeenCustomer', 'UndoChanges', 'ClaimValues']);

export const customer: Decider<Customer, CustomerCommand, CustomerEvent, CustomerRules> = {
  category: 'customer',
  initial: {
    status: 'none',
    number: '',
    details: {},
    emailsReserved: false,
    reserved: [],
    unique: [],
    unreadable: false,
    externalIds: [],
    said: {},
    stamps: {},
    inferred: {},
    cleared: [],
    reverted: [],
    dismissed: [],
    members: [],
    unreserved: [],
  },

  guard({ into, members }, { type }) {
    if (!ofOneRecord.has(type) && (into || members.length > 0)) {
      throw new OneOfSeveral();
    }
  },

  decide(state, command, context) {
    const { entry, rules } = context;
    const isBound = entry === 'person' || entry === 'api';
    if (command.type === 'CreateCustomer') {
      if (state.status !== 'none') throw conflict('customer-exists');
      const { number, externalId, met, leftOut } = command;
      const way = met ? 'quick-add' : entry;
      const given = withSource(command.fields, way);
      const fields = atTheDoor(state, given, context, met && metErrors(met, context.now));
      if (isBound) checkStage(rules.lifecycle, fields.lifecycle);
      const reserving = reservations(fields, rules.reserves(way, 'create'));
      return [
        completed(state, {
          type: 'CustomerCreated',
          number,
          ...fields,
          ...reserving,
          ...claimed(state, fields, rules),
          ...(externalId && { externalId }),
          ...(leftOut && { leftOut }),
        }),
        ...(met ? [customerMet(met, context.now)] : []),
      ];
    }
    if (command.type === 'RecordSeenCustomer') return recordSeen(state, command, rules);
    if (command.type === 'ImportCustomer' && state.status === 'none' && command.mode !== 'update') {
      const { number, externalId, row } = command;
      const fields = atTheDoor(state, withSource(row, entry), context);
      const given = {
        ...fields,
        ...reservations(fields, rules.reserves(entry, 'create')),
        ...claimed(state, fields, rules),
      };
      return [completed(state, { type: 'CustomerCreated', number, ...given, ...(externalId && { externalId }) })];
    }
    if (state.status === 'none') throw notFound('customer-not-found');
    if (command.type === 'EraseCustomer') {
      return state.status === 'erased' ? [] : [{ type: 'CustomerErased', erasureId: command.erasureId }];
    }
    if (state.status === 'erased') throw conflict('customer-erased');

    switch (command.type) {
      case 'ChangeCustomer':
        if (isBound && state.status === 'active') {
          checkMove(rules.lifecycle, state.details.lifecycle, command.changes.lifecycle);
        }
        return change(state, command.changes, rules.reserves(entry, 'change'), context);
      case 'ChangeInBulk':
        return changeInBulk(state, command.change, rules.reserves(entry, 'change'), context);
      case 'ImportCustomer':
        return importRow(state, command, rules.reserves(entry, 'change'), context);
      case 'UndoChanges':
        return undoChanges(state, command.undone);
      case 'RevertCorrection':
        return revertCorrection(state, command.reverted);
      case 'AcceptSuggestion':
      case 'DismissSuggestion':
        return answerSuggestion(state, command, rules.reserves(entry, 'change'), context);
      case 'ClaimValues':
        return claimValues(state, command.free, rules);
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
          ...withWords(state, event, event.stamp),
          status: 'active',
          number: event.number,
          emailsReserved: event.emailsReserved,
          reserved: event.reserved ?? [],
          unique: event.unique ?? [],
          externalIds: externalId ? [externalId] : [],
        };
      }
      case 'CustomerDetailsChanged': {
        const next = withWords(state, event, event.stamp, event.confirmed);
        return {
          ...next,
          emailsReserved: event.emailsReserved,
          reserved: event.reserved ?? state.reserved.filter((field) => event[field] === undefined),
          unique: event.unique ?? stillUnique(state.unique, state.details, next.details),
          reverted: [...state.reverted, ...(known(event.reverted) ?? [])],
          unreserved: event.unreserved ?? (event.emails === undefined ? state.unreserved : []),
        };
      }
      case 'CustomerConfirmed':
        return withWords(state, {}, event.stamp, event.confirmed);
      case 'CustomerSuggestionDismissed':
        return { ...state, dismissed: [...state.dismissed, known(event.suggestionId) ?? ''] };
      case 'CustomerMet':
        return state;
      case 'CustomerValuesClaimed':
        return { ...state, unique: event.unique };
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
    const others = status === 'active' ? [...reservedValues(state), ...claimedByRules(state)] : [];
    return [`number:${number}`, ...emails.map((email) => `email:${email}`), ...others];
  },

  access: ({ details }) => ({ ownerId: details.ownerId ?? undefined }),

  fields: ({ status, number, details, externalIds, inferred, unreadable }) => ({
    number,
    ...asShown(details),
    ...(Object.keys(inferred).length > 0 && { inferred }),
    externalIds,
    archived: status === 'archived',
    ...((status === 'erased' || unreadable) && { erased: true }),
  }),
};

function change(
  state: Customer,
  input: CustomerInput,
  reserves: readonly ReservedField[],
  context: DecideContext<CustomerRules>,
): CustomerEvent[] {
  if (state.status === 'archived') throw conflict('customer-archived');
  const { corrections = [], ...wanted } = atTheDoor(state, input, context);
  const changes = changed(wanted, state);
  if (Object.keys(changes).length === 0) return [];
  const { emailsReserved, reserved = [] } = reservations(changes, reserves);
  const kept = state.reserved.filter((field) => changes[field] === undefined);
  const given = withCorrections(changes, corrections);
  return [
    completed(state, {
      type: 'CustomerDetailsChanged',
      ...given,
      emailsReserved: changes.emails === undefined ? state.emailsReserved : emailsReserved,
      ...(reserved.length > 0 && { reserved: [...kept, ...reserved] }),
      ...claimed(state, changes, context.rules),
    }),
  ];
}

/** What was entered stands there again, and is not corrected any more. */
function revertCorrection(state: Customer, reverted: Reverted): CustomerEvent[] {
  if (state.status === 'archived') throw conflict('customer-archived');
  if (state.reverted.some(({ eventId, path }) => eventId === reverted.eventId && path === reverted.path)) return [];
  const changes = withoutCorrection(state.details, reverted);
  if (!changes) throw conflict('correction-overwritten');
  const { emailsReserved } = state;
  return [completed(state, { type: 'CustomerDetailsChanged', ...changes, emailsReserved, reverted: [reverted] })];
}

function answerSuggestion(
  state: Customer,
  { type, suggestionId, companies }: Extract<CustomerCommand, { suggestionId: string }>,
  reserves: readonly ReservedField[],
  context: DecideContext<CustomerRules>,
): CustomerEvent[] {
  if (type === 'DismissSuggestion' && state.dismissed.includes(suggestionId)) return [];
  const { details, dismissed } = state;
  const suggestion = suggestionsFor(details, { companies, dismissed, now: context.now }).find(
    ({ id }) => id === suggestionId,
  );
  if (!suggestion) throw notFound('suggestion-not-found');
  const { rule, changes } = suggestion;
  if (type === 'DismissSuggestion') return [{ type: 'CustomerSuggestionDismissed', suggestionId, rule }];
  if (!changes) throw conflict('suggestion-is-a-warning');
  return change(state, changes, reserves, context);
}

/** What it has had since before a rule made it unique, or by a source's word, becomes its own where it is free. */
function claimValues(state: Customer, free: readonly string[], rules: CustomerRules): CustomerEvent[] {
  if (state.status === 'archived') return [];
  const unique = claimedLate(state, free, rules);
  return isDeepStrictEqual(unique, state.unique) ? [] : [{ type: 'CustomerValuesClaimed', unique }];
}

/** With what follows from it, where a field is empty or was inferred before. */
export const completed = (state: Customer, event: SayingEvent): SayingEvent =>
  withInferred(event, customer.evolve(state, event));

/** An archived record comes back: somebody wants it in. */
function importRow(
  state: Customer,
  { mode, row, policies }: Extract<CustomerCommand, { type: 'ImportCustomer' }>,
  reserves: readonly ReservedField[],
  context: DecideContext<CustomerRules>,
): CustomerEvent[] {
  const isArchived = state.status === 'archived';
  if (mode === 'create' && !isArchived) throw conflict('customer-exists');
  const changes = changesByPolicy(row, { ...state, details: saidOf(state) }, policies);
  return [
    ...(isArchived ? [{ type: 'CustomerRestored' as const }] : []),
    ...change({ ...state, status: 'active' }, changes, reserves, context),
  ];
}

function changeInBulk(
  state: Customer,
  bulk: BulkChange,
  reserves: readonly ReservedField[],
  context: DecideContext<CustomerRules>,
): CustomerEvent[] {
  const isRestored = bulk.restore === true && state.status === 'archived';
  const current: Customer = isRestored ? { ...state, status: 'active' } : state;
  const changes = changesInBulk(bulk, state);
  return [
    ...(isRestored ? [{ type: 'CustomerRestored' as const }] : []),
    ...(Object.keys(changes).length > 0 ? change(current, changes, reserves, context) : []),
    ...(bulk.archive && current.status === 'active' ? [{ type: 'CustomerArchived' as const }] : []),
  ];
}

/** Back to what was: values that were valid then are not checked again. */
function undoChanges(state: Customer, { fields, record }: Undone): CustomerEvent[] {
  const changes = changed(fields, { details: saidOf(state), inferred: {} });
  const isChanged = Object.keys(changes).length > 0;
  const emailsReserved = state.emailsReserved && changes.emails === undefined;
  const event = { type: 'CustomerDetailsChanged' as const, ...changes, ...openAgain(changes), emailsReserved };
  return [
    ...(isChanged ? [completed(state, event)] : []),
    ...(record === 'archive' && state.status === 'active' ? [{ type: 'CustomerArchived' as const }] : []),
    ...(record === 'restore' && state.status === 'archived' ? [{ type: 'CustomerRestored' as const }] : []),
  ];
}

/**
 * A source's word about its own customer. A field counts where its stamp is newer than the one before, so any order of
 * arrival ends the same; where the source only repeats itself, a person's edit since then stands.
 */
function recordSeen(
  state: Customer,
  command: Extract<CustomerCommand, { type: 'RecordSeenCustomer' }>,
  { fieldSet }: CustomerRules,
): CustomerEvent[] {
  const { stamp, number, externalId } = command;
  const { custom, leftOut } = fittingCustom(command.fields.custom ?? {}, fieldSet);
  const fitting = { ...command.fields, ...(command.fields.custom && { custom }) };
  const note = leftOut.length > 0 && { leftOut: leftOut.map((key) => `custom.${key}`) };
  // A late delivery brings nobody back.
  if (state.status === 'erased') return [];
  const { fields, corrections } = cleanCustomer(fitting, { reverted: state.reverted });
  if (state.status === 'none') {
    const given = { ...withCorrections(fields, corrections), ...note };
    const origin = { stamp, ...(externalId && { externalId }) };
    return [completed(state, { type: 'CustomerCreated', number, ...given, emailsReserved: false, ...origin })];
  }
  const newer = (Object.keys(fields) as CustomerField[]).filter((field) => isNewer(stamp, state.stamps[field]));
  if (newer.length === 0) return [];
  // What was taken back of its words since, or recorded before they were cleaned, it has said nonetheless.
  const saying = state.reverted.length === 0 ? fields : cleanCustomer(fitting).fields;
  const said = cleanCustomer(state.said).fields;
  const confirmed = newer.filter((field) => isDeepStrictEqual(saying[field], said[field]));
  const changes = Object.fromEntries(
    newer.filter((field) => !confirmed.includes(field)).map((field) => [field, fields[field]]),
  ) as CustomerFields;
  if (Object.keys(changes).length === 0) return [{ type: 'CustomerConfirmed', stamp, confirmed }];
  const emailsReserved = state.emailsReserved && changes.emails === undefined;
  const beside = { ...(confirmed.length > 0 && { confirmed }), ...(changes.custom && note) };
  const given = { ...withCorrections(changes, corrections), ...beside };
  return [completed(state, { type: 'CustomerDetailsChanged', ...given, emailsReserved, stamp })];
}

function isNewer(stamp: SourceStamp, before: SourceStamp | undefined): boolean {
  if (!before) return true;
  if (stamp.rank !== before.rank) return stamp.rank === 'profile';
  if (stamp.at !== before.at) return stamp.at > before.at;
  return stamp.hash > before.hash;
}

/** Only what differs; null clears what is there. Who says what was inferred makes it a word of their own. */
const changed = (
  wanted: CustomerFields,
  { details, inferred }: Pick<Customer, 'details' | 'inferred'>,
): CustomerFields =>
  Object.fromEntries(
    Object.entries(wanted).filter(
      ([field, value]) =>
        !isDeepStrictEqual(value ?? null, details[field as CustomerField] ?? null) ||
        (field in inferred && value !== null),
    ),
  );
