import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { AnyEvent } from '@throughline/contracts';
import { newId, plainTypes } from '@throughline/event-sourcing';
import { Log, readConfig } from '@throughline/service';
import { eventually, startTestService, testMasterKey, type TestService, fresh } from '@throughline/service/testing';
import pg from 'pg';
import { AnalyticsModule } from '../src/analytics.module.ts';
import { endLongWork } from '../src/bi/bi-watchdog.worker.ts';
import { biRoles } from '../src/bi/bi-roles.sql.ts';
import { BiSchema } from '../src/bi/bi-schema.store.ts';
import { publishedViews } from '../src/bi/bi-views.sql.ts';

const server = process.env['THROUGHLINE_TEST_DATABASE_URL'] as string;
const databasePrefix = `t${randomBytes(5).toString('hex')}_`;
const biPassword = `p'${randomBytes(5).toString('hex')}`;
const roles = biRoles({ databasePrefix });

let service: TestService;
/** What an analyst's tool does: its own connection, its own password. */
let reader: pg.Client;
const positions = new Map<string, number>();

const append = async (
  log: 'sales' | 'customers' | 'interactions' | 'gateway',
  type: string,
  id: string,
  ...events: AnyEvent[]
) => void positions.set(log, await service.log(log).append({ type, id }, ...events));
const after = () => ({ 'x-after': [...positions].map(([name, position]) => `${name}@${position}`).join(',') });
const report = async (name: string, query = '') => {
  const { status, body } = await fresh(() => service.call('GET', `/api/reports/${name}${query}`, undefined, after()));
  expect([status, body.code]).toEqual([200, undefined]);
  return body;
};
const ask = async (text: string, client = reader) => (await client.query({ text, types: plainTypes })).rows;

const [zhang, li, wang] = [newId(), newId(), newId()];
const customer = (number: string, facts: object = {}): AnyEvent =>
  ({
    type: 'CustomerCreated',
    number,
    kind: 'person',
    name: `Name of ${number}`,
    emailsReserved: false,
    ...facts,
  }) as AnyEvent;
const order = (customerId: string, total: string, placedAt: string, facts: object = {}): AnyEvent =>
  ({
    type: 'OrderPlaced',
    customerId,
    number: 'A',
    status: 'open',
    currency: 'CNY',
    lines: [
      {
        lineId: '1',
        sku: 'TEA',
        title: 'Tea',
        quantity: '3',
        unitPrice: '33.33',
        discount: '0',
        tax: '0',
        total: '99.99',
      },
    ],
    taxIncluded: false,
    subtotal: '99.99',
    discount: '0',
    tax: '0',
    shipping: '0',
    total,
    paid: '0',
    placedAt,
    baseCurrency: 'CNY',
    rate: '1',
    ...facts,
  }) as AnyEvent;
const pipelineId = newId();
const deal = (): AnyEvent =>
  ({
    type: 'DealOpened',
    customerId: zhang,
    title: 'Tea for all',
    value: { amount: '100.00', currency: 'CNY' },
    pipelineId,
    stage: 'lead',
  }) as AnyEvent;
const moved = (from: string, to: string) => ({ type: 'DealMoved', from, to }) as AnyEvent;
const won = { type: 'DealWon', value: { amount: '100.00', currency: 'CNY' } } as AnyEvent;
const [refundedOrder, cancelledOrder, comebackDeal] = [newId(), newId(), newId()];

