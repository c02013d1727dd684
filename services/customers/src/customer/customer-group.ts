import { isDeepStrictEqual } from 'node:util';
import {
  customerFieldNames,
  entryKey,
  fieldsOf,
  goldenOf,
  inferredOf,
  isListField,
  known,
  recordAfter,
  reservable,
  stageOf,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
  type CustomerRecord,
  type Golden,
  type Instant,
  type RecordedOf,
  type Restored,
  type SurvivorshipRules,
  type Word,
  type Words,
} from '@throughline/contracts';
import {
  conflict,
  derivedId,
  eventOf,
  invalid,
  replay,
  type DecideContext,
  type FieldError,
} from '@throughline/event-sourcing';
import { openAgain } from '../cleaning/inferred.ts';
import type { FieldSet } from '../field/field-set.ts';
import { customKeyOf } from '../rules/rule-values.ts';
import { claimsOf, uniqueBut } from '../rules/unique-values.ts';
import { emailKeys } from './customer-fields.ts';
import { customer, type CustomerCommand } from './customer.ts';
import type { CustomerRules } from './customer-rules.ts';
import { completed, type Customer } from './customer-state.ts';
import { inEvents } from './field-names.ts';
import { changedIn, filledIn, type OwnFields } from './own-fields.ts';
import { claimedByRules, reservedEmails } from './reserved-values.ts';

/** A record of a customer: its id, its state, and what merging knows of it. */
export type Part = {
  id: string;
  state: Customer;
  record: CustomerRecord;
  events: readonly RecordedOf<CustomerEvent>[];
};
/** All records of one customer, the one that answers for them first, each before those that were merged into it. */
export type Group = readonly [Part, ...Part[]];
type OwnWords = NonNullable<Word['own']>;
type Changed = Extract<CustomerEvent, { type: 'CustomerDetailsChanged' }>;
/** New events by record. */
export type Decided = ReadonlyMap<string, readonly CustomerEvent[]>;

/** A record folded from its events; undefined where there are none. */
export function partOf(id: string, events: readonly RecordedOf<CustomerEvent>[]): Part | undefined {
  const record = recordOf(events);
  return record && { id, state: replay(customer, events.map(eventOf) as CustomerEvent[]), record, events };
}

/** A record as it will be once these events of it are recorded; their place is after all others. */
export function partAfter(id: string, before: Part | undefined, decided: readonly CustomerEvent[], now: Instant): Part {
  const past = before?.events ?? [];
  const upcoming = decided.map(({ type, ...data }, index) => ({
    type,
    data,
    stream: { type: customer.category, id, version: past.length + index + 1 },
    position: Number.MAX_SAFE_INTEGER,
    effectiveAt: now,
  })) as unknown as RecordedOf<CustomerEvent>[];
  return partOf(id, [...past, ...upcoming]) as Part;
}

/** The customer as it was just before an event was recorded; undefined where it did not exist. */
export const groupBefore = (group: Group, position: number): Group | undefined =>
  groupOfEvents(group, (event) => event.position < position);

/** The customer as some of its events make it; undefined where they make none. */
export function groupOfEvents(
  [top, ...others]: Group,
  isOne: (event: RecordedOf<CustomerEvent>) => boolean,
): Group | undefined {
  const past = [top, ...others].flatMap(({ id, events }) => partOf(id, events.filter(isOne)) ?? []);
  const parts = new Map(past.map((part) => [part.id, part]));
  const was = parts.get(top.id);
  return was && groupOf(was, parts);
}

export const recordOf = (events: readonly RecordedOf<CustomerEvent>[]): CustomerRecord | undefined =>
  events.reduce<CustomerRecord | undefined>(recordAfter, undefined);

export const goldenOfGroup = ([top, ...others]: Group): Golden =>
  goldenOf(top.record, new Map(others.map(({ id, record }) => [id, record])));

