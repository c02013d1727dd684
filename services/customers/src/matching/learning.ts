import { blocksOf, type Blocks } from './blocks.ts';
import { builtInModel } from './built-in-model.ts';
import { missing } from './comparison.ts';
import { dependences, discount, type Dependence } from './dependence.ts';
import { fieldModel, type FieldModel, type KindModel, type LevelModel, type MatchModel } from './model.ts';
import { blockedPatterns, randomLevels, type Pattern } from './patterns.ts';
import type { Column, Population } from './population.ts';

const randomPairs = 200_000;
const mostPairs = 300_000;
/** With fewer records there is nothing to learn from: what is built in stays. */
const fewest = 100;
/** What `base` weighs against what is seen: in pairs that are the same, and in sightings of a level at random. */
const priorMatches = 5;
const priorSightings = 0.5;
/** At least this share of what is reached at random is reached by different records. */
const leastShare = 1 / 20;
const mostRounds = 200;
const settled = 1e-6;
/** A value on this many records or more has a frequency of its own, the most frequent first. */
const fewestOfValue = 3;
const mostValues = 5_000;

/**
 * Learns the model of a population without being told any match: `u` from pairs at random, `m` and lambda by expectation
 * maximisation over the distinct patterns of the candidate pairs, frequencies by counting. All other pairs count as
 * different, so that lambda and `u` speak of the same pairs, those of the whole population. The same records teach the same.
 * After Winkler (1988); Dirichlet priors from `base` hold what is hardly seen in place.
 */
export function learn(populations: readonly Population[], base: MatchModel = builtInModel): MatchModel {
  const kinds = { ...base.kinds };
  for (const population of populations) {
    if (population.ids.length >= fewest) kinds[population.kind] = learnKind(population, base);
  }
  return { ...base, kinds };
}

function learnKind(population: Population, base: MatchModel): KindModel {
  const { ids, columns, kind } = population;
  const blocks = blocksOf(population);
  const step = Math.max(1, Math.ceil(pairsAtMost(blocks) / mostPairs));
  const total = (ids.length * (ids.length - 1)) / 2 / step;
  const random = randomLevels(population, randomPairs);
  const known = columns.map(({ comparison }) => fieldModel(base, kind, comparison.field));
  const levels = columns.map(({ comparison }, i) => comparison.levels.map((level) => known[i]!.levels[level]!));
  const atRandom = columns.map((_, i) =>
    levels[i]!.map(
      ({ u }, level) => (random[i]!.counts[level]! + priorSightings) / (random[i]!.compared + priorSightings / u),
    ),
  );
  const learnt = maximised({
    patterns: blockedPatterns(population, blocks, step),
    total,
    start: { lambda: 0.1 / ids.length, levels },
    atRandom,
    dependent: dependences(columns.map(({ comparison }) => comparison)),
  });
  return {
    lambda: learnt.lambda,
    fields: Object.fromEntries(
      columns.map((column, i) => [
        column.comparison.field,
        {
          levels: Object.fromEntries(column.comparison.levels.map((level, at) => [level, learnt.levels[i]![at]!])),
          ...frequencies(column, known[i]!),
        } satisfies FieldModel,
      ]),
    ),
  };
}

function pairsAtMost({ starts }: Blocks): number {
  let pairs = 0;
  for (let i = 1; i < starts.length; i++) {
    const size = starts[i]! - starts[i - 1]!;
    pairs += (size * (size - 1)) / 2;
  }
  return pairs;
}

interface Estimate {
  lambda: number;
  /** By field and level. */
  levels: LevelModel[][];
}

interface Observed {
  patterns: readonly Pattern[];
  /** Pairs in all, also those that share no key. */
  total: number;
  start: Estimate;
  /** The share of pairs at random that reach each level, same or not. */
  atRandom: readonly (readonly number[])[];
  dependent: readonly Dependence[];
}

/** Expectation maximisation, until nothing moves any more. */
function maximised(observed: Observed): Estimate {
  let estimate = observed.start;
  for (let round = 0; round < mostRounds; round++) {
    const next = improved(observed, estimate);
    const moved = next.levels.flatMap((levels, i) =>
      levels.map(({ m }, level) => Math.abs(m - estimate.levels[i]![level]!.m)),
    );
    estimate = next;
    if (Math.max(...moved) < settled) break;
  }
  return estimate;
}

function improved({ patterns, total, start, atRandom, dependent }: Observed, { lambda, levels }: Estimate): Estimate {
  const ofLevel = levels.map((field) => field.map(({ m, u }) => Math.log(m / u)));
  const counts = start.levels.map((field) => field.map(({ m }) => m * priorMatches));
  const weights = new Float64Array(levels.length);
  let matches = 0;
  for (const pattern of patterns) {
    let weight = Math.log(lambda / (1 - lambda));
    pattern.levels.forEach((level, i) => {
      weights[i] = level === missing ? 0 : ofLevel[i]![level]!;
      weight += weights[i]!;
    });
    for (const dependence of dependent) weight += discount(dependence, pattern.levels, weights);
    const expected = pattern.count / (1 + Math.exp(-weight));
    matches += expected;
    pattern.levels.forEach((level, i) => {
      if (level !== missing) counts[i]![level]! += expected;
    });
  }
  const share = Math.min(0.5, (matches + start.lambda) / (total + 1));
  return {
    lambda: share,
    levels: counts.map((field, i) => {
      const sum = field.reduce((a, b) => a + b, 0);
      return field.map((count, level) => {
        const m = count / sum;
        const p = atRandom[i]![level]!;
        // Pairs at random are same pairs too: p = lambda m + (1 - lambda) u.
        return { m, u: Math.max((p - share * m) / (1 - share), p * leastShare) };
      });
    }),
  };
}

/** How frequent values are, without the record that asks: a value that only two records have is on 1 of the others. */
function frequencies({ starts, ids, terms }: Column, known: FieldModel): Pick<FieldModel, 'frequencies' | 'rare'> {
  const counts = new Map<string, number>();
  let records = 0;
  for (let record = 0; record + 1 < starts.length; record++) {
    const own = new Set<string>();
    for (let i = starts[record]!; i < starts[record + 1]!; i++) own.add(terms[ids[i]!]!);
    own.delete('');
    if (own.size > 0) records += 1;
    for (const term of own) counts.set(term, (counts.get(term) ?? 0) + 1);
  }
  if (records < fewest) return { frequencies: known.frequencies, rare: known.rare };
  const frequent = [...counts]
    .filter(([, count]) => count >= fewestOfValue)
    .toSorted(([a, one], [b, other]) => other - one || (a < b ? -1 : 1));
  const share = (count: number) => (count - 1) / (records - 1);
  const listed = frequent.slice(0, mostValues);
  return {
    frequencies: Object.fromEntries(listed.map(([term, count]) => [term, share(count)])),
    rare: share(frequent.length > mostValues ? listed.at(-1)![1] : 2),
  };
}
