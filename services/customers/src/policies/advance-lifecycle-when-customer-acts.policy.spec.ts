import { describe, expect, it } from '@jest/globals';
import { react } from './advance-lifecycle-when-customer-acts.policy.ts';

describe('the record that may have moved on', () => {
  it('is the one that acted, or that others were merged into', () => {
    const acted = (data: object) => react({ stream: { type: 'any', id: 's', version: 1 }, data } as never);
    expect(acted({ customerId: 'c', kind: 'call' })).toBe('c');
    expect(acted({ absorbed: ['b'] })).toBe('s');
  });
});
