import { recordId } from '@throughline/event-sourcing';
import { connectionId, delivery, map, one, only } from './deliveries.fixtures.ts';
import { checkMapping, type Mapping } from './json-mapping.ts';
import { mappers } from './mappers.ts';

const receipts: Mapping = {
  object: 'order',
  when: { '/type': ['receipt', 'receipt-correction'] },
  each: '/receipts',
  fields: {
    externalId: '/no',
    updatedAt: { pointer: '/changed', timeZone: 'Asia/Shanghai' },
    placedAt: { pointer: '/opened', format: 'epoch-seconds' },
    status: { pointer: '/state', map: { CLOSED: 'completed', VOID: 'cancelled' } },
    currency: { const: 'CNY' },
    taxIncluded: { const: true },
    total: { pointer: '/due', format: 'cents' },
    paid: '/paid',
    note: '/memo',
    lines: {
      each: '/items',
      fields: { lineId: '/n', sku: '/sku', title: '/name', quantity: '/qty', unitPrice: '/price', discount: '/off' },
    },
    refunds: { each: '/back', fields: { refundId: '/id', amount: '/sum', at: '/at' } },
    customer: {
      pointer: '/member',
      fields: {
        externalId: '/id~1no',
        name: '/name',
        phone: '/mobile',
        emails: '/mails',
        tags: '/tags',
        source: { pointer: '/store', map: { '*': 'store' } },
        addresses: { each: '', fields: { city: '/city', country: { const: 'CN' } } },
        type: { const: 'member' },
        'custom.level': { pointer: '/level', format: 'uppercase' },
      },
    },
  },
};
const customers: Mapping = {
  object: 'customer',
  when: { '/type': 'member' },
  fields: {
    externalId: '/member/id',
    givenName: '/member/first',
    familyName: '/member/last',
    birthDate: '/member/born',
  },
};
const mapping = [receipts, customers];

const receipt = {
  type: 'receipt',
  receipts: [
    {
      no: 'R1-000042',
      state: 'CLOSED',
      opened: 1_767_225_600,
      changed: '2026-01-01 08:05:00',
      due: 9950,
      paid: '99.50',
      memo: '',
      items: [
        { n: 1, sku: 'TEA', name: '龙井 🍃', qty: 2, price: '49.90', off: '-0.30' },
        { sku: 'CUP', qty: 1, price: 0 },
      ],
      back: [{ id: 'B1', sum: '-9.50', at: '2026-01-02T00:00:00+08:00' }],
      member: {
        'id/no': 'M7',
        name: '欧阳娜娜',
        mobile: '13800001234',
        mails: ['a@example.cn', 'b@example.cn', 'a@example.cn'],
        tags: ['金卡', '', '金卡'],
        store: '上海静安店',
        city: '上海',
        level: 'gold',
      },
    },
  ],
};
const send = (body: unknown, using: unknown = mapping) => map(mappers.json, delivery({}, body), { mapping: using });

