import { describe, expect, it } from '@jest/globals';
import type { OrderEvent, OrderLine } from '@throughline/contracts';
import fc from 'fast-check';
import { Exact } from './columns.view.ts';
import { factOrderLine, type FactOrderLine } from './fact-order-line.view.ts';
import { customerId, recorded, rowsAfter } from './recorded.fixtures.ts';

type Placed = Extract<OrderEvent, { type: 'OrderPlaced' }>;

const line = (facts: Partial<OrderLine> = {}): OrderLine => ({
  lineId: '1',
  sku: 'TEA',
  title: 'Tea',
  quantity: '2',
  unitPrice: '10.00',
  discount: '0',
  tax: '0',
  total: '20.00',
  ...facts,
});
const placed = (facts: Partial<Placed> = {}): Placed => ({
  type: 'OrderPlaced',
  customerId,
  number: 'A-1',
  status: 'open',
  currency: 'CNY',
  lines: [line()],
  taxIncluded: false,
  subtotal: '20.00',
  discount: '0',
  tax: '0',
  shipping: '0',
  total: '20.00',
  paid: '0',
  placedAt: '2026-01-31T18:00:00+08:00',
  baseCurrency: 'CNY',
  rate: '1',
  ...facts,
});
const changed = (facts: Partial<Placed>): OrderEvent => {
  const { baseCurrency: _, rate: __, ...order } = placed(facts);
  return { ...order, type: 'OrderChanged' };
};
const cancelled: OrderEvent = { type: 'OrderCancelled', cancelledAt: '2026-02-01T00:00:00Z' };
const refunded = (amount: string, refundId = 'R1', currency?: string): OrderEvent => ({
  type: 'OrderRefunded',
  refundId,
  amount,
  at: '2026-03-05T09:00:00Z',
  ...(currency && { currency }),
});

const rowsOf = (...events: OrderEvent[]) => rowsAfter(factOrderLine, recorded<OrderEvent>(...events));
const counted = (rows: readonly FactOrderLine[]) => rows.filter((row) => row.counted);
const sum = (rows: readonly FactOrderLine[], column: 'amount' | 'amountBase' = 'amount') =>
  counted(rows).reduce((total, row) => total.plus(row[column]), new Exact(0));
const shown = (rows: readonly FactOrderLine[]) => counted(rows).map(({ kind, amount }) => `${kind} ${amount}`);