beforeAll(async () => {
  service = await startTestService(AnalyticsModule, {
    listensTo: ['customers', 'sales', 'interactions', 'gateway'],
    config: { databasePrefix, biPassword },
  });
  const url = new URL(service.kernel.databaseUrl);
  url.username = roles.reader;
  url.password = encodeURIComponent(biPassword);
  reader = new pg.Client({ connectionString: url.href });
  await reader.connect();

  await append('gateway', 'organisation', newId(), {
    type: 'OrganisationConfigured',
    timeZone: 'Asia/Shanghai',
    baseCurrency: 'CNY',
  } as AnyEvent);
  await append(
    'customers',
    'customer',
    zhang,
    customer('C-1', { source: 'online', channel: 'web', tags: ['vip', 'tea'] }),
  );
  await append('customers', 'customer', li, customer('C-2', { source: 'online', channel: 'web' }), {
    type: 'CustomerArchived',
  });
  await append('customers', 'customer', wang, customer('C-3'), {
    type: 'CustomerDetailsChanged',
    source: 'exhibition',
    emailsReserved: false,
  } as AnyEvent);
  // 1 February in Shanghai.
  await append('sales', 'order', newId(), order(zhang, '100.00', '2026-01-31T16:30:00Z', { shipping: '0.01' }));
  await append(
    'sales',
    'order',
    newId(),
    order(wang, '20.00', '2026-01-10T00:00:00Z', { currency: 'EUR', rate: '8.123456' }),
  );
  await append(
    'sales',
    'order',
    refundedOrder,
    { type: 'OrderRefunded', refundId: 'R1', amount: '30.5', at: '2026-03-02T00:00:00Z' } as AnyEvent,
    order(zhang, '99.99', '2026-02-10T00:00:00Z'),
  );
  await append('sales', 'order', cancelledOrder, order(li, '500', '2026-02-11T00:00:00Z'), {
    type: 'OrderCancelled',
    cancelledAt: '2026-02-12T00:00:00Z',
  } as AnyEvent);
  const stages = ['lead', 'offer', 'contract'].map((id) => ({ id, name: `The ${id}`, probability: 10 }));
  await append('sales', 'pipeline', pipelineId, { type: 'PipelineDefined', name: 'Sales', stages } as AnyEvent);
  await append('sales', 'deal', newId(), deal(), moved('lead', 'offer'), won);
  await append('sales', 'deal', newId(), deal(), { type: 'DealLost', customerId: zhang, reason: 'price' } as AnyEvent);
  await append('sales', 'deal', newId(), deal());
  await append(
    'sales',
    'deal',
    comebackDeal,
    deal(),
    moved('lead', 'offer'),
    moved('offer', 'lead'),
    moved('lead', 'offer'),
  );
  await append('interactions', 'interaction', newId(), {
    type: 'InteractionLogged',
    customerId: zhang,
    kind: 'call',
    startedAt: '2026-02-01T20:00:00Z',
  } as AnyEvent);
});

afterAll(async () => {
  await reader?.end();
  await service?.end();
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`drop role if exists "${roles.reader}", "${roles.personal}"`);
  await client.end();
});

