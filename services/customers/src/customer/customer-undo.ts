import {
  customerFieldNames,
  isAutomatic,
  known,
  reservable,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
  type Instant,
  type RecordedOf,
  type Reservable,
  type Restored,
} from '@throughline/contracts';
import { openAgain } from '../cleaning/inferred.ts';
import { customKeyOf } from '../rules/rule-values.ts';
import { isUnsayable } from './customer-change.ts';
import type { CustomerRules } from './customer-rules.ts';
import { completed, isOneOfSeveral, type Customer } from './customer-state.ts';
import { saidAnew, type OwnFields } from './own-fields.ts';
import { claimed } from './reserved-values.ts';

type Happened = RecordedOf<CustomerEvent>;
/** What a record says in a field, and by which of its events. */
type Word = { value: unknown; place: number; event: Happened };

/** What undoing some of a record's events does to it, and what it leaves because somebody changed it since. */
export type Undone = {
  /** Field -> the value it gets back; null where it had none. */
  fields: CustomerFields;
  /** What says those, own ones as `custom.<key>`: they are as old as they were. */
  restored: Restored[];
  /** Where the stage that it gets back followed from what the customer did. */
  lifecycleSetBy?: 'automatic';
  /** Those whose values were nobody else's, and are to be so again. */
  reserved: readonly ('emails' | Reservable)[];
  /** Whether the whole record goes to the archive, where they had made it, or comes out of it. */
  record: 'archive' | 'restore' | null;
  /**
   * Fields that stay as they are, own ones as `custom.<key>`, and `record` where the record itself stays although they had made it, or
   * brought it back.
   */
  kept: readonly string[];
};

/**
 * Which events are to be taken back, and which stand: neither those, nor what was taken back before, nor what took it back. `isAgain`:
 * which stand again, as what had taken them back is taken back.
 */
export type Telling = Record<'isUndone' | 'isAgain' | 'stands', (event: Happened) => boolean>;

/** A place in the log, and its moment. */
export type Since = { position: number; at: Instant };

/** What happens to a record without anybody working with it. */
const ofNobody = new Set(['CustomerConfirmed', 'CustomerValuesClaimed']);
/** It says nothing of those that were made together: they go together. */
const ofMerging = new Set(['CustomersMerged', 'CustomerAbsorbed', 'CustomersUnmerged', 'CustomerReleased']);
/** How a record is called: it cannot be without. */
const called = new Set(['name', 'givenName', 'familyName']);

/**
 * What takes back some events of a record, and nothing else: a field gets back what it would hold without them, unless it was
 * set since by something else. A record that they made, or brought back from the archive, is archived, unless anybody worked with it
 * since: then it stays as a whole, or, as one of several records of a customer, with nothing but its name and what others said. Being
 * merged is no such work where all records of the customer go.
 *
 * @param events all that happened to the record, in order
 * @param isUsed whether somebody works with the record in ways that its own events do not tell, or another record of its customer stays
 */
export function undoOf(state: Customer, events: readonly Happened[], telling: Telling, isUsed = false): Undone {
  const { isUndone, isAgain, stands } = telling;
  const since = countsSince(events, telling);
  const isMerged = isOneOfSeveral(state);
  const words = new Map<string, Word>();
  const taken = new Map<string, Word>();
  const shown = new Map<string, number | undefined>();
  let custom: OwnFields = {};
  const made = { isUndone: false, stands: true };
  const archived = { isMoved: false, now: false, then: false };
  const touched = { ever: isUsed, since: isUsed };
  for (const [place, event] of events.entries()) {
    const { type, data, position } = event;
    const [undone, again, standing] = [isUndone(event), isAgain(event), stands(event)];
    const isMaking = type === 'CustomerCreated';
    if (isMaking) Object.assign(made, { isUndone: undone, stands: standing });
    else if (standing && !ofNobody.has(type)) {
      touched.ever ||= !(isMerged && ofMerging.has(type));
      touched.since ||= position > since.position;
    }
    if (type === 'CustomerArchived' || type === 'CustomerRestored') {
      archived.now = type === 'CustomerArchived';
      archived.isMoved ||= undone || again;
      if (standing) archived.then = archived.now;
    }
    const restored = new Map(restoredIn(event).map((one) => [one.field, one]));
    for (const [field, value] of saidIn(event, custom)) {
      const word = { value, place, event };
      if (undone || again) taken.set(field, word);
      // Of a record that stays, what it was made with does, unless others say what the customer is.
      if (standing || (isMaking && (!isMerged || called.has(field)))) words.set(field, word);
      shown.set(field, restored.has(field) ? restored.get(field)?.position : position);
    }
    if ('custom' in data) custom = known(data.custom) ?? {};
  }
  const nothing = { fields: {}, restored: [], reserved: [], record: null, kept: [] };
  if (!(made.stands || touched.ever)) return { ...nothing, record: 'archive' };
  // Nobody wants a record back in pieces that they have worked with.
  if (made.isUndone && !isMerged) return { ...nothing, kept: ['record'] };
  const isBack = archived.isMoved && archived.then && !archived.now;
  const isMissing = archived.now && !archived.then;
  // It was archived by an undo, and what made it, or was done with it, stands again: as it stands, then.
  const isAnew = isMissing && !archived.isMoved && (events.some(isAgain) || !events.some(isUndone));
  const isFixed = (field: string) => isUnsayable(field as CustomerField, words.get(field)?.value ?? null);
  const isKept = ([field, { place }]: [string, Word]) => {
    const word = words.get(field);
    return (word !== undefined && word.place >= place && !isAgain(word.event)) || isFixed(field);
  };
  const isShown = (field: string) => shown.get(field) === words.get(field)?.event.position;
  const given = [...(isAnew ? shown : taken).keys()].filter((field) => !isFixed(field) && !isShown(field));
  const own = given.filter((field) => customKeyOf(field) !== undefined);
  const others = given.filter((field) => customKeyOf(field) === undefined);
  const patch = Object.fromEntries(own.map((field) => [customKeyOf(field), words.get(field)?.value]));
  const fields = {
    ...Object.fromEntries(others.map((field) => [field, words.get(field)?.value ?? null])),
    ...(own.length > 0 && { custom: saidAmong({ ...custom, ...patch }) }),
  };
  return {
    fields: fields as CustomerFields,
    restored: given.map((field) => ({ field, ...saidBy(field, words.get(field)) })),
    ...(given.includes('lifecycle') &&
      isAutomatic(words.get('lifecycle')?.event.data) && { lifecycleSetBy: 'automatic' }),
    reserved: (['emails', ...reservable] as const).filter(
      (field) => given.includes(field) && isReservedBy(field, words.get(field)),
    ),
    record: isMissing && (archived.isMoved || isAnew) ? 'restore' : isBack && !touched.since ? 'archive' : null,
    kept: [...[...taken].filter(isKept).map(([field]) => field), ...(isBack && touched.since ? ['record'] : [])],
  };
}

