import { describe, expect, it } from '@jest/globals';
import { react } from './close-deals-when-customer-archived.policy.ts';

describe('when a customer is archived', () => {
  it('each of their open deals is lost', () => {
    const command = { type: 'LoseDeal', reason: 'The customer was archived.' };
    expect(react({ type: 'CustomerArchived' }, ['a', 'b'])).toEqual([
      { id: 'a', command },
      { id: 'b', command },
    ]);
  });

  it('nothing happens where none is open', () => {
    expect(react({ type: 'CustomerArchived' }, [])).toEqual([]);
  });
});
