import { blockLimits, blocksOf, candidatePairs } from './blocks.ts';
import { missing } from './comparison.ts';
import { dependences, discount } from './dependence.ts';
import { fieldModel, frequencyOf, levelWeights, oddsWeight, weightOfLevel, type MatchModel } from './model.ts';
import { levelOf } from './patterns.ts';
import type { Column, Population } from './population.ts';
import { isOfficial, leastOfSameNumber, reasonsFor, scored, thresholds, type Reached, type Score } from './score.ts';

export interface MatchedPair extends Score {
  /** The ids, the lesser first. */
  a: string;
  b: string;
}

export interface ScanProgress {
  /** Records looked at, of all. */
  done: number;
  total: number;
  /** Pairs compared so far. */
  compared: number;
  /** The pairs found since the last word. */
  pairs: readonly MatchedPair[];
}

const recordsAStep = 1_000;

/**
 * Compares all records of the populations that have a blocking key in common, and tells from time to time how far it is;
 * whoever scans can stop, or do something else, between two steps.
 * @param options.threshold the least weight of a pair that is told, {@link thresholds}`.review` if not given
 */
export function* scan(
  populations: readonly Population[],
  model: MatchModel,
  options: { threshold?: number; limits?: typeof blockLimits } = {},
): Generator<ScanProgress, void, undefined> {
  const { threshold = thresholds.review, limits = blockLimits } = options;
  const total = populations.reduce((sum, { ids }) => sum + ids.length, 0);
  let [done, compared] = [0, 0];
  let pairs: MatchedPair[] = [];
  for (const population of populations) {
    const weigh = weigher(population, model);
    for (const [record, others] of candidatePairs(population.ids.length, blocksOf(population, limits))) {
      compared += others.length;
      for (const other of others) {
        if (weigh.weight(record, other, threshold) >= threshold) pairs.push(weigh.pair(record, other));
      }
      done += 1;
      if (done % recordsAStep !== 0) continue;
      yield { done, total, compared, pairs };
      pairs = [];
    }
  }
  yield { done, total, compared, pairs };
}

export interface Weigher {
  /** The weight, or -Infinity as soon as it is clear that it does not come to `least`. */
  weight(a: number, b: number, least?: number): number;
  pair(a: number, b: number): MatchedPair;
}

/** Weighs pairs of a population's records as {@link scoreOf} does, with all that can be known before made once. */
export function weigher({ kind, ids, columns }: Population, model: MatchModel): Weigher {
  const prior = oddsWeight(model.kinds[kind].lambda);
  const comparisons = columns.map(({ comparison }) => comparison);
  const dependent = dependences(comparisons);
  const fields = columns.map((column) => weighedField(column, model, kind));
  const most = mostToCome(columns, fields, ids.length);
  const haveSameNumber = sameNumber(columns.find(({ comparison }) => comparison.field === 'registrationNumber'));
  const levels = new Uint8Array(columns.length);
  const weights = new Float64Array(columns.length);
  const reach = (field: number, a: number, b: number): Reached => {
    const reached = fields[field]!.reach(a, b);
    levels[field] = reached.level;
    weights[field] = reached.weight;
    return reached;
  };
  return {
    weight(a, b, least = -Infinity) {
      const hasSameNumber = haveSameNumber(a, b);
      let sum = prior;
      for (let field = 0; field < fields.length; field++) {
        if (!hasSameNumber && sum + Math.min(most[field]![a]!, most[field]![b]!) < least) return -Infinity;
        sum += reach(field, a, b).weight;
      }
      for (const dependence of dependent) sum += discount(dependence, levels, weights);
      return hasSameNumber ? Math.max(sum, leastOfSameNumber) : sum;
    },
    pair(a, b) {
      const reached = fields.map((_, field) => ({ ...reach(field, a, b) }));
      const [first, second] = [ids[a]!, ids[b]!].toSorted();
      return { a: first!, b: second!, ...scored(prior, reasonsFor(comparisons, reached), haveSameNumber(a, b)) };
    },
  };
}

/** The weight of any two records of the populations, by their ids: for clusters, which look at pairs beyond the candidates. */
export function pairWeights(populations: readonly Population[], model: MatchModel): (a: string, b: string) => number {
  const weighers = populations.map((population) => weigher(population, model));
  const places = new Map(
    populations.flatMap(({ ids }, population) => ids.map((id, record) => [id, { population, record }] as const)),
  );
  return (a, b) => {
    const [one, other] = [places.get(a), places.get(b)];
    if (!one || !other) throw new RangeError(`no record has the id ${one ? b : a}`);
    if (one.population !== other.population) return -Infinity;
    return weighers[one.population]!.weight(one.record, other.record);
  };
}

/** Whether two records have a number in common that is official. */
function sameNumber(column: Column | undefined): (a: number, b: number) => boolean {
  const official = column?.values.map((value) => isOfficial(String(value))) ?? [];
  if (!column || !official.includes(true)) return () => false;
  const { starts, ids } = column;
  return (a, b) => {
    for (let i = starts[a]!; i < starts[a + 1]!; i++) {
      if (official[ids[i]!] && ids.subarray(starts[b], starts[b + 1]).includes(ids[i]!)) return true;
    }
    return false;
  };
}

interface WeighedField {
  /** Compares two records; what it returns is written anew the next time. */
  reach(a: number, b: number): Reached;
  /** The greatest weight that each value can come to. */
  most: Float64Array;
}

function weighedField(column: Column, model: MatchModel, kind: Population['kind']): WeighedField {
  const { comparison, terms } = column;
  const field = fieldModel(model, kind, comparison.field);
  const ofLevel = levelWeights(comparison, field);
  const ofValue = comparison.levels
    .slice(0, comparison.sameLevels)
    .map((level) => Float64Array.from(terms, (term) => weightOfLevel(field, level, frequencyOf(field, term))));
  const ofOthers = Math.max(0, ...ofLevel.subarray(comparison.sameLevels));
  const best: Reached = { level: missing, weight: 0 };
  const reached = (level: number, value: number) => {
    const weight = ofValue[level]?.[value] ?? ofLevel[level]!;
    best.weight = level < best.level ? weight : Math.max(best.weight, weight);
    best.level = level;
  };
  return {
    reach(a, b) {
      best.level = missing;
      best.weight = 0;
      levelOf(column, a, b, reached);
      return best;
    },
    most: Float64Array.from(terms, (_, value) => Math.max(ofOthers, ...ofValue.map((weights) => weights[value]!))),
  };
}

/** The most that the fields from each on can add to a record's weight, by field and record. */
function mostToCome(columns: readonly Column[], fields: readonly WeighedField[], size: number): Float64Array[] {
  const result = Array.from({ length: columns.length + 1 }, () => new Float64Array(size));
  for (let field = columns.length - 1; field >= 0; field--) {
    const { starts, ids } = columns[field]!;
    for (let record = 0; record < size; record++) {
      let most = 0;
      for (let i = starts[record]!; i < starts[record + 1]!; i++) most = Math.max(most, fields[field]!.most[ids[i]!]!);
      result[field]![record] = result[field + 1]![record]! + most;
    }
  }
  return result;
}
