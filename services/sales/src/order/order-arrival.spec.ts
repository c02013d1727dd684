import { describe, expect, it } from '@jest/globals';
import { replay } from '@throughline/event-sourcing';
import fc from 'fast-check';
import type { OrderFacts } from './order-facts.ts';
import { order, type Order, type OrderCommand } from './order.ts';
import type { RateRules } from './order-rate.ts';

const rules: RateRules = {
  baseCurrency: 'CNY',
  timeZone: 'UTC',
  ratesOf: {
    USD: [
      { date: '2026-01-01', rate: '7.1' },
      { date: '2026-01-02', rate: '7.2' },
    ],
  },
};
const day = (n: number) => `2026-01-0${n}T00:00:00.000Z`;
const days = fc.integer({ min: 1, max: 4 }).map(day);
const amounts = fc.constantFrom('0', '10', '10.00', '25.5');

const facts: fc.Arbitrary<OrderFacts> = fc
  .tuple(
    fc.record({
      customerId: fc.constant('11111111-1111-4111-8111-111111111111'),
      number: fc.constantFrom('1', '2'),
      status: fc.constantFrom('open', 'completed', 'cancelled'),
      currency: fc.constantFrom('CNY', 'USD', 'EUR'),
      lines: fc.constant<OrderFacts['lines']>([]),
      taxIncluded: fc.boolean(),
      subtotal: amounts,
      discount: fc.constant('0'),
      tax: fc.constant('0'),
      shipping: fc.constant('0'),
      total: amounts,
      paid: amounts,
      placedAt: days,
    }),
    fc.record({ cancelledAt: days, note: fc.constantFrom('a', 'b') }, { requiredKeys: [] }),
  )
  .map(([required, optional]): OrderFacts => ({ ...required, ...optional }));
/** Of few different contents, so that a source also says again what it said before the last change. */
const snapshots = fc.tuple(facts, facts, facts).chain((contents) =>
  fc.uniqueArray(
    fc.record({
      type: fc.constant('RecordSeenOrder' as const),
      stamp: fc.record({ at: days, hash: fc.constantFrom('a', 'b', 'c') }),
      facts: fc.constantFrom(...contents),
    }),
    { maxLength: 6, selector: ({ stamp }) => stamp.at + stamp.hash },
  ),
);
const refunds = fc.array(
  fc.record(
    {
      type: fc.constant('RecordSeenRefund' as const),
      refundId: fc.constantFrom('r1', 'r2', 'r3'),
      amount: amounts,
      at: days,
      currency: fc.constantFrom('CNY', 'USD'),
    },
    { requiredKeys: ['type', 'refundId', 'amount', 'at'] },
  ),
  { maxLength: 5 },
);
/** Everything that was said, and the same in another order with some of it said again. */
const twoArrivals = fc
  .tuple(snapshots, refunds)
  .map(([seen, back]): OrderCommand[] => [...seen, ...back])
  .chain((said) =>
    fc.tuple(
      fc.shuffledSubarray(said, { minLength: said.length }),
      fc
        .subarray(said)
        .chain((again) => fc.shuffledSubarray([...said, ...again], { minLength: said.length + again.length })),
    ),
  );

const arrive = (commands: readonly OrderCommand[]): Order =>
  commands.reduce(
    (state, command) =>
      order.decide(state, command, { now: day(5), entry: 'connector', rules }).reduce(order.evolve, state),
    order.initial,
  );

describe('what sources say about an order', () => {
  it('ends the same in whatever order and however often it arrives', () => {
    fc.assert(
      fc.property(twoArrivals, ([one, other]) => {
        expect(arrive(other)).toEqual(arrive(one));
      }),
      { numRuns: 500 },
    );
  });

  it('ends as the newest snapshot says, with every refund at its earliest', () => {
    fc.assert(
      fc.property(snapshots, refunds, (seen, back) => {
        const { facts: found, refunds: kept } = arrive([...seen, ...back]);
        const newest = seen.toSorted((a, b) => (a.stamp.at + a.stamp.hash < b.stamp.at + b.stamp.hash ? 1 : -1))[0];
        expect(found).toEqual(newest?.facts);
        const said = Map.groupBy(back, ({ refundId }): string => refundId);
        expect(kept.map(({ refundId }) => refundId).sort()).toEqual([...said.keys()].sort());
        for (const { refundId, at } of kept) {
          expect(at).toBe(
            said
              .get(refundId)
              ?.map((refund) => refund.at)
              .sort()[0],
          );
        }
      }),
    );
  });

  it('is folded from its events to the same state that deciding went through', () => {
    fc.assert(
      fc.property(twoArrivals, ([commands]) => {
        const events = [];
        let state = order.initial;
        for (const command of commands) {
          const news = order.decide(state, command, { now: day(5), entry: 'connector', rules });
          state = news.reduce(order.evolve, state);
          events.push(...news);
        }
        expect(replay(order, JSON.parse(JSON.stringify(events)) as typeof events)).toEqual(state);
      }),
    );
  });
});
