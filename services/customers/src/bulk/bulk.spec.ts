import { describe, expect, it } from '@jest/globals';
import type { CustomerEvent } from '@throughline/contracts';
import { replay } from '@throughline/event-sourcing';
import { builtInRules, customer } from '../customer/customer.ts';
import { lanesOf, rehearse, type Operation } from './bulk.ts';

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
    const holders = new Map([['email:x@example.com', a]]);
    expect(lanesOf([archive(a), create(b, shared)], holders)).toEqual([[0, 1]]);
  });

  it('join where one operation links two of them', () => {
    const link = update(a, { emails: email('b@example.com') });
    expect(lanesOf([archive(a), upsert('b@example.com', b), link], new Map())).toEqual([[0, 1, 2]]);
  });
});

describe('the rehearsal of a batch', () => {
  const rehearsed = (
    operations: readonly Operation[],
    past: Record<string, readonly CustomerEvent[]> = {},
    outside: Record<string, string> = {},
  ) => {
    const records = Object.entries(past).map(
      ([id, events]) => [id, { state: replay(customer, events), version: events.length }] as const,
    );
    const given = {
      records: new Map(records),
      holders: new Map(Object.entries(outside)),
      numbers: operations.map((_, index) => `N-${index}`),
    };
    const context = { now: '2026-01-15T08:00:00.000Z', entry: 'api' as const, rules: builtInRules };
    const { outcomes, events } = rehearse(operations, given, context);
    return {
      outcomes: outcomes.map((one) => ('code' in one ? one.code : [one.id, one.version])),
      types: Object.fromEntries([...events].map(([id, own]) => [id, own.map(({ type }) => type)])),
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

  it('names every operation that would be refused', () => {
    const outcomes = [update(a, { title: 'x' }), create(b), create(c, { birthDate: '2999-01-01' })];
    expect(rehearsed(outcomes).outcomes).toEqual(['customer-not-found', [b, 1], 'invalid-customer']);
  });
});