describe('the reports', () => {
  it('are listed with what they show, in the language of the caller', async () => {
    const { body } = await service.call('GET', '/api/reports', undefined, { 'accept-language': 'zh-CN' });
    expect(body.items.map(({ name }: any) => name)).toEqual([
      'customers-by-source',
      'revenue-by-month',
      'top-customers',
      'funnel',
      'data-quality',
    ]);
    expect(body.items[1]).toMatchObject({
      title: '月度收入',
      columns: expect.arrayContaining([{ name: 'revenue', type: 'decimal', label: '收入' }]),
    });
  });

  it('count customers by source and channel, without archived ones', async () => {
    const { columns, rows, asOf, position } = await report('customers-by-source');
    expect(columns.map(({ name }: any) => name)).toEqual(['source', 'channel', 'customers']);
    expect(rows).toEqual([
      { source: 'exhibition', channel: null, customers: 1 },
      { source: 'online', channel: 'web', customers: 1 },
    ]);
    expect(new Date(asOf).toISOString()).toBe(asOf);
    expect(position).toBe(`customers@${positions.get('customers')},gateway@${positions.get('gateway')}`);
  });

  it('show revenue in local months and the base currency, refunds in their own, cancelled orders nowhere', async () => {
    const { rows } = await report('revenue-by-month');
    expect(rows).toEqual([
      { month: '2026-01', currency: 'CNY', revenue: '162.47', orders: 1 },
      { month: '2026-02', currency: 'CNY', revenue: '199.99', orders: 2 },
      { month: '2026-03', currency: 'CNY', revenue: '-30.50', orders: 0 },
    ]);
  });

  it('take first and last day as local ones, both included', async () => {
    const { rows } = await report('revenue-by-month', '?from=2026-02-01&to=2026-02-10');
    expect(rows).toEqual([{ month: '2026-02', currency: 'CNY', revenue: '199.99', orders: 2 }]);
    expect((await report('revenue-by-month', '?from=2026-02-02&to=2026-02-09')).rows).toEqual([]);
    expect((await report('revenue-by-month', '?from=2050-01-01')).rows).toEqual([]);
  });

  it('rank customers by revenue', async () => {
    const { rows } = await report('top-customers');
    expect(rows).toEqual([
      { customer_id: zhang, number: 'C-1', name: 'Name of C-1', currency: 'CNY', revenue: '169.49', orders: 2 },
      { customer_id: wang, number: 'C-3', name: 'Name of C-3', currency: 'CNY', revenue: '162.47', orders: 1 },
    ]);
  });

  it('show the funnel from stage visits: a deal that came back counts once', async () => {
    const { rows } = await report('funnel');
    const shown = rows.map((row: any) => [
      row.pipeline,
      row.stage,
      row.entered,
      row.moved_on,
      row.won,
      row.lost,
      row.conversion,
    ]);
    expect(shown).toEqual([
      ['Sales', 'The lead', 4, 2, 0, 1, 0.5],
      ['Sales', 'The offer', 2, 0, 1, 0, 0.5],
      ['Sales', 'The contract', 0, 0, 0, 0, null],
    ]);
    expect(rows[0]).toMatchObject({ pipeline_id: pipelineId, stage_id: 'lead' });
  });

  it('show how good the data are, with the very numbers of bi, without archived ones', async () => {
    await append('customers', 'care', newId(), {
      type: 'ConfirmationDue',
      customerId: wang,
      dueAt: '2026-01-10T00:00:00.000Z',
      by: 'call',
    } as AnyEvent);
    const { rows } = await report('data-quality');
    const shown = rows.map(({ measure, customers, share }: any) => [measure, customers, share]);
    expect(shown).toEqual([
      ['all', 2, 1],
      ['complete', 0, 0],
      ['incomplete', 2, 1],
      ['duplicate', 0, 0],
      ['invalid', 0, 0],
      ['bounced', 0, 0],
      ['stale', 1, 0.5],
    ]);
    const [counted] = await ask(`
      select count(*) as all, count(*) filter (where stale) as stale, round(avg(quality), 1)::float8 as quality
      from bi.customer_quality where not archived`);
    expect(counted).toEqual({ all: 2, stale: 1, quality: rows[0].quality });
    expect((await report('data-quality', '?to=2001-01-01')).rows).toContainEqual({
      measure: 'all',
      customers: 0,
      share: null,
      quality: null,
    });
  });

  it('can be asked as of an earlier moment', async () => {
    expect((await report('customers-by-source', '?asOf=2020-01-01T00:00:00Z')).rows).toEqual([]);
    expect((await report('funnel', '?asOf=2020-01-01T00:00:00Z')).rows.map((row: any) => row.entered)).toEqual([
      0, 0, 0,
    ]);
    const { asOf, rows } = await report('revenue-by-month', '?asOf=2026-02-15T08:00:00%2B08:00');
    expect([asOf, rows.length]).toEqual(['2026-02-15T00:00:00.000Z', 2]);
  });

  it('refuse what they do not know and days that do not exist', async () => {
    const problem = async (path: string) => {
      const { status, body } = await service.call('GET', `/api/reports/${path}`);
      return [status, body.code, body.errors?.map((error: any) => `${error.path} ${error.code}`)];
    };
    expect(await problem('nothing')).toEqual([404, 'report-not-found', undefined]);
    expect(await problem('constructor')).toEqual([404, 'report-not-found', undefined]);
    expect(await problem('funnel?from=yesterday&colour=red')).toEqual([
      400,
      'invalid-request',
      ['from wrong-type', 'colour unknown-field'].toReversed(),
    ]);
    expect(await problem('funnel?from=2026-02-30&to=0000-01-01')).toEqual([
      422,
      'invalid-query',
      ['from impossible-date', 'to impossible-date'],
    ]);
    expect(await problem('funnel?from=2026-02-02&to=2026-02-01')).toEqual([422, 'invalid-query', ['to not-allowed']]);
    expect((await problem('funnel?asOf=2026-13-01T00:00:00Z'))[0]).toBe(400);
  });
});

