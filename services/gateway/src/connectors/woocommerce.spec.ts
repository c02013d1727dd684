import { recordId } from '@throughline/event-sourcing';
import { connectionId, delivery, map, one, only, wooOrder } from './deliveries.fixtures.ts';
import { woocommerce } from './woocommerce.ts';

const send = (topic: string, body: unknown) => delivery({ 'x-wc-webhook-topic': topic }, body);
const order = (changes: object = {}) => map(woocommerce, send('order.updated', { ...wooOrder, ...changes }));

describe('an order of WooCommerce', () => {
  it('has lines net of tax, discounts on its lines, and entities decoded', () => {
    const { stamp, customerId: _customerId, ...facts } = one(order(), 'OrderSeen');
    expect(facts).toEqual({
      type: 'OrderSeen',
      orderId: recordId(connectionId, 'order:20417'),
      externalId: { connectionId, id: '20417' },
      number: '20417',
      status: 'open',
      currency: 'EUR',
      lines: [
        {
          lineId: '1',
          productId: '93',
          title: 'Tee – Darjeeling “First Flush”',
          quantity: '3',
          unitPrice: '13.333333',
          discount: '6',
          tax: '6.46',
          total: '34',
        },
        {
          lineId: '8',
          title: 'Geschenk\u00adpapier',
          quantity: '1',
          unitPrice: '2.5',
          discount: '0',
          tax: '0.48',
          total: '2.5',
        },
      ],
      taxIncluded: false,
      subtotal: '36.5',
      discount: '1',
      tax: '8.36',
      shipping: '4.19',
      total: '57.36',
      paid: '57.36',
      placedAt: '2026-01-05T09:00:00.000Z',
      note: 'Klingel "Müller & Söhne" &amp; hinten',
    });
    expect(stamp.at).toBe('2026-01-05T09:02:30.000Z');
  });
  it('of a guest has a record by e-mail and no external id', () => {
    const first = one(order(), 'CustomerSeen');
    expect(first).not.toHaveProperty('externalId');
    expect(first).toMatchObject({
      stamp: { rank: 'contact', at: '2026-01-05T09:02:30.000Z' },
      name: 'Zoë Müller',
      companyName: 'Müller & Söhne GmbH',
      emails: [{ value: 'Zoe.Mueller@Example.de', primary: true }],
      phones: [{ value: '0221 / 12 34 56' }],
      addresses: [{ label: 'billing', primary: true, city: 'Köln' }],
    });
    const again = one(order({ id: 9, billing: { email: 'zoe.mueller@example.de' } }), 'OrderSeen');
    expect(again.customerId).toBe(first.customerId);
  });
  it('of an account goes to the record of its customer', () => {
    const seen = order({ customer_id: 25 });
    expect(one(seen, 'OrderSeen').customerId).toBe(recordId(connectionId, '25'));
    expect(one(seen, 'CustomerSeen').externalId).toEqual({ connectionId, id: '25' });
  });
  it('names provinces of China rather than their numbers', () => {
    const billing = { country: 'CN', state: 'CN20', city: '深圳' };
    expect(one(order({ billing }), 'CustomerSeen').addresses).toMatchObject([{ province: '广东' }, { country: 'DE' }]);
  });
  it.each([
    ['pending', 'open'],
    ['on-hold', 'open'],
    ['wc-processing', 'open'],
    ['shipped-by-plugin', 'open'],
    ['completed', 'completed'],
    ['refunded', 'completed'],
    ['cancelled', 'cancelled'],
    ['failed', 'cancelled'],
    ['trash', 'cancelled'],
  ])('that is %s is %s', (status, expected) => {
    const seen = one(order({ status }), 'OrderSeen');
    expect(seen.status).toBe(expected);
    expect(seen.cancelledAt).toBe(expected === 'cancelled' ? '2026-01-05T09:02:30.000Z' : undefined);
  });
  it('is not one while it is a draft at the checkout', () => {
    expect(order({ status: 'checkout-draft' })).toEqual([]);
  });
  it('is unpaid until it has a date of payment', () => {
    expect(one(order({ date_paid_gmt: null }), 'OrderSeen').paid).toBe('0');
  });
  it('takes a total that was raised by hand for the price', () => {
    const line_items = [{ id: 1, name: 'x', quantity: 2, subtotal: '10.00', total: '14.00', total_tax: '0' }];
    expect(one(order({ line_items }), 'OrderSeen').lines[0]).toMatchObject({
      unitPrice: '7',
      discount: '0',
      total: '14',
    });
  });
  it('brings its refunds along', () => {
    const refunds = [
      { id: 726, reason: '', total: '-10.00' },
      { id: 727, reason: 'Bruch', total: '-0.50' },
      { id: 728, reason: '', total: '0.00' },
    ];
    const seen = only(order({ refunds, date_modified_gmt: '2026-02-01T00:00:00' }), 'RefundSeen');
    expect(seen).toEqual(
      ['10', '0.5'].map((amount, index) => ({
        type: 'RefundSeen',
        orderId: recordId(connectionId, 'order:20417'),
        refundId: String(726 + index),
        amount,
        at: '2026-02-01T00:00:00.000Z',
        currency: 'EUR',
      })),
    );
  });
  it.each([
    ['/date_modified_gmt', { date_modified_gmt: null, date_created_gmt: null }],
    ['/date_created_gmt', { date_created_gmt: '2026-02-31T00:00:00' }],
    ['/total', { total: '' }],
    ['/refunds/0/total', { refunds: [{ id: 1, total: 'all' }] }],
  ])('that cannot be read names %s', (pointer, changes) => {
    expect(() => order(changes)).toThrow(expect.objectContaining({ pointer }) as Error);
  });
});

describe('a customer of WooCommerce', () => {
  it('is a profile, as old as its creation when it was never modified', () => {
    const customer = {
      id: 25,
      date_created_gmt: '2025-03-21T19:09:28',
      date_modified_gmt: null,
      email: 'li.na@example.cn',
      first_name: '娜',
      last_name: '李',
      billing: {
        first_name: '',
        last_name: '',
        company: '',
        phone: '13800001234',
        country: 'CN',
        state: 'CN2',
        city: '北京',
      },
      shipping: { first_name: '', last_name: '', country: '', state: '' },
    };
    const { stamp, ...event } = one(map(woocommerce, send('customer.created', customer)), 'CustomerSeen');
    expect(stamp).toMatchObject({ rank: 'profile', at: '2025-03-21T19:09:28.000Z' });
    expect(event).toEqual({
      type: 'CustomerSeen',
      customerId: recordId(connectionId, '25'),
      externalId: { connectionId, id: '25' },
      source: 'online',
      channel: 'woocommerce',
      name: '李娜',
      givenName: '娜',
      familyName: '李',
      emails: [{ value: 'li.na@example.cn', primary: true }],
      phones: [{ value: '13800001234' }],
      addresses: [{ country: 'CN', province: '北京', city: '北京', label: 'billing', primary: true }],
    });
  });
});

describe('a message of WooCommerce', () => {
  it.each(['order.deleted', 'customer.deleted', 'product.updated', 'action.woocommerce_add_to_cart'])(
    'on %s is not used',
    (topic) => {
      expect(map(woocommerce, send(topic, { id: 1 }))).toEqual([]);
    },
  );
  it('without a topic is refused', () => {
    expect(() => map(woocommerce, delivery({}, wooOrder))).toThrow('Topic');
  });
});
