import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService, fresh } from '@throughline/service/testing';
import { AnalyticsModule } from '../src/analytics.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(AnalyticsModule, {
    listensTo: ['customers', 'sales', 'interactions', 'gateway'],
  });
});
afterAll(() => service.end());

let numbers = 0;
/** Appends a customer; answers with its id and the position to wait for. */
async function customer(fields: object, id = newId()) {
  const number = `C-${String(++numbers).padStart(6, '0')}`;
  const created = { type: 'CustomerCreated', number, emailsReserved: false, ...fields };
  const position = await service.log('customers').append({ type: 'customer', id }, created);
  return { id, number, after: `customers@${position}` };
}
const change = async (id: string, ...events: { type: string }[]) =>
  `customers@${await service.log('customers').append({ type: 'customer', id }, ...events)}`;
const order = (customerId: string, facts: object = {}) => ({
  type: 'OrderPlaced',
  customerId,
  number: '1001',
  status: 'open',
  currency: 'CNY',
  lines: [
    {
      lineId: '1',
      title: '龙井茶',
      sku: 'TEA-1',
      quantity: '1',
      unitPrice: '25.10',
      discount: '0',
      tax: '0',
      total: '25.10',
    },
  ],
  taxIncluded: true,
  subtotal: '25.10',
  discount: '0',
  tax: '0',
  shipping: '0',
  total: '25.10',
  paid: '0',
  placedAt: '2026-01-05T00:00:00Z',
  baseCurrency: 'CNY',
  rate: '1',
  ...facts,
});
const sell = async (id: string, ...events: { type: string }[]) =>
  `sales@${await service.log('sales').append({ type: 'order', id }, ...events)}`;
/** The answer that knows what `after` names. */
const list = (path: string, query: Record<string, unknown> = {}, after?: string) => {
  const params = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  const ask = (headers = {}) => service.call('GET', `/api/${path}?${params.toString()}`, undefined, headers);
  return after === undefined ? ask() : fresh(() => ask({ 'x-after': after }));
};
const names = ({ body }: { body: any }) => body.items.map(({ name }: any) => name);

