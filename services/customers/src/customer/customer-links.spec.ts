import { describe, expect, it } from '@jest/globals';
import type { CustomerEvent, CustomerFields, RecordedOf } from '@throughline/contracts';
import { partOf, type Group, type Part } from './customer-group.ts';
import { linkErrors, linksOf, parentErrors } from './customer-links.ts';

function groupOf(id: string, fields: CustomerFields): Group {
  const created = {
    type: 'CustomerCreated',
    stream: { type: 'customer', id, version: 1 },
    data: { number: id, emailsReserved: false, ...fields },
    effectiveAt: '2026-01-01T00:00:00.000Z',
    position: 1,
  } as unknown as RecordedOf<CustomerEvent>;
  return [partOf(id, [created]) as Part];
}
const company = (id: string, parentId?: string) => groupOf(id, { kind: 'company', ...(parentId && { parentId }) });

describe('the customers that a customer names', () => {
  const found = (...groups: Group[]) => new Map(groups.map((group) => [group[0].id, group]));

  it('are those of the fields that are set, not of those that are cleared', () => {
    const changes = { employerId: 'e', parentId: null, referredBy: 'r', name: 'x' };
    expect(linksOf({ type: 'ChangeCustomer', changes } as never)).toEqual({ employerId: 'e', referredBy: 'r' });
    expect(linksOf({ type: 'ArchiveCustomer' })).toEqual({});
  });

  it('are there, others than itself, and companies where it works or belongs', () => {
    const person = groupOf('p', { kind: 'person' });
    const links = { employerId: 'p', parentId: 'nobody', referredBy: 'p' };
    expect(linkErrors('x', links, found(person))).toEqual([
      { path: 'employerId', code: 'not-a-company' },
      { path: 'parentId', code: 'unknown-record' },
    ]);
    expect(linkErrors('p', { referredBy: 'p' }, found(person))).toEqual([{ path: 'referredBy', code: 'not-itself' }]);
  });
});

describe('a company that belongs to another', () => {
  const [a, b, c] = [company('a'), company('b', 'a'), company('c', 'b')];

  it('does not belong to one that belongs to it, however far below', () => {
    expect(parentErrors(c, 'a', { above: [a] })).toEqual([]);
    expect(parentErrors(a, 'c', { above: [c, b] })).toEqual([{ path: 'parentId', code: 'circular' }]);
    expect(parentErrors(a, 'a', { above: [] })).toEqual([{ path: 'parentId', code: 'not-itself' }]);
  });

  it('cannot be told of where those above changed meanwhile', () => {
    expect(parentErrors(a, 'c', { above: [c] })).toBeUndefined();
  });

  it('ends at companies that are not there, and in rings above', () => {
    expect(parentErrors(a, 'c', { above: [c], lost: ['b'] })).toEqual([]);
    expect(parentErrors(a, 'y', { above: [company('y', 'z'), company('z', 'y')] })).toEqual([]);
  });
});