describe('the order lines', () => {
  it('show an order as signed rows that add up to its total', () => {
    const rows = rowsOf(
      placed({
        lines: [line({ discount: '1.50', total: '18.50' })],
        discount: '2',
        tax: '3.30',
        shipping: '8',
        total: '27.80',
      }),
    );
    expect(shown(rows)).toEqual(['item 20', 'discount -1.5', 'discount -2', 'shipping 8', 'tax 3.3']);
    expect(counted(rows)[0]).toMatchObject({
      recordId: customerId,
      orderNumber: 'A-1',
      productKey: 'TEA',
      quantity: '2',
      unitPrice: '10.00',
      currency: 'CNY',
      occurredAt: '2026-01-31T10:00:00.000Z',
    });
  });

  it('leave the tax out where the prices hold it, and count it where the lines come without all the same', () => {
    expect(shown(rowsOf(placed({ taxIncluded: true, tax: '2.30' })))).toEqual(['item 20']);
    expect(shown(rowsOf(placed({ taxIncluded: true, tax: '2.30', total: '22.30' })))).toEqual(['item 20', 'tax 2.3']);
  });

  it('say as an adjustment what the total holds beyond the rest, and never leave an order without a row', () => {
    expect(shown(rowsOf(placed({ total: '19.99' })))).toEqual(['item 20', 'adjustment -0.01']);
    expect(shown(rowsOf(placed({ lines: [], total: '0' })))).toEqual(['adjustment 0']);
  });

  it('round a line as its source did', () => {
    const weighed = line({ quantity: '0.333', unitPrice: '9.99', total: '3.33' });
    expect(shown(rowsOf(placed({ lines: [weighed], total: '3.33' })))).toEqual(['item 3.33']);
  });

  it('put what rounding to the base currency leaves over into the last row', () => {
    const thirds = [1, 2, 3].map((no) => line({ lineId: `${no}`, quantity: '1', unitPrice: '0.05', total: '0.05' }));
    const rows = rowsOf(placed({ lines: thirds, total: '0.15', baseCurrency: 'USD', rate: '0.3' }));
    expect(counted(rows).map((row) => row.amountBase)).toEqual(['0.02', '0.02', '0.01']);
    expect(counted(rows)[0]?.baseCurrency).toBe('USD');
  });

  it('have none for a cancelled order, refunds included, and all again once it is opened again', () => {
    const before = rowsOf(placed(), refunded('5'));
    expect(shown(before)).toEqual(['item 20', 'refund -5']);
    expect(shown(rowsOf(placed(), refunded('5'), cancelled))).toEqual([]);
    expect(shown(rowsOf(placed(), cancelled, refunded('5')))).toEqual([]);
    expect(shown(rowsOf(placed({ status: 'cancelled' }), refunded('5')))).toEqual([]);
    expect(shown(rowsOf(placed(), refunded('5'), cancelled, changed({})))).toEqual(['item 20', 'refund -5']);
  });

  it('keep a refund that comes before its order waiting', () => {
    expect(shown(rowsOf(refunded('5')))).toEqual([]);
    const rows = rowsOf(refunded('5'), placed({ currency: 'EUR', rate: '8' }));
    expect(counted(rows).at(-1)).toMatchObject({
      kind: 'refund',
      recordId: customerId,
      amount: '-5',
      currency: 'EUR',
      amountBase: '-40.00',
      baseCurrency: 'CNY',
      occurredAt: '2026-03-05T09:00:00.000Z',
    });
  });

  it('count a refund once, however often it is told', () => {
    expect(shown(rowsOf(placed(), refunded('5'), refunded('2', 'R2'), refunded('6')))).toEqual([
      'item 20',
      'refund -2',
      'refund -6',
    ]);
  });

  it('keep the rate of the day, also when the order changes; another currency counts as itself', () => {
    const abroad = placed({ currency: 'EUR', rate: '8' });
    expect(sum(rowsOf(abroad, changed({ currency: 'EUR', total: '10' })), 'amountBase').toFixed(2)).toBe('80.00');
    const [row] = counted(rowsOf(abroad, changed({ currency: 'JPY', total: '10' })));
    expect(row).toMatchObject({ currency: 'JPY', baseCurrency: 'JPY' });
  });

  it('bear a moment that no calendar has', () => {
    const rows = rowsOf(placed({ placedAt: '0000-01-01T00:00:00Z' }));
    expect(counted(rows)[0]?.occurredAt).toBe('2026-01-01T00:00:00.000Z');
  });

  const cents = fc.integer({ min: 0, max: 1_000_000 }).map((n) => new Exact(n).div(100).toFixed(2));
  const signed = fc.integer({ min: -100_000, max: 1_000_000 }).map((n) => new Exact(n).div(100).toFixed(2));
  const anyLine = fc.record({
    lineId: fc.string(),
    title: fc.string(),
    sku: fc.option(fc.string(), { nil: undefined }),
    quantity: fc.integer({ min: -5_000, max: 9_999_999 }).map((n) => new Exact(n).div(1000).toFixed(3)),
    unitPrice: fc.integer({ min: 0, max: 99_999_999 }).map((n) => new Exact(n).div(10_000).toFixed(4)),
    discount: cents,
    tax: cents,
    total: signed,
  });
  const facts = fc
    .record({
      lines: fc.array(anyLine, { maxLength: 6 }),
      discount: cents,
      tax: cents,
      shipping: cents,
      total: signed,
      taxIncluded: fc.boolean(),
    })
    .map((some) => some as Partial<Placed>);
  const rate = fc.integer({ min: 1, max: 99_999_999 }).map((n) => new Exact(n).div(1_000_000).toFixed());
  const step = fc.oneof(
    facts.map((some) => changed(some)),
    fc.tuple(cents, fc.constantFrom('R1', 'R2', 'R3')).map(([amount, id]) => refunded(amount, id)),
    fc.constant(cancelled),
  );

  it('add up to total less refunds for any order, in both currencies', () => {
    fc.assert(
      fc.property(facts, rate, fc.array(cents, { maxLength: 3 }), (some, perUnit, refunds) => {
        const order = placed({ ...some, currency: 'EUR', rate: perUnit });
        const rows = rowsOf(order, ...refunds.map((amount, index) => refunded(amount, `R${index}`)));
        const inBase = (amount: string) => new Exact(amount).times(perUnit).toDecimalPlaces(2);
        const less = (total: Exact, amounts: Exact[]) => amounts.reduce((rest, one) => rest.minus(one), total);
        expect(sum(rows).toFixed()).toBe(
          less(
            new Exact(order.total),
            refunds.map((one) => new Exact(one)),
          )
            .plus(0)
            .toFixed(),
        );
        expect(sum(rows, 'amountBase').toFixed(2)).toBe(
          less(inBase(order.total), refunds.map(inBase)).plus(0).toFixed(2),
        );
      }),
    );
  });

  it('are the same however the events are cut into batches', () => {
    const inOrder = (rows: readonly FactOrderLine[]) => [...rows].sort((a, b) => a.lineNo - b.lineNo);
    // Between two batches rows go to the database and come back in any order.
    const stored = (rows: readonly FactOrderLine[]) => (JSON.parse(JSON.stringify(rows)) as FactOrderLine[]).reverse();
    fc.assert(
      fc.property(facts, fc.array(step, { maxLength: 8 }), fc.nat(9), fc.func(fc.boolean()), (some, steps, at, cut) => {
        const events = recorded<OrderEvent>(...steps.toSpliced(at, 0, placed(some)));
        let rows: readonly FactOrderLine[] = [];
        for (const event of events) {
          rows = factOrderLine.evolve(rows, event);
          if (cut(event.position)) rows = stored(rows);
        }
        expect(inOrder(rows)).toEqual(inOrder(rowsAfter(factOrderLine, events)));
        expect(new Set(rows.map(({ lineNo }) => lineNo)).size).toBe(rows.length);
      }),
    );
  });
});