/** The customer with its tags, as its records say them, by other names. */
export const withTags = ([top, ...others]: Group, naming: (tags: readonly string[]) => string[]): Group => {
  const named = (part: Part): Part => {
    const { words } = part.record;
    if (!words.tags?.value) return part;
    const tags = { ...words.tags, value: naming(words.tags.value as string[]) };
    return { ...part, record: { ...part.record, words: { ...words, tags } } };
  };
  return [named(top), ...others.map(named)];
};

/** The state of the record that answers for a customer, with what all of its records say. */
export function stateOfGroup(group: Group): Customer {
  const [{ state }] = group;
  if (group.length === 1) return state;
  const golden = goldenOfGroup(group);
  return {
    ...state,
    details: fieldsOf(golden),
    inferred: inferredOf(golden),
    cleared: group.flatMap((part) => part.state.cleared),
    reverted: group.flatMap((part) => part.state.reverted),
    dismissed: group.flatMap((part) => part.state.dismissed),
  };
}

/** The customer as it is answered: what its records say together. */
export function shownGroup(group: Group): Readonly<Record<string, unknown>> {
  const [top] = group;
  const stage = stageOf(goldenOfGroup(group));
  if (group.length === 1) return { ...customer.fields?.(top.state), ...stage };
  const externalIds = group.flatMap(({ state }) => state.externalIds);
  const shown = customer.fields?.({ ...stateOfGroup(group), externalIds });
  const records = group.map(({ id, state }) => ({
    id,
    number: state.number,
    ...(state.into !== undefined && { into: state.into }),
    externalIds: state.externalIds,
  }));
  return { ...shown, ...stage, records };
}

const toTheTop: readonly CustomerCommand['type'][] = [
  'ChangeCustomer',
  'ChangeInBulk',
  'ImportCustomer',
  'RevertCorrection',
  'AcceptSuggestion',
  'DismissSuggestion',
];

/** A command on a customer of several records: changes go to the one that answers for them, the rest concerns all. */
export function decideForGroup(group: Group, command: CustomerCommand, context: DecideContext<CustomerRules>): Decided {
  const [top, ...others] = group;
  if (!toTheTop.includes(command.type)) {
    return new Map(group.map(({ id, state }) => [id, customer.decide(state, ofPart(command, id), context)]));
  }
  const state = stateOfGroup(group);
  if (command.type === 'RevertCorrection') return revertedIn(group, state, command, context);
  const words = command.type === 'ChangeCustomer' ? command.words : undefined;
  const events = customer.decide(state, command, context).map((decided) => {
    if (!words) return withOwnCustom(besideOthers(decided, state, others), state, top.state);
    return besideOthers(
      sayingAgain(group, withOwnCustom(decided, state, top.state), words, context.now),
      state,
      others,
    );
  });
  if (command.type !== 'ChangeInBulk') return new Map([[top.id, events]]);
  const { archive, restore } = command.change;
  const ofAll: CustomerCommand = { type: 'ChangeInBulk', change: { archive, restore } };
  return new Map([
    [top.id, events],
    ...others.map(({ id, state }): [string, readonly CustomerEvent[]] => [id, customer.decide(state, ofAll, context)]),
  ]);
}

/** A correction is taken back where it was made, unless the customer shows something else by now. */
function revertedIn(
  group: Group,
  state: Customer,
  command: Extract<CustomerCommand, { type: 'RevertCorrection' }>,
  context: DecideContext<CustomerRules>,
): Decided {
  if (customer.decide(state, command, context).length === 0) return new Map();
  const part = group.find(({ events }) => events.some(({ id }) => id === command.reverted.eventId)) ?? group[0];
  const others = group.filter(({ id }) => id !== part.id);
  const events = customer.decide(part.state, command, context);
  return new Map([[part.id, events.map((event) => besideOthers(event, part.state, others))]]);
}

