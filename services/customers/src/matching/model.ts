import type { Comparison } from './comparison.ts';
import type { MatchKind } from './match-record.ts';

/** How often two records reach a level: `m` when they are the same, `u` when they are not. */
export interface LevelModel {
  m: number;
  u: number;
}

export interface FieldModel {
  levels: Readonly<Record<string, LevelModel>>;
  /** The share of records that have a value, of the frequent ones: values as they are, so personal data. */
  frequencies: Readonly<Record<string, number>>;
  /** The share of any other value; null where values are not counted, and `u` holds for all. */
  rare: number | null;
}

export interface KindModel {
  /** The share of matches among all pairs of records. */
  lambda: number;
  fields: Readonly<Record<string, FieldModel>>;
}

/** What a population taught, or what is built in. Plain data, to be stored as JSON. */
export interface MatchModel {
  version: 1;
  kinds: Readonly<Record<MatchKind, KindModel>>;
  /** What an `other` field counts as that the model has not learnt. */
  other: FieldModel;
}

const least = 1e-9;

/** log2 of the odds. */
export const oddsWeight = (probability: number): number => Math.log2(probability / (1 - probability));

export const probabilityOf = (weight: number): number => 1 / (1 + 2 ** -weight);

export function fieldModel(model: MatchModel, kind: MatchKind, field: string): FieldModel {
  const { fields } = model.kinds[kind];
  return Object.hasOwn(fields, field) ? fields[field]! : model.other;
}

/** The share of records with a value, as far as the model knows. */
export function frequencyOf({ frequencies, rare }: FieldModel, term: string): number | null {
  return rare === null ? null : Object.hasOwn(frequencies, term) ? frequencies[term]! : rare;
}

/**
 * log2(m/u) of a level. At the levels of the same value the value's own frequency stands for `u`: a rare name says more
 * than a frequent one (W. E. Winkler, 1989).
 */
export function weightOfLevel(field: FieldModel, level: string, frequency: number | null): number {
  const known = field.levels[level];
  if (!known) return 0;
  return Math.log2(Math.max(known.m, least) / Math.max(frequency ?? known.u, least));
}

/** The weights of a comparison's levels, without regard to frequencies. */
export const levelWeights = ({ levels }: Comparison, field: FieldModel): Float64Array =>
  Float64Array.from(levels, (level) => weightOfLevel(field, level, null));
