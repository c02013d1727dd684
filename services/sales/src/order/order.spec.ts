import { describe, expect, it } from '@jest/globals';
import type { OrderEvent } from '@throughline/contracts';
import { replay } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import type { OrderFacts } from './order-facts.ts';
import type { RateRules } from './order-rate.ts';
import { order, type OrderCommand } from './order.ts';

const customerId = '11111111-1111-4111-8111-111111111111';
const cny = (amount: string) => ({ amount, currency: 'CNY' });
const rules: RateRules = {
  baseCurrency: 'CNY',
  timeZone: 'Asia/Shanghai',
  ratesOf: {
    USD: [
      { date: '2026-02-01', rate: '7.3' },
      { date: '2026-01-01', rate: '7.1' },
    ],
  },
};

const facts: OrderFacts = {
  customerId,
  number: '#1001',
  status: 'open',
  currency: 'USD',
  lines: [{ lineId: '1', title: 'Tea', quantity: '2', unitPrice: '10', discount: '0', tax: '0', total: '20' }],
  taxIncluded: true,
  subtotal: '20',
  discount: '0',
  tax: '0',
  shipping: '5',
  total: '25',
  paid: '0',
  placedAt: '2026-01-10T08:00:00.000Z',
};
const stamp = (day: number, hash = 'h') => ({ at: `2026-01-${day}T00:00:00.000Z`, hash });
const see = (day: number, changes: Partial<OrderFacts> = {}, hash = 'h'): OrderCommand => ({
  type: 'RecordSeenOrder',
  stamp: stamp(day, hash),
  facts: { ...facts, ...changes },
});
const seen: OrderEvent = { type: 'OrderPlaced', ...facts, stamp: stamp(11), baseCurrency: 'CNY', rate: '7.1' };
const changed = (day: number, changes: Partial<OrderFacts>): OrderEvent => ({
  type: 'OrderChanged',
  ...facts,
  ...changes,
  stamp: stamp(day),
});
const cancelledAt = '2026-01-12T09:00:00.000Z';
const refunded: OrderEvent = { type: 'OrderRefunded', refundId: 'r1', amount: '5', at: '2026-01-20T00:00:00.000Z' };

const given = scenario(order, { rules });

describe('an order that a source has seen', () => {
  it('is placed with the rate of the day it was placed on', () => {
    given().when(see(11)).then(seen);
  });

  it('counts in its own currency where no base currency or no rate is known', () => {
    given()
      .when(see(11), { rules: { timeZone: 'UTC', ratesOf: {} } })
      .then({ ...seen, baseCurrency: 'USD', rate: '1' } as OrderEvent);
    given()
      .when(see(11, { placedAt: '2025-12-31T15:59:59.000Z' }))
      .then({ ...seen, placedAt: '2025-12-31T15:59:59.000Z', baseCurrency: 'USD', rate: '1' } as OrderEvent);
  });

  it('takes the rate of the local date: the year begins earlier in Shanghai', () => {
    given()
      .when(see(11, { placedAt: '2025-12-31T16:00:00.000Z' }))
      .then({ ...seen, placedAt: '2025-12-31T16:00:00.000Z' } as OrderEvent);
  });

  it('is confirmed by a newer snapshot that says the same', () => {
    given(seen)
      .when(see(12))
      .then({ type: 'OrderConfirmed', stamp: stamp(12) });
  });

  it('does not change by an older snapshot, nor by the same one again', () => {
    given(seen)
      .when(see(10, { total: '99' }))
      .thenNothing();
    given(seen).when(see(11)).thenNothing();
  });

  it('of two snapshots of one moment follows the one with the larger hash', () => {
    given(seen)
      .when(see(11, { total: '26' }, 'a'))
      .thenNothing();
    given(seen)
      .when(see(11, { total: '26' }, 'z'))
      .then({ type: 'OrderChanged', ...facts, total: '26', stamp: stamp(11, 'z') });
  });

  it('says aloud that it was paid or cancelled', () => {
    given(seen)
      .when(see(12, { paid: '25' }))
      .then(changed(12, { paid: '25' }), { type: 'OrderPaid', paid: '25', currency: 'USD' });
    given(seen)
      .when(see(12, { status: 'cancelled', cancelledAt }))
      .then(changed(12, { status: 'cancelled', cancelledAt }), { type: 'OrderCancelled', cancelledAt });
    given(seen)
      .when(see(12, { status: 'cancelled' }))
      .then(changed(12, { status: 'cancelled' }), { type: 'OrderCancelled', cancelledAt: stamp(12).at });
  });

  it('is open again where a newer snapshot says so', () => {
    given(seen, changed(12, { status: 'cancelled', cancelledAt }), { type: 'OrderCancelled', cancelledAt })
      .when(see(13))
      .then(changed(13, {}));
  });

  it('stays cancelled by a person until its source says something new', () => {
    const byPerson: OrderEvent = { type: 'OrderCancelled', cancelledAt };
    given(seen, byPerson)
      .when(see(12))
      .then({ type: 'OrderConfirmed', stamp: stamp(12) });
    given(seen, byPerson)
      .when(see(12, { shipping: '6', total: '26' }))
      .then(changed(12, { shipping: '6', total: '26' }));
  });

  it('gets another rate only where its currency or its date was another', () => {
    const placedAt = '2026-02-03T00:00:00.000Z';
    given(seen)
      .when(see(12, { placedAt }))
      .then({ ...changed(12, { placedAt }), baseCurrency: 'CNY', rate: '7.3' } as OrderEvent);
    given(seen)
      .when(see(12, { currency: 'CNY' }))
      .then({ ...changed(12, { currency: 'CNY' }), baseCurrency: 'CNY', rate: '1' } as OrderEvent, {
        type: 'OrderPaid',
        paid: '0',
        currency: 'CNY',
      });
  });

  it('keeps a refund that came before it, and counts each once', () => {
    const refund: OrderCommand = { ...refunded, type: 'RecordSeenRefund' } as OrderCommand;
    given().when(refund).then(refunded);
    given(refunded).when(refund).thenNothing();
    given(refunded).when(see(11)).then(seen);
    expect(order.fields?.(replay(order, [refunded, seen]))).toMatchObject({
      refunded: { amount: '5.00', currency: 'USD' },
      refunds: [{ refundId: 'r1', amount: { amount: '5.00', currency: 'USD' } }],
    });
  });

  it('shares its number with orders of other shops', () => {
    given().when(see(11)).thenClaims();
  });
});