/** What is decided over a record, without what others of the same customer claim already: they do not refuse each other. */
export function besideOthers(decided: CustomerEvent, state: Customer, others: readonly Part[]): CustomerEvent {
  const event = withoutClaimed(withoutHeld(decided, others), state, others);
  if (event.type !== 'CustomerDetailsChanged' || event.emails === undefined) return event;
  const held = new Set(others.flatMap((part) => reservedEmails(part.state)));
  const emails = known(event.emails) ?? [];
  const unreserved = emails.flatMap((email, index) =>
    emailKeys({ emails: [email] }).some((key) => held.has(key)) ? [index] : [],
  );
  return unreserved.length > 0 ? { ...event, unreserved } : event;
}

/** What another record of the customer has reserved stays with that record. */
function withoutHeld(event: CustomerEvent, others: readonly Part[]): CustomerEvent {
  if (event.type !== 'CustomerDetailsChanged' || event.reserved === undefined) return event;
  const held = others.flatMap(({ state }) => state.reserved);
  return { ...event, reserved: event.reserved.filter((field) => !held.includes(field)) };
}

/** Nor is claimed again what another record of the customer claims. */
function withoutClaimed(event: CustomerEvent, { details }: Customer, others: readonly Part[]): CustomerEvent {
  if (event.type !== 'CustomerDetailsChanged' || event.unique === undefined) return event;
  const held = new Set(others.flatMap((part) => claimedByRules(part.state)));
  const after = customer.evolve({ ...customer.initial, details }, event).details;
  const isSaid = (field: string) => (customKeyOf(field) === undefined ? inEvents(field) : 'custom') in event;
  const unique = event.unique.flatMap((one) => {
    // Of fields that stay as they are, it claims what it itself says.
    if (!isSaid(one.field)) return [one];
    const own = new Set(claimsOf(one, after));
    return uniqueBut(one, after, (claim) => own.has(claim) && !held.has(claim)) ?? [];
  });
  return { ...event, unique };
}

/** Of the installation's own fields a record says what it said before, and what is changed: not what the others say. */
function withOwnCustom(event: CustomerEvent, { details: shown }: Customer, { details: own }: Customer): CustomerEvent {
  if (event.type !== 'CustomerDetailsChanged' || event.custom === undefined) return event;
  const changed = changedIn(shown.custom ?? {}, known(event.custom) ?? {});
  return { ...event, custom: { ...own.custom, ...changed } };
}

/**
 * A change that gives values back which fields had, where the record that answers for the customer says again what it said then: that
 * is as old as it was, and hides nothing of the others.
 */
function sayingAgain(group: Group, event: CustomerEvent, then: Words, now: Instant): CustomerEvent {
  if (event.type !== 'CustomerDetailsChanged') return event;
  const [{ id, state }] = group;
  const shownBy = (said: Changed): CustomerFields =>
    fieldsOf(goldenOfGroup(groupAfter([group], new Map([[id, [said]]]), now)));
  const shown = shownBy(event);
  return customerFieldNames
    .filter((field) => field in event && !then[field]?.inferred)
    .reduce((said, field) => {
      const again = field === 'custom' ? withOwnAgain(said, state, then) : withAgain(said, field, then[field]);
      return isDeepStrictEqual(shownBy(again)[field], shown[field]) ? again : said;
    }, event);
}

const withAgain = (event: Changed, field: CustomerField, word: Word | undefined): Changed => ({
  ...event,
  [field]: word?.value ?? null,
  ...(field === 'lifecycle' && word?.automatic && { lifecycleSetBy: 'automatic' as const }),
  restored: [...(event.restored ?? []), { field, ...sinceOf(word) }],
});

function withOwnAgain(event: Changed, { details }: Customer, { custom }: Words): Changed {
  const own = { ...known(event.custom) };
  const changed = Object.keys(changedIn(details.custom ?? {}, own));
  for (const key of changed) {
    const word = custom?.own?.[key];
    if (word) own[key] = word.value;
    else delete own[key];
  }
  const restored = changed.map((key) => ({ field: `custom.${key}`, ...sinceOf(custom?.own?.[key]) }));
  return { ...event, custom: own, restored: [...(event.restored ?? []), ...restored] };
}

