/** A row by what it is known by. */
export type Known = { line: number; values: readonly string[] };

/**
 * What rows have in common.
 *
 * @param rows in the order of their lines
 * @returns `duplicates`: line -> the earlier line that has one of its values; `times`: line -> how many rows have one of its
 *   values, itself among them, nothing of one without values
 */
export function repeatsAmong(rows: readonly Known[]): {
  duplicates: ReadonlyMap<number, number>;
  times: ReadonlyMap<number, number>;
} {
  const linesOf = new Map<string, number[]>();
  for (const { line, values } of rows) {
    for (const value of values) linesOf.set(value, [...(linesOf.get(value) ?? []), line]);
  }
  const duplicates = new Map<number, number>();
  const times = new Map<number, number>();
  for (const { line, values } of rows) {
    const lines = new Set(values.flatMap((value) => linesOf.get(value) ?? []));
    const first = Math.min(...lines);
    if (first < line) duplicates.set(line, first);
    if (lines.size > 0) times.set(line, lines.size);
  }
  return { duplicates, times };
}
