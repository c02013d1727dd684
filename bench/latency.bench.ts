import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId, recordId } from '@throughline/event-sourcing';
import { databaseUrl } from '@throughline/service';
import type { Call } from '@throughline/service/testing';
import pg from 'pg';
import { secrets, shopifyOrder } from '../apps/acceptance/src/shops.ts';
import { asAdministrator, startCrm, type Crm } from './crm.ts';
import { Random } from './data.ts';
import { sized, type Watch } from './harness.ts';
import { masterKey, type Servers } from './servers.ts';

type State = {
  crm: Crm;
  call: Call;
  count: number;
  connection: string;
  sales: pg.Client;
  analytics: pg.Client;
};

/** How often is looked; nothing below can be told apart. Searching more often would slow down what is waited for. */
const databaseMilliseconds = 2;
const searchMilliseconds = 15;
const patienceMilliseconds = 10_000;
const databasePrefix = 'bench_latency_';

const waiting: Watch<State> = {
  name: 'latency, embedded',
  needs: ['postgres'],
  async prepare(servers, size) {
    const crm = await startCrm(servers, {
      THROUGHLINE_DATABASE_URL: servers.databaseUrl,
      THROUGHLINE_DATABASE_PREFIX: databasePrefix,
      THROUGHLINE_DATA_DIR: join(servers.folder, 'latency'),
      THROUGHLINE_MASTER_KEY: masterKey,
    });
    const call = await asAdministrator(crm);
    const connection = newId();
    const shop = { id: connection, name: 'Shop', kind: 'shopify', secret: secrets.shopify };
    const { status } = await call('POST', '/api/connections', shop);
    if (status !== 201) throw new Error(`the connection was answered with ${status}`);
    const [sales, analytics] = [await connected(servers, 'sales'), await connected(servers, 'analytics')];
    return { crm, call, count: sized(100, size), connection, sales, analytics };
  },
  async observe(state) {
    const random = new Random('latency');
    const [own, other, search, hook]: [number[], number[], number[], number[]] = [[], [], [], []];
    // The first few are the warm-up.
    for (let index = -5; index < state.count; index += 1) {
      const waits = await openDeal(state, someWord(random));
      const hookWait = await deliverOrder(state, someWord(random), index + 5);
      // At no fixed pace: workers that look every so often must not be met at one moment of their turn.
      await sleep(random.int(50, 250));
      if (index < 0) continue;
      own.push(waits.own);
      other.push(waits.other);
      search.push(waits.search);
      hook.push(hookWait);
    }
    const rows = { 'commit to own view': own, 'commit to analytics view': other };
    const found = { 'commit to found by search': search, 'hook 202 to found by search': hook };
    return Object.entries({ ...rows, ...found }).map(([name, samples]) => ({
      name: `${name}, embedded`,
      unit: 's',
      samples,
      quantiles: true as const,
    }));
  },
  async cleanup({ crm, sales, analytics }) {
    await Promise.all([sales.end(), analytics.end()]);
    await crm.child.stop();
  },
};

async function connected(servers: Servers, service: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl(servers.databaseUrl, databasePrefix + service) });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Seconds from when the deal's event is in the log until all views of sales have it, all of analytics, and the search. */
async function openDeal({ call, sales, analytics }: State, word: string) {
  const [id, customerId] = [newId(), newId()];
  let position = Infinity;
  const committed = async () => (position = await positionOf(sales, id)) < Infinity;
  const watched = Promise.all([
    until(committed, databaseMilliseconds),
    until(async () => (await passed(sales)) >= position, databaseMilliseconds),
    until(async () => (await passed(analytics)) >= position, databaseMilliseconds),
    until(() => isFound(call, 'deals', word, id), searchMilliseconds),
  ]);
  const body = { id, customerId, title: `Tea for ${word}`, value: { amount: '100', currency: 'CNY' } };
  const [{ status }, [start, ...ends]] = await Promise.all([call('POST', '/api/deals', body), watched]);
  if (status !== 201) throw new Error(`the deal was answered with ${status}`);
  const [own, other, search] = ends.map((end) => Math.max(0, end - start) / 1_000) as [number, number, number];
  return { own, other, search };
}

/** Infinity before the commit. */
async function positionOf(database: pg.Client, deal: string): Promise<number> {
  const text = `select position from events where stream_type = 'deal' and stream_id = $1`;
  const { rows } = await database.query<{ position: string }>({ name: 'position', text, values: [deal] });
  return Number(rows[0]?.position ?? Infinity);
}

/** The position of sales that all views of the database have passed. */
async function passed(database: pg.Client): Promise<number> {
  const text = `select min(position) as position from checkpoints
    where feed = 'sales' and starts_with(subscription, 'view:')`;
  const { rows } = await database.query<{ position: string | null }>({ name: 'passed', text });
  return Number(rows[0]?.position ?? 0);
}

/** Seconds from the answer to a shop until the customer of its order is found. */
async function deliverOrder({ crm, call, connection }: State, word: string, index: number): Promise<number> {
  const [id, customerId] = [String(7_000_000 + index), String(8_000_000 + index)];
  const contact = { name: ['Ada', word] as [string, string], email: `${word}@bench.example` };
  const { headers, body } = shopifyOrder(connection, { id, customerId, updatedAt: '2026-01-10T11:00:00Z', ...contact });
  const { status } = await fetch(`${crm.url}/hooks/${connection}`, { method: 'POST', headers, body });
  const start = performance.now();
  if (status !== 202) throw new Error(`the hook was answered with ${status}`);
  const record = recordId(connection, customerId);
  return ((await until(() => isFound(call, 'customers', word, record), searchMilliseconds)) - start) / 1_000;
}

async function isFound(call: Call, list: string, word: string, id: string): Promise<boolean> {
  const { status, body } = await call('GET', `/api/${list}?q=${word}`);
  if (status !== 200) throw new Error(`the search was answered with ${status}`);
  return (body.items as { id: string }[]).some((item) => item.id === id);
}

/** Like no other, so that no typo is forgiven. */
const someWord = (random: Random): string =>
  Array.from({ length: 12 }, () => String.fromCharCode(random.int(97, 122))).join('');

/** When it was so for the first time. */
async function until(isSo: () => Promise<boolean>, pause: number): Promise<number> {
  for (const deadline = performance.now() + patienceMilliseconds; ; await sleep(pause)) {
    if (await isSo()) return performance.now();
    if (performance.now() > deadline) throw new Error('it never came to be so');
  }
}

export const watches: readonly Watch[] = [waiting];
