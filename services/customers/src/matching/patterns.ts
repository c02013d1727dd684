import { candidatePairs, type Blocks } from './blocks.ts';
import { missing } from './comparison.ts';
import type { Column, Population } from './population.ts';

/**
 * The level that a field of two records reaches, {@link missing} where there is nothing to compare. `rarest` is told the
 * values at that level: their frequency may count.
 */
export function levelOf(
  { comparison, values, starts, ids }: Column,
  a: number,
  b: number,
  reached?: (level: number, value: number) => void,
): number {
  let best = missing;
  for (let i = starts[a]!; i < starts[a + 1]!; i++) {
    for (let j = starts[b]!; j < starts[b + 1]!; j++) {
      const level = comparison.compare(values[ids[i]!], values[ids[j]!]);
      if (level < 0 || level > best) continue;
      best = level;
      reached?.(level, ids[i]!);
    }
  }
  return best;
}

/** A pattern of levels, one a field, and on how many pairs it was seen. */
export interface Pattern {
  levels: Uint8Array;
  count: number;
}

/** The distinct patterns of the candidate pairs, of all of them or of every `step`th. */
export function blockedPatterns(population: Population, blocks: Blocks, step: number): Pattern[] {
  const patterns = new Map<string, Pattern>();
  const levels = new Uint8Array(population.columns.length);
  let skipped = 0;
  for (const [record, others] of candidatePairs(population.ids.length, blocks)) {
    for (const other of others) {
      skipped = (skipped + 1) % step;
      if (skipped !== 0) continue;
      population.columns.forEach((column, i) => (levels[i] = levelOf(column, record, other)));
      const key = String.fromCharCode(...levels);
      const known = patterns.get(key);
      if (known) known.count += 1;
      else patterns.set(key, { levels: levels.slice(), count: 1 });
    }
  }
  return [...patterns.values()];
}

/** How often each level is reached by two records at random; `compared` counts the pairs that have the field at all. */
export interface RandomLevels {
  counts: Float64Array;
  compared: number;
}

/** Levels of pairs at random: of all pairs where there are no more than `sample`, and of the same pairs every time. */
export function randomLevels({ ids, columns }: Population, sample: number): RandomLevels[] {
  const size = ids.length;
  const result = columns.map(({ comparison }) => ({ counts: new Float64Array(comparison.levels.length), compared: 0 }));
  const count = (a: number, b: number) =>
    columns.forEach((column, i) => {
      const level = levelOf(column, a, b);
      if (level === missing) return;
      result[i]!.counts[level]! += 1;
      result[i]!.compared += 1;
    });
  if ((size * (size - 1)) / 2 <= sample) {
    for (let a = 0; a < size; a++) for (let b = a + 1; b < size; b++) count(a, b);
    return result;
  }
  const random = generator(size);
  for (let i = 0; i < sample; i++) {
    const a = Math.floor(random() * size);
    const b = Math.floor(random() * (size - 1));
    count(a, b < a ? b : b + 1);
  }
  return result;
}

/** Mulberry32 (T. Ettinger): numbers in [0, 1), the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