describe('the schema bi', () => {
  it('gives bi_reader the very numbers of the reports, by plain SQL', async () => {
    const revenue = await ask(`
      select d.year_month as month, f.base_currency as currency, sum(f.amount_base) as revenue,
        count(distinct f.order_id) filter (where f.kind <> 'refund') as orders
      from bi.fact_order_line f join bi.dim_date d on d.date = f.occurred_on group by 1, 2 order by 1, 2`);
    expect(revenue).toEqual((await report('revenue-by-month')).rows);
    const sources = await ask(
      'select source, channel, sum(customers)::int as customers from bi.dim_source group by 1, 2 order by 1, 2',
    );
    expect(sources).toEqual((await report('customers-by-source')).rows);
    const top = await ask(`
      select f.customer_id, c.number, sum(f.amount_base) as revenue
      from bi.fact_order_line f join bi.dim_customer c using (customer_id) group by 1, 2 order by 3 desc`);
    expect((await report('top-customers')).rows).toMatchObject(top);
    const entered = await ask(`
      select s.stage_name as stage, count(distinct v.deal_id) as entered
      from bi.dim_stage s left join bi.fact_stage_visit v using (pipeline_id, stage_id) group by s.place, 1 order by s.place`);
    expect((await report('funnel')).rows).toMatchObject(entered);
  });

  it('adds up to every order, in its own currency and in the base currency', async () => {
    const sums = await ask(
      `select sum(amount) as amount, sum(amount_base) as base from bi.fact_order_line group by order_id order by 1`,
    );
    expect(sums.map(({ amount, base }) => `${Number(amount)} ${base}`)).toEqual([
      '20 162.47',
      '69.49 69.49',
      '100 100.00',
    ]);
  });

  it('follows the local days of the organisation', async () => {
    expect(await ask(`select started_on from bi.fact_interaction`)).toEqual([{ started_on: '2026-02-02' }]);
  });

  it('lets bi_reader read every view but the personal ones, and nothing else', async () => {
    const refused: string[] = [];
    for (const { name } of publishedViews) await ask(`select * from bi.${name}`).catch(() => refused.push(name));
    expect(refused).toEqual(['dim_customer_pii', 'customer_custom_field_pii', 'dim_deal_pii']);
    await expect(ask('select * from public.dim_customer_v1')).rejects.toThrow('permission denied');
    await expect(ask('select * from events')).rejects.toThrow('permission denied');
    await expect(ask('create table bi.mine (id int)')).rejects.toThrow('read-only transaction');
    await expect(ask('begin read write; create table bi.mine (id int)')).rejects.toThrow('permission denied');
    await ask('rollback');
    expect(await ask('show statement_timeout')).toEqual([{ statement_timeout: '1min' }]);
  });

  it('keeps bi_reader from locks and large objects', async () => {
    for (const call of [
      `pg_advisory_lock(hashtext('throughline:bi'))`,
      'pg_try_advisory_xact_lock_shared(1, 2)',
      'pg_advisory_unlock_all()',
      `lo_from_bytea(0, 'x')`,
    ])
      await expect(ask(`select ${call}`)).rejects.toThrow('permission denied for function');
  });

  it('ends what a reader leaves running, whatever limit the session gave itself', async () => {
    const url = new URL(service.kernel.databaseUrl);
    [url.username, url.password] = [roles.reader, encodeURIComponent(biPassword)];
    const open = async () => {
      const client = new pg.Client({ connectionString: url.href });
      const ended = new Promise<Error>((resolve) => client.on('error', resolve));
      await client.connect();
      await client.query('set statement_timeout = 0');
      return { client, ended };
    };
    const [slow, stubborn, idle] = [await open(), await open(), await open()];
    const outcome = (client: pg.Client, text: string) => client.query(text).then(String, String);
    const cancelled = outcome(slow.client, 'select pg_sleep(60)');
    const goesOn = 'begin perform pg_sleep(60); exception when query_canceled then null; end';
    const stopped = outcome(stubborn.client, `do $$ begin loop ${goesOn}; end loop; end $$`);
    await idle.client.query('begin; select count(*) from bi.dim_date');
    const watch = () => endLongWork(service.kernel.pool, Object.values(roles), 0.2);
    await new Promise((resolve) => setTimeout(resolve, 250));
    await eventually(watch, (count) => count === 0);
    expect(await cancelled).toContain('canceling statement');
    expect(await stopped).toMatch(/terminat/);
    expect((await idle.ended).message).toMatch(/terminat/);
    expect(await ask('select 1 as one')).toEqual([{ one: 1 }]);
    await slow.client.end();
  });

  it('shows who is who to members of bi_reader_pii only', async () => {
    const client = await service.kernel.pool.connect();
    try {
      await client.query(`set role "${roles.personal}"`);
      const rows = await ask('select name from bi.dim_customer_pii order by name', client as never);
      expect(rows.map(({ name }) => name)).toEqual(['Name of C-1', 'Name of C-2', 'Name of C-3']);
      await expect(client.query('select * from public.dim_customer_v1')).rejects.toThrow('permission denied');
    } finally {
      await client.query('reset role');
      client.release();
    }
  });

  it('tells the values of a field from when it is defined, those of personal ones to few', async () => {
    const id = newId();
    const custom = { seats: 12.5, renews: '2026-03-01', plan: 'gold', notes: 'free text', stray: 'undefined yet' };
    await append('customers', 'customer', id, customer('C-90', { custom }));
    const field = (key: string, fieldType: string, sensitivity = 'normal') =>
      ({ type: 'FieldDefined', object: 'customer', key, fieldType, label: { en: key }, sensitivity }) as AnyEvent;
    await append(
      'customers',
      'field-set',
      newId(),
      field('seats', 'number'),
      field('renews', 'date'),
      field('plan', 'choice'),
      field('notes', 'text', 'personal'),
    );
    await report('customers-by-source');
    const rows = await ask(`select key, value_text as text, value_number as number, value_date as date
      from bi.customer_custom_field where customer_id = '${id}' order by key`);
    expect(rows).toEqual([
      { key: 'notes', text: null, number: null, date: null },
      { key: 'plan', text: 'gold', number: null, date: null },
      { key: 'renews', text: '2026-03-01', number: null, date: '2026-03-01' },
      { key: 'seats', text: null, number: '12.5', date: null },
    ]);
    await append('customers', 'customer', id, { type: 'CustomerErased', erasureId: newId() } as AnyEvent);
    await report('customers-by-source');
    expect(await ask(`select * from bi.customer_custom_field where record_id = '${id}'`)).toEqual([]);
  });

  it('does not let anybody in without the password', async () => {
    const url = new URL(service.kernel.databaseUrl);
    url.username = roles.reader;
    url.password = 'wrong';
    const stranger = new pg.Client({ connectionString: url.href });
    await expect(stranger.connect()).rejects.toThrow('password authentication failed');
  });

  it('describes every column, and holds no JSON', async () => {
    const rows = await ask('select * from bi.data_dictionary');
    expect(rows.length).toBe(publishedViews.reduce((count, { columns }) => count + columns.length, 0));
    expect(rows.filter(({ description, view_description }) => !description || !view_description)).toEqual([]);
    expect(rows.filter(({ data_type }) => /json|\[\]|USER-DEFINED|unknown/.test(data_type))).toEqual([]);
  });

  it('says how fresh it is', async () => {
    const rows = await ask(
      'select feed, position, known_head, lag_seconds::float8 as lag from bi.meta_refresh order by feed',
    );
    expect(rows).toEqual(
      [...positions]
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([feed, position]) => ({ feed, position, known_head: position, lag: 0 })),
    );
  });

  it('is published by many processes at once, and taken over by a release that adds columns', async () => {
    const { kernel } = service;
    const config = readConfig({}, { databaseUrl: server, databasePrefix, biPassword, masterKey: testMasterKey });
    const start = () => new BiSchema(kernel, config, new Log('analytics', 'error')).onModuleInit();
    await Promise.all([start(), start(), start()]);
    // As a release before may have left it: less columns, in another order.
    await kernel.pool.query(`drop view bi.dim_product;
      create view bi.dim_product as select 'x'::text as title, 'y'::text as product_key;
      comment on schema bi is 'older'`);
    await Promise.all([start(), start()]);
    expect(await ask('select product_key, sku, title from bi.dim_product')).toEqual([
      { product_key: 'TEA', sku: 'TEA', title: 'Tea' },
    ]);
    // A newer release's, seen by an older pod.
    await kernel.pool.query(`drop view bi.dim_product;
      create view bi.dim_product as select 'x'::text as product_key, 1 as to_come;
      comment on schema bi is 'newer'`);
    await start();
    expect((await kernel.pool.query('select to_come from bi.dim_product')).rows).toEqual([{ to_come: 1 }]);
  });
});

