import { describe, expect, it } from '@jest/globals';
import { erased } from '@throughline/contracts';
import { recorded } from '../../test/folding.ts';
import { react } from './record-order-when-seen.policy.ts';

const stamp = { at: '2026-01-02T00:00:00.000Z', hash: 'h' };
const facts = { customerId: 'c', number: '#1', total: '5' };
const seen = (event: object) =>
  react(recorded({ type: 'OrderSeen', orderId: 'o', stamp, ...facts, ...event }, 'o') as never);

describe('when a source was heard', () => {
  it('its order is recorded as it says', () => {
    expect(seen({ note: 'gift' })).toEqual({ type: 'RecordSeenOrder', stamp, facts: { ...facts, note: 'gift' } });
  });

  it('an order of somebody erased is recorded without the note', () => {
    expect(seen({ note: erased })).toEqual({ type: 'RecordSeenOrder', stamp, facts });
  });

  it('its refund is recorded', () => {
    const refund = { refundId: 'r', amount: '5', at: '2026-01-03T00:00:00.000Z' };
    expect(react(recorded({ type: 'RefundSeen', orderId: 'o', ...refund }, 'r') as never)).toEqual({
      type: 'RecordSeenRefund',
      ...refund,
    });
  });
});
