import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { builtInSurvivorship } from '@throughline/contracts';
import { newId, plainTypes } from '@throughline/event-sourcing';
import { fresh, startTestService, type TestService } from '@throughline/service/testing';
import { AnalyticsModule } from '../src/analytics.module.ts';
import { Lists } from '../src/lists/lists.reader.ts';
import { customers } from '../src/search/customers.index.ts';

let service: TestService;
const positions = new Map<string, number>();
beforeAll(async () => {
  service = await startTestService(AnalyticsModule, { listensTo: ['customers', 'sales', 'interactions', 'gateway'] });
});
afterAll(() => service.end());

type Log = 'customers' | 'sales' | 'interactions';
const append = async (log: Log, type: string, id: string, ...events: object[]) =>
  void positions.set(log, await service.log(log).append({ type, id }, ...(events as { type: string }[])));
const ask = (path: string, query: Record<string, unknown> = {}) => {
  const params = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  const after = [...positions].map(([name, position]) => `${name}@${position}`).join(',');
  return fresh(() => service.call('GET', `/api/${path}?${params.toString()}`, undefined, { 'x-after': after }));
};
const listed = async (path: string, query: Record<string, unknown>) => (await ask(path, query)).body.items as any[];
const sql = async (text: string, values: unknown[]) =>
  (await service.kernel.pool.query({ text, values, types: plainTypes })).rows;

let numbers = 0;
async function record(fields: object) {
  const [id, number] = [newId(), `C-${String(++numbers).padStart(6, '0')}`];
  await append('customers', 'customer', id, { type: 'CustomerCreated', number, emailsReserved: false, ...fields });
  return { id, number };
}
async function order(customerId: string, total: string, placedAt = '2026-01-05T00:00:00.000Z') {
  const none = { lines: [], taxIncluded: true, discount: '0', tax: '0', shipping: '0', paid: '0' };
  const facts = { number: '1001', status: 'open', currency: 'CNY', baseCurrency: 'CNY', rate: '1' };
  const id = newId();
  const placed = { type: 'OrderPlaced', customerId, ...facts, ...none, subtotal: total, total, placedAt };
  await append('sales', 'order', id, placed);
  return id;
}
const mergeId = newId();
async function merge(survivor: string, absorbed: string) {
  const merged = { type: 'CustomersMerged', mergeId, absorbed: [absorbed], ...builtInSurvivorship };
  await append('customers', 'customer', survivor, merged);
  const into = { type: 'CustomerAbsorbed', mergeId, into: survivor, goldenId: survivor };
  await append('customers', 'customer', absorbed, into);
}
async function unmerge(survivor: string, released: string) {
  await append('customers', 'customer', survivor, { type: 'CustomersUnmerged', mergeId, released: [released] });
  await append('customers', 'customer', released, { type: 'CustomerReleased', mergeId, from: survivor });
}
const twoRecords = async () => ({
  shop: await record({ name: '王伟', emails: [{ value: `wang.${newId()}@shop.example` }], tags: ['vip'] }),
  till: await record({ name: 'Wang Wei', emails: [{ value: `wang.${newId()}@till.example` }], source: 'till' }),
});

