import { describe, expect, it } from '@jest/globals';
import type { CareEvent, CustomerFields, ValidationRule } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { care } from '../care/care.ts';
import { noFields } from '../field/field-set.ts';
import { freeClaims, verificationOf } from './verification.ts';

const message = { zh: '不行', en: 'No.' };
const rules: ValidationRule[] = [
  { id: 'industry', kind: 'required', field: 'industry', message },
  { id: 'card', kind: 'unique', field: 'custom.card', message },
];
const fieldSet = {
  ...noFields,
  fields: { since: { key: 'since', type: 'date', sensitivity: 'normal', retired: false } },
} as const;
const found = (fields: CustomerFields, taken: readonly string[] = []) =>
  verificationOf(
    { name: 'x', industry: 'toys', ...fields },
    { rules: { ruleSet: { rules }, fieldSet }, now: '2026-01-15T08:00:00.000Z' },
    (claim) => taken.includes(claim),
  ).map(({ field, code, ruleId }) => [field, code, ...(ruleId === undefined ? [] : [ruleId])].join(' '));

describe('what a verification finds', () => {
  it('is nothing where all is well', () => {
    expect(found({})).toEqual([]);
    expect(found({ phones: [{ value: '13800138000', e164: '+8613800138000' }], custom: { any: 1 } })).toEqual([]);
  });

  it('are addresses, phones and days that cannot be, each kind once', () => {
    expect(
      found({
        emails: [{ value: 'wang@example.cn' }, { value: '没有' }, { value: '无' }],
        phones: [{ value: '12' }],
        birthDate: '2025-02-30',
        custom: { since: '2025-13-01' },
      }),
    ).toEqual([
      'birthDate impossible-date',
      'custom.since impossible-date',
      'emails email-no-at',
      'phones phone-invalid',
    ]);
    expect(found({ birthDate: '2026-02-01' })).toEqual(['birthDate in-the-future']);
  });

  it('is whatever rules say of the record as it stands, also that another customer has a value', () => {
    expect(found({ industry: null })).toEqual(['industry rule-failed industry']);
    const card = { custom: { card: 'A1' } };
    expect(found(card, ['value:card:custom.card:a1'])).toEqual(['custom.card value-taken card']);
    expect(found(card, ['value:card:custom.card:b1'])).toEqual([]);
  });
});

describe('what customers claim of old values', () => {
  const had = (id: string, card: string, others: { id: string; card: string }[] = []) => ({
    records: [{ id, card }, ...others].map((one) => ({
      id: one.id,
      state: { number: `C-${one.id}`, details: { custom: { card: one.card } } },
    })),
    fields: { name: 'x', custom: { card } },
  });
  const claim = (card: string) => `value:card:custom.card:${card}`;
  const free = (customers: ReturnType<typeof had>[], holders: Record<string, string> = {}) =>
    Object.fromEntries(freeClaims(customers, { ruleSet: { rules }, fieldSet }, new Map(Object.entries(holders))));

  it('is what nobody has, of two the one that came first', () => {
    expect(free([had('1', 'a'), had('2', 'A'), had('3', 'b')])).toEqual({ 1: [claim('a')], 3: [claim('b')] });
    expect(free([had('1', 'a')], { [claim('a')]: '9' })).toEqual({});
  });

  it('is a number in its comparable form, which was not claimed before there was one', () => {
    const numbered = (id: string, number: string, key?: string) => ({
      ...had(id, ''),
      records: [{ id, state: { number, numberKey: key, details: { custom: { card: '' } } } }],
    });
    expect(free([numbered('1', 'k-1'), numbered('2', 'K-2'), numbered('3', 'k-3', 'K-3')])).toEqual({
      1: ['number:K-1'],
    });
    expect(free([numbered('1', 'k-1'), numbered('2', 'k-2')], { 'number:K-1': '9' })).toEqual({ 2: ['number:K-2'] });
  });

  it('is said by the record that has it, and not what another one overrides', () => {
    const [merged] = [had('1', 'b', [{ id: '2', card: 'b' }])];
    merged!.records[0]!.state.details.custom.card = 'a';
    expect(free([merged!])).toEqual({ 2: [claim('b')] });
  });
});

describe('a verification', () => {
  const given = scenario(care);
  const customerId = '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a01';
  const failures = [{ field: 'emails', code: 'email-no-at' }];
  const failed: CareEvent = { type: 'VerificationFailed', customerId, failures };
  const record = (now: typeof failures) => ({ type: 'RecordVerification', customerId, failures: now }) as const;

  it('is recorded where it finds another thing than before', () => {
    given().when(record([])).thenNothing();
    given().when(record(failures)).then(failed);
    given(failed).when(record(failures)).thenNothing();
    given(failed).when(record([])).then({ type: 'VerificationPassed', customerId });
    const others = [{ field: 'phones', code: 'phone-invalid' }];
    given(failed)
      .when({ ...record(others), ownerId: customerId })
      .then({ ...failed, ownerId: customerId, failures: others });
  });
});