const sinceOf = (word: Pick<Word, 'position' | 'at'> | undefined) =>
  word ? { position: word.position, at: word.at } : {};

/** Each record is erased under an erasure of its own. */
const ofPart = (command: CustomerCommand, id: string): CustomerCommand =>
  command.type === 'EraseCustomer' ? { ...command, erasureId: derivedId('erasure', id) } : command;

export type MergeCustomers = {
  type: 'MergeCustomers';
  mergeId: string;
  /** Field -> the record at the top of one of the groups, whose value was chosen by hand. */
  picks: Readonly<Record<string, string>>;
  rules: SurvivorshipRules;
  /** The fields of the installation's own. */
  fieldSet: FieldSet;
  reason?: string | undefined;
  score?: number | undefined;
};

/**
 * Merges whole groups into the first one, in one append over all their records. Nothing is copied: each goes on saying
 * what it says.
 *
 * @throws Refusal `customer-not-found`, `customer-archived`, `customer-erased`, `different-kinds`, `invalid-merge`
 */
export function mergeGroups(groups: readonly [Group, ...Group[]], command: MergeCustomers): Decided {
  const { mergeId, picks, rules, fieldSet, reason, score } = command;
  const [[survivor], ...absorbed] = groups;
  if (absorbed.length === 0) return new Map();
  const tops = groups.map(([top]) => top);
  for (const { id, state } of tops) {
    if (state.status !== 'active') throw conflict(`customer-${state.status}`, { id });
  }
  const kinds = new Set(tops.flatMap(({ state }) => state.details.kind ?? []));
  if (kinds.size > 1) throw conflict('different-kinds');
  const held = groups.flat().flatMap(({ record }) => Object.keys(record.words.custom?.own ?? {}));
  checkPicks(picks, new Set(tops.map(({ id }) => id)), new Set([...Object.keys(fieldSet.fields), ...held]));
  const merged: CustomerEvent = {
    type: 'CustomersMerged',
    mergeId,
    absorbed: absorbed.map(([{ id }]) => id),
    ...rules,
    ...(Object.keys(picks).length > 0 && { picks: { ...picks } }),
    ...(reason !== undefined && { reason }),
    ...(score !== undefined && { score }),
  };
  return new Map([
    [survivor.id, [merged]],
    ...absorbed
      .flat()
      .map(({ id, state }): [string, CustomerEvent[]] => [
        id,
        [{ type: 'CustomerAbsorbed', mergeId, into: state.into ?? survivor.id, goldenId: survivor.id }],
      ]),
  ]);
}

function checkPicks(
  picks: Readonly<Record<string, string>>,
  allowed: ReadonlySet<string>,
  own: ReadonlySet<string>,
): void {
  const errors = Object.entries(picks).flatMap(([field, recordId]): FieldError[] => {
    const isKnown = customerFieldNames.includes(field as CustomerField) || own.has(customKeyOf(field) ?? '');
    if (!isKnown) return [{ path: `fields.${field}`, code: 'unknown-field' }];
    return allowed.has(recordId) ? [] : [{ path: `fields.${field}`, code: 'not-allowed' }];
  });
  if (errors.length > 0) throw invalid('invalid-merge', errors);
}

export type UnmergeCustomer = {
  type: 'UnmergeCustomer';
  mergeId: string;
  recordId: string;
  /** Fields that were changed since the merge, and whose values go along. */
  move: readonly CustomerField[];
};

/**
 * Takes a record out again, with those that had been merged into it before. What was changed since stays, but for the
 * fields that are to go along: they get the value that they had before.
 *
 * @throws Refusal `not-merged`, `invalid-unmerge`
 */