describe('an order placed here', () => {
  const now = '2026-01-15T08:00:00.000Z';
  const place = (input: object = {}): OrderCommand => ({
    type: 'PlaceOrder',
    number: 'O-000001',
    order: {
      customerId,
      lines: [{ title: '茶', quantity: '3', unitPrice: cny('12.50'), discount: cny('0.5'), tax: cny('2.22') }],
      ...input,
    },
  });
  const placed: OrderEvent = {
    type: 'OrderPlaced',
    customerId,
    number: 'O-000001',
    status: 'open',
    currency: 'CNY',
    lines: [
      { lineId: '1', title: '茶', quantity: '3', unitPrice: '12.50', discount: '0.5', tax: '2.22', total: '37.00' },
    ],
    taxIncluded: false,
    subtotal: '37.00',
    discount: '0',
    tax: '2.22',
    shipping: '10',
    total: '49.22',
    paid: '0',
    placedAt: now,
    baseCurrency: 'CNY',
    rate: '1',
  };

  it('works out what was left out, exactly', () => {
    given()
      .when(place({ shipping: cny('10') }))
      .then(placed);
  });

  it('takes a total as it is given', () => {
    given()
      .when(place({ shipping: cny('10'), total: cny('49') }))
      .then({ ...placed, total: '49' } as OrderEvent);
  });

  it('holds its number for ever, and cannot be placed twice', () => {
    given().when(place()).thenClaims('order-number:O-000001');
    given(placed).when({ type: 'CancelOrder' }).thenClaims('order-number:O-000001');
    given(placed).when(place()).thenRefused('order-exists');
  });

  it('is refused with every field that is wrong', () => {
    const line = { title: 'x', quantity: '0', unitPrice: { amount: '-1', currency: 'USD' }, lineId: '7' };
    given()
      .when(place({ currency: 'CNY', lines: [line, { ...line, quantity: '1', unitPrice: cny('1') }] }))
      .thenRefused('invalid-order');
    let errors: unknown;
    try {
      order.decide(
        order.initial,
        place({ currency: 'CNY', lines: [line, { ...line, quantity: '1', unitPrice: cny('1') }] }),
        { now, entry: 'api', rules },
      );
    } catch (refusal) {
      errors = (refusal as { errors: { path: string; code: string }[] }).errors.map(
        ({ path, code }) => `${path} ${code}`,
      );
    }
    expect(errors).toEqual([
      'lines.0.quantity out-of-range',
      'lines.0.unitPrice.currency other-currency',
      'lines.0.unitPrice.amount out-of-range',
      'lines.1.lineId repeated',
    ]);
  });

  it('adds up its payments', () => {
    given(placed, { type: 'OrderPaid', paid: '0.10', currency: 'CNY' })
      .when({ type: 'RecordPayment', amount: '0.20', currency: 'CNY' })
      .then({ type: 'OrderPaid', paid: '0.30', currency: 'CNY' });
  });

  it('takes no payment of nothing, none in another currency, and none once cancelled', () => {
    given(placed).when({ type: 'RecordPayment', amount: '0' }).thenRefused('invalid-order');
    given(placed).when({ type: 'RecordPayment', amount: '1', currency: 'USD' }).thenRefused('invalid-order');
    given(placed, { type: 'OrderCancelled', cancelledAt })
      .when({ type: 'RecordPayment', amount: '1' })
      .thenRefused('order-cancelled');
  });

  it('is cancelled once', () => {
    given(placed).when({ type: 'CancelOrder' }).then({ type: 'OrderCancelled', cancelledAt: now });
    given(placed, { type: 'OrderCancelled', cancelledAt }).when({ type: 'CancelOrder' }).thenNothing();
  });

  it('is refunded once a refund, also when cancelled', () => {
    const refund: OrderCommand = { type: 'RecordRefund', refundId: 'r', amount: '7' };
    const done: OrderEvent = { type: 'OrderRefunded', refundId: 'r', amount: '7', at: now, currency: 'CNY' };
    given(placed, { type: 'OrderCancelled', cancelledAt }).when(refund).then(done);
    given(placed, done).when(refund).thenNothing();
    given(placed, done)
      .when({ ...refund, amount: '8' })
      .thenRefused('refund-exists');
  });

  it('has to be there before anything can be done with it', () => {
    for (const command of [{ type: 'CancelOrder' }, { type: 'RecordPayment', amount: '1' }] as const) {
      given().when(command).thenRefused('order-not-found');
      given(refunded).when(command).thenRefused('order-not-found');
    }
  });
});
