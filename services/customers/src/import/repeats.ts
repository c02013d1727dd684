/** A row by what it is known by. */
export type Known = { line: number; values: readonly string[] };

/** A row that would be taken, its record, and values that nobody else may have then. */
export type Claiming = Known & { id: string };

/** A value of a row, and the line of another record that has it. */
export type Late = { value: string; first: number };

/**
 * Rows that come too late: of two records the first one gets a value, and one that is left out keeps none.
 *
 * @param rows in the order of their lines
 * @param before of `keysOf` -> the first line that had it; rows of these among them where they are told once more
 * @returns `late`: line -> the value, and the line that has it; `taken`: the others
 */
export function latecomers(
  rows: readonly Claiming[],
  before: ReadonlyMap<string, number>,
): { late: ReadonlyMap<number, Late>; taken: readonly Claiming[] } {
  const firstOf = new Map(before);
  const late = new Map<number, Late>();
  const taken: Claiming[] = [];
  for (const row of rows) {
    const { line, id, values } = row;
    const isOther = (value: string) => {
      const first = firstOf.get(value) ?? line;
      return first < line && firstOf.get(valueOf(value, id)) !== first;
    };
    const value = values.find(isOther);
    if (value !== undefined) {
      late.set(line, { value, first: firstOf.get(value) as number });
      continue;
    }
    taken.push(row);
    for (const key of keysOf(row)) if (!firstOf.has(key)) firstOf.set(key, line);
  }
  return { late, taken };
}

/** A value as that of one record. */
const valueOf = (value: string, id: string): string => `${id} ${value}`;

/** By which a value of a row is found, and that it is its record's. */
export const keysOf = ({ id, values }: Claiming): string[] => [...values, ...values.map((value) => valueOf(value, id))];

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