describe('duplicates', () => {
  it('count in the report each customer once that stands in an open pair of two active ones', async () => {
    const duplicates = async () => {
      const { rows } = await report('data-quality');
      const { duplicate } = Object.fromEntries(rows.map(({ measure, customers }: any) => [measure, customers]));
      const shown = await ask(
        'select customer_id from bi.customer_quality where duplicate and not archived order by 1',
      );
      expect(shown).toHaveLength(duplicate);
      return shown.map(({ customer_id }) => customer_id);
    };
    const [twin, other] = [newId(), newId()];
    for (const [index, id] of [twin, other].entries())
      await append('customers', 'customer', id, customer(`C-5${index}`));
    const found = async (...records: [string, string]): Promise<string> => {
      const pair = newId();
      const facts = { records: records.toSorted(), score: 12, reasons: [], band: 'review', by: 'scan' };
      await append('customers', 'duplicate', pair, { type: 'DuplicateFound', ...facts } as AnyEvent);
      return pair;
    };
    const say = (pair: string, event: object) => append('customers', 'duplicate', pair, event as AnyEvent);
    // The customer li is archived.
    for (const id of [li, wang, twin]) await found(zhang, id);
    const pair = await found(twin, other);
    expect(await duplicates()).toEqual([zhang, wang, twin, other].toSorted());
    await say(pair, { type: 'DuplicateDismissed', recordId: twin });
    expect(await duplicates()).toEqual([zhang, wang, twin].toSorted());
    await say(pair, { type: 'DuplicateReopened' });
    const merge = { mergeId: newId(), rules: {} };
    await append('customers', 'customer', twin, { type: 'CustomersMerged', ...merge, absorbed: [other] } as AnyEvent);
    const absorbed = { type: 'CustomerAbsorbed', mergeId: merge.mergeId, into: twin, goldenId: twin };
    await append('customers', 'customer', other, absorbed as AnyEvent);
    expect(await duplicates()).toEqual([zhang, wang, twin].toSorted());
    await say(pair, { type: 'DuplicateMerged', survivor: twin });
    const apart = { type: 'CustomersUnmerged', mergeId: merge.mergeId, released: [other] };
    await append('customers', 'customer', twin, apart as AnyEvent);
    await append('customers', 'customer', other, {
      type: 'CustomerReleased',
      mergeId: merge.mergeId,
      from: twin,
    } as AnyEvent);
    expect(await duplicates()).toEqual([zhang, wang, twin].toSorted());
    for (const id of [twin, other]) await append('customers', 'customer', id, { type: 'CustomerArchived' });
    expect(await duplicates()).toEqual([zhang, wang].toSorted());
  });
});

