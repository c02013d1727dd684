import fc from 'fast-check';
import { comparisonsOf, otherFields } from './comparisons.ts';
import { customers } from './customers.fixtures.ts';
import { matchRecord, type MatchInput } from './match-record.ts';

type Known = Omit<MatchInput, 'id'>;

/** The level at which a field of two records is compared. */
function level(field: string, a: Known, b: Known): string | undefined {
  const [one, other] = [matchRecord({ id: 'a', ...a }), matchRecord({ id: 'b', ...b })];
  const comparison = comparisonsOf(one.kind, otherFields([one, other])).find((each) => each.field === field)!;
  const levels = comparison
    .values(one)
    .flatMap((value) => comparison.values(other).map((each) => comparison.compare(value, each)));
  return comparison.levels[Math.min(...levels.filter((each) => each >= 0))];
}
const named = (familyName: string, givenName: string): Known => ({ kind: 'person', familyName, givenName });

describe('names', () => {
  it.each([
    [named('张', '国强'), named('张', '国强'), 'exact', 'exact'],
    [named('张', '国强'), named('張', '國強'), 'simplified', 'simplified'],
    [named('张', '玮'), named('章', '伟'), 'sound', 'sound'],
    [named('张', '伟'), { name: 'Wei Zhang' }, 'sound', 'sound'],
    [named('曾', '国强'), { name: 'Zeng Guoqiang' }, undefined, 'swapped'],
    [named('张', '国强'), named('张', 'GQ'), 'initials', 'exact'],
    [named('Smith', 'John'), named('Smith', 'J.'), 'initials', 'exact'],
    [named('Smith', 'John'), named('John', 'Smith'), undefined, 'swapped'],
    [named('Müller', 'Jörg'), named('Mueller', 'Jorg'), 'simplified', 'sound'],
    [named('Harrington', 'Kayla'), named('Harington', 'Kyala'), 'similar', 'similar'],
    [named('Smith', 'Mary Ann'), named('Smith', 'Mary'), 'similar', 'exact'],
    [named('Smith', 'John'), named('Smyth', 'Peter'), 'else', 'alike'],
    [named('张', '国强'), named('张', '国华'), 'else', 'exact'],
    [named('Smith', ''), named('Smith', 'John'), undefined, 'exact'],
  ])('of %j and %j are %s and %s', (a, b, given, family) => {
    expect([level('givenName', a, b), level('familyName', a, b)]).toEqual([given, family]);
  });
});

describe('fields', () => {
  it.each<[string, Known, Known, string | undefined]>([
    ['email', { emails: 'J.Smith@gmail.com' }, { emails: 'jsmith+x@googlemail.com' }, 'exact'],
    ['email', { emails: 'john.smith@acme.com' }, { emails: 'john.smith@qq.com' }, 'local part'],
    ['email', { emails: 'john.smith@acme.com' }, { emails: 'jon.smith@qq.com' }, 'similar'],
    ['email', { emails: 'john.smith12@qq.com' }, { emails: 'john.smith77@qq.com' }, 'else'],
    ['email', { emails: 'info@acme.com' }, { emails: 'info@other.com' }, 'else'],
    ['email', { emails: 'info@acme.com' }, { emails: 'anna@shop.acme.com' }, 'organisation'],
    ['email', { emails: ['a@x.com', 'b@y.com'] }, { emails: 'b@y.com' }, 'exact'],
    ['phone', { phones: '138 0013 8000' }, { phones: '+8613800138000' }, 'exact'],
    ['phone', { phones: '010-65541234' }, { phones: '65541234' }, 'last seven digits'],
    ['phone', { phones: '13800138000' }, { phones: '13900138001' }, 'else'],
    ['birthDate', { birthDate: '1990-02-01' }, { birthDate: '19900201' }, 'exact'],
    ['birthDate', { birthDate: '1990-02-01' }, { birthDate: '1990-01-02' }, 'one edit'],
    ['birthDate', { birthDate: '1990-02-01' }, { birthDate: '1990-02-07' }, 'one edit'],
    ['birthDate', { birthDate: '1990-02-01' }, { birthDate: '1990-01-23' }, 'within a month'],
    ['birthDate', { birthDate: '1990-02-01' }, { birthDate: '1990-10-23' }, 'within a year'],
    ['birthDate', { birthDate: '1990-02-01' }, { birthDate: '1970-10-23' }, 'else'],
    ['birthDate', { birthDate: '1990-02-01' }, {}, undefined],
    ['nationalId', { nationalId: '110105194912310021' }, { nationalId: '110105194912310012' }, 'one edit'],
    ['company', { companyName: '深圳市华为技术有限公司' }, { companyName: '华为技术' }, 'core'],
    ['company', { companyName: 'Acme & Sons Inc' }, { companyName: 'ACME and Sons Ltd.' }, 'exact'],
    [
      'company',
      { companyName: '华为技术有限公司' },
      { companyName: '华为技术有限公司上海分公司' },
      'other branch or place',
    ],
    ['company', { companyName: 'Acme Foods Ltd' }, { companyName: 'Acme Food Ltd' }, 'similar'],
    ['company', { companyName: 'Acme Foods Ltd' }, { companyName: 'Zenith Mining' }, 'else'],
    [
      'other:hobby',
      { kind: 'person', other: { hobby: 'Chess' } },
      { kind: 'person', other: { hobby: 'chess' } },
      'exact',
    ],
  ])('%s of %j and %j: %s', (field, a, b, expected) => {
    expect(level(field, a, b)).toBe(expected);
  });

  it('are compared alike from either side', () => {
    const records = customers(300).map(matchRecord);
    const pair = fc.tuple(fc.constantFrom(...records), fc.constantFrom(...records));
    fc.assert(
      fc.property(pair, ([a, b]) => {
        for (const comparison of comparisonsOf('person')) {
          for (const one of comparison.values(a)) {
            for (const other of comparison.values(b)) {
              expect(comparison.compare(one, other)).toBe(comparison.compare(other, one));
            }
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
