import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, recordId, secretsFrom } from '@throughline/event-sourcing';
import { httpHistory } from '@throughline/messaging';
import { Tokens } from '@throughline/service';
import {
  eventually,
  startTestService,
  testMasterKey,
  type Reply,
  type TestService,
} from '@throughline/service/testing';
import { SalesModule } from '../src/sales.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(SalesModule, { listensTo: ['gateway', 'customers'] });
});
afterAll(() => service.end());

const customerId = newId();
const cny = (amount: string) => ({ amount, currency: 'CNY' });
const post = (path: string, body?: object, headers?: Record<string, string>) =>
  service.call('POST', path, body, headers);
const read = (path: string, headers?: Record<string, string>) => service.call('GET', path, undefined, headers);
const after = (reply: Reply) => ({ 'x-after': reply.headers.get('x-position') ?? '' });
const paths = ({ body }: Reply) => body.errors.map(({ path, code }: any) => `${path} ${code}`).sort();

const tea = { title: '龙井', sku: 'T-1', quantity: '3', unit: '盒', unitPrice: cny('12.50') };
const place = async (body: object = {}): Promise<any> =>
  (await post('/api/orders', { customerId, lines: [tea], ...body })).body;
const openDeal = async (body: object = {}): Promise<any> =>
  (await post('/api/deals', { customerId, title: '年度合同', value: cny('1000.00'), ...body })).body;

