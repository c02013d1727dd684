import type { MatchRecord } from './match-record.ts';

/**
 * How one field of two records is compared. The levels go from the closest to the last, `else`, which says that the
 * values differ.
 */
export interface Comparison<Value = unknown> {
  field: string;
  levels: readonly string[];
  /** The levels of the same value, whose frequency says how much that means. */
  sameLevels: number;
  values(record: MatchRecord): readonly Value[];
  /** Equal for values that compare alike. */
  key(value: Value): string;
  /** The value whose frequency counts; '' where nothing can be the same. */
  term(value: Value): string;
  /** The index of the level, or -1 where there is nothing to compare. Symmetric. */
  compare(a: Value, b: Value): number;
}

/** The level of a field with nothing to compare. */
export const missing = 255;
