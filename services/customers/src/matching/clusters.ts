import { thresholds } from './score.ts';

export interface ClusterLimits {
  /** The least weight of a pair that draws two clusters together, and the least average over all pairs between them. */
  threshold: number;
  /** No pair within a cluster weighs less: a chain of likely pairs does not make its ends one. */
  floor: number;
}

export const clusterLimits: ClusterLimits = { threshold: thresholds.review, floor: -10 };

export interface WeighedPair {
  a: string;
  b: string;
  weight: number;
}

/**
 * Groups records that are one, the strongest pair first. Not connected components: two groups become one only where the
 * average over all pairs between them reaches the threshold, and the weakest the floor. The same pairs make the same
 * clusters in any order.
 * @param weightOf weighs any pair, also one that blocking did not find
 * @returns clusters of two records and more, each sorted, the clusters by their first
 */
export function clustersOf(
  pairs: readonly WeighedPair[],
  weightOf: (a: string, b: string) => number,
  { threshold, floor }: ClusterLimits = clusterLimits,
): string[][] {
  const clusterOf = new Map<string, string[]>();
  const strongestFirst = pairs
    .filter(({ weight }) => weight >= threshold)
    .map(({ a, b, weight }) => (a < b ? { a, b, weight } : { a: b, b: a, weight }))
    .toSorted((x, y) => y.weight - x.weight || byText(x.a, y.a) || byText(x.b, y.b));
  for (const { a, b } of strongestFirst) {
    const [one, other] = [clusterOf.get(a) ?? [a], clusterOf.get(b) ?? [b]];
    if (one.includes(b) || !belongTogether(one, other, weightOf, threshold, floor)) continue;
    const union = [...one, ...other];
    for (const id of union) clusterOf.set(id, union);
  }
  const clusters = [...new Set(clusterOf.values())].map((cluster) => cluster.toSorted(byText));
  return clusters.toSorted(([a], [b]) => byText(a!, b!));
}

const byText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function belongTogether(
  one: readonly string[],
  other: readonly string[],
  weightOf: (a: string, b: string) => number,
  threshold: number,
  floor: number,
): boolean {
  let sum = 0;
  for (const a of one) {
    for (const b of other) {
      const weight = weightOf(a, b);
      if (weight < floor) return false;
      sum += weight;
    }
  }
  return sum / (one.length * other.length) >= threshold;
}
