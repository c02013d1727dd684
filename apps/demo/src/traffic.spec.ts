import { createHash } from 'node:crypto';
import type { Delivery } from './delivery.ts';
import { defaults } from './connections.ts';
import { cents, decimal, sum } from './money.ts';
import { creditCheck } from './people.ts';
import { shuffled } from './network.ts';
import { traffic } from './traffic.ts';

const bytes = (deliveries: readonly Delivery[]) =>
  createHash('sha256').update(JSON.stringify(deliveries)).digest('hex');

type Body = { [key: string]: unknown } & { id: bigint };
// TypeScript's library does not know the third argument yet.
const parse = JSON.parse as unknown as (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => Body;
/** Whole numbers as bigints, as they stand in the text. */
const exact = (body: string): Body =>
  parse(body, (_, value, { source }) =>
    typeof value === 'number' && /^\d+$/.test(source ?? '') ? BigInt(source ?? '') : value,
  );

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): Body[] => (Array.isArray(value) ? (value as Body[]) : []);
const month = (moment: string): string => new Date(Date.parse(moment) + 8 * 3_600_000).toISOString().slice(0, 7);

type Seen = { at: string; placedAt: string; total: bigint; cancelled: boolean };

/** Counts again from the bodies alone, in whatever order they come: knows nothing of how they were made. */
const counted = (deliveries: readonly Delivery[]) => {
  const orders = new Map<string, Seen>();
  const refunds = new Map<string, { order: string; at: string; amount: bigint }>();
  const customers = new Set<string>();
  const saw = (order: string, seen: Seen): void => {
    if ((orders.get(order)?.at ?? '') <= seen.at) orders.set(order, seen);
  };
  const gaveBack = (refund: Body): void => {
    const amount = sum(
      list(refund['transactions']).flatMap((one) => (one['status'] === 'success' ? [cents(text(one['amount']))] : [])),
    );
    refunds.set(`shopify ${refund.id}`, {
      order: `shopify ${String(refund['order_id'])}`,
      at: text(refund['created_at']),
      amount,
    });
  };
  for (const { connection, headers, body, shows } of deliveries) {
    const it = exact(body);
    const topic = headers['x-shopify-topic'] ?? headers['x-wc-webhook-topic'] ?? '';
    if (connection === 'shopify') {
      if (topic === 'refunds/create') gaveBack(it);
      else if (topic.startsWith('customers/')) customers.add(`shopify ${it.id}`);
      else {
        customers.add(`shopify ${(it['customer'] as Body).id}`);
        saw(`shopify ${it.id}`, {
          at: text(it['updated_at']),
          placedAt: text(it['processed_at']),
          total: cents(text(it['total_price'])),
          cancelled: it['cancelled_at'] !== null,
        });
        list(it['refunds']).forEach(gaveBack);
      }
    } else if (connection === 'woocommerce') {
      if (topic.startsWith('customer.')) customers.add(`woo ${it.id}`);
      else {
        const billing = it['billing'] as Body;
        customers.add(
          it['customer_id'] === 0n
            ? `woo guest ${text(billing['email']).toLowerCase()}`
            : `woo ${String(it['customer_id'])}`,
        );
        saw(`woo ${it.id}`, {
          at: text(it['date_modified_gmt']),
          placedAt: `${text(it['date_created_gmt'])}Z`,
          total: cents(text(it['total'])),
          cancelled: it['status'] === 'cancelled',
        });
        for (const refund of list(it['refunds']))
          refunds.set(`woo ${refund.id}`, {
            order: `woo ${it.id}`,
            at: `${text(it['date_modified_gmt'])}Z`,
            amount: -cents(text(refund['total'])),
          });
      }
    } else if (shows) {
      const { object, key, entity } = shows;
      if (entity === 'A_BusinessPartner') customers.add(`sap ${key}`);
      else
        saw(`sap ${key}`, {
          at: text(object['LastChangeDateTime']),
          placedAt: new Date(Number(/\d+/.exec(text(object['SalesOrderDate']))?.[0])).toISOString(),
          total: sum(
            [object, ...list(object['to_Item'])].map((one) => cents(text(one['TotalNetAmount'] ?? one['TaxAmount']))),
          ),
          cancelled: object['OverallSDDocumentRejectionSts'] === 'C',
        });
    } else {
      if (it['member']) customers.add(`till ${text((it['member'] as Body)['no'])}`);
      for (const receipt of [...list(it['receipts']), ...(it['receipt'] ? [it['receipt'] as Body] : [])]) {
        const order = `till ${text(receipt['no'])}`;
        customers.add(`till ${text((receipt['member'] as Body)['no'])}`);
        saw(order, {
          at: text(receipt['changedAt']),
          placedAt: `${text(receipt['openedAt'])}+08:00`,
          total: receipt['due'] as bigint,
          cancelled: receipt['state'] === 'VOID',
        });
        for (const refund of list(receipt['refunds']))
          refunds.set(`till ${text(refund['no'])}`, {
            order,
            at: `${text(refund['at'])}+08:00`,
            amount: refund['amount'] as unknown as bigint,
          });
      }
    }
  }
  const months = new Map<string, bigint>();
  const add = (at: string, amount: bigint) => months.set(month(at), (months.get(month(at)) ?? 0n) + amount);
  for (const { cancelled, placedAt, total } of orders.values()) if (!cancelled) add(placedAt, total);
  for (const { order, at, amount } of refunds.values()) if (orders.get(order)?.cancelled === false) add(at, -amount);
  return {
    customers: customers.size,
    orders: orders.size,
    months: new Map([...months].toSorted(([a], [b]) => a.localeCompare(b))),
  };
};

