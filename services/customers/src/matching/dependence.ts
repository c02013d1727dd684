import type { Comparison } from './comparison.ts';

interface Rule {
  name: string;
  /** Where this field reaches this level, */
  field: string;
  level: string;
  /** what these fields agree in says less than they say each. */
  shared: readonly string[];
  /** What is left of their weights. */
  left: 'strongest' | 'none';
}

const rules: readonly Rule[] = [
  // Who lives together has these in common: with another given name it is a relative.
  {
    name: 'household',
    field: 'givenName',
    level: 'else',
    shared: ['familyName', 'email', 'phone', 'place', 'street'],
    left: 'strongest',
  },
  // All branches have the company's name.
  { name: 'branch', field: 'company', level: 'other branch or place', shared: ['company'], left: 'none' },
];

/** A rule among given comparisons: fields and level by their index. */
export interface Dependence {
  name: string;
  field: number;
  level: number;
  shared: readonly number[];
  left: Rule['left'];
}

/** The fields of comparisons that depend on each other although they differ in what counts (as in Y. Thibaudeau, 1993). */
export function dependences(comparisons: readonly Comparison[]): Dependence[] {
  return rules.flatMap(({ name, field, level, shared, left }) => {
    const at = comparisons.findIndex((comparison) => comparison.field === field);
    if (at < 0) return [];
    const fields = comparisons.flatMap((comparison, i) => (shared.includes(comparison.field) ? [i] : []));
    return { name, field: at, level: comparisons[at]!.levels.indexOf(level), shared: fields, left };
  });
}

/** What is taken off a pair's weight because fields depend on each other: 0 or less. */
export function discount(
  { field, level, shared, left }: Dependence,
  levels: ArrayLike<number>,
  weights: ArrayLike<number>,
): number {
  if (levels[field] !== level) return 0;
  let [sum, strongest] = [0, 0];
  for (const each of shared) {
    const weight = Math.max(0, weights[each]!);
    sum += weight;
    strongest = Math.max(strongest, weight);
  }
  return (left === 'strongest' ? strongest : 0) - sum;
}