describe('merged customers', () => {
  it('are one in lists and search, with all orders, and two again once they are taken apart', async () => {
    const { shop, till } = await twoRecords();
    await order(shop.id, '10.00');
    await order(till.id, '5.50');
    await merge(shop.id, till.id);
    const late = await order(till.id, '4.50');
    for (const query of [
      { q: shop.number },
      { q: till.number },
      { filter: { number: till.number } },
      { filter: { numbers: { has: till.number } } },
      { filter: { id: till.id } },
    ]) {
      expect(await listed('customers', query)).toMatchObject([
        { id: shop.id, numbers: [shop.number, till.number], revenue: { amount: '20.00' }, orderCount: 3 },
      ]);
    }
    expect(await listed('customers', { filter: { number: { ne: till.number }, id: shop.id } })).toEqual([]);

    await unmerge(shop.id, till.id);
    const apart = await listed('customers', { filter: { id: { in: [shop.id, till.id] } }, sort: 'number' });
    expect(apart).toMatchObject([
      { id: shop.id, numbers: [shop.number], revenue: { amount: '10.00' }, orderCount: 1 },
      { id: till.id, numbers: [till.number], revenue: { amount: '10.00' }, orderCount: 2 },
    ]);
    expect((await listed('orders', { filter: { customerId: till.id } })).map(({ id }) => id)).toContain(late);
  });

  it('have the orders and interactions of all their records, whichever of them is named', async () => {
    const { shop, till } = await twoRecords();
    const [one, other] = [await order(shop.id, '1'), await order(till.id, '2', '2026-01-06T00:00:00.000Z')];
    const called = newId();
    const call = { kind: 'call', subject: 'Tea', startedAt: '2026-01-04T00:00:00.000Z' };
    await append('interactions', 'interaction', called, { type: 'InteractionLogged', customerId: till.id, ...call });
    await merge(shop.id, till.id);
    for (const customerId of [shop.id, till.id]) {
      const orders = await listed('orders', { filter: { customerId }, fields: 'customerId,customerName' });
      expect(orders).toEqual([
        { id: other, customerId: till.id, customerName: '王伟' },
        { id: one, customerId: shop.id, customerName: '王伟' },
      ]);
      const talks = await listed('interactions', { filter: { customerId: { in: [customerId] } } });
      expect(talks.map(({ id }) => id)).toEqual([called]);
      expect(await listed('orders', { filter: { customerId: { ne: customerId }, id: one } })).toEqual([]);
    }
  });

  it('are named by every link to one of their records, in lists and in selections', async () => {
    const { shop, till } = await twoRecords();
    const defined = { type: 'FieldDefined', object: 'customer', key: 'advisor', fieldType: 'reference' };
    await append('customers', 'field-set', newId(), defined);
    const names = (id: string) => ({ employerId: id, parentId: id, referredBy: id, custom: { advisor: id } });
    const linked = [(await record(names(shop.id))).id, (await record(names(till.id))).id];
    const other = await record({ name: 'Zhou', ...names(newId()) });
    await merge(shop.id, till.id);
    for (const field of ['employerId', 'parentId', 'referredBy', 'custom.advisor']) {
      for (const named of [shop.id, till.id]) {
        const found = await listed('customers', { filter: { [field]: { eq: named } }, sort: 'number' });
        expect(found.map(({ id }) => id)).toEqual(linked);
        const others = { [field]: { ne: named }, id: { in: [...linked, other.id] } };
        expect((await listed('customers', { filter: others })).map(({ id }) => id)).toEqual([other.id]);
        const selected: string[] = [];
        const pages = await service.app.get(Lists).ids(customers as never, { filter: { [field]: named } });
        for await (const page of pages) selected.push(...page);
        expect(selected.sort()).toEqual(linked.toSorted());
      }
    }
  });
});

describe('facets on links', () => {
  const fields = ['employerId', 'parentId', 'referredBy', 'custom.advisor'];
  const facetsOf = async (filter: object) =>
    (await ask('customers', { filter, facets: fields.join(','), limit: '1' })).body.facets;

  it('count a customer once, under the record that answers for it', async () => {
    const { shop, till } = await twoRecords();
    const [industry, other] = [newId(), newId()];
    const names = (id: string) => ({ employerId: id, parentId: id, referredBy: id, custom: { advisor: id } });
    for (const id of [shop.id, till.id, till.id, other, other]) await record({ industry, ...names(id) });
    await merge(shop.id, till.id);
    const values = [
      { value: shop.id, count: 3 },
      { value: other, count: 2 },
    ];
    const facets = await facetsOf({ industry });
    for (const field of fields) expect([field, facets[field]]).toEqual([field, values]);
    await unmerge(shop.id, till.id);
    expect((await facetsOf({ industry, employerId: { in: [shop.id, till.id] } })).employerId).toEqual([
      { value: till.id, count: 2 },
      { value: shop.id, count: 1 },
    ]);
  });

  it('count those as well who are named by too few to be among the commonest values', async () => {
    const { shop, till } = await twoRecords();
    const industry = newId();
    const often = Array.from({ length: 100 }, () => newId());
    for (const employerId of [shop.id, shop.id, shop.id, ...often, ...often, till.id]) {
      await record({ industry, employerId });
    }
    await merge(shop.id, till.id);
    const { employerId } = await facetsOf({ industry });
    expect([employerId.length, employerId[0]]).toEqual([100, { value: shop.id, count: 4 }]);
  }, 60_000);
});