describe('an order over HTTP', () => {
  it('is placed with a number, and everything that follows from its lines', async () => {
    const { status, headers, body } = await post('/api/orders', {
      customerId,
      lines: [{ ...tea, discount: cny('0.50'), tax: cny('4.81') }],
      shipping: cny('10.00'),
      placedAt: '2026-01-10T16:00:00+08:00',
    });
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/orders/${body.id}`);
    expect(headers.get('etag')).toBe('"1"');
    expect(headers.get('x-position')).toMatch(/^sales@\d+$/);
    expect(body).toEqual({
      id: body.id,
      version: 1,
      customerId,
      number: expect.stringMatching(/^O-\d{6}$/),
      status: 'open',
      currency: 'CNY',
      lines: [{ ...tea, lineId: '1', discount: cny('0.50'), tax: cny('4.81'), total: cny('37.00') }],
      taxIncluded: false,
      subtotal: cny('37.00'),
      discount: cny('0.00'),
      tax: cny('4.81'),
      shipping: cny('10.00'),
      total: cny('51.81'),
      paid: cny('0.00'),
      refunded: cny('0.00'),
      refunds: [],
      placedAt: '2026-01-10T08:00:00.000Z',
      baseCurrency: 'CNY',
      rate: '1',
      externalIds: [],
    });
    expect((await read(`/api/orders/${body.id}`)).body).toEqual(body);
  });

  it('is refused with every field that is wrong', async () => {
    const shape = await post('/api/orders', {
      customerId: 'me',
      colour: 'red',
      placedAt: '2026-02-30T00:00:00Z',
      total: '12.50',
      lines: [{ title: 'x', quantity: 3, unitPrice: { amount: '1.2345678', currency: 'yuan' } }],
    });
    expect(shape.status).toBe(400);
    expect(paths(shape)).toEqual([
      'colour unknown-field',
      'customerId wrong-type',
      'lines.0.quantity wrong-type',
      'lines.0.unitPrice.amount wrong-type',
      'lines.0.unitPrice.currency unknown-currency',
      'placedAt impossible-date',
      'total wrong-type',
    ]);
    const meaning = await post(
      '/api/orders',
      { customerId, lines: [{ ...tea, quantity: '0' }], shipping: { amount: '-1', currency: 'USD' } },
      { 'accept-language': 'zh' },
    );
    expect(meaning).toMatchObject({ status: 422, body: { code: 'invalid-order', title: '订单的部分字段不正确。' } });
    expect(paths(meaning)).toEqual([
      'lines.0.quantity out-of-range',
      'shipping.amount out-of-range',
      'shipping.currency other-currency',
    ]);
  });

  it('is refused in a currency that nobody has', async () => {
    const zzz = (amount: string) => ({ amount, currency: 'ZZZ' });
    const refused = [
      await post('/api/orders', { customerId, currency: 'ZZZ', lines: [{ ...tea, unitPrice: zzz('1') }] }),
      await post('/api/deals', { customerId, title: 'x', value: zzz('1') }),
      await service.call('PUT', '/api/exchange-rates', { currency: 'ZZZ', base: 'CNY', rate: '1', date: '2026-01-01' }),
    ];
    expect(refused.map((reply) => [reply.status, ...paths(reply)])).toEqual([
      [400, 'currency unknown-currency', 'lines.0.unitPrice.currency unknown-currency'],
      [400, 'value.currency unknown-currency'],
      [400, 'currency unknown-currency'],
    ]);
  });

  it('has a number of its own', async () => {
    const first = await place({ number: 'A-1' });
    expect(await post('/api/orders', { customerId, number: 'A-1' })).toMatchObject({ status: 422 });
    expect(await post('/api/orders', { customerId, currency: 'CNY', number: 'A-1' })).toMatchObject({
      status: 409,
      body: { code: 'order-number-taken', holder: first.id },
    });
  });

  it('is paid, refunded and cancelled, each once a key', async () => {
    const { id } = await place();
    const paying = () => post(`/api/orders/${id}/payments`, cny('20.10'), { 'idempotency-key': `pay-${id}` });
    expect((await paying()).body.paid).toEqual(cny('20.10'));
    expect((await paying()).body.paid).toEqual(cny('20.10'));
    expect((await post(`/api/orders/${id}/payments`, { amount: '17.40' })).body.paid).toEqual(cny('37.50'));
    for (const _ of [1, 2]) await post(`/api/orders/${id}/refunds`, { refundId: 'r-1', amount: '7.50' });
    const { body } = await post(`/api/orders/${id}/refunds`, { amount: '0.10', at: '2026-01-01T00:00:00Z' });
    expect(body).toMatchObject({ status: 'open', refunded: cny('7.60'), refunds: [{ amount: cny('0.10') }, {}] });
    expect(await post(`/api/orders/${id}/cancel`)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(await post(`/api/orders/${id}/payments`, { amount: '1' })).toMatchObject({
      status: 409,
      body: { code: 'order-cancelled' },
    });
    const { body: history } = await read(`/api/orders/${id}/history`);
    expect(history.items.map(({ type }: any) => type)).toEqual([
      'OrderPlaced',
      'OrderPaid',
      'OrderPaid',
      'OrderRefunded',
      'OrderRefunded',
      'OrderCancelled',
    ]);
  });

  it('can be read as it was', async () => {
    const { id } = await place({ placedAt: '2026-01-01T00:00:00Z' });
    await post(`/api/orders/${id}/payments`, { amount: '5', at: '2026-01-03T00:00:00Z' });
    expect((await read(`/api/orders/${id}?asOf=2026-01-02T00:00:00Z`)).body.paid).toEqual(cny('0.00'));
    expect((await read(`/api/orders/${id}?asOf=2026-01-04T00:00:00Z`)).body.paid).toEqual(cny('5.00'));
    expect((await read(`/api/orders/${id}?asOf=2025-12-31T00:00:00Z`)).status).toBe(404);
    expect((await read(`/api/orders/${newId()}`)).body.code).toBe('order-not-found');
    expect((await post(`/api/orders/${newId()}/cancel`)).status).toBe(404);
  });
});

describe('an order that a connector has seen', () => {
  const connection = newId();
  const gateway = () => service.log('gateway');
  const see = (id: string, facts: object, at: string) =>
    gateway().append({ type: 'seen-order', id }, {
      type: 'OrderSeen',
      orderId: id,
      stamp: { at, hash: 'h' },
      customerId,
      number: '#1001',
      status: 'open',
      currency: 'CNY',
      lines: [],
      taxIncluded: true,
      subtotal: '20',
      discount: '0',
      tax: '0',
      shipping: '5',
      total: '25',
      paid: '0',
      placedAt: '2026-01-01T00:00:00.000Z',
      note: '请尽快发货',
      externalId: { connectionId: connection, id: '9007199254740993' },
      ...facts,
    } as never);
  const refund = (orderId: string, refundId: string, amount: string) =>
    gateway().append({ type: 'seen-refund', id: newId() }, {
      type: 'RefundSeen',
      orderId,
      refundId,
      amount,
      at: '2026-01-05T00:00:00.000Z',
    } as never);
  const reading = (id: string, right: (body: any) => boolean): Promise<any> =>
    eventually(
      async () => (await read(`/api/orders/${id}`)).body,
      (body) => body.id === id && right(body),
    );

  it('is taken in under its own id, on the day it was placed, in the name of its connection', async () => {
    const id = recordId(connection, 'order:1');
    await see(id, {}, '2026-01-02T00:00:00.000Z');
    const body = await reading(id, () => true);
    expect(body).toMatchObject({
      number: '#1001',
      total: cny('25.00'),
      note: '请尽快发货',
      externalIds: [{ connectionId: connection, id: '9007199254740993' }],
    });
    const { items } = (await read(`/api/orders/${id}/history`)).body;
    expect(items[0]).toMatchObject({ type: 'OrderPlaced', occurredAt: '2026-01-01T00:00:00.000Z', source: 'test' });
  });

  it('ends the same in whatever order it arrives, its refund first', async () => {
    const [one, other] = [newId(), newId()] as [string, string];
    const said: [object, string][] = [
      [{}, '2026-01-02T00:00:00.000Z'],
      [{ paid: '25', status: 'cancelled', cancelledAt: '2026-01-03T00:00:00.000Z' }, '2026-01-03T00:00:00.000Z'],
      [{ paid: '25', number: '#1001-b' }, '2026-01-04T00:00:00.000Z'],
    ];
    for (const [facts, at] of said) await see(one, facts, at);
    await refund(one, 'r', '4.50');
    await refund(other, 'r', '4.50');
    await eventually(
      async () => (await read(`/api/orders/${other}/history`)).body.items?.length,
      (length) => length === 1,
    );
    expect((await read(`/api/orders/${other}`)).body.code).toBe('order-not-found');
    for (const [facts, at] of [...said].reverse()) await see(other, facts, at);
    await refund(other, 'r', '4.50');
    const right = (body: any) => body.number === '#1001-b' && body.refunded.amount === '4.50';
    const [{ id: _a, version: _b, ...first }, { id: _c, version: _d, ...second }] = [
      await reading(one, right),
      await reading(other, right),
    ];
    expect(second).toEqual(first);
    expect(first).toMatchObject({ status: 'open', paid: cny('25.00'), refunded: cny('4.50') });
  });

  it('freezes the rate of its day, from what was set before it', async () => {
    const set = (rate: string, date: string) =>
      service.call('PUT', '/api/exchange-rates', { currency: 'USD', base: 'CNY', rate, date });
    await gateway().append({ type: 'organisation', id: newId() }, {
      type: 'OrganisationConfigured',
      baseCurrency: 'CNY',
      timeZone: 'Asia/Shanghai',
    } as never);
    expect(await set('7.1', '2026-01-01')).toMatchObject({ status: 200, body: { rate: '7.1', currency: 'USD' } });
    await set('7.3', '2026-02-01');
    const id = newId();
    await see(id, { currency: 'USD', placedAt: '2025-12-31T17:00:00.000Z' }, '2026-01-02T00:00:00.000Z');
    expect(await reading(id, () => true)).toMatchObject({ baseCurrency: 'CNY', rate: '7.1' });
    const usd = { ...tea, unitPrice: { amount: '1', currency: 'USD' } };
    await set('7.4', '2026-02-02');
    expect(await place({ lines: [usd], placedAt: '2026-02-03T00:00:00Z' })).toMatchObject({ rate: '7.4' });
    expect(await place({ lines: [usd], placedAt: '2025-02-03T00:00:00Z' })).toMatchObject({
      baseCurrency: 'USD',
      rate: '1',
    });
    const late = await set('7.5', '2026-02-03');
    const { body } = await read('/api/exchange-rates?currency=USD&limit=2', after(late));
    expect(body).toEqual({
      items: [
        { currency: 'USD', base: 'CNY', rate: '7.5', date: '2026-02-03' },
        { currency: 'USD', base: 'CNY', rate: '7.4', date: '2026-02-02' },
      ],
      nextCursor: '2',
    });
    const wrong = await service.call('PUT', '/api/exchange-rates', { currency: 'USD', rate: 7, date: '2026-02-30' });
    expect(wrong.status).toBe(400);
    expect(paths(wrong)).toEqual(['base required', 'date impossible-date', 'rate wrong-type']);
    expect(await set('0', '2026-01-01')).toMatchObject({ status: 422, body: { code: 'invalid-rate' } });
  });
});

describe('a deal over HTTP', () => {
  it('opens in the standard pipeline, moves, changes and is won', async () => {
    const opened = await post('/api/deals', { customerId, title: '年度合同', value: cny('1000.00') });
    const { id } = opened.body;
    expect(opened).toMatchObject({ status: 201, body: { status: 'open', stage: 'lead', value: cny('1000.00') } });
    expect(opened.headers.get('location')).toBe(`/api/deals/${id}`);
    expect((await post(`/api/deals/${id}/move`, { stage: 'proposal' })).body.stage).toBe('proposal');
    expect(await post(`/api/deals/${id}/move`, { stage: 'nowhere' })).toMatchObject({
      status: 422,
      body: { code: 'stage-unknown' },
    });
    const changed = await service.call('PATCH', `/api/deals/${id}`, {
      title: '两年合同',
      expectedCloseOn: '2026-03-31',
    });
    expect(changed.body).toMatchObject({ title: '两年合同', expectedCloseOn: '2026-03-31', value: cny('1000.00') });
    expect((await post(`/api/deals/${id}/win`)).body.status).toBe('won');
    expect(await post(`/api/deals/${id}/move`, { stage: 'lead' })).toMatchObject({
      status: 409,
      body: { code: 'deal-closed', status: 409, outcome: 'won' },
    });
    const { items } = (await read(`/api/deals/${id}/history`)).body;
    expect(items.map(({ type }: any) => type)).toEqual(['DealOpened', 'DealMoved', 'DealDetailsChanged', 'DealWon']);
  });

  it('is only lost for a reason', async () => {
    const { id } = await openDeal();
    expect(paths(await post(`/api/deals/${id}/lose`, {}))).toEqual(['reason required']);
    expect((await post(`/api/deals/${id}/lose`, { reason: '价格' })).body).toMatchObject({
      status: 'lost',
      lostReason: '价格',
    });
  });

  it('is refused with every field that is wrong', async () => {
    const shape = await post('/api/deals', { customerId, value: { amount: 5 }, expectedCloseOn: '2026-02-30', x: 1 });
    expect(shape.status).toBe(400);
    expect(paths(shape)).toEqual([
      'expectedCloseOn impossible-date',
      'title required',
      'value.amount wrong-type',
      'value.currency required',
      'x unknown-field',
    ]);
    const meaning = await post('/api/deals', { customerId, title: 'x', value: cny('-1'), pipelineId: newId() });
    expect(meaning.status).toBe(422);
    expect(paths(meaning)).toEqual(['pipelineId unknown-record', 'value.amount out-of-range']);
  });

  it('lets two people change different fields, and tells the second one of the same field', async () => {
    const { id } = await openDeal();
    const change = (body: object) => service.call('PATCH', `/api/deals/${id}`, body, { 'if-match': '"1"' });
    expect((await change({ title: 'A' })).status).toBe(200);
    expect((await change({ value: cny('7.00') })).status).toBe(200);
    expect(await change({ title: 'B' })).toMatchObject({
      status: 412,
      body: { conflicts: [{ field: 'title', mine: 'B', theirs: 'A', original: '年度合同' }] },
    });
  });
});

describe('a pipeline over HTTP', () => {
  const stages = [
    { id: 'talk', name: '接触', probability: 20 },
    { id: 'offer', name: '报价', probability: 50 },
  ];

  it('is there without being defined, and beside it those that are', async () => {
    const defined = await post('/api/pipelines', { name: '大客户', stages });
    expect(defined).toMatchObject({ status: 201, body: { name: '大客户', stages } });
    const { items } = (await read('/api/pipelines', after(defined))).body;
    expect(items.map(({ name }: any) => name)).toEqual(['Standard', '大客户']);
    expect((await read(`/api/pipelines/${items[0].id}`)).body.stages.map(({ id }: any) => id)).toEqual([
      'lead',
      'qualified',
      'proposal',
      'negotiation',
    ]);
    expect((await read(`/api/pipelines/${newId()}/board`)).body.code).toBe('pipeline-not-found');
    expect(
      paths(await post('/api/pipelines', { name: 'x', stages: [{ id: 'a', name: 'A', probability: 150 }] })),
    ).toEqual(['stages.0.probability out-of-range']);
  });

  it('shows its open deals on a board, with exact sums a currency', async () => {
    const { id: pipelineId } = (await post('/api/pipelines', { name: 'Board', stages })).body;
    const first = await openDeal({ pipelineId, value: cny('0.10'), expectedCloseOn: '2026-05-01' });
    const second = await openDeal({ pipelineId, value: cny('0.20') });
    const third = await openDeal({ pipelineId, stage: 'offer', value: { amount: '99.99', currency: 'USD' } });
    const won = await openDeal({ pipelineId });
    await post(`/api/deals/${won.id}/win`);
    const moved = await post(`/api/deals/${third.id}/move`, { stage: 'talk' });
    const { body } = await read(`/api/pipelines/${pipelineId}/board`, after(moved));
    expect(body).toMatchObject({ id: pipelineId, name: 'Board' });
    const [talk, offer] = body.columns;
    expect(talk).toMatchObject({
      stage: 'talk',
      name: '接触',
      count: 3,
      sum: [cny('0.30'), { amount: '99.99', currency: 'USD' }],
      weightedSum: [cny('0.06'), { amount: '19.998', currency: 'USD' }],
    });
    expect(talk.cards.map(({ id }: any) => id)).toEqual([first.id, second.id, third.id]);
    expect(talk.cards[0]).toEqual({
      id: first.id,
      stage: 'talk',
      customerId,
      title: '年度合同',
      value: cny('0.10'),
      ownerId: null,
      expectedCloseOn: '2026-05-01',
      stageSince: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(offer).toMatchObject({ stage: 'offer', count: 0, sum: [], cards: [] });
  });
});

describe('a customer that is archived', () => {
  it('loses their open deals, and only those', async () => {
    const archived = newId();
    const [open, won, other] = [
      await openDeal({ customerId: archived }),
      await openDeal({ customerId: archived }),
      await openDeal(),
    ];
    await post(`/api/deals/${won.id}/win`);
    await service.log('customers').append({ type: 'customer', id: archived }, { type: 'CustomerArchived' });
    const { body } = await eventually(
      () => read(`/api/deals/${open.id}`),
      ({ body: deal }) => deal.status === 'lost',
    );
    expect(body.lostReason).toBe('The customer was archived.');
    const { items } = (await read(`/api/deals/${open.id}/history`)).body;
    expect(items.at(-1).actor).toEqual({ type: 'policy', id: 'close-deals-when-customer-archived' });
    expect((await read(`/api/deals/${won.id}`)).body.status).toBe('won');
    expect((await read(`/api/deals/${other.id}`)).body.status).toBe('open');
  });
});

describe('the description of sales', () => {
  it('says what its bodies may hold', async () => {
    const { body } = await service.call('GET', '/openapi.json', undefined, { authorization: '' });
    const { PlaceOrderDto, RecordRefundDto } = body.components.schemas;
    expect(PlaceOrderDto.properties).toMatchObject({
      lines: { type: 'array', items: { $ref: '#/components/schemas/OrderLineDto' } },
      placedAt: { type: 'string', format: 'date-time' },
      customerId: { type: 'string', format: 'uuid' },
    });
    expect(JSON.stringify(PlaceOrderDto.properties.total)).toContain('#/components/schemas/MoneyDto');
    expect(RecordRefundDto.required).toEqual(['amount']);
  });
});

describe('the history port', () => {
  it('says what it has, and how far the log goes where nothing is above', async () => {
    const tokens = new Tokens(secretsFrom(testMasterKey));
    const identity = { id: 'analytics', type: 'system' as const, roles: [] };
    const history = httpHistory(service.url, async () => (await tokens.issue(identity, 'internal', 60)).token);
    const head = await service.kernel.feed().head();
    const generation = await service.kernel.store.generation();
    const [last] = (await history.read(head - 1, head, 1)).events;
    expect(last?.position).toBe(head);
    const furthest = Number.MAX_SAFE_INTEGER;
    expect(await history.read(furthest, furthest, 1)).toEqual({ generation, head, events: [] });
  });
});