/** Since when it counts what is done with a record: when they brought it back last, or from its beginning. */
export function countsSince(events: readonly Happened[], { isUndone }: Telling): Since {
  const back = events.findLast((event) => event.type === 'CustomerRestored' && isUndone(event));
  return back ? { position: back.position, at: back.recordedAt } : { position: 0, at: '' };
}

function isReservedBy(field: 'emails' | Reservable, word: Word | undefined): boolean {
  const event = word?.event;
  if (event?.type !== 'CustomerCreated' && event?.type !== 'CustomerDetailsChanged') return false;
  return field === 'emails' ? event.data.emailsReserved : (event.data.reserved ?? []).includes(field);
}

const restoredIn = (event: Happened): readonly Restored[] =>
  (event.type === 'CustomerDetailsChanged' && event.data.restored) || [];

/** Since when a word holds, and which event said it. */
const saidBy = (field: string, word: Word | undefined): Omit<Restored, 'field'> =>
  word
    ? { position: word.event.position, at: field === 'lifecycle' ? word.event.occurredAt : word.event.effectiveAt }
    : {};

/** Those of which something is said, if only that they are empty. */
const saidAmong = (own: OwnFields): OwnFields =>
  Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));

/**
 * What an event says, null where it clears: of the installation's own fields what differs from `custom`, as `custom.<key>`,
 * undefined where it says nothing of one any more.
 * Without fields whose value only follows from others: it comes and goes with them.
 */
function saidIn(event: Happened, custom: OwnFields): [field: string, value: unknown][] {
  const { data } = event;
  const inferred = new Set('inferred' in data ? data.inferred?.map(({ field }) => field) : []);
  for (const { field } of restoredIn(event)) inferred.delete(field);
  return customerFieldNames.flatMap((field): [string, unknown][] => {
    if (!(field in data) || inferred.has(field)) return [];
    const value = known((data as Record<string, unknown>)[field]) ?? null;
    if (field !== 'custom') return [[field, value]];
    const changed = saidAnew(custom, (value ?? {}) as OwnFields);
    return Object.entries(changed).map(([key, now]) => [`custom.${key}`, now]);
  });
}

/** Back to what was: values that were valid then are not checked again, but for whether somebody else has them by now. */
export function undoChanges(state: Customer, undone: Undone, rules: CustomerRules): CustomerEvent[] {
  const { fields, restored, lifecycleSetBy, record } = undone;
  const emailsReserved = fields.emails === undefined ? state.emailsReserved : undone.reserved.includes('emails');
  const reserved = reservable.filter((field) =>
    (fields[field] === undefined ? state : undone).reserved.some((one) => one === field),
  );
  const said = {
    type: 'CustomerDetailsChanged' as const,
    ...fields,
    ...openAgain(fields),
    emailsReserved,
    ...(reserved.length > 0 && { reserved }),
    restored,
    ...(lifecycleSetBy && { lifecycleSetBy }),
    ...claimed(state, fields, rules),
  };
  return [
    ...(Object.keys(fields).length > 0 ? [completed(state, said)] : []),
    ...(record === 'archive' && state.status === 'active' ? [{ type: 'CustomerArchived' as const }] : []),
    ...(record === 'restore' && state.status === 'archived' ? [{ type: 'CustomerRestored' as const }] : []),
  ];
}
