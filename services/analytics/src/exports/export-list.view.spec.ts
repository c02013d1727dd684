import { describe, expect, it } from '@jest/globals';
import { namesNobody } from '@throughline/contracts';
import { customers } from '../search/customers.index.ts';
import { recorded, rowsAfter } from '../star/recorded.fixtures.ts';
import { exportList } from './export-list.view.ts';

const selected = (selection: unknown) => {
  const facts = { day: '2026-03-01', rows: 3, format: 'csv', columns: ['id'] };
  const exported = { type: 'CustomersExported', ...facts, selection };
  return rowsAfter(exportList, recorded(exported))[0]?.selection;
};

describe('the list of exports', () => {
  it('leaves out what may name people also where it was recorded', () => {
    const filter = { source: 'fair', name: '王伟', or: [{ phones: { has: '+8613800138000' } }] };
    expect(selected({ q: '王', filter, sort: 'name' })).toEqual({
      q: '…',
      filter: { source: 'fair', name: '…', or: [{ phones: { has: '…' } }] },
      sort: 'name',
    });
    expect(selected({})).toEqual({});
  });

  it('tells values of fields that stay of somebody who was erased, or follow from facts', () => {
    const told = Object.keys(customers.fields).filter(namesNobody);
    const record =
      'id number numbers kind registrationNumber parentId type typeSetBy derivedType source channel campaign';
    const facts =
      'industry size region tags ownerId lifecycle lifecycleSince lifecycleSetBy satisfaction referralChannel';
    const consents =
      'doNotContact marketingEmail marketingPhone marketingSms marketingMessenger marketingPost consents optOuts';
    const orders = 'revenue revenueCurrency orderCount firstOrderAt lastOrderAt lastInteractionAt';
    const others = 'connections archived quality qualityIssues createdAt updatedAt';
    expect(told.toSorted()).toEqual([record, facts, consents, orders, others].join(' ').split(' ').toSorted());
  });
});
