import { isDeepStrictEqual } from 'node:util';
import {
  known,
  type Correction,
  type CustomerEvent,
  type CustomerFields,
  type Instant,
  type RecordedOf,
  type Reverted,
} from '@throughline/contracts';
import { inEvents } from '../customer/field-names.ts';

type Happened = RecordedOf<CustomerEvent>;
type Entry = Readonly<Record<string, unknown>>;

export type CorrectionMade = Correction & { eventId: string; recordId: string; at: Instant; reverted: boolean };

const dataOf = (event: Happened) =>
  event.type === 'CustomerCreated' || event.type === 'CustomerDetailsChanged' ? event.data : undefined;
const revertedIn = (event: Happened): readonly Reverted[] =>
  event.type === 'CustomerDetailsChanged' ? (known(event.data.reverted) ?? []) : [];

/** What cleaning changed on a customer's records since they are there, the newest first. */
export function correctionsOf(events: readonly Happened[]): CorrectionMade[] {
  const reverted = new Set(events.flatMap(revertedIn).map(({ eventId, path }) => `${eventId} ${path}`));
  return events
    .toSorted((a, b) => b.position - a.position)
    .flatMap((event) =>
      (known(dataOf(event)?.corrections) ?? []).map((correction) => ({
        ...correction,
        eventId: event.id,
        recordId: event.stream.id,
        at: event.effectiveAt,
        reverted: reverted.has(`${event.id} ${correction.path}`),
      })),
    );
}

/** All that cleaning did to one value, as one: from what was entered to what it became. Undefined where it did nothing. */
export function correctionToRevert(events: readonly Happened[], eventId: string, path: string): Reverted | undefined {
  const event = events.find(({ id }) => id === eventId);
  const steps = (event && known(dataOf(event)?.corrections))?.filter((one) => one.path === path) ?? [];
  const [first, last] = [steps[0], steps.at(-1)];
  return first && last && { eventId, path, rules: steps.map(({ rule }) => rule), from: first.from, to: last.to };
}

/** The field with what was entered in place of what it became; undefined where that is not there any more. */
export function withoutCorrection(details: CustomerFields, { path, from, to }: Reverted): CustomerFields | undefined {
  const [shown = '', place, property] = path.split('.');
  const field = inEvents(shown);
  const now = (details as Entry)[field];
  if (place === undefined) return isDeepStrictEqual(now, to) ? { [field]: from } : undefined;
  if (!Array.isArray(now)) return undefined;
  const [was, is] = property === undefined ? [from, to] : [{ [property]: from }, { [property]: to }];
  const isThere = (entry: unknown) => (isEntry(is) ? isEntry(entry) && holds(entry, is) : entry === is);
  // Entries may have changed places since.
  const at = isThere(now[Number(place)]) ? Number(place) : now.findIndex(isThere);
  if (at < 0) return undefined;
  const entry: unknown = now[at];
  const before = isEntry(entry) && isEntry(is) ? { ...without(entry, Object.keys(is)), ...(was as Entry) } : was;
  return { [field]: now.with(at, before) };
}

const isEntry = (value: unknown): value is Entry => typeof value === 'object' && value !== null;
const holds = (entry: Entry, parts: Entry): boolean =>
  Object.entries(parts).every(([name, value]) => isDeepStrictEqual(entry[name], value));
const without = (entry: Entry, names: readonly string[]): Entry =>
  Object.fromEntries(Object.entries(entry).filter(([name]) => !names.includes(name)));