describe('lists and search', () => {
  it('find a customer by every way of writing it, once it was recorded', async () => {
    const { id } = await customer({
      name: '张三',
      emails: [{ value: 'zhang.san@example.cn' }],
      phones: [{ value: '138 0013 8000', e164: '+8613800138000' }],
    });
    await eventually(
      () => list('customers', { q: '张' }),
      ({ body }) => body.items?.some((item: any) => item.id === id),
    );
    for (const q of ['zhang san', 'zs', 'zhangs', '張三', 'example.cn', '8000']) {
      expect((await list('customers', { q })).body.items.map((item: any) => item.id)).toEqual([id]);
    }
    expect((await list('customers', { q: 'wang' })).body).toEqual({
      items: [],
      nextCursor: null,
      total: { value: 0, exact: true },
      facets: {},
    });
  });

  it('find nothing by what holds no word, and everything by no words at all', async () => {
    for (const q of ['😀', '👩‍👩‍👧', '——', '！？']) {
      const { status, body } = await list('customers', { q });
      expect([q, status, body.items, body.total]).toEqual([q, 200, [], { value: 0, exact: true }]);
      expect((await list('search', { q })).body.items).toEqual([]);
    }
    expect((await list('customers', { q: '  ' })).body.total.value).toBeGreaterThan(0);
  });

  it('choose a province with its cities, and count them', async () => {
    const at = (regionCode: string) => customer({ name: regionCode, addresses: [{ regionCode }], channel: 'regions' });
    for (const code of ['330106', '330100', '330200', '310104', 'US-CA']) await at(code);
    const { after } = await at('440000');
    const channel = 'regions';
    const chosen = (regionCode: unknown) =>
      list('customers', { filter: { channel, regionCode }, sort: 'name', facets: 'regionCode' }, after);
    const province = await chosen('330000');
    expect(names(province)).toEqual(['330100', '330106', '330200']);
    expect(province.body.facets.regionCode).toEqual([
      { value: '330000', count: 3 },
      { value: '330100', count: 2 },
      { value: '330106', count: 1 },
      { value: '330200', count: 1 },
    ]);
    expect(names(await chosen('330100'))).toEqual(['330100', '330106']);
    expect(names(await chosen({ hasAny: ['310000', 'US-CA'] }))).toEqual(['310104', 'US-CA']);
  });

  it('know what customers like, say and how old they are', async () => {
    const { id, after } = await customer({
      name: '周九',
      birthDate: '1990-01-01',
      standing: 'influencer',
      productInterests: ['龙井', '白茶'],
      competitors: [{ name: '山间茶业', weaknesses: '交货慢' }],
      review: { satisfaction: 4, suggestion: '希望有小包装' },
    });
    const filter = {
      standing: 'influencer',
      productInterests: { hasAll: ['白茶', '龙井'] },
      satisfaction: { gte: 4 },
      competitors: '山间茶业',
    };
    const { body } = await list('customers', { filter, facets: 'productInterests,standing' }, after);
    const age = new Date().getUTCFullYear() - 1990;
    expect(body.items).toMatchObject([{ id, age }]);
    expect(body.facets.standing).toEqual([{ value: 'influencer', count: 1 }]);
    expect((await list('customers', { q: '小包装 交货慢' })).body.items).toMatchObject([{ id }]);
  });

  it('filter, sort and count by a field from the moment when it is defined, also what was there before', async () => {
    const values = [
      { level: 'gold', credit: { amount: '30.5', currency: 'CNY' }, since: '2026-01-05', courses: ['arts', 'coding'] },
      { level: 'silver', credit: { amount: '200', currency: 'EUR' }, courses: ['arts'], notes: '独特的备注' },
      { level: 'gold', credit: { amount: '4', currency: 'CNY' }, since: '2025-12-31', vip: true },
    ];
    const channel = 'own-fields';
    for (const [index, custom] of values.entries()) await customer({ name: `Own ${index}`, channel, custom });
    const ask = (query: object, after?: string) =>
      list('customers', { filter: { channel }, sort: 'name', ...query }, after);
    const field = (key: string, fieldType: string) => ({ type: 'FieldDefined', object: 'customer', key, fieldType });
    const unknown = await ask({ sort: 'custom.credit' });
    expect(unknown.body.errors).toMatchObject([{ path: 'sort.custom.credit', code: 'unknown-field' }]);
    const position = await service
      .log('customers')
      .append(
        { type: 'field-set', id: newId() },
        field('level', 'choice'),
        field('credit', 'money'),
        field('since', 'date'),
        field('courses', 'multi-choice'),
        field('vip', 'boolean'),
        field('notes', 'text'),
      );
    const after = `customers@${position}`;
    const all = await ask({ sort: '-custom.credit', facets: 'custom.level,custom.courses,custom.vip' }, after);
    expect(names(all)).toEqual(['Own 1', 'Own 0', 'Own 2']);
    expect(all.body.facets).toEqual({
      'custom.level': [
        { value: 'gold', count: 2 },
        { value: 'silver', count: 1 },
      ],
      'custom.courses': [
        { value: 'arts', count: 2 },
        { value: 'coding', count: 1 },
      ],
      'custom.vip': [{ value: true, count: 1 }],
    });
    const found = async (filter: object) => names(await ask({ filter: { channel, ...filter } }, after));
    expect(await found({ 'custom.level': 'gold', 'custom.since': { gte: '2026-01-01' } })).toEqual(['Own 0']);
    expect(await found({ 'custom.credit': { gt: { amount: '10', currency: 'CNY' } } })).toEqual(['Own 0']);
    expect(await found({ 'custom.courses': { hasAll: ['arts', 'coding'] } })).toEqual(['Own 0']);
    expect(await found({ not: { 'custom.courses': { hasAny: ['arts'] } } })).toEqual(['Own 2']);
    expect(await found({ 'custom.notes': { contains: '特的备' } })).toEqual(['Own 1']);
    expect(names(await list('customers', { q: '独特的备注' }))).toEqual(['Own 1']);
  });

  it('tell customers by their tags, whatever the tags are called since', async () => {
    const channel = 'tagged';
    const tagged = async (name: string, ...tags: string[]) => (await customer({ name, channel, tags })).after;
    await tagged('T1', 'vip', 'tea');
    await tagged('T2', 'green tea');
    await tagged('T3', 'vip');
    let after = await tagged('T4');
    const ask = (filter: object) =>
      list('customers', { filter: { and: [{ channel }, filter] }, sort: 'name', facets: 'tags' }, after);
    const found = async (filter: object) => names(await ask(filter));
    expect(await found({ tags: { hasAny: ['vip', 'tea'] } })).toEqual(['T1', 'T3']);
    expect(await found({ tags: { hasAll: ['vip', 'tea'] } })).toEqual(['T1']);
    expect(await found({ and: [{ tags: 'vip' }, { not: { tags: 'tea' } }] })).toEqual(['T3']);
    expect(await found({ not: { tags: { hasAny: ['vip', 'tea', 'green tea'] } } })).toEqual(['T4']);

    const [tea, green] = [newId(), newId()];
    const said = async (id: string, ...events: { type: string }[]) =>
      `customers@${await service.log('customers').append({ type: 'tag', id }, ...(events as never[]))}`;
    await said(green, { type: 'TagCreated', name: 'green tea' } as never);
    await said(tea, { type: 'TagCreated', name: 'tea' } as never);
    await said(green, { type: 'TagAbsorbed', into: tea } as never);
    after = await said(tea, { type: 'TagRenamed', from: 'tea', to: '茶' } as never);
    const renamed = await ask({ tags: '茶' });
    expect(names(renamed)).toEqual(['T1', 'T2']);
    expect(renamed.body.items[0].tags).toEqual(['vip', '茶']);
    expect(renamed.body.facets.tags).toEqual([
      { value: '茶', count: 2 },
      { value: 'vip', count: 1 },
    ]);
    expect(await found({ tags: { hasAny: ['tea'] } })).toEqual(['T1', 'T2']);
    expect(await found({ tags: { hasAll: ['green tea', 'vip'] } })).toEqual(['T1']);
    expect(await found({ not: { tags: 'green tea' } })).toEqual(['T3', 'T4']);
    after = await tagged('T5', 'green tea');
    expect(await found({ tags: '茶' })).toEqual(['T1', 'T2', 'T5']);

    // Recorded before names of tags were cleaned; customers held clean ones.
    const wide = newId();
    await said(wide, { type: 'TagCreated', name: 'ＷＩＤＥ' } as never);
    await tagged('T6', 'WIDE');
    after = await said(wide, { type: 'TagRenamed', from: 'WIDE', to: '宽' } as never);
    expect((await ask({ tags: '宽' })).body.items).toMatchObject([{ name: 'T6', tags: ['宽'] }]);
    expect(await found({ tags: 'WIDE' })).toEqual(['T6']);
  });

  it('give everybody their own writes when asked after them', async () => {
    for (let i = 0; i < 5; i++) {
      const { id, number, after } = await customer({ name: `Own Write ${i}` });
      const found = await list('customers', { q: number }, after);
      expect(found.body.items.map((item: any) => item.id)).toEqual([id]);
      const renamed = await change(id, {
        type: 'CustomerDetailsChanged',
        name: `Renamed ${i}`,
        emailsReserved: false,
      } as never);
      const query = { filter: { id } };
      const posted = await fresh(() => service.call('POST', '/api/customers/query', query, { 'x-after': renamed }));
      expect(names(posted)).toEqual([`Renamed ${i}`]);
    }
  });

  it('leave out who does not want to be written to', async () => {
    const [wants, objects, silent] = [
      await customer({ name: 'Wants Letters' }),
      await customer({ name: 'Objects To Letters' }),
      await customer({ name: 'Silent About Letters' }),
    ];
    const say = async (customerId: string, event: object) =>
      `customers@${await service.log('customers').append({ type: 'consent', id: newId() }, { customerId, ...event } as never)}`;
    const about = { purpose: 'marketing', channel: 'email', how: 'form' };
    const given = { type: 'ConsentGiven', ...about, basis: 'consent', givenAt: '2026-01-01T00:00:00Z' };
    await say(wants.id, given);
    await say(objects.id, given);
    const after = await say(objects.id, {
      type: 'ConsentWithdrawn',
      ...about,
      withdrawnAt: '2026-01-02T00:00:00Z',
    });
    const letters = { id: { in: [wants.id, objects.id, silent.id] } };
    const found = async (filter: object) =>
      names(await list('customers', { filter: { and: [letters, filter] }, sort: 'name' }, after));
    expect(await found({ marketingEmail: 'yes' })).toEqual(['Wants Letters']);
    expect(await found({ marketingEmail: { ne: 'no' } })).toEqual(['Silent About Letters', 'Wants Letters']);
    expect(await found({ optOuts: { has: 'marketing:email' } })).toEqual(['Objects To Letters']);
    const facets = (await list('customers', { filter: letters, facets: 'marketingEmail,doNotContact' })).body.facets;
    expect(facets.marketingEmail.map(({ value, count }: any) => [value, count]).sort()).toEqual([
      ['no', 1],
      ['unknown', 1],
      ['yes', 1],
    ]);
    const forbidden = { type: 'ContactForbidden', how: 'phone', forbiddenAt: '2026-02-01T00:00:00Z' };
    const later = await say(wants.id, forbidden);
    const none = await list('customers', { filter: { and: [letters, { marketingEmail: 'yes' }] } }, later);
    expect(names(none)).toEqual([]);
  });

  it('tell what a customer bought and when there was contact last', async () => {
    const { id, after: known } = await customer({ name: 'Buyer', ownerId: newId() });
    const orderId = newId();
    await sell(orderId, order(id));
    const sold = await sell(orderId, {
      type: 'OrderRefunded',
      refundId: 'r1',
      amount: '5.05',
      at: '2026-02-01T00:00:00Z',
    } as never);
    const talk = await service.log('interactions').append({ type: 'interaction', id: newId() }, {
      type: 'InteractionLogged',
      customerId: id,
      kind: 'call',
      direction: 'inbound',
      subject: 'Asks for tea',
      outcome: 'interested',
      startedAt: '2026-01-04T00:00:00Z',
    } as never);
    const { body } = await list('customers', { q: 'buyer' }, `${known},${sold},interactions@${talk}`);
    expect(body.items[0]).toMatchObject({
      revenue: { amount: '20.05', currency: 'CNY' },
      orderCount: 1,
      lastOrderAt: '2026-01-05T00:00:00.000Z',
      lastInteractionAt: '2026-01-04T00:00:00.000Z',
    });
    expect((await list('customers', { filter: { revenue: { gt: '20', lt: '20.06' } } })).body.total).toEqual({
      value: 1,
      exact: true,
    });

    const orders = await list('orders', { q: 'tea', filter: { customerId: id } });
    expect(orders.body.items[0]).toMatchObject({
      id: orderId,
      customerName: 'Buyer',
      refunded: { amount: '5.05', currency: 'CNY' },
    });
    const interactions = await list('interactions', {
      filter: { customerId: id, kind: 'call' },
      fields: 'subject,customerName',
    });
    expect(interactions.body.items).toEqual([
      { id: expect.any(String), subject: 'Asks for tea', customerName: 'Buyer' },
    ]);

    const timeline = await list(`customers/${id}/timeline`);
    expect(timeline.body.items.map(({ type }: any) => type).sort()).toEqual([
      'CustomerCreated',
      'InteractionLogged',
      'OrderPlaced',
      'OrderRefunded',
    ]);
    expect(timeline.body.items.find(({ type }: any) => type === 'OrderRefunded')).toMatchObject({
      kind: 'refund',
      title: '1001',
      recordId: orderId,
      actor: { type: 'system', id: 'test' },
      data: { refundId: 'r1', amount: '5.05' },
    });
    expect((await list(`customers/${id}/first-contact`)).body).toMatchObject({
      at: '2026-01-04T00:00:00.000Z',
      kind: 'call',
      direction: 'inbound',
      outcome: 'interested',
    });
  });

  it('tell the revenue in every currency that cannot be added up', async () => {
    const { id, after: known } = await customer({ name: 'Abroad' });
    const inCurrency = (currency: string, total: string) =>
      order(id, { currency, baseCurrency: currency, subtotal: total, total, lines: [] });
    let sold = await sell(newId(), inCurrency('CNY', '25.10'));
    for (const [currency, total] of [
      ['USD', '7.5'],
      ['JPY', '20'],
      ['USD', '2.5'],
    ] as const)
      sold = await sell(newId(), inCurrency(currency, total));
    const query = { filter: { id }, fields: 'revenue,revenueOther' };
    const { body } = await list('customers', query, `${known},${sold}`);
    expect(body.items).toEqual([
      {
        id,
        revenue: { amount: '25.10', currency: 'CNY' },
        revenueOther: [
          { amount: '20', currency: 'JPY' },
          { amount: '10.00', currency: 'USD' },
        ],
      },
    ]);
  });

  it('list deals with their customers', async () => {
    const { id, after } = await customer({ name: '李四' });
    const deal = {
      type: 'DealOpened',
      customerId: id,
      title: '大项目',
      value: { amount: '900', currency: 'CNY' },
      pipelineId: newId(),
      stage: 'lead',
    };
    const position = await service.log('sales').append({ type: 'deal', id: newId() }, deal);
    const { body } = await list('deals', { q: 'daxiangmu', facets: 'status' }, `${after},sales@${position}`);
    expect(body.items).toEqual([
      expect.objectContaining({ title: '大项目', status: 'open', value: deal.value, customerName: '李四' }),
    ]);
    expect(body.facets).toEqual({ status: [{ value: 'open', count: 1 }] });
  });

  it('filter, sort by pinyin, and count facets', async () => {
    const source = `fair-${newId()}`;
    const people = [
      { name: '王五', industry: '零售', tags: ['vip'], addresses: [{ city: '上海' }] },
      { name: '阿里', industry: '零售', tags: ['vip', 'b2b'] },
      { name: 'Bob', industry: 'toys' },
      { name: 'Zoë', industry: 'toys' },
    ];
    let after = '';
    for (const person of people) ({ after } = await customer({ ...person, source }));
    const query = { filter: { source }, sort: 'name', facets: 'industry,tags,archived' };
    const { body } = await list('customers', query, after);
    expect(names({ body })).toEqual(['阿里', 'Bob', '王五', 'Zoë']);
    expect(body.facets).toEqual({
      industry: [
        { value: 'toys', count: 2 },
        { value: '零售', count: 2 },
      ],
      tags: [
        { value: 'vip', count: 2 },
        { value: 'b2b', count: 1 },
      ],
      archived: [{ value: false, count: 4 }],
    });
    const filtered = await service.call('POST', '/api/customers/query', {
      filter: { source, or: [{ city: '上海' }, { tags: { hasAll: ['b2b', 'vip'] } }, { name: { startsWith: 'ZO' } }] },
      sort: ['-name'],
      fields: ['name'],
      limit: 10,
    });
    expect(names(filtered)).toEqual(['Zoë', '王五', '阿里']);
    expect(Object.keys(filtered.body.items[0])).toEqual(['id', 'name']);
    const recent = await list('customers', { filter: { source, createdAt: { gte: 'today' } }, limit: '1' });
    expect(recent.body.total).toEqual({ value: 4, exact: true });
    expect((await list('customers', { filter: { source, createdAt: { lt: '-7d' } } })).body.total.value).toBe(0);
  });

  it('leave out what was archived, unless it is asked for', async () => {
    const { id } = await customer({ name: 'Gone Girl' });
    const after = await change(id, { type: 'CustomerArchived' });
    expect((await list('customers', { q: 'gone girl' }, after)).body.items).toEqual([]);
    expect(names(await list('customers', { q: 'gone girl', filter: { archived: true } }))).toEqual(['Gone Girl']);
    expect(names(await list('customers', { filter: { archived: { in: [true, false] }, id } }))).toEqual(['Gone Girl']);
    expect((await list('search', { q: 'gone girl' })).body.items).toEqual([]);
  });

  it('walk through pages once each, while records change', async () => {
    const source = `walk-${newId()}`;
    const made: string[] = [];
    let after = '';
    for (let i = 0; i < 25; i++) {
      const one = await customer({ name: `Page ${i % 4}`, source });
      made.push(one.id);
      after = one.after;
    }
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await list(
        'customers',
        { filter: { source }, sort: 'name,-createdAt', limit: '6', ...(cursor && { cursor }) },
        after,
      );
      expect(body.total).toEqual({ value: 25, exact: true });
      seen.push(...body.items.map(({ id }: any) => id));
      after = await change(
        seen[0] as string,
        { type: 'CustomerDetailsChanged', title: `T${seen.length}`, emailsReserved: false } as never,
      );
      if (!body.nextCursor) break;
      cursor = body.nextCursor;
    }
    expect(seen.toSorted()).toEqual(made.toSorted());
    expect(new Set(seen).size).toBe(25);
  });

  it('page through a timeline', async () => {
    const { id } = await customer({ name: 'Timeline' });
    for (const title of ['a', 'b', 'c'])
      await change(id, { type: 'CustomerDetailsChanged', title, emailsReserved: false } as never);
    const orderId = newId();
    const after = await sell(orderId, order(id), { type: 'OrderPaid', paid: '25.10', currency: 'CNY' } as never);
    await list(`customers/${id}/timeline`, {}, await change(id, { type: 'CustomerArchived' }));
    const seen: any[] = [];
    for (let cursor = ''; ;) {
      const { body } = await list(`customers/${id}/timeline`, { limit: '2', ...(cursor && { cursor }) }, after);
      seen.push(...body.items);
      if (!body.nextCursor) break;
      cursor = body.nextCursor;
    }
    expect(seen).toHaveLength(7);
    const times: string[] = seen.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => (a < b ? 1 : a > b ? -1 : 0)));
    const paid = await list(`customers/${id}/timeline`, { kinds: 'payment,interaction' });
    expect(paid.body.items).toEqual([
      expect.objectContaining({ type: 'OrderPaid', data: { paid: '25.10', currency: 'CNY' } }),
    ]);
  });

  it('search everything at once, with highlights', async () => {
    const { id, after } = await customer({ name: '欧阳修' });
    const sold = await sell(newId(), order(id, { number: 'OUYANG-7' }));
    const { body } = await list('search', { q: 'ouyang' }, `${after},${sold}`);
    expect(new Map(body.items.map(({ type, title }: any) => [type, title]))).toEqual(
      new Map([
        ['order', 'OUYANG-7'],
        ['customer', '欧阳修'],
      ]),
    );
    const hit = body.items.find(({ type }: any) => type === 'customer');
    expect(hit.highlights).toEqual([{ field: 'name', value: '欧阳修', ranges: [{ start: 0, end: 2 }] }]);
    const some = await list('search', { q: 'ouyang', types: 'orders' });
    expect(some.body.items.map(({ type }: any) => type)).toEqual(['order']);
    expect((await list('search', { q: '…' })).body).toEqual({ items: [], total: {} });
  });

  it('name everything that is wrong with a request', async () => {
    const wrong = await list('customers', {
      filter: { colour: 'red', revenue: { like: 1 }, createdAt: { gt: '2026-02-30' } },
      sort: 'name,-tags,size,size,nothing',
      facets: 'name,nothing',
      fields: 'name,secret',
    });
    expect(wrong).toMatchObject({ status: 422, body: { code: 'invalid-query' } });
    expect(wrong.body.errors.map(({ path, code }: any) => `${path} ${code}`)).toEqual([
      'sort.tags not-sortable',
      'sort.size repeated',
      'sort.nothing unknown-field',
      'facets.name no-facets',
      'facets.nothing unknown-field',
      'fields.secret unknown-field',
      'filter.colour unknown-field',
      'filter.revenue.like unknown-operator',
      'filter.createdAt.gt impossible-date',
    ]);
    const shape = await list('orders', { filter: '{"a"', limit: '201', cursor: 'nonsense' });
    expect(shape.status).toBe(400);
    expect(shape.body.errors.map(({ path, code }: any) => `${path} ${code}`)).toEqual([
      'limit out-of-range',
      'filter wrong-type',
      'cursor wrong-cursor',
    ]);
    expect((await list('customers', { colour: 'red' })).status).toBe(400);
    expect((await service.call('POST', '/api/deals/query', { q: 5, limit: 'many' })).status).toBe(400);
    const first = (await list('customers', { limit: '1' })).body.nextCursor;
    expect((await list('customers', { limit: '1', cursor: first })).status).toBe(200);
    expect((await list('customers', { limit: '1', cursor: first, sort: 'name' })).status).toBe(400);
    expect((await list('search')).status).toBe(400);
    expect((await list('search', { q: 'x', types: 'cats' })).status).toBe(400);
    expect((await list(`customers/${newId()}/timeline`)).status).toBe(404);
    expect((await list(`customers/${newId()}/first-contact`)).status).toBe(404);
    expect(
      (await list(`customers/${newId()}/timeline`, { kinds: 'gossip', limit: '0', cursor: 'x' })).body.errors,
    ).toHaveLength(3);
  });
});