describe('orders of other centuries', () => {
  it('have their days, and are added up to the cent', async () => {
    const days = ['0001-01-02T00:00:00Z', '1899-12-31T15:00:00Z', '1899-12-31T16:00:00Z', '2100-12-31T16:00:00Z'];
    for (const placedAt of [...days, '9999-12-31T23:59:59.999Z'])
      await append('sales', 'order', newId(), order(wang, '0.07', placedAt, { lines: [], subtotal: '0.07' }));
    const { rows } = await report('revenue-by-month');
    const joined = await ask(`
      select d.year_month as month, f.base_currency as currency, sum(f.amount_base) as revenue,
        count(distinct f.order_id) filter (where f.kind <> 'refund') as orders
      from bi.fact_order_line f join bi.dim_date d on d.date = f.occurred_on group by 1, 2 order by 1, 2`);
    expect(joined).toEqual(rows);
    const rare = rows.filter(({ revenue }: any) => revenue === '0.07').map(({ month }: any) => month);
    expect(rare).toEqual(['0001-01', '10000-01', '1899-12', '1900-01', '2101-01']);
    const [sums] = await ask(`select sum(amount_base) as facts,
      (select sum(f.amount_base) from bi.fact_order_line f join bi.dim_date d on d.date = f.occurred_on) as dated
      from bi.fact_order_line`);
    expect(sums?.['dated']).toBe(sums?.['facts']);
    expect((await ask('select date from bi.dim_date group by date having count(*) > 1')).length).toBe(0);
  });
});

describe('a time zone that the server does not know', () => {
  it('counts as UTC and breaks nothing', async () => {
    await append('gateway', 'organisation', newId(), {
      type: 'OrganisationConfigured',
      timeZone: 'Mars/Olympus',
    } as AnyEvent);
    const { rows } = await report('revenue-by-month', '?from=2026-01-31&to=2026-01-31');
    expect(rows).toEqual([{ month: '2026-01', currency: 'CNY', revenue: '100.00', orders: 1 }]);
  });
});
