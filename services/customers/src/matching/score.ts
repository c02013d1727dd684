import { cleanRegistrationNumber } from '@throughline/language';
import { missing, type Comparison } from './comparison.ts';
import { comparisonsOf, otherFields } from './comparisons.ts';
import { dependences, discount } from './dependence.ts';
import type { MatchRecord } from './match-record.ts';
import { fieldModel, frequencyOf, oddsWeight, probabilityOf, weightOfLevel, type MatchModel } from './model.ts';

/** What one field says: bits for (positive) or against two records being the same. */
export interface Reason {
  field: string;
  level: string;
  weight: number;
}

export interface Score {
  /** log2 of the odds that the two are the same. */
  weight: number;
  probability: number;
  /** Where the weight starts from, before any field is looked at. */
  prior: number;
  /** The rest of the weight, the strongest first; a field that is missing says nothing. */
  reasons: readonly Reason[];
}

export type Verdict = 'automatic' | 'review' | 'different';

/**
 * From which weight on pairs are the same, and from which on somebody should look. 10 bits are odds of 1,000 to 1: fields
 * are not quite independent, so that the weight promises more than it holds, and a wrong merge costs more than a look.
 */
export const thresholds = { automatic: 10, review: 0 } as const;

/**
 * The least weight of two companies that have a number of a register in common: whatever else differs, one of them was renamed
 * or moved, or somebody gave the number of another. That is for people to see, and never enough by itself.
 */
export const leastOfSameNumber = thresholds.review + 1;

/** Whether a number, in the form that is compared, can be checked, and is right: what people put for none is shared by many. */
export function isOfficial(number: string): boolean {
  const { kind, problem } = cleanRegistrationNumber(number);
  return kind !== 'other' && problem === null;
}

const differentKinds = -50;
// What two records of one customer do not have: relatives share a home and a phone, branches a name.
const contradictions: Readonly<Record<string, readonly string[]>> = {
  givenName: ['else'],
  birthDate: ['else'],
  nationalId: ['else'],
  registrationNumber: ['else'],
  company: ['other branch or place', 'else'],
};

/** How likely two records are the same, and why (Fellegi & Sunter, 1969). Symmetric. */
export const scoreOf = (model: MatchModel, a: MatchRecord, b: MatchRecord): Score => told(weigh(model, a, b));

/** As `scoreOf`, of the pairs that reach a weight: most of those that are looked at do not. */
export function scoreFrom(least: number, model: MatchModel, a: MatchRecord, b: MatchRecord): Score | undefined {
  const weighed = weigh(model, a, b);
  return weighed.weight < least ? undefined : told(weighed);
}

type Weighed = Pick<Score, 'weight' | 'prior' | 'reasons'>;

function weigh(model: MatchModel, a: MatchRecord, b: MatchRecord): Weighed {
  const prior = oddsWeight(model.kinds[a.kind].lambda);
  if (a.kind !== b.kind) return weighed(prior, [{ field: 'kind', level: 'different', weight: differentKinds }]);
  const comparisons = comparisonsOf(a.kind, otherFields([a, b]));
  const reached = comparisons.map((comparison) => reachedBy(model, comparison, a, b));
  return weighed(prior, reasonsFor(comparisons, reached), a.kind === 'company' && haveSameNumber(a, b));
}

const haveSameNumber = (a: MatchRecord, b: MatchRecord) =>
  a.registrationNumbers.some((number) => b.registrationNumbers.includes(number) && isOfficial(number));

/** What one field of a pair comes to; the level is {@link missing} where there was nothing to compare. */
export interface Reached {
  level: number;
  weight: number;
}

/** The reasons for and against a pair, from what each of the comparisons reached. */
export function reasonsFor(comparisons: readonly Comparison[], reached: readonly Reached[]): Reason[] {
  const levels = reached.map(({ level }) => level);
  const weights = reached.map(({ weight }) => weight);
  const reasons = comparisons.flatMap(({ field, levels: names }, i) => {
    const level = names[levels[i]!];
    return level === undefined ? [] : [{ field, level, weight: weights[i]! }];
  });
  const shared = dependences(comparisons).map((dependence) => ({
    field: dependence.name,
    level: 'shared',
    weight: discount(dependence, levels, weights),
  }));
  return [...reasons, ...shared.filter(({ weight }) => weight < 0)];
}

/** A score of the reasons for it; of who has an official number in common never less than {@link leastOfSameNumber}. */
export const scored = (prior: number, reasons: readonly Reason[], hasSameNumber = false): Score =>
  told(weighed(prior, reasons, hasSameNumber));

function weighed(prior: number, reasons: readonly Reason[], hasSameNumber = false): Weighed {
  const weight = reasons.reduce((sum, reason) => sum + reason.weight, prior);
  if (!hasSameNumber || weight >= leastOfSameNumber) return { weight, prior, reasons };
  const lift = { field: 'register', level: 'same number', weight: leastOfSameNumber - weight };
  return weighed(prior, [...reasons, lift]);
}

const told = ({ weight, prior, reasons }: Weighed): Score => ({
  weight,
  probability: probabilityOf(weight),
  prior,
  reasons: reasons.toSorted((x, y) => Math.abs(y.weight) - Math.abs(x.weight)),
});

/** Whether two records are one by themselves: never against a field that contradicts it, however much else agrees. */
export function verdict({ weight, reasons }: Pick<Score, 'weight' | 'reasons'>, limits = thresholds): Verdict {
  if (weight < limits.review) return 'different';
  const isContradicted = reasons.some(({ field, level }) => contradictions[field]?.includes(level));
  return weight >= limits.automatic && !isContradicted ? 'automatic' : 'review';
}

function reachedBy(model: MatchModel, comparison: Comparison, a: MatchRecord, b: MatchRecord): Reached {
  const field = fieldModel(model, a.kind, comparison.field);
  const reached = { level: missing, weight: 0 };
  for (const one of comparison.values(a)) {
    for (const other of comparison.values(b)) {
      const level = comparison.compare(one, other);
      if (level < 0 || level > reached.level) continue;
      const frequency = level < comparison.sameLevels ? frequencyOf(field, comparison.term(one)) : null;
      const weight = weightOfLevel(field, comparison.levels[level]!, frequency);
      reached.weight = level < reached.level ? weight : Math.max(reached.weight, weight);
      reached.level = level;
    }
  }
  return reached;
}
