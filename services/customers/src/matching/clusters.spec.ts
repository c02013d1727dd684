import fc from 'fast-check';
import { clustersOf } from './clusters.ts';

type Weights = Readonly<Record<string, number>>;
const weigh = (weights: Weights) => (a: string, b: string) => weights[[a, b].toSorted().join('')] ?? -20;
const clusters = (weights: Weights, limits?: Parameters<typeof clustersOf>[2]) =>
  clustersOf(
    Object.entries(weights).map(([pair, weight]) => ({ a: pair[0]!, b: pair[1]!, weight })),
    weigh(weights),
    limits,
  );

describe('clusters', () => {
  it('are groups of records of which all are alike', () => {
    expect(clusters({ ab: 9, bc: 8, ac: 7, de: 5, ef: -1 })).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
    expect(clusters({})).toEqual([]);
  });

  it('are no chains: the ends of likely pairs need not be one', () => {
    expect(clusters({ ab: 9, bc: 8 })).toEqual([['a', 'b']]);
    expect(clusters({ ab: 9, bc: 8, ac: -2 })).toEqual([['a', 'b', 'c']]);
  });

  it('hold together on average', () => {
    expect(clusters({ ab: 9, cd: 9, bc: 4, ac: -3, ad: -3, bd: -3 })).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
  });

  it('have no pair below the floor', () => {
    const weights = { ab: 30, bc: 29, ac: -11 };
    expect(clusters(weights)).toEqual([['a', 'b']]);
    expect(clusters(weights, { threshold: 0, floor: -12 })).toEqual([['a', 'b', 'c']]);
  });

  it('start at the threshold', () => {
    expect(clusters({ ab: 4, cd: 6 }, { threshold: 5, floor: -10 })).toEqual([['c', 'd']]);
  });

  it('are the same in any order of the pairs, and never share a record', () => {
    const names = [...'abcdef'];
    const pairs = names.flatMap((a, i) => names.slice(i + 1).map((b) => a + b));
    const weights = fc.array(fc.integer({ min: -15, max: 15 }), { minLength: pairs.length, maxLength: pairs.length });
    fc.assert(
      fc.property(weights, fc.shuffledSubarray(pairs, { minLength: pairs.length }), (values, shuffled) => {
        const known = Object.fromEntries(pairs.map((pair, i) => [pair, values[i]!]));
        const list = shuffled.map((pair) => ({ a: pair[1]!, b: pair[0]!, weight: known[pair]! }));
        const found = clustersOf(list, weigh(known));
        expect(found).toEqual(clusters(known));
        expect(new Set(found.flat()).size).toBe(found.flat().length);
        const within = pairs.filter((pair) =>
          found.some((cluster) => [...pair].every((each) => cluster.includes(each))),
        );
        expect(within.filter((pair) => known[pair]! < -10)).toEqual([]);
      }),
    );
  });
});
