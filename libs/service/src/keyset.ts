import { isUUID } from 'class-validator';
import { ShapeError } from './problem.ts';

const isSortedBy = {
  instant: (value: string) => /^\d{4}-\d\d-\d\dT[\d:.]{8,16}Z$/.test(value) && !Number.isNaN(Date.parse(value)),
  number: (value: string) => /^-?\d[\d.e+-]*$/.test(value) && Number.isFinite(Number(value)),
};

/**
 * Where a page of a list begins that is sorted by a value and, where that is the same, by id; undefined at its beginning.
 *
 * @throws ShapeError `wrong-cursor` where it is none of such a list
 */
export function keysetPlace(
  cursor: string | undefined,
  sortedBy: keyof typeof isSortedBy,
): { value: string; id: string } | undefined {
  if (!cursor) return undefined;
  const [, value = '', id = ''] = /^(\S+) (\S{36})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (!isUUID(id) || !isSortedBy[sortedBy](value)) throw new ShapeError([{ path: 'cursor', code: 'wrong-cursor' }]);
  return { value, id };
}

/**
 * A page of rows.
 *
 * @param rows one more than the page holds, where there are more
 * @param valueOf what the list is sorted by, as text or a number
 */
export function keysetPage<Row extends { id: string }>(
  rows: readonly Row[],
  size: number,
  valueOf: (row: Row) => string | number,
): { items: Row[]; nextCursor: string | null } {
  const items = rows.slice(0, size);
  const last = rows.length > size ? items.at(-1) : undefined;
  return { items, nextCursor: last ? Buffer.from(`${valueOf(last)} ${last.id}`).toString('base64url') : null };
}
