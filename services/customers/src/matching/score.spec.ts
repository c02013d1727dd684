import fc from 'fast-check';
import { builtInModel } from './built-in-model.ts';
import { comparisonsOf } from './comparisons.ts';
import { customers } from './customers.fixtures.ts';
import { matchRecord, type MatchInput } from './match-record.ts';
import { probabilityOf } from './model.ts';
import { scoreOf, verdict } from './score.ts';

type Known = Omit<MatchInput, 'id'>;
const score = (a: Known, b: Known) =>
  scoreOf(builtInModel, matchRecord({ id: 'a', ...a }), matchRecord({ id: 'b', ...b }));

describe('the score of two records', () => {
  it('is a waterfall: where it starts from, and a reason each field, the strongest first', () => {
    const { weight, prior, probability, reasons } = score(
      { name: '张伟', phones: '13800138000', birthDate: '1990-02-01' },
      { name: '張偉', phones: '+86 138 0013 8000' },
    );
    expect(reasons.map(({ field, level }) => `${field}: ${level}`)).toEqual([
      'phone: exact',
      'givenName: simplified',
      'familyName: simplified',
    ]);
    expect(reasons.reduce((sum, reason) => sum + reason.weight, prior)).toBeCloseTo(weight, 10);
    expect(probability).toBe(probabilityOf(weight));
  });

  it('is the same from either side, and its reasons add up', () => {
    const records = customers(400, 3).map(matchRecord);
    fc.assert(
      fc.property(fc.constantFrom(...records), fc.constantFrom(...records), (a, b) => {
        const there = scoreOf(builtInModel, a, b);
        expect(there.weight).toBeCloseTo(scoreOf(builtInModel, b, a).weight, 10);
        expect(there.reasons.reduce((sum, { weight }) => sum + weight, there.prior)).toBeCloseTo(there.weight, 10);
      }),
    );
  });

  it('gives a rare name more than a frequent one', () => {
    const same = (name: string) => score({ name }, { name }).weight;
    expect(same('令狐冲')).toBeGreaterThan(same('王伟') + 5);
    expect(same('Zebediah Featherstonehaugh')).toBeGreaterThan(same('John Smith') + 5);
  });

  it('says nothing of what is missing', () => {
    const known = { name: 'John Smith', emails: 'john@acme.com' };
    expect(score(known, { ...known, phones: '13800138000' })).toEqual(score(known, known));
    expect(score({}, {})).toMatchObject({ reasons: [], weight: score({}, {}).prior });
  });

  it('knows that a relative lives in the same home', () => {
    const home = { phones: '13800138000', addresses: [{ city: '杭州', street: '文三路88号', postcode: '310012' }] };
    const relatives = score({ ...home, name: '张国强' }, { ...home, name: '张丽' });
    expect(verdict(relatives)).toBe('different');
    expect(relatives.reasons.map(({ field }) => field)).toContain('household');
    expect(verdict(score({ ...home, name: '张国强' }, { ...home, name: '張國強' }))).toBe('automatic');
  });

  it('tells a branch from its company, and a person from a company', () => {
    const one = { companyName: '杭州云栖科技有限公司', emails: 'info@yunqi.example' };
    const branch = { companyName: '杭州云栖科技有限公司上海分公司', emails: 'info@yunqi.example' };
    expect(verdict(score(one, branch))).not.toBe('automatic');
    expect(verdict(score(one, { ...one, companyName: '云栖科技有限责任公司' }))).toBe('automatic');
    expect(score({ ...one, kind: 'person' }, { ...one, kind: 'company' }).probability).toBeLessThan(1e-9);
  });

  it('asks about companies of one official number, whatever else they say, and merges them by nothing but that', () => {
    const one = {
      kind: 'company' as const,
      companyName: '杭州云栖科技有限公司',
      registrationNumber: '91440300708461136T',
      emails: 'info@yunqi.example',
      phones: '0571-88157800',
      addresses: [{ city: '杭州', street: '文三路88号', postcode: '310012' }],
    };
    const renamed = {
      kind: 'company' as const,
      companyName: '上海晨光贸易有限公司',
      registrationNumber: '91440300 70846113 6t',
      emails: 'sales@chenguang.example',
      phones: '021-64371122',
      addresses: [{ city: '上海', street: '淮海中路1号', postcode: '200031' }],
    };
    expect(verdict(score(one, renamed))).toBe('review');
    expect(score(one, renamed).reasons).toContainEqual(expect.objectContaining({ field: 'register' }));
    expect(verdict(score(one, { ...one, emails: 'else@yunqi.example' }))).toBe('automatic');
    for (const registrationNumber of ['无', '91440300708461136A', '00000000']) {
      const [a, b] = [one, renamed].map((company) => ({ ...company, registrationNumber }));
      expect(verdict(score(a!, b!))).toBe('different');
    }
  });

  it('never merges by itself against a contradiction', () => {
    const known = { name: '欧阳国强', phones: '13800138000', emails: 'ouyang.guoqiang@acme.example' };
    const [one, other] = [
      { ...known, nationalId: '110105194912310021' },
      { ...known, nationalId: '330102198501017654' },
    ];
    expect(verdict(score(known, known))).toBe('automatic');
    expect(score(one, other).weight).toBeGreaterThan(10);
    expect(verdict(score(one, other))).toBe('review');
  });
});

describe('the built-in model', () => {
  it('survives being stored', () => {
    expect(JSON.parse(JSON.stringify(builtInModel))).toEqual(builtInModel);
  });

  it.each(['person', 'company'] as const)('knows every level of a %s, and how often each is reached', (kind) => {
    const { fields } = builtInModel.kinds[kind];
    for (const { field, levels } of comparisonsOf(kind)) {
      expect([field, Object.keys(fields[field]!.levels)]).toEqual([field, levels]);
      const sum = (of: 'm' | 'u') => Object.values(fields[field]!.levels).reduce((total, each) => total + each[of], 0);
      expect(sum('m')).toBeCloseTo(1, 6);
      expect(sum('u')).toBeCloseTo(1, 3);
    }
  });
});
