/** Where a page of a list begins that is sorted by a value and, where that is the same, by id; undefined at its beginning. */
export function keysetPlace(cursor: string | undefined): { value: string; id: string } | undefined {
  const [, value, id] = /^(\S+) ([0-9a-f-]{36})$/.exec(Buffer.from(cursor ?? '', 'base64url').toString()) ?? [];
  return value !== undefined && id !== undefined ? { value, id } : undefined;
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