describe('a mapping of JSON', () => {
  it('makes an order with its customer and its refunds', () => {
    const seen = send(receipt);
    const { stamp, ...order } = one(seen, 'OrderSeen');
    expect(stamp.at).toBe('2026-01-01T00:05:00.000Z');
    expect(order).toEqual({
      type: 'OrderSeen',
      orderId: recordId(connectionId, 'order:R1-000042'),
      customerId: recordId(connectionId, 'M7'),
      externalId: { connectionId, id: 'R1-000042' },
      number: 'R1-000042',
      status: 'completed',
      currency: 'CNY',
      lines: [
        {
          lineId: '1',
          sku: 'TEA',
          title: '龙井 🍃',
          quantity: '2',
          unitPrice: '49.9',
          discount: '0.3',
          tax: '0',
          total: '99.5',
        },
        { lineId: '2', sku: 'CUP', title: 'CUP', quantity: '1', unitPrice: '0', discount: '0', tax: '0', total: '0' },
      ],
      taxIncluded: true,
      subtotal: '99.5',
      discount: '0',
      tax: '0',
      shipping: '0',
      total: '99.5',
      paid: '99.5',
      placedAt: '2026-01-01T00:00:00.000Z',
    });
    expect(one(seen, 'RefundSeen')).toMatchObject({ refundId: 'B1', amount: '9.5', at: '2026-01-01T16:00:00.000Z' });
    const { stamp: contact, ...customer } = one(seen, 'CustomerSeen');
    expect(contact.rank).toBe('contact');
    expect(customer).toEqual({
      type: 'CustomerSeen',
      customerId: recordId(connectionId, 'M7'),
      externalId: { connectionId, id: 'M7' },
      channel: 'json',
      source: 'store',
      name: '欧阳娜娜',
      emails: [{ value: 'a@example.cn', primary: true }, { value: 'b@example.cn' }],
      phones: [{ value: '13800001234' }],
      addresses: [{ city: '上海', country: 'CN' }],
      tags: ['金卡'],
      customerType: 'member',
      custom: { level: 'GOLD' },
    });
  });
  it('makes a customer, dated when it says none', () => {
    const body = { type: 'member', member: { id: 9, first: '小明', last: '王', born: '1990-05-04' } };
    const customer = one(send(body), 'CustomerSeen');
    expect(customer).toMatchObject({
      name: '王小明',
      birthDate: '1990-05-04',
      externalId: { id: '9' },
      stamp: { rank: 'profile', at: '2026-03-31T08:15:00.000Z' },
    });
    const sent = map(mappers.json, delivery({ 'webhook-timestamp': '1767225600' }, body), { mapping });
    expect(one(sent, 'CustomerSeen').stamp.at).toBe('2026-01-01T00:00:00.000Z');
  });
  it('leaves other messages alone', () => {
    expect(send({ type: 'heartbeat' })).toEqual([]);
  });
  it('takes a body that is an array as records', () => {
    const using = { object: 'customer', fields: { externalId: '/id' } };
    expect(send([{ id: 1 }, { id: 2 }], using)).toHaveLength(2);
  });
  it('takes CloudEvents, whose time is the version', () => {
    const using = {
      object: 'customer',
      when: { '/type': 'm' },
      fields: { externalId: '/data/id', name: '/data/name' },
    };
    const event = {
      specversion: '1.0',
      id: '1',
      source: '/m',
      type: 'm',
      time: '2026-02-02T02:02:02Z',
      data: { id: 7, name: 'Ada' },
    };
    const headers = { 'content-type': 'application/cloudevents+json' };
    for (const kind of ['cloudevents', 'json', 'kafka'] as const) {
      const seen = map(mappers[kind], delivery(headers, event), { mapping: using });
      expect(one(seen, 'CustomerSeen')).toMatchObject({
        name: 'Ada',
        channel: kind,
        stamp: { at: '2026-02-02T02:02:02.000Z' },
      });
    }
  });
  it('knows guests by their e-mail', () => {
    const using = {
      object: 'order',
      fields: {
        externalId: '/id',
        total: '/total',
        currency: { const: 'EUR' },
        placedAt: '/at',
        customer: { fields: { email: '/mail' } },
      },
    };
    const order = (id: number, mail: string) => ({ id, mail, total: '5', at: '2026-01-01' });
    const first = one(send(order(1, 'Ada@example.org'), using), 'CustomerSeen');
    expect(first.customerId).toBe(one(send(order(2, ' ada@example.org'), using), 'OrderSeen').customerId);
    expect(first).not.toHaveProperty('externalId');
  });
  it('reads decimal commas and a plain customer number', () => {
    const using = {
      object: 'order',
      fields: {
        externalId: '/id',
        customerId: '/kunde',
        total: { pointer: '/summe', format: 'decimal-comma' },
        currency: '/waehrung',
        placedAt: { pointer: '/am', timeZone: 'Europe/Berlin' },
      },
    };
    const body = { id: 'A', kunde: '0042', summe: '1.234,50', waehrung: 'eur', am: '2026-07-01T12:00:00' };
    const order = one(send(body, using), 'OrderSeen');
    expect(order).toMatchObject({
      total: '1234.5',
      currency: 'EUR',
      placedAt: '2026-07-01T10:00:00.000Z',
      status: 'open',
    });
    expect(order.customerId).toBe(recordId(connectionId, '0042'));
  });
  it.each([
    ['/receipts/0/no', { no: null }],
    ['/receipts/0/due', { due: 'a lot' }],
    ['/receipts/0/state', { state: 'MAYBE' }],
    ['/receipts/0/changed', { changed: '2026-02-30 00:00:00' }],
    ['/receipts/0/items/0/qty', { items: [{ qty: 'two' }] }],
    ['/receipts/0/back/0/id', { back: [{ sum: 1, at: '2026-01-01' }] }],
  ])('names the place that cannot be read: %s', (pointer, changes) => {
    const body = { ...receipt, receipts: [{ ...receipt.receipts[0], ...changes }] };
    expect(() => send(body)).toThrow(expect.objectContaining({ pointer }) as Error);
  });
  it('cannot be made to reach inherited members', () => {
    const using = {
      object: 'customer',
      fields: { externalId: '/id', name: '/constructor/name', title: '/__proto__/x' },
    };
    expect(one(send({ id: 1 }, using), 'CustomerSeen')).not.toHaveProperty('name');
  });
  it('is refused without one, or with one that does not hold', () => {
    expect(() => send(receipt, null)).toThrow('no mapping');
    expect(() => send(receipt, { object: 'order', fields: {} })).toThrow('required at /fields/externalId');
  });
});

