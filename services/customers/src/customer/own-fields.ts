import { isDeepStrictEqual } from 'node:util';

/** The installation's own fields of a record, as they stand under `custom`. */
export type OwnFields = Readonly<Record<string, unknown>>;

/** Those that hold something. */
export const filledIn = (own: OwnFields): OwnFields =>
  Object.fromEntries(Object.entries(own).filter(([, value]) => value !== null));

/** Field -> what is said of it now, undefined where that is nothing; without those of which the same is said. */
export const saidAnew = (before: OwnFields, after: OwnFields): OwnFields =>
  Object.fromEntries(
    [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      isDeepStrictEqual(before[key], after[key]) ? [] : [[key, after[key]]],
    ),
  );

/** Field -> its new value, null where it was cleared; without those that stay as they are. */
export const changedIn = (before: OwnFields, after: OwnFields): OwnFields =>
  Object.fromEntries(
    [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      isDeepStrictEqual(before[key] ?? null, after[key] ?? null) ? [] : [[key, after[key] ?? null]],
    ),
  );