export function unmergeRecord(group: Group, { mergeId, recordId, move }: UnmergeCustomer): Decided {
  const part = group.find(({ id }) => id === recordId);
  const parent = group.find(({ id }) => id === part?.state.into);
  if (!part || !parent) throw conflict('not-merged', { record: recordId });
  const since = changedSince(parent, recordId);
  const errors = move.flatMap((field): FieldError[] =>
    since.has(field) ? [] : [{ path: `move.${field}`, code: 'not-changed-since' }],
  );
  if (errors.length > 0) throw invalid('invalid-unmerge', errors);
  const below = groupOf(part, new Map(group.map((one) => [one.id, one]))).slice(1);
  const changes = (of: Part, which: 'before' | 'now'): CustomerEvent[] => {
    if (move.length === 0) return [];
    const fields = Object.fromEntries(
      move.map((field) => {
        const { before = null, now = null } = since.get(field) ?? {};
        const value = which === 'before' ? before : gone(field, now, before, of);
        return [field, field === 'custom' ? filledIn({ ...of.state.details.custom, ...(value as OwnFields) }) : value];
      }),
    );
    const { emailsReserved } = move.includes('emails') ? parent.state : of.state;
    const said = { ...(fields as CustomerFields), ...openAgain(fields) };
    return [completed(of.state, { type: 'CustomerDetailsChanged', ...said, emailsReserved })];
  };
  const leaving = [part, ...below];
  const staying = group.filter((one) => !leaving.includes(one));
  const joined = joinedAt(parent, recordId);
  const returned = (of: Part): readonly CustomerEvent[] =>
    returning(of, leaving, joined, of === parent ? move : []).map((event) =>
      besideOthers(
        event,
        of.state,
        staying.filter((one) => one !== of),
      ),
    );
  return new Map<string, readonly CustomerEvent[]>([
    ...staying
      .filter((one) => one !== parent)
      .map((one): [string, readonly CustomerEvent[]] => [one.id, returned(one)]),
    [
      parent.id,
      [{ type: 'CustomersUnmerged', mergeId, released: [recordId] }, ...changes(parent, 'before'), ...returned(parent)],
    ],
    [recordId, [{ type: 'CustomerReleased', mergeId, from: parent.id }, ...changes(part, 'now')]],
    ...below.map(({ id, state }): [string, CustomerEvent[]] => [
      id,
      [{ type: 'CustomerAbsorbed', mergeId, into: state.into as string, goldenId: recordId }],
    ]),
  ]);
}

/** A field as it stands once what was others' is theirs again. */
type Returned = { field: CustomerField; value: unknown; restored: readonly Restored[] };

/** Where a record was merged into another one. */
const joinedAt = (parent: Part, recordId: string): number =>
  parent.record.members.find((member) => member.recordId === recordId)?.position ?? Infinity;

/**
 * What a record that stays was told, since others had joined its customer, and is theirs alone: they take it along, and the record
 * says what is left, or what it said before.
 *
 * @param except fields that are dealt with otherwise
 */
function returning(
  { state, record, events }: Part,
  leaving: readonly Part[],
  joined: number,
  except: readonly CustomerField[],
): CustomerEvent[] {
  const theirs = new Set(leaving.flatMap((part) => customer.claims?.(part.state) ?? []));
  const unique = leaving.flatMap((part) => part.state.unique.map(({ rule, field }) => ({ rule, field })));
  const all = { ...customer.initial, status: 'active' as const, emailsReserved: true, reserved: reservable, unique };
  const isTheirs = (details: CustomerFields) =>
    (customer.claims?.({ ...all, details }) ?? []).some((claim) => theirs.has(claim));
  const before = recordOf(events.filter(({ position }) => position <= joined))?.words ?? {};
  const returned = (Object.keys(record.words) as CustomerField[]).flatMap((field): Returned[] => {
    const word = record.words[field];
    if (!word || word.position <= joined || except.includes(field) || !isTheirs({ [field]: word.value })) return [];
    if (field === 'custom') {
      const keys = Object.keys(word.own ?? {}).filter((key) => isTheirs({ custom: { [key]: word.own?.[key]?.value } }));
      const own = keys.map((key) => [key, before.custom?.own?.[key]?.value ?? null]);
      const restored = keys.map((key) => ({ field: `custom.${key}`, ...sinceOf(before.custom?.own?.[key]) }));
      return [{ field, value: filledIn({ ...state.details.custom, ...Object.fromEntries(own) }), restored }];
    }
    if (!isListField(field)) {
      return [{ field, value: before[field]?.value ?? null, restored: [{ field, ...sinceOf(before[field]) }] }];
    }
    const left = (word.value as unknown[]).filter((entry) => !isTheirs({ [field]: [entry] }));
    return [{ field, value: left, restored: [{ field, ...sinceOf(word) }] }];
  });
  if (returned.length === 0) return [];
  const fields = Object.fromEntries(returned.map(({ field, value }) => [field, value])) as CustomerFields;
  const { emailsReserved, reserved } = state;
  const restored = returned.flatMap((one) => one.restored);
  const said = { ...fields, emailsReserved, ...(reserved.length > 0 && { reserved: [...reserved] }), restored };
  return [completed(state, { type: 'CustomerDetailsChanged', ...said })];
}

