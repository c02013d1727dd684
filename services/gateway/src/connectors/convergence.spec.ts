import fc from 'fast-check';
import type { Delivery, Seen } from './connector.ts';
import {
  businessPartner,
  cloudEvent,
  context,
  delivery,
  json,
  map,
  salesOrder,
  shopifyOrder,
  shopifyRefund,
  wooOrder,
} from './deliveries.fixtures.ts';
import { mappers } from './mappers.ts';

type Kind = keyof typeof mappers;
const shop = (topic: string, body: unknown): [Kind, Delivery] => [
  'shopify',
  delivery({ 'x-shopify-topic': topic }, json(body)),
];
const woo = (body: unknown): [Kind, Delivery] => [
  'woocommerce',
  delivery({ 'x-wc-webhook-topic': 'order.updated' }, body),
];
const erp = (body: unknown): [Kind, Delivery] => ['sap', delivery({}, body)];

const refunds = [{ id: 726, reason: '', total: '-10.00' }];
const deliveries: [Kind, Delivery][] = [
  shop('orders/create', { ...shopifyOrder, financial_status: 'pending', total_outstanding: '236.00' }),
  // Another word at the same second: settled by the hash.
  shop('orders/paid', shopifyOrder),
  shop('orders/updated', { ...shopifyOrder, updated_at: '2026-03-02T09:00:02+08:00', refunds: [shopifyRefund] }),
  shop('refunds/create', shopifyRefund),
  shop('customers/update', { ...shopifyOrder.customer, updated_at: '2026-02-01T00:00:00+08:00', last_name: '汪' }),
  woo(wooOrder),
  woo({ ...wooOrder, status: 'completed', refunds, date_modified_gmt: '2026-02-01T00:00:00' }),
  woo({ ...wooOrder, status: 'completed', refunds, date_modified_gmt: '2026-02-03T00:00:00', customer_note: '' }),
  erp(businessPartner),
  erp(cloudEvent('SalesOrder', { d: salesOrder })),
  erp({ d: { ...salesOrder, LastChangeDateTime: '/Date(1492098664408+0000)/', OverallSDProcessStatus: 'C' } }),
];

const newer = (a: string | undefined, b: string) => a === undefined || a < b;

/** What whoever listens ends up with: the larger stamp wins; of a refund the earliest time. */
function settle(seen: readonly Seen[]): Map<string, unknown> {
  const order = new Map<string, string>();
  const state = new Map<string, unknown>();
  for (const { stream, event } of seen) {
    const key = `${stream.type} ${stream.id}`;
    if (event.type === 'RefundSeen') {
      const known = order.get(key);
      if (known !== undefined && known <= event.at) continue;
      order.set(key, event.at);
    } else {
      const rank = event.type === 'CustomerSeen' ? (event.stamp.rank === 'profile' ? '1' : '0') : '';
      const version = `${rank} ${event.stamp.at} ${event.stamp.hash}`;
      if (!newer(order.get(key), version)) continue;
      order.set(key, version);
    }
    state.set(key, event);
  }
  return new Map([...state].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const mapAll = (list: readonly [Kind, Delivery][]) => list.flatMap(([kind, one]) => map(mappers[kind], one));

/** Why it cannot be mapped; a place that is no place when it can. */
function faultOf(one: [Kind, Delivery]): unknown {
  try {
    mapAll([one]);
    return { pointer: 'none' };
  } catch (error) {
    return error;
  }
}

describe('deliveries', () => {
  const expected = settle(mapAll(deliveries));

  it('end the same in any order and any number', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(deliveries, { minLength: deliveries.length }),
        fc.array(fc.constantFrom(...deliveries), { maxLength: 10 }),
        (shuffled, again) => {
          expect(settle(mapAll([...shuffled, ...again]))).toEqual(expected);
        },
      ),
      { numRuns: 25 },
    );
  });
  it('say the same whenever they are mapped', () => {
    const late = deliveries.map(([kind, one]): [Kind, Delivery] => [
      kind,
      { ...one, receivedAt: '2027-01-01T00:00:00.000Z' },
    ]);
    expect(mapAll(late)).toEqual(mapAll(deliveries));
  });
  it('have one hash however their JSON is written', () => {
    const shuffled = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(shuffled)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .toReversed()
                .map(([key, member]) => [key, shuffled(member)]),
            )
          : value;
    const one = mappers.shopify(shop('orders/paid', shopifyOrder)[1], context);
    const other = delivery(
      { 'shopify-topic': 'orders/paid' },
      json(shuffled({ ...shopifyOrder, total_price: '236.000', unknown: 1 })),
    );
    expect(mappers.shopify(other, context)).toEqual(one);
  });
  it('have another hash when they say anything else', () => {
    const hashes = new Set(
      [{}, { note: 'x' }, { total_price: '236.01' }, { financial_status: 'pending' }].map((changes) => {
        const seen = mapAll([shop('orders/updated', { ...shopifyOrder, ...changes })]);
        return seen.map(({ event }) => ('stamp' in event ? event.stamp.hash : '')).join();
      }),
    );
    expect(hashes.size).toBe(4);
  });
  it('are never mapped to what the contract does not know, whatever is missing from them', () => {
    const bodies = [shopifyOrder, wooOrder, businessPartner, salesOrder] as unknown as Record<string, unknown>[];
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3 }),
        fc.infiniteStream(fc.boolean()),
        fc.constantFrom(null, '', undefined),
        (which, dice, hole) => {
          const body = Object.fromEntries(
            Object.entries(bodies[which]!).map(([key, value]) => [key, dice.next().value ? value : hole]),
          );
          const one = [shop('orders/updated', body), woo(body), erp(body), erp(body)][which]!;
          // With its place, or it is a mistake of ours.
          expect(faultOf(one)).toMatchObject({ pointer: expect.any(String) });
        },
      ),
      { numRuns: 200 },
    );
  });
});
