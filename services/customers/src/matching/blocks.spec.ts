import fc from 'fast-check';
import { blockLimits, blocksOf, candidatePairs } from './blocks.ts';
import { blockingKeys } from './blocking-keys.ts';
import { customers } from './customers.fixtures.ts';
import { matchRecord, type MatchRecord } from './match-record.ts';
import { populationsOf } from './population.ts';

/** The pairs to compare, as `a b` with the lesser id first. */
function pairsOf(records: readonly MatchRecord[], limits = blockLimits, leastShared?: number): Set<string> {
  const pairs = new Set<string>();
  for (const population of populationsOf(records)) {
    for (const [record, others] of candidatePairs(population.ids.length, blocksOf(population, limits), leastShared)) {
      for (const other of others) {
        const pair = [population.ids[record]!, population.ids[other]!].toSorted().join(' ');
        expect(pairs.has(pair)).toBe(false);
        pairs.add(pair);
      }
    }
  }
  return pairs;
}

const person = (id: string, name: string, more = {}) => matchRecord({ id, kind: 'person', name, ...more });
const many = (count: number, make: (i: number) => MatchRecord) => Array.from({ length: count }, (_, i) => make(i));

describe('blocking', () => {
  it.each([
    ['names in pinyin', { name: '张国强' }, { name: 'Guoqiang Zhang' }],
    ['swapped names', { givenName: 'John', familyName: 'Smith' }, { givenName: 'Smith', familyName: 'John' }],
    ['a phone', { name: 'A', phones: '13800138000' }, { name: 'B', phones: '+86 138-0013-8000' }],
    ['an alias of a mailbox', { emails: 'j.smith+x@gmail.com' }, { emails: 'jsmith@googlemail.com' }],
    [
      'initials and a year',
      { name: 'Jon Smythe', birthDate: '1980-01-02' },
      { name: 'John Smith', birthDate: '1980-02-01' },
    ],
    ['a company’s core', { companyName: '深圳市华为技术有限公司' }, { companyName: '华为技术' }],
    [
      'a mailbox of an office, and a name',
      { name: 'John Smith', emails: 'info@x.example' },
      { name: 'Bob Smith', emails: 'info@x.example' },
    ],
  ])('brings together %s', (_, a, b) => {
    expect(pairsOf([matchRecord({ id: 'a', ...a }), matchRecord({ id: 'b', ...b })]).size).toBe(1);
  });

  it.each([
    ['a mailbox of an office', { emails: 'info@acme.example' }],
    ['a switchboard', { phones: '400-820-8820' }],
  ])('does not bring together by %s alone', (_, shared) => {
    const records = [person('a', 'John Smith', shared), person('b', '欧阳娜娜', shared)];
    expect(pairsOf(records).size).toBe(0);
  });

  it('does not bring together by a value that many have', () => {
    const names = ['Xu', 'Vogel', 'Quinn', 'Ito', 'Okoro', 'Ek', 'Ueda', 'Yilmaz', 'Zola', 'Fry', 'Hess', 'Gatti'];
    const records = (count: number) =>
      names.slice(0, count).map((name) => person(name, name, { emails: 'fair@x.example' }));
    expect(pairsOf(records(10)).size).toBe(45);
    expect(pairsOf(records(11)).size).toBe(0);
    const [first, ...others] = records(11);
    expect(pairsOf([first!, ...others, person('again', 'Vogel', { emails: 'fair@x.example' })])).toEqual(
      new Set(['Vogel again']),
    );
  });

  it('splits a large block by other keys', () => {
    const namesakes = many(400, (i) => person(`${i}`, '王伟', { birthDate: `${1900 + (i >> 2)}-01-${10 + (i % 4)}` }));
    const pairs = pairsOf(namesakes);
    for (let i = 0; i < 400; i += 4) expect(pairs.has([`${i}`, `${i + 3}`].toSorted().join(' '))).toBe(true);
    expect(pairs.size).toBeLessThan((400 * 399) / 2 / 10);
  });

  it('leaves nobody alone in a block that nothing splits', () => {
    const pairs = pairsOf(many(1_000, (i) => person(`${i}`, '王伟')));
    const compared = new Set([...pairs].flatMap((pair) => pair.split(' ')));
    expect(compared.size).toBe(1_000);
    expect(pairs.size).toBeLessThan(20_000);
  });

  it('drops no block, however many records are added', () => {
    const records = customers(150, 5).map(matchRecord);
    const limits = { shared: 3, block: 4 };
    fc.assert(
      fc.property(fc.subarray(records, { minLength: 2 }), (some) => {
        const pairs = pairsOf(some, limits);
        const compared = new Set([...pairs].flatMap((pair) => pair.split(' ')));
        const byKey = Map.groupBy(
          some.flatMap((record) => blockingKeys(record).blocks.map((key) => ({ key, id: record.id }))),
          ({ key }) => key,
        );
        const shared = [...byKey.values()].filter(({ length }) => length > 1);
        expect(shared.flat().filter(({ id }) => !compared.has(id))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('leaves out pairs that share one block and nothing else, where that is asked for', () => {
    const born = { birthDate: '1980-02-01' };
    const records = [
      person('a', 'John Smith', born),
      person('b', 'Xu Ning', born),
      person('c', 'Jon Smyth', born),
      person('d', 'Ken Ito', { phones: '13800138000' }),
      person('e', 'Ann Vogel', { phones: '13800138000' }),
    ];
    expect(pairsOf(records, blockLimits, 1)).toEqual(new Set(['a b', 'a c', 'b c', 'd e']));
    expect(pairsOf(records, blockLimits, 2)).toEqual(new Set(['a c', 'd e']));
  });

  it('leaves out hardly any true pair so', () => {
    const known = customers(2_000, 8);
    const truth = new Map(known.map(({ id, truth: who }) => [id, who]));
    const truePairs = (leastShared: number) =>
      [...pairsOf(known.map(matchRecord), blockLimits, leastShared)].filter((pair) => {
        const [one, other] = pair.split(' ') as [string, string];
        return truth.get(one) === truth.get(other);
      });
    expect(truePairs(2).length / truePairs(1).length).toBeGreaterThan(0.99);
  });

  it('finds the same pairs in any order of the records', () => {
    const records = [...customers(300, 6).map(matchRecord), ...many(60, (i) => person(`w${i}`, '王伟'))];
    const pairs = pairsOf(records);
    fc.assert(
      fc.property(fc.shuffledSubarray(records, { minLength: records.length }), (shuffled) => {
        expect(pairsOf(shuffled)).toEqual(pairs);
      }),
      { numRuns: 10 },
    );
  });

  it('has one record for an id', () => {
    expect(() => populationsOf([person('a', 'Ann'), person('a', 'Bob')])).toThrow('two records have the id a');
    expect(populationsOf([])).toEqual([]);
  });
});