/** What goes along with a record of a field that was changed: of a list what the others do not keep, and what it says itself. */
function gone(field: CustomerField, now: unknown, before: unknown, { state }: Part): unknown {
  if (!isListField(field) || !Array.isArray(now)) return now;
  const key = entryKey(field);
  const [kept, own] = [before, state.details[field]].map((list) => new Set(((list ?? []) as unknown[]).map(key)));
  return now.filter((entry) => !kept?.has(key(entry)) || own?.has(key(entry)));
}

/** The two customers that a decided unmerge would leave, the one that the record was taken out of first. */
export function unmergedAfter(group: Group, recordId: string, decided: Decided, now: Instant): readonly [Group, Group] {
  const [top] = group;
  const parts = new Map(group.map((part) => [part.id, partAfter(part.id, part, decided.get(part.id) ?? [], now)]));
  return [groupOf(parts.get(top.id) as Part, parts), groupOf(parts.get(recordId) as Part, parts)];
}

/** What was said of the customer since a record was merged into `parent`: what it was before, what it is now. */
export function changedSince(
  parent: Part,
  recordId: string,
): ReadonlyMap<CustomerField, { before: unknown; now: unknown }> {
  const joined = joinedAt(parent, recordId);
  const before = recordOf(parent.events.filter(({ position }) => position <= joined))?.words ?? {};
  return new Map(
    (Object.keys(parent.record.words) as CustomerField[]).flatMap(
      (field): [CustomerField, { before: unknown; now: unknown }][] => {
        const word = parent.record.words[field];
        if (!word || word.inferred || word.position <= joined) return [];
        if (field === 'custom') {
          const changes = ownChanges(before.custom?.own ?? {}, word.own ?? {});
          return Object.keys(changes.now).length > 0 ? [[field, changes]] : [];
        }
        const was = before[field];
        return [[field, { before: (was?.inferred ? null : was?.value) ?? null, now: word.value }] as const];
      },
    ),
  );
}

/** Of the installation's own fields those that changed, by key; null where there was, or is, none. */
function ownChanges(before: OwnWords, now: OwnWords): { before: OwnFields; now: OwnFields } {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = keys.filter((key) => before[key]?.position !== now[key]?.position);
  const valuesIn = (words: OwnWords) => Object.fromEntries(changed.map((key) => [key, words[key]?.value ?? null]));
  return { before: valuesIn(before), now: valuesIn(now) };
}

/** The customer that decided events would make of whole groups, the first of which would answer for all. */
export function groupAfter(groups: readonly [Group, ...Group[]], decided: Decided, now: Instant): Group {
  const parts = groups.flat().map((part) => partAfter(part.id, part, decided.get(part.id) ?? [], now));
  return groupOf(parts[0] as Part, new Map(parts.map((part) => [part.id, part])));
}

/** The part with all that are below it. */
export function groupOf(top: Part, parts: ReadonlyMap<string, Part>): Group {
  const below = top.state.members.flatMap((id) => {
    const part = parts.get(id);
    return part ? groupOf(part, parts) : [];
  });
  return [top, ...below];
}
