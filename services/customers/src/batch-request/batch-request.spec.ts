import { describe, expect, it } from '@jest/globals';
import type { CustomerEvent } from '@throughline/contracts';
import { partAfter } from '../customer/customer-group.ts';
import { builtInRules } from '../customer/customer-rules.ts';
import { lanesOf, rehearse, type Operation } from './batch-request.ts';

const now = '2026-01-15T08:00:00.000Z';
const [a, b, c] = ['a', 'b', 'c'] as const;
const email = (value: string) => [{ value }];
const create = (id: string, fields: object = {}): Operation => ({ op: 'create', id, fields: { name: id, ...fields } });
const update = (id: string, fields: object): Operation => ({ op: 'update', target: { id }, fields });
const archive = (id: string): Operation => ({ op: 'archive', target: { id } });
const upsert = (address: string, id: string, fields: object = {}): Operation => ({
  op: 'upsert',
  target: { claim: `email:${address}` },
  id,
  fields,
  creation: { fields: { name: id, emails: email(address), ...fields } },
});
const created = (number: string, fields: object = {}): CustomerEvent => ({
  type: 'CustomerCreated',
  number,
  name: number,
  emailsReserved: true,
  ...fields,
});

describe('the lanes of a batch', () => {
  it('keep the operations of one record together and in order, and the others apart', () => {
    expect(lanesOf([update(a, {}), create(b), archive(a), create(c)], new Map())).toEqual([[1], [0, 2], [3]]);
  });

  it('keep together what wants one e-mail, whoever has it now', () => {
    const shared = { emails: email('X@example.com') };
    expect(lanesOf([create(a, shared), create(b), upsert('x@example.com', c)], new Map())).toEqual([[1], [0, 2]]);
    const named = new Map([['email:x@example.com', [a]]]);
    expect(lanesOf([archive(a), create(b, shared)], named)).toEqual([[0, 1]]);
  });

  it('keep together what names a record that another operation is about, and only that', () => {
    const employed = [create(b, { employerId: a }), create(c, { employerId: 'd' }), update('e', { referredBy: 'd' })];
    expect(lanesOf([update(a, { kind: 'person' }), ...employed], new Map())).toEqual([[0, 1], [2], [3]]);
    const named = new Map([['number:C-1', [a]]]);
    const byNumber: Operation = { op: 'archive', target: { claim: 'number:C-1' } };
    expect(lanesOf([update(b, { parentId: c }), byNumber], named, new Map([[c, a]]))).toEqual([[0, 1]]);
  });

  it('join where one operation links two of them', () => {
    const link = update(a, { emails: email('b@example.com') });
    expect(lanesOf([archive(a), upsert('b@example.com', b), link], new Map())).toEqual([[0, 1, 2]]);
  });
});

describe('the lanes of a batch with a merged customer', () => {
  it('keep the operations on its records together, whichever of them is named', () => {
    const goldenIds = new Map([
      [a, a],
      [b, a],
    ]);
    expect(lanesOf([update(a, {}), update(c, {}), archive(b)], new Map(), goldenIds)).toEqual([[1], [0, 2]]);
  });
});

describe('the rehearsal of a batch', () => {
  const rehearsed = (
    operations: readonly Operation[],
    past: Record<string, readonly CustomerEvent[]> = {},
    outside: Record<string, string> = {},
  ) => {
    const parts = Object.entries(past).map(([id, events]) => [id, partAfter(id, undefined, events, now)] as const);
    const given = {
      parts: new Map(parts),
      holders: new Map(Object.entries(outside)),
      numbers: operations.map((_, index) => `N-${index}`),
    };
    const context = { now, entry: 'api' as const, rules: builtInRules };
    const { outcomes, decided } = rehearse(operations, given, context);
    return {
      outcomes: outcomes.map((one) => ('code' in one ? one.code : [one.id, one.version])),
      types: Object.fromEntries([...decided].map(([id, own]) => [id, own.map(({ type }) => type)])),
    };
  };

  it('lets each operation see what those before it did', () => {
    const operations = [
      create(a, { emails: email('a@example.com') }),
      upsert('a@example.com', b, { title: 'CEO' }),
      archive(a),
      update(a, { title: 'CFO' }),
    ];
    expect(rehearsed(operations)).toEqual({
      outcomes: [[a, 1], [a, 2], [a, 3], 'customer-archived'],
      types: { [a]: ['CustomerCreated', 'CustomerDetailsChanged', 'CustomerArchived'] },
    });
  });

  it('refuses an e-mail that another record has, in the batch or outside, until it is freed', () => {
    const emails = email('x@example.com');
    const past = { [a]: [created('C-1', { emails })] };
    expect(rehearsed([create(b, { emails })], past).outcomes).toEqual(['email-taken']);
    expect(rehearsed([archive(a), create(b, { emails }), create(c, { emails })], past).outcomes).toEqual([
      [a, 2],
      [b, 1],
      'email-taken',
    ]);
    expect(rehearsed([create(b, { emails })], {}, { 'email:x@example.com': c }).outcomes).toEqual(['email-taken']);
  });

  it('takes an operation on one of several records as one on their customer', () => {
    const merge = { mergeId: 'm', rules: {} };
    const emails = email('b@example.com');
    const past: Record<string, CustomerEvent[]> = {
      [a]: [created('C-1'), { type: 'CustomersMerged', absorbed: [b], ...merge }],
      [b]: [created('C-2', { emails }), { type: 'CustomerAbsorbed', mergeId: 'm', into: a, goldenId: a }],
    };
    const operations = [
      update(b, { title: 'CEO', tags: ['vip'] }),
      update(a, { title: 'CEO' }),
      create(c, { emails }),
      archive(b),
      create(c, { emails }),
      update(b, { title: 'CFO' }),
    ];
    expect(rehearsed(operations, past)).toEqual({
      outcomes: [[a, 3], [a, 3], 'email-taken', [a, 4], [c, 1], 'customer-archived'],
      types: {
        [a]: ['CustomerDetailsChanged', 'CustomerArchived'],
        [b]: ['CustomerArchived'],
        [c]: ['CustomerCreated'],
      },
    });
  });

  it('names every operation that would be refused', () => {
    const outcomes = [update(a, { title: 'x' }), create(b), create(c, { birthDate: '2999-01-01' })];
    expect(rehearsed(outcomes).outcomes).toEqual(['customer-not-found', [b, 1], 'invalid-customer']);
  });
});