describe('a year of traffic', () => {
  const year = traffic(defaults);
  const { deliveries, expected } = year;

  it('is the same for the same seed, byte by byte', () => {
    expect(bytes(traffic(defaults).deliveries)).toBe(bytes(deliveries));
  });

  it('is another one for another seed', () => {
    expect(bytes(traffic({ ...defaults, seed: 2 }).deliveries)).not.toBe(bytes(deliveries));
  });

  it.each([
    [1, 600, undefined],
    [2, 600, undefined],
    [1, 600, 7],
    [3, 1500, 8],
    [4, 1, undefined],
    [5, 13, 1],
  ])(
    'adds up to what is expected, counted from the bodies: seed %s, %s orders, shuffled by %s',
    (seed, orders, shuffle) => {
      const told = traffic({ ...defaults, seed, orders });
      const seen = counted(shuffle === undefined ? told.deliveries : shuffled(told.deliveries, shuffle));
      expect(seen).toEqual({ customers: told.expected.customers, orders, months: told.expected.revenueByMonth });
      expect(sum([...told.expected.revenueByMonth.values()])).toBe(told.expected.total);
      expect(told.expected.orders).toBe(orders);
    },
  );

  it('can be shuffled without losing anything', () => {
    const mixed = shuffled(deliveries, 3);
    expect(bytes(mixed)).not.toBe(bytes(deliveries));
    expect(bytes(mixed)).toBe(bytes(shuffled(deliveries, 3)));
    expect(mixed.toSorted((a, b) => deliveries.indexOf(a) - deliveries.indexOf(b))).toEqual(deliveries);
  });

  it('covers a year that ends before --until, with every month in it', () => {
    expect([...expected.revenueByMonth.keys()]).toEqual([
      '2025-11', '2025-12', '2026-01', '2026-02', '2026-03', '2026-04',
      '2026-05', '2026-06', '2026-07', '2026-08', '2026-09', '2026-10',
    ]); // prettier-ignore
    const versions = year.orders.flatMap((order) => order.versions.map((version) => version.at));
    expect(Math.min(...versions)).toBeGreaterThanOrEqual(year.from);
    expect(Math.max(...versions)).toBeLessThan(year.until);
  });

  it('has ids beyond 2^53, as bare numbers that a double cannot tell apart', () => {
    const ids = deliveries.flatMap(({ connection, headers, body }) =>
      connection === 'shopify' && headers['x-shopify-topic'] === 'orders/create'
        ? [/^\{"id":(\d+),/.exec(body)?.[1] ?? '']
        : [],
    );
    expect(ids.length).toBeGreaterThan(100);
    expect(ids.every((id) => BigInt(id) > 2n ** 53n && BigInt(id) < 2n ** 63n)).toBe(true);
    const distinct = new Set(ids);
    expect(new Set(ids.map(Number)).size).toBeLessThan(distinct.size);
  });

  it('has what real traffic has: repeats, latecomers, refunds before their orders, guests, odd totals', () => {
    const ids = deliveries.map(
      ({ headers, body }) =>
        headers['x-shopify-webhook-id'] ?? headers['x-wc-webhook-delivery-id'] ?? headers['webhook-id'] ?? body,
    );
    expect(new Set(ids).size).toBeLessThan(ids.length);
    const contents = deliveries.filter(({ connection }) => connection === 'woocommerce').map(({ body }) => body);
    expect(new Set(contents).size).toBeLessThan(contents.length);

    const at = (topic: string) =>
      new Map(
        deliveries
          .toReversed()
          .filter(({ headers }) => headers['x-shopify-topic'] === topic)
          .map((delivery) => {
            const body = exact(delivery.body);
            return [topic === 'refunds/create' ? (body['order_id'] as bigint) : body.id, deliveries.indexOf(delivery)];
          }),
      );
    const created = at('orders/create');
    expect(
      [...at('refunds/create')].filter(([order, index]) => index < (created.get(order) ?? 0)).length,
    ).toBeGreaterThan(0);
    expect(deliveries.some(({ body }) => body.includes('"customer_id":0,'))).toBe(true);
    expect(deliveries.some(({ body }) => /"total_tip_received":"[1-9]/.test(body))).toBe(true);
    expect(year.orders.some(({ versions }) => versions.some(({ rounding }) => rounding !== 0n))).toBe(true);
  });

  it('speaks two languages, with an emoji here and there', () => {
    const names = year.orders.map(
      ({ buyer }) => `${buyer.profiles[0]?.person.familyName}${buyer.profiles[0]?.person.givenName}`,
    );
    expect(names.some((name) => /^\p{Script=Han}+$/u.test(name))).toBe(true);
    expect(names.some((name) => /^[\p{Script=Latin}' -]+$/u.test(name))).toBe(true);
    const many = traffic({ ...defaults, orders: 2000 }).deliveries;
    expect(many.some(({ body }) => /\p{Emoji_Presentation}/u.test(body))).toBe(true);
  });

  it('has companies whose 统一社会信用代码 holds', () => {
    const codes = deliveries.flatMap(({ shows }) =>
      shows?.entity === 'A_BusinessPartner'
        ? list(shows.object['to_BusinessPartnerTax']).map((tax) => text(tax['BPTaxNumber']))
        : [],
    );
    expect(codes.length).toBeGreaterThan(10);
    for (const code of codes) {
      expect(code).toMatch(/^91\d{6}\d{8}[\dX][\dA-HJ-NPQRTUWXY]$/);
      expect(creditCheck(code.slice(0, 17))).toBe(code.slice(17));
    }
    // The example of the standard.
    expect(creditCheck('91350100M000100Y4')).toBe('3');
  });

  it('has busier and quieter months, and people who come back', () => {
    const placed = (month: string) =>
      year.orders.filter((order) => new Date(order.placedAt + 28_800_000).toISOString().startsWith(month)).length;
    expect(placed('2025-11')).toBeGreaterThan(placed('2026-08'));
    const times = new Map<string, number>();
    for (const { buyer } of year.orders) times.set(buyer.key, (times.get(buyer.key) ?? 0) + 1);
    const counts = [...times.values()];
    expect(Math.max(...counts)).toBeGreaterThan(8);
    expect(counts.filter((count) => count === 1).length).toBeGreaterThan(counts.length / 3);
  });
});

describe('money', () => {
  it.each([
    [0n, '0.00'],
    [5n, '0.05'],
    [-5n, '-0.05'],
    [123456n, '1234.56'],
    [-100n, '-1.00'],
  ])('%s cents are %s', (amount, written) => {
    expect(decimal(amount)).toBe(written);
    expect(cents(written)).toBe(amount);
  });

  it('reads what others write, and refuses a part of a cent', () => {
    expect([cents('12'), cents('12.5'), cents('12.500000')]).toEqual([1200n, 1250n, 1250n]);
    expect(() => cents('12.005')).toThrow('Not an amount');
    expect(() => cents('1e3')).toThrow('Not an amount');
  });
});