describe('the check of a mapping', () => {
  const of = (value: unknown) => checkMapping(value).map(({ path, code }) => `${code} ${path}`);
  const customer = (fields: object) => ({ object: 'customer', fields: { externalId: '/id', ...fields } });

  it('finds nothing wrong with one that works', () => {
    expect(checkMapping(mapping)).toEqual([]);
  });
  it('names everything that is wrong at once', () => {
    expect(
      of({
        object: 'order',
        each: 'items',
        every: 1,
        when: { type: {} },
        fields: {
          externalId: 'id',
          totla: '/total',
          total: { pointer: '/total', format: 'boolean' },
          status: { pointer: '/s', map: { a: 'shipped' }, default: 'open' },
          currency: { const: 'euros' },
          placedAt: { pointer: '/at', timeZone: 'Mars/Olympus' },
          lines: '/lines',
          refunds: { each: '/r', fields: { refundId: '/id', amount: '/a' } },
          customer: { fields: { externalId: {}, kind: { const: 'robot' }, 'custom.x y': '/x' } },
          note: { pointer: '/n', timeZone: 'UTC' },
        },
      }),
    ).toEqual([
      'unknown-key /every',
      'not-a-pointer /each',
      'not-a-pointer /when/type',
      'wrong-type /when/type',
      'not-a-pointer /fields/externalId',
      'unknown-target /fields/totla',
      'format-does-not-fit /fields/total/format',
      'unknown-key /fields/status/default',
      'value-not-allowed /fields/status/map/a',
      'value-not-allowed /fields/currency/const',
      'unknown-time-zone /fields/placedAt/timeZone',
      'not-a-list /fields/lines',
      'required /fields/refunds/fields/at',
      'no-source /fields/customer/fields/externalId',
      'value-not-allowed /fields/customer/fields/kind/const',
      'unknown-target /fields/customer/fields/custom.x y',
      'format-does-not-fit /fields/note/timeZone',
    ]);
  });
  it.each([
    [undefined, 'wrong-type '],
    ['/id', 'wrong-type '],
    [[], 'required '],
    [{ object: 'invoice', fields: {} }, 'unknown-object /object'],
    [{ object: 'customer' }, 'required /fields'],
    [customer({ constructor: '/x' }), 'unknown-target /fields/constructor'],
    [
      JSON.parse('{"object":"customer","fields":{"externalId":"/id","__proto__":"/x"}}'),
      'unknown-target /fields/__proto__',
    ],
    [customer({ name: '/a~2b' }), 'not-a-pointer /fields/name'],
    [customer({ name: 7 }), 'wrong-type /fields/name'],
  ])('of %j says %s', (value, expected) => {
    expect(of(value)).toEqual([expected]);
  });
});

describe('mappers', () => {
  it('keep what they cannot map yet', () => {
    expect(() => map(mappers.stripe, delivery({}, '{}'))).toThrow('cannot be mapped yet');
    expect(() => map(mappers.cloudevents, delivery({}, '{}'))).toThrow('Not a CloudEvent');
    const event = { specversion: '1.0', id: '1', source: '/m', type: 'm' };
    expect(() => map(mappers.cloudevents, delivery({}, event))).toThrow('no mapping');
    expect(only([], 'OrderSeen')).toEqual([]);
  });
});
