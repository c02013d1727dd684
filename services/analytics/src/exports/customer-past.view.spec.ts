import { describe, expect, it } from '@jest/globals';
import type { AnyEvent } from '@throughline/contracts';
import { recorded, rowsAfter } from '../star/recorded.fixtures.ts';
import { customerPast } from './customer-past.view.ts';

describe('the past of a customer', () => {
  it('is kept event by event: no earlier one is read for a later one', () => {
    const created = { type: 'CustomerCreated', number: 'C-1', name: '王伟' };
    const changed = { type: 'CustomerDetailsChanged', title: 'CEO' };
    const events = recorded<AnyEvent>(created, changed);
    expect(events.map(customerPast.key)).toEqual(events.map(({ id }) => id));
    expect(events.flatMap((event) => rowsAfter(customerPast, [event]))).toMatchObject([
      { version: 1, type: 'CustomerCreated', data: { name: '王伟' } },
      { version: 2, type: 'CustomerDetailsChanged', data: { title: 'CEO' } },
    ]);
  });
});
