import { recordId } from '@throughline/event-sourcing';
import { connectionId, delivery, json, map, one, only, shopifyOrder, shopifyRefund } from './deliveries.fixtures.ts';
import { shopify } from './shopify.ts';

const send = (topic: string, body: unknown) => delivery({ 'x-shopify-topic': topic }, json(body));
const order = (changes: object = {}, topic = 'orders/updated') =>
  map(shopify, send(topic, { ...shopifyOrder, ...changes }));

describe('an order of Shopify', () => {
  it('is seen with every digit of its ids', () => {
    const { stamp, ...facts } = one(order(), 'OrderSeen');
    expect(facts).toEqual({
      type: 'OrderSeen',
      orderId: recordId(connectionId, 'order:9007199254740995'),
      customerId: recordId(connectionId, '9007199254740993'),
      externalId: { connectionId, id: '9007199254740995' },
      number: '#2041',
      status: 'open',
      currency: 'CNY',
      lines: [
        {
          lineId: '13999999999999999001',
          productId: '8000000000000000123',
          sku: 'TEA-RED-250',
          title: '祁门红茶 - 250g 🍵',
          quantity: '2',
          unitPrice: '98',
          discount: '15',
          tax: '20.82',
          total: '181',
        },
        {
          lineId: '13999999999999999002',
          title: 'Gift wrap',
          quantity: '1',
          unitPrice: '40',
          discount: '0',
          tax: '4.6',
          total: '40',
        },
      ],
      taxIncluded: true,
      subtotal: '221',
      discount: '2',
      tax: '25.42',
      shipping: '12',
      total: '236',
      paid: '236',
      placedAt: '2026-02-10T15:29:58.000Z',
      note: '请放门口 🚪',
    });
    expect(stamp).toEqual({ at: '2026-02-10T15:31:07.000Z', hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });
  it('is in the stream of its own', () => {
    const id = recordId(connectionId, 'order:9007199254740995');
    expect(order().map(({ stream }) => stream)).toEqual([
      { type: 'seen-customer', id: recordId(connectionId, '9007199254740993') },
      { type: 'seen-order', id },
    ]);
  });
  it('may come wrapped, and with the new header', () => {
    const wrapped = map(shopify, delivery({ 'shopify-topic': 'orders/create' }, json({ order: shopifyOrder })));
    expect(wrapped).toEqual(order());
  });
  it('brings its customer along as a contact', () => {
    const { stamp, ...customer } = one(order(), 'CustomerSeen');
    expect(stamp).toMatchObject({ rank: 'contact', at: '2026-02-10T15:31:07.000Z' });
    expect(customer).toEqual({
      type: 'CustomerSeen',
      customerId: recordId(connectionId, '9007199254740993'),
      externalId: { connectionId, id: '9007199254740993' },
      source: 'online',
      channel: 'shopify',
      name: '王小明',
      givenName: '小明',
      familyName: '王',
      companyName: '北溪茶业有限公司',
      emails: [{ value: 'xiaoming.wang@example.cn', primary: true }],
      phones: [{ value: '+86 138 0000 1234' }],
      addresses: [
        {
          country: 'CN',
          province: '上海',
          city: '上海市',
          street: '静安区南京西路1266号 38层',
          postcode: '200040',
          label: 'billing',
          primary: true,
        },
        {
          country: 'CN',
          province: '浙江',
          city: '杭州市',
          street: '余杭区文一西路969号',
          postcode: '311121',
          label: 'shipping',
        },
      ],
    });
  });
  it('of a guest names the same record for the same e-mail, however typed', () => {
    const guest = { customer: null, email: ' XiaoMing.Wang@Example.cn' };
    const first = one(order(guest), 'CustomerSeen');
    const second = one(order({ ...guest, id: 7n, email: 'xiaoming.wang@example.cn' }), 'CustomerSeen');
    expect(first.customerId).toBe(second.customerId);
    expect(first).not.toHaveProperty('externalId');
    expect(JSON.stringify(first.stamp)).not.toContain('wang');
  });
  it('of a guest without e-mail goes by the phone number, without both by the order', () => {
    const nobody = { customer: null, email: '', contact_email: null, billing_address: null, shipping_address: null };
    const a = one(order({ ...nobody, phone: '+86 138-0000-1234' }), 'OrderSeen').customerId;
    expect(one(order({ ...nobody, id: 8n, phone: '+8613800001234' }), 'OrderSeen').customerId).toBe(a);
    expect(one(order({ ...nobody, phone: '000 000 000' }), 'OrderSeen').customerId).toBe(
      recordId(connectionId, 'guest-order:9007199254740995'),
    );
    expect(one(order(nobody), 'CustomerSeen')).toMatchObject({ source: 'online', channel: 'shopify' });
  });
  it.each([
    [{ cancelled_at: '2026-02-11T00:00:00Z' }, 'cancelled'],
    [{ fulfillment_status: 'fulfilled' }, 'completed'],
    [{ closed_at: '2026-02-11T00:00:00Z' }, 'completed'],
    [{ financial_status: 'refunded' }, 'completed'],
    [{ fulfillment_status: 'partial' }, 'open'],
  ])('with %j is %s', (changes, status) => {
    expect(one(order(changes), 'OrderSeen').status).toBe(status);
  });
  it.each([
    ['paid', '0.00', '236'],
    ['paid', undefined, '236'],
    ['partially_paid', '100.00', '136'],
    ['partially_paid', undefined, '0'],
    ['partially_refunded', '0.00', '236'],
    ['refunded', '0.00', '236'],
    ['pending', '236.00', '0'],
    ['authorized', '236.00', '0'],
    ['voided', '0.00', '0'],
  ])('%s with %s outstanding was paid %s', (financial_status, total_outstanding, paid) => {
    expect(one(order({ financial_status, total_outstanding }), 'OrderSeen').paid).toBe(paid);
  });
  it('says its total even where its parts do not add up', () => {
    expect(one(order({ total_price: '1.23', subtotal_price: '99999.00' }), 'OrderSeen')).toMatchObject({
      total: '1.23',
      subtotal: '99999',
      shipping: '12',
    });
  });
  it('leaves out what is missing', () => {
    const { id, created_at, currency, total_price } = shopifyOrder;
    const bare = map(shopify, send('orders/create', { id, created_at, currency, total_price }));
    expect(one(bare, 'OrderSeen')).toMatchObject({
      lines: [],
      subtotal: '0',
      shipping: '0',
      number: '9007199254740995',
    });
    expect(one(bare, 'OrderSeen')).not.toHaveProperty('note');
  });
  it.each([
    ['/total_price', { total_price: null }],
    ['/total_price', { total_price: 'free' }],
    ['/currency', { currency: 'Yuan' }],
    ['/updated_at', { updated_at: '2026-02-30T00:00:00Z' }],
    ['/line_items/0/price', { line_items: [{ id: 1, quantity: 1, price: 'x' }] }],
    ['/line_items', { line_items: 'none' }],
  ])('that cannot be read names %s', (pointer, changes) => {
    expect(() => order(changes)).toThrow(expect.objectContaining({ pointer }) as Error);
  });
});

describe('a refund of Shopify', () => {
  const alone = () => map(shopify, send('refunds/create', shopifyRefund));
  it('is what its successful transactions gave back', () => {
    expect(alone()).toEqual([
      {
        stream: { type: 'seen-refund', id: recordId(connectionId, 'refund:9007199254740999') },
        event: {
          type: 'RefundSeen',
          orderId: recordId(connectionId, 'order:9007199254740995'),
          refundId: '9007199254740999',
          amount: '50',
          at: '2026-03-02T01:00:01.000Z',
          currency: 'CNY',
        },
      },
    ]);
  });
  it('is the same by itself and within its order', () => {
    expect(order({ refunds: [shopifyRefund] }).slice(2)).toEqual(alone());
  });
  it('is not said before it is settled, nor when it failed', () => {
    const [transaction] = shopifyRefund.transactions;
    for (const status of ['pending', 'failure', 'error']) {
      const refund = { ...shopifyRefund, transactions: [{ ...transaction, status }] };
      expect(map(shopify, send('refunds/create', refund))).toEqual([]);
      expect(only(order({ refunds: [refund] }), 'RefundSeen')).toEqual([]);
    }
  });
  it('of items nobody paid for is their value, as only the order can tell', () => {
    const refund = { ...shopifyRefund, transactions: [] };
    expect(map(shopify, send('refunds/create', refund))).toEqual([]);
    expect(one(order({ refunds: [refund] }), 'RefundSeen').amount).toBe('90.5');
    expect(one(order({ refunds: [refund], taxes_included: false }), 'RefundSeen').amount).toBe('100.91');
    expect(only(order({ refunds: [refund], cancelled_at: '2026-03-02T09:00:00+08:00' }), 'RefundSeen')).toEqual([]);
  });
});

describe('a customer of Shopify', () => {
  const customer = {
    id: 9_007_199_254_740_993n,
    created_at: '2025-01-01T00:00:00Z',
    updated_at: '2026-02-01T00:00:00+08:00',
    first_name: 'Ada',
    last_name: 'Lovelace',
    email: 'ada@example.org',
    phone: '+442079460000',
    tags: 'vip, newsletter,, vip',
    default_address: {
      company: '',
      address1: '12 St James Sq',
      city: 'London',
      zip: 'SW1Y 4LB',
      country_code: 'GB',
      default: true,
    },
    addresses: [
      { company: '', address1: '12 St James Sq', city: 'London', zip: 'SW1Y 4LB', country_code: 'GB', default: true },
      { address1: 'Ockham Park', city: 'Ripley', country_code: 'GB', default: false },
    ],
  };
  it('is a profile', () => {
    const { stamp, ...event } = one(map(shopify, send('customers/update', customer)), 'CustomerSeen');
    expect(stamp).toMatchObject({ rank: 'profile', at: '2026-01-31T16:00:00.000Z' });
    expect(event).toEqual({
      type: 'CustomerSeen',
      customerId: recordId(connectionId, '9007199254740993'),
      externalId: { connectionId, id: '9007199254740993' },
      source: 'online',
      channel: 'shopify',
      name: 'Ada Lovelace',
      givenName: 'Ada',
      familyName: 'Lovelace',
      emails: [{ value: 'ada@example.org', primary: true }],
      phones: [{ value: '+442079460000' }],
      addresses: [
        { country: 'GB', city: 'London', street: '12 St James Sq', postcode: 'SW1Y 4LB', primary: true },
        { country: 'GB', city: 'Ripley', street: 'Ockham Park' },
      ],
      tags: ['vip', 'newsletter'],
    });
  });
  it('with nothing but an id is no more than that', () => {
    const bare = { id: 5, updated_at: '2026-02-01T00:00:00Z', first_name: '', email: null, default_address: null };
    const { stamp: _stamp, ...event } = one(map(shopify, send('customers/create', bare)), 'CustomerSeen');
    expect(event).toEqual({
      type: 'CustomerSeen',
      customerId: recordId(connectionId, '5'),
      externalId: { connectionId, id: '5' },
      source: 'online',
      channel: 'shopify',
    });
  });
});

describe('a message of Shopify', () => {
  it.each(['products/update', 'customers/delete', 'orders/delete', 'app/uninstalled'])('on %s is not used', (topic) => {
    expect(map(shopify, send(topic, { id: 1 }))).toEqual([]);
  });
  it('on an edit says nothing that the update after it does not', () => {
    expect(map(shopify, send('orders/edited', { order_edit: { id: 1, order_id: 2 } }))).toEqual([]);
  });
  it('without a topic is refused', () => {
    expect(() => shopify(delivery({}, json(shopifyOrder)), { hmac: (text) => text })).toThrow('Topic');
  });
});
