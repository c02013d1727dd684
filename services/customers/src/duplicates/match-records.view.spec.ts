import { describe, expect, it } from '@jest/globals';
import { erased, type CustomerEvent, type Recorded } from '@throughline/contracts';
import { keyHash, matchRecords, type MatchRow } from './match-records.view.ts';

const id = '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a01';
const golden = '0198c0de-5a10-7c31-8f2e-2b7c4d6e9a02';
const rowsAfter = (...events: CustomerEvent[]) =>
  events.reduce<readonly MatchRow[]>((rows, { type, ...data }) => {
    return matchRecords.evolve(rows, {
      type,
      data,
      stream: { type: 'customer', id, version: 1 },
    } as Recorded) as MatchRow[];
  }, []);

const created: CustomerEvent = {
  type: 'CustomerCreated',
  number: 'C-000001',
  name: '张伟',
  phones: [{ value: '138 0013 8000', label: 'work', primary: true }],
  addresses: [{ city: '杭州', label: '家', regionCode: '330100' }],
  emailsReserved: false,
};
const phoneKey = keyHash('p phone 0138000');

describe('a record among those that are compared', () => {
  it('has what is compared of it, and its keys', () => {
    const [row] = rowsAfter(created);
    expect(row).toMatchObject({ recordId: id, goldenId: id, number: 'C-000001', active: true });
    expect(row!.said).toEqual({ name: '张伟', phones: ['138 0013 8000'], addresses: [{ city: '杭州' }] });
    expect(row!.keys).toContain(phoneKey);
    expect(row!.compared.phones[0]).toMatchObject({ number: '+8613800138000' });
  });

  it('follows its changes, and not those of what nobody compares', () => {
    const before = rowsAfter(created);
    const change = { type: 'CustomerDetailsChanged', emailsReserved: false } as const;
    expect(rowsAfter(created, { ...change, phones: null })[0]!.keys).not.toContain(phoneKey);
    expect(rowsAfter(created, { ...change, title: '经理' })).toEqual(before);
    expect(rowsAfter(created, { ...change, phones: erased })[0]!.said).toEqual({
      name: '张伟',
      addresses: [{ city: '杭州' }],
    });
  });

  it('is no duplicate of anybody while it is archived, and never again once it is erased', () => {
    expect(rowsAfter(created, { type: 'CustomerArchived' })[0]).toMatchObject({ active: false, keys: [] });
    expect(rowsAfter(created, { type: 'CustomerArchived' }, { type: 'CustomerRestored' })).toEqual(rowsAfter(created));
    expect(rowsAfter(created, { type: 'CustomerErased', erasureId: golden })).toEqual([]);
  });

  it('knows the customer that it belongs to', () => {
    const absorbed: CustomerEvent = { type: 'CustomerAbsorbed', mergeId: golden, into: golden, goldenId: golden };
    expect(rowsAfter(created, absorbed)[0]).toMatchObject({ goldenId: golden });
    expect(rowsAfter(created, absorbed, { type: 'CustomerReleased', mergeId: golden, from: golden })).toEqual(
      rowsAfter(created),
    );
  });
});
