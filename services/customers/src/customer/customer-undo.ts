import {
  customerFieldNames,
  known,
  type CustomerEvent,
  type CustomerFields,
  type RecordedOf,
} from '@throughline/contracts';
import { openAgain, saidOf } from '../cleaning/inferred.ts';
import { customKeyOf } from '../rules/rule-values.ts';
import { differing } from './customer-change.ts';
import { completed, type Customer } from './customer-state.ts';
import { changedIn, filledIn, type OwnFields } from './own-fields.ts';

type Happened = RecordedOf<CustomerEvent>;

/** What undoing some of a record's events does to it, and what it leaves because somebody changed it since. */
export type Undone = {
  /** Field -> the value it gets back; null where it had none. */
  fields: CustomerFields;
  /** Whether the whole record goes to the archive, where they had made it, or comes out of it. */
  record: 'archive' | 'restore' | null;
  /** Fields that stay as they are, own ones as `custom.<key>`, and `record` where the record itself stays although they had made it. */
  kept: readonly string[];
};

/** What happens to a record without anybody working with it. */
const ofNobody = new Set(['CustomerConfirmed', 'CustomerValuesClaimed']);

/**
 * What takes back some events of a record, and nothing else: a field gets back what it would hold without them, unless it was
 * set since by something else. A record that they made is archived, unless anybody worked with it since.
 *
 * @param events all that happened to the record, in order
 * @param isUndone tells those that are to be taken back
 * @param isUsed whether somebody works with the record in ways that its own events do not tell
 */
export function undoOf(events: readonly Happened[], isUndone: (event: Happened) => boolean, isUsed = false): Undone {
  const words = new Map<string, { undone: boolean; value: unknown; before: unknown }>();
  const undoneFields = new Set<string>();
  let custom: OwnFields = {};
  let isMade = false;
  let isTouched = isUsed;
  let lastMove: { undone: boolean; type: string } | undefined;
  for (const event of events) {
    const undone = isUndone(event);
    if (event.type === 'CustomerCreated') isMade = undone;
    else if (!undone && !ofNobody.has(event.type)) isTouched = true;
    if (event.type === 'CustomerArchived' || event.type === 'CustomerRestored') lastMove = { undone, type: event.type };
    for (const [field, value] of saidIn(event, custom)) {
      if (undone) undoneFields.add(field);
      const word = words.get(field);
      // What stood there before the first of those that are undone in a row.
      const before = undone ? (word?.undone ? word.before : (word?.value ?? null)) : null;
      words.set(field, { undone, value, before });
    }
    if ('custom' in event.data) custom = known(event.data.custom) ?? {};
  }
  // Nobody wants a record back in pieces that they have worked with.
  if (isMade) {
    return isTouched ? { fields: {}, record: null, kept: ['record'] } : { fields: {}, record: 'archive', kept: [] };
  }
  const given = [...words].flatMap(([field, { undone, before }]) => (undone ? [[field, before] as const] : []));
  const [own, others] = [true, false].map((isOwn) =>
    given.filter(([field]) => (customKeyOf(field) !== undefined) === isOwn),
  ) as [typeof given, typeof given];
  const patch = Object.fromEntries(own.map(([field, before]) => [customKeyOf(field), before]));
  const fields = {
    ...Object.fromEntries(others),
    ...(own.length > 0 && { custom: filledIn({ ...custom, ...patch }) }),
  };
  return {
    fields: fields as CustomerFields,
    record: lastMove?.undone ? (lastMove.type === 'CustomerArchived' ? 'restore' : 'archive') : null,
    kept: [...undoneFields].filter((field) => words.get(field)?.undone === false),
  };
}

/**
 * What an event says, null where it clears: of the installation's own fields what differs from `custom`, as `custom.<key>`.
 * Without fields whose value only follows from others: it comes and goes with them.
 */
function saidIn({ data }: Happened, custom: OwnFields): [field: string, value: unknown][] {
  const inferred = new Set('inferred' in data ? data.inferred?.map(({ field }) => field) : []);
  return customerFieldNames.flatMap((field): [string, unknown][] => {
    if (!(field in data) || inferred.has(field)) return [];
    const value = known((data as Record<string, unknown>)[field]) ?? null;
    if (field !== 'custom') return [[field, value]];
    const changed = changedIn(custom, (value ?? {}) as OwnFields);
    return Object.entries(changed).map(([key, now]) => [`custom.${key}`, now]);
  });
}

/** Back to what was: values that were valid then are not checked again. */
export function undoChanges(state: Customer, { fields, record }: Undone): CustomerEvent[] {
  const changes = differing(fields, { details: saidOf(state), inferred: {} });
  const isChanged = Object.keys(changes).length > 0;
  const emailsReserved = state.emailsReserved && changes.emails === undefined;
  const event = { type: 'CustomerDetailsChanged' as const, ...changes, ...openAgain(changes), emailsReserved };
  return [
    ...(isChanged ? [completed(state, event)] : []),
    ...(record === 'archive' && state.status === 'active' ? [{ type: 'CustomerArchived' as const }] : []),
    ...(record === 'restore' && state.status === 'archived' ? [{ type: 'CustomerRestored' as const }] : []),
  ];
}