describe('the timeline of merged customers', () => {
  const typesOf = ({ body }: { body: any }) => body.items.map(({ type }: any) => type);

  it('is one, in one order and by pages, whichever record is named', async () => {
    const { shop, till } = await twoRecords();
    await order(shop.id, '1');
    await order(till.id, '2');
    const called = newId();
    const call = { kind: 'call', subject: 'Tea', startedAt: '2026-01-04T00:00:00.000Z' };
    await append(
      'interactions',
      'interaction',
      called,
      { type: 'InteractionLogged', customerId: till.id, ...call },
      { type: 'FollowUpDue', customerId: till.id, dueAt: '2026-01-05T00:00:00.000Z' },
    );
    const before = typesOf(await ask(`customers/${shop.id}/timeline`));
    expect(before.toSorted()).toEqual(['CustomerCreated', 'OrderPlaced']);
    await merge(shop.id, till.id);
    const whole = await ask(`customers/${shop.id}/timeline`);
    expect(typesOf(whole).toSorted()).toEqual([
      'CustomerAbsorbed',
      'CustomerCreated',
      'CustomerCreated',
      'CustomersMerged',
      'FollowUpDue',
      'InteractionLogged',
      'OrderPlaced',
      'OrderPlaced',
    ]);
    expect((await ask(`customers/${till.id}/timeline`)).body).toEqual(whole.body);
    const paged: unknown[] = [];
    for (let cursor: string | undefined; ;) {
      const { body } = await ask(`customers/${till.id}/timeline`, { limit: 3, ...(cursor && { cursor }) });
      paged.push(...body.items);
      cursor = body.nextCursor ?? undefined;
      if (!cursor) break;
    }
    expect(paged).toEqual(whole.body.items);
    expect(typesOf(await ask(`customers/${shop.id}/timeline`, { kinds: 'merge' })).toSorted()).toEqual([
      'CustomerAbsorbed',
      'CustomersMerged',
    ]);
    expect((await ask(`customers/${shop.id}/first-contact`)).body.interactionId).toBe(called);

    await unmerge(shop.id, till.id);
    const apart = typesOf(await ask(`customers/${shop.id}/timeline`)).toSorted();
    expect(apart).toEqual(['CustomerCreated', 'CustomersMerged', 'CustomersUnmerged', 'OrderPlaced']);
    expect((await ask(`customers/${shop.id}/first-contact`)).status).toBe(404);
  });
});

describe('the schema bi', () => {
  it('has one row a merged customer with what its records say together, and facts that join it', async () => {
    const { shop, till } = await twoRecords();
    await order(shop.id, '10.00');
    await order(till.id, '5.50');
    const sources = async () =>
      (await ask('reports/customers-by-source')).body.rows.reduce(
        (sum: number, { customers }: { customers: number }) => sum + customers,
        0,
      );
    const apart = await sources();
    await merge(shop.id, till.id);
    await append('customers', 'customer', till.id, {
      type: 'CustomerDetailsChanged',
      tags: ['b2b', '"a", {b}'],
      industry: 'tea',
      ownerId: till.id,
      birthDate: '1980-05-17',
      emailsReserved: false,
    });
    expect(await sources()).toBe(apart - 1);
    const both = [[shop.id, till.id]];
    expect(
      await sql(
        `select customer_id, number, name, source, tags, industry, owner_id, birth_date from bi.dim_customer_pii
         where customer_id = any($1)`,
        both,
      ),
    ).toEqual([
      {
        customer_id: shop.id,
        number: shop.number,
        name: '王伟',
        source: 'till',
        tags: 'vip, b2b, "a", {b}',
        industry: 'tea',
        owner_id: till.id,
        birth_date: '1980-05-17',
      },
    ]);
    const perCustomer = 'select customer_id, sum(amount_base) as sum from bi.fact_order_line where record_id = any($1)';
    expect(await sql(`${perCustomer} group by 1`, both)).toEqual([{ customer_id: shop.id, sum: '15.50' }]);
    expect(
      await sql('select distinct customer_id from bi.dim_customer_history where record_id = any($1)', both),
    ).toEqual([{ customer_id: shop.id }]);
    expect(await sql('select tag from bi.bridge_customer_tag where customer_id = any($1) order by tag', both)).toEqual([
      { tag: '"a", {b}' },
      { tag: 'b2b' },
      { tag: 'vip' },
    ]);
    const top = (await ask('reports/top-customers')).body.rows.find((row: any) => row.customer_id === shop.id);
    expect(top).toMatchObject({ number: shop.number, name: '王伟', revenue: '15.50', orders: 2 });
    const past = (await ask('reports/customers-by-source', { asOf: new Date().toISOString() })).body.rows;
    expect(past).toEqual((await ask('reports/customers-by-source')).body.rows);

    await unmerge(shop.id, till.id);
    expect(await sources()).toBe(apart);
    expect(await sql(`${perCustomer} group by 1 order by 2`, both)).toEqual([
      { customer_id: till.id, sum: '5.50' },
      { customer_id: shop.id, sum: '10.00' },
    ]);
    expect(await sql(`select source, tags from bi.dim_customer where customer_id = any($1) order by 2`, both)).toEqual([
      { source: 'till', tags: 'b2b, "a", {b}' },
      { source: null, tags: 'vip' },
    ]);
  });

  it('is as fresh as the records that it resolves', async () => {
    await ask('reports/customers-by-source');
    const [customers] = await sql(`select position from bi.meta_refresh where feed = 'customers'`, []);
    expect(customers.position).toBe(positions.get('customers'));
  });
});
