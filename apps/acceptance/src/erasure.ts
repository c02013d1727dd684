import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { services, topicOf } from '@throughline/contracts';
import { newId, recordId } from '@throughline/event-sourcing';
import { openKafka } from '@throughline/messaging';
import { eventually } from '@throughline/service/testing';
import { compactVerify, createLocalJWKSet } from 'jose';
import pg from 'pg';
import { startCollector, type Collector } from './collector.ts';
import type { Addresses, Instance } from './instance.ts';
import { deliver, secrets, shopifyCustomer, shopifyOrder } from './shops.ts';

export type Erasable = {
  start: (environment: NodeJS.ProcessEnv) => Promise<Instance>;
  /** Its parts, to be looked into from below. */
  parts: Pick<Addresses, 'databaseUrl'> & Partial<Addresses>;
};

const name: [string, string] = ['Wilhelmina', 'Vergissmeinnicht'];
const email = 'w.vergissmeinnicht@forget.example';
const phone = '+49 151 5550 7788';
/** In every way that one of them could be written. */
const traces = /vergissmeinnicht|forget\.example|5550 ?7788|155507788/i;

/** An erasure in the middle of traffic, looked at from below: nothing of the person is left anywhere. */
export function erasure({ start, parts }: Erasable): void {
  jest.setTimeout(180_000);
  const prefix = `e${newId().slice(-8)}_`;
  const shop = newId();
  const externalId = '7700000000000000001';
  const customerId = recordId(shop, externalId);
  const orderId = '7700000000000000010';
  const stop = new AbortController();
  let traffic = Promise.resolve();
  let crm: Instance;
  let collector: Collector;

  beforeAll(async () => {
    collector = await startCollector();
    crm = await start({
      THROUGHLINE_DATABASE_URL: parts.databaseUrl,
      THROUGHLINE_DATABASE_PREFIX: prefix,
      THROUGHLINE_KEY_CACHE_SECONDS: '1',
      // Where nobody gathers the lines, they would only be in the way.
      THROUGHLINE_LOG_LEVEL: parts.kafkaBrokers ? 'info' : 'error',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    });
    await crm.call('PATCH', '/api/settings', { timeZone: 'Asia/Shanghai', baseCurrency: 'CNY' });
    await crm.call('POST', '/api/connections', { id: shop, name: 'Shop', kind: 'shopify', secret: secrets.shopify });
  }, 120_000);
  afterAll(async () => {
    stop.abort();
    await traffic;
    await crm?.stop();
    await collector?.stop();
  }, 60_000);

  const profile = (updatedAt: string) => shopifyCustomer(shop, { id: externalId, updatedAt, name, email, phone });
  const order = (updatedAt: string) =>
    shopifyOrder(shop, { id: orderId, customerId: externalId, name, email, phone, updatedAt });
  const found = async (q: string) =>
    (await crm.call('GET', `/api/customers?q=${encodeURIComponent(q)}`)).body.items.length as number;
  const revenue = async () =>
    (await crm.call('GET', '/api/reports/revenue-by-month?from=2026-01-01&to=2026-01-31')).body.rows as unknown;
  const totals = async () => {
    const bi = new pg.Client({ connectionString: crm.bi });
    await bi.connect();
    const sum = 'select sum(amount_base) as sum from bi.fact_order_line where record_id = $1';
    const { rows } = await bi.query<{ sum: string | null }>(sum, [customerId]);
    await bi.end();
    return rows[0]?.sum;
  };
  /** Other people's orders, in another month, on and on. */
  async function keepSelling(): Promise<void> {
    for (let count = 1n; !stop.signal.aborted; count += 1n) {
      const id = String(8_800_000_000_000_000_000n + count);
      const buyer = { customerId: id, name: ['Ada', `Nr. ${count}`], email: `ada${count}@engines.example` } as const;
      const at = '2026-03-05T10:00:00Z';
      const message = shopifyOrder(shop, { ...buyer, name: [...buyer.name], id, createdAt: at, updatedAt: at });
      await deliver(crm, message).catch(() => undefined);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  async function rowsOfDatabases(): Promise<string[]> {
    const inDatabase = async <T>(database: string, work: (client: pg.Client) => Promise<T>) => {
      const url = new URL(parts.databaseUrl);
      url.pathname = `/${database}`;
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      try {
        return await work(client);
      } finally {
        await client.end();
      }
    };
    const databases = await inDatabase('postgres', (client) =>
      client.query<{ datname: string }>('select datname from pg_database where starts_with(datname, $1)', [prefix]),
    );
    expect(databases.rows).toHaveLength(services.length + 1);
    const texts = databases.rows.map(({ datname }) =>
      inDatabase(datname, async (client) => {
        const { rows: tables } = await client.query<{ name: string }>(
          `select format('%I.%I', schemaname, tablename) as name from pg_tables
           where schemaname not in ('pg_catalog', 'information_schema')`,
        );
        const dumped: string[] = [];
        for (const table of [...tables.map((one) => one.name), 'pg_stats']) {
          const { rows } = await client.query<{ row: string }>(`select t::text as row from ${table} t`);
          dumped.push(...rows.map(({ row }) => `${datname} ${table} ${row}`));
        }
        return dumped;
      }),
    );
    return (await Promise.all(texts)).flat();
  }

  async function messagesOf(brokers: string): Promise<string[]> {
    const port = await openKafka('kafkajs', { brokers: [brokers], clientId: 'dump', prefix, replicationFactor: 1 });
    const dumped: string[] = [];
    for (const service of services) {
      const reader = port.reader(topicOf(service));
      const { latest } = await reader.offsets();
      for (let offset = 0; offset < latest;) {
        const { messages, next } = await reader.fetch(offset);
        dumped.push(
          ...messages.map(
            (message) => `${service} ${message.key} ${String(message.value)} ${JSON.stringify(message.headers)}`,
          ),
        );
        offset = next;
      }
      reader.close();
    }
    await port.disconnect();
    return dumped;
  }

  async function documentsOf(engine: string): Promise<string[]> {
    const answer = await fetch(`${engine}/${prefix}*/_search?size=10000`);
    const { hits } = (await answer.json()) as { hits: { hits: unknown[] } };
    expect(hits.hits.length).toBeGreaterThan(0);
    return hits.hits.map((hit) => JSON.stringify(hit));
  }

  /** Everything that the parts hold and have let out, as text. */
  const dump = async () => [
    ...(await rowsOfDatabases()),
    ...(parts.kafkaBrokers ? await messagesOf(parts.kafkaBrokers) : []),
    ...(parts.searchUrl ? await documentsOf(parts.searchUrl) : []),
    ...(crm.lines ?? []),
    ...collector.raw().split('\n'),
  ];

  it('leaves no trace of the person, and changes no total', async () => {
    await deliver(crm, order('2026-01-10T12:00:00-05:00'));
    await deliver(crm, profile('2026-01-11T12:00:00-05:00'));
    await eventually(
      () => found('vergissmeinnicht'),
      (count) => count === 1,
    );
    const note = {
      customerId,
      kind: 'call',
      direction: 'inbound',
      subject: name.join(' '),
      content: `${email} asked for tea`,
    };
    expect((await crm.call('POST', '/api/interactions', note)).status).toBe(201);
    const value = { amount: '10.00', currency: 'CNY' };
    const deal = await crm.call('POST', '/api/deals', { customerId, title: `Tea for ${name.join(' ')}`, value });
    expect(deal.status).toBe(201);
    const proof = { how: 'form', reference: `mail of ${email}`, page: `https://forget.example/join?name=${name[1]}` };
    const consent = { purpose: 'newsletter', channel: 'email', basis: 'consent', textVersion: '1', proof };
    expect((await crm.call('POST', `/api/customers/${customerId}/consents`, consent)).status).toBe(200);
    expect((await crm.call('GET', `/api/customers/${customerId}/personal-data`)).status).toBe(200);
    await eventually(
      async () => (await crm.call('GET', `/api/customers/${customerId}/timeline`)).body.items.length as number,
      (count) => count >= 5,
    );
    const before = { revenue: await revenue(), totals: await totals() };
    expect(Number(before.totals)).toBe(412.44);
    expect((await dump()).filter((text) => traces.test(text)).length).toBeGreaterThan(5);

    traffic = keepSelling();
    const erased = await crm.call('POST', `/api/customers/${customerId}/erase`);
    expect(erased.status).toBe(202);
    const { erasureId } = erased.body as { erasureId: string };
    // Late, and while it is under way.
    await deliver(crm, profile('2026-01-12T12:00:00-05:00'));
    await deliver(crm, order('2026-01-13T12:00:00-05:00'));
    const done = await eventually(
      async () => (await crm.call('GET', `/api/erasures/${erasureId}`)).body as Record<string, unknown>,
      ({ status }) => status === 'completed',
      120_000,
    );
    await deliver(crm, profile('2026-01-14T12:00:00-05:00'));
    stop.abort();
    await traffic;

    const keys = createLocalJWKSet((await crm.anonymous('GET', '/.well-known/jwks.json')).body);
    const { payload } = await compactVerify(done['signed'] as string, keys);
    expect(JSON.parse(Buffer.from(payload).toString())).toEqual(done['certificate']);
    expect(done['certificate']).toMatchObject({
      customerId,
      backupsExpireOn: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });

    const waiting = `/api/connections/${shop}/deliveries?status=received`;
    await eventually(
      async () => (await crm.call('GET', waiting)).body.items.length as number,
      (count) => count === 0,
      60_000,
    );
    expect(await found('vergissmeinnicht')).toBe(0);
    expect(await found('55507788')).toBe(0);
    expect({ revenue: await revenue(), totals: await totals() }).toEqual(before);
    const { body: record } = await crm.call('GET', `/api/customers/${customerId}`);
    expect(record).toMatchObject({ erased: true, number: expect.any(String) });
    expect(record.name).toBeUndefined();
    const { body: ledger } = await crm.call('GET', `/api/customers/${customerId}/consents`);
    expect(ledger.history).toEqual([expect.objectContaining({ purpose: 'newsletter', how: 'form', textVersion: '1' })]);
    expect((await dump()).filter((text) => traces.test(text))).toEqual([]);
  });

  it('is final', async () => {
    const { body: change } = await crm.call('PATCH', `/api/customers/${customerId}`, { name: 'Wilhelmina again' });
    expect(change).toMatchObject({ status: 409, code: 'customer-erased' });
    const note = { customerId, kind: 'call', direction: 'inbound', subject: 'Hello', content: 'She called again' };
    const refused = { status: 409, code: 'person-erased' };
    expect((await crm.call('POST', '/api/interactions', note)).body).toMatchObject(refused);
    expect((await crm.call('POST', `/api/customers/${newId()}/erase`)).status).toBe(404);
    expect((await crm.anonymous('POST', `/api/customers/${customerId}/erase`)).status).toBe(401);
  });

  it('opens a new record for what the source says afterwards', async () => {
    const updatedAt = new Date().toISOString();
    await deliver(crm, shopifyCustomer(shop, { id: externalId, updatedAt, name: ['Wilhelmina', 'Returns'] }));
    await eventually(
      () => found('Wilhelmina Returns'),
      (count) => count === 1,
      60_000,
    );
    const { body } = await crm.call('GET', '/api/customers?q=returns');
    expect(body.items[0].id).toBe(recordId(customerId, 'erasure 1'));
    expect((await crm.call('GET', `/api/customers/${customerId}`)).body.name).toBeUndefined();
  });
}
