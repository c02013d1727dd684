import { builtInModel } from './built-in-model.ts';
import { customers } from './customers.fixtures.ts';
import { learn } from './learning.ts';
import { matchRecord } from './match-record.ts';
import { populationsOf } from './population.ts';
import { pairWeights, scan, type MatchedPair } from './scan.ts';
import { scoreOf, verdict } from './score.ts';

const known = customers(1_500, 11);
const truth = new Map(known.map(({ id, truth: who }) => [id, who]));
const records = known.map(matchRecord);
const populations = populationsOf(records);
const model = learn(populations);
const pairsBy = (by: typeof model, of = populations) => [...scan(of, by)].flatMap(({ pairs }) => pairs);
const pairs = pairsBy(model);

const sizes = [...Map.groupBy(truth.values(), (who) => who).values()].map(({ length }) => length);
const same = sizes.reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
const isRight = ({ a, b }: MatchedPair) => truth.get(a) === truth.get(b);
const precision = (found: readonly MatchedPair[]) => found.filter(isRight).length / found.length;
const recall = (found: readonly MatchedPair[]) => found.filter(isRight).length / same;

describe('a scan of customers in two languages', () => {
  it('finds their duplicates, and not their relatives, branches and fairs', () => {
    expect(same).toBeGreaterThan(250);
    expect(precision(pairs)).toBeGreaterThan(0.95);
    expect(recall(pairs)).toBeGreaterThan(0.93);
  });

  it('merges by itself only what is sure', () => {
    const automatic = pairs.filter((pair) => verdict(pair) === 'automatic');
    expect(precision(automatic)).toBeGreaterThan(0.99);
    expect(recall(automatic)).toBeGreaterThan(0.75);
  });

  it('does well with the built-in model', () => {
    const found = pairsBy(builtInModel);
    expect(precision(found)).toBeGreaterThan(0.95);
    expect(recall(found)).toBeGreaterThan(0.9);
  });

  it('weighs as a single check does, and says why', () => {
    const byId = new Map(records.map((record) => [record.id, record]));
    const weightOf = pairWeights(populations, model);
    for (const { a, b, ...score } of pairs.slice(0, 200)) {
      const { weight, reasons } = scoreOf(model, byId.get(a)!, byId.get(b)!);
      expect(score.weight).toBeCloseTo(weight, 8);
      expect(score.reasons.map(({ field, level }) => [field, level])).toEqual(
        reasons.map(({ field, level }) => [field, level]),
      );
      expect(weightOf(b, a)).toBeCloseTo(weight, 8);
      expect(a < b).toBe(true);
    }
  });

  it('tells companies of one official number, whatever else they say, as a single check does', () => {
    const registrationNumber = '91440300708461136T';
    const renamed = [
      {
        id: 'one',
        kind: 'company' as const,
        name: '杭州云栖科技有限公司',
        registrationNumber,
        phones: '0571-88157800',
      },
      { id: 'two', kind: 'company' as const, name: '上海晨光贸易有限公司', registrationNumber, phones: '021-64371122' },
    ].map(matchRecord);
    const found = pairsBy(model, populationsOf([...records, ...renamed])).find(({ a }) => a === 'one');
    const { weight, reasons } = scoreOf(model, renamed[0]!, renamed[1]!);
    expect(found).toMatchObject({ b: 'two', reasons: reasons.map(({ field, level }) => ({ field, level })) });
    expect(found!.weight).toBeCloseTo(weight, 8);
    expect(verdict(found!)).toBe('review');
  });

  it('leaves out what does not come to the threshold, and nothing else', () => {
    const all = [...scan(populations, model, { threshold: -Infinity })].flatMap((step) => step.pairs);
    expect(all.length).toBeGreaterThan(10 * pairs.length);
    expect(all.filter(({ weight }) => weight >= 0)).toEqual(pairs);
  });

  it('learns and finds the same in any order of the records, and from a stored model', () => {
    const turned = populationsOf(records.toReversed());
    const again = learn(turned);
    expect(again).toEqual(model);
    expect(pairsBy(JSON.parse(JSON.stringify(again)) as typeof model, turned)).toEqual(pairs);
  });

  it('tells how far it is', () => {
    const steps = [...scan(populations, model)];
    expect(steps.at(-1)).toMatchObject({ done: 1_500, total: 1_500 });
    expect(steps.map(({ done }) => done)).toEqual(steps.map(({ done }) => done).toSorted((a, b) => a - b));
    expect(steps.length).toBeGreaterThan(1);
  });
});

describe('what a population teaches', () => {
  it('is how often levels are reached by the same, and by others', () => {
    const { lambda, fields } = model.kinds.person;
    const persons = populations[0]!.ids.length;
    const found = pairs.filter((pair) => isRight(pair) && populations[0]!.ids.includes(pair.a)).length;
    expect((lambda * persons * (persons - 1)) / 2 / found).toBeGreaterThan(0.9);
    expect((lambda * persons * (persons - 1)) / 2 / found).toBeLessThan(1.15);
    const { exact, else: other } = fields['birthDate']!.levels;
    expect(exact!.m).toBeGreaterThan(0.8);
    expect(exact!.u).toBeLessThan(1e-3);
    expect(other!.u).toBeGreaterThan(0.9);
    expect(fields['familyName']!.frequencies['王']).toBeGreaterThan(fields['familyName']!.frequencies['卢'] ?? 0);
  });

  it('is nothing where there are few', () => {
    expect(learn(populationsOf(records.slice(0, 90)))).toEqual(builtInModel);
    expect([...scan([], builtInModel)]).toEqual([{ done: 0, total: 0, compared: 0, pairs: [] }]);
  });

  it('stays sober where nobody is there twice, or all are', () => {
    const singles = customers(800, 12).filter(
      ({ truth: who }, i, all) => all.findIndex((each) => each.truth === who) === i && !who.includes('/'),
    );
    const alone = populationsOf(singles.map(matchRecord));
    expect(pairsBy(learn(alone), alone).length).toBeLessThan(singles.length / 100);
    const copies = singles.slice(0, 200).flatMap((each) => [each, { ...each, id: `${each.id} again` }]);
    const doubled = populationsOf(copies.map(matchRecord));
    expect(pairsBy(learn(doubled), doubled).filter(({ a, b }) => b === `${a} again`).length).toBeGreaterThan(190);
  });
});
