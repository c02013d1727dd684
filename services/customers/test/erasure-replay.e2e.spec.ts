import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { databaseUrl, definitionOf, restoreBackup, writeBackup, type ServiceConfig } from '@throughline/service';
import { dropDatabases, eventually, startTestService, testConfig, type Call } from '@throughline/service/testing';
import pg from 'pg';
import { CustomersModule } from '../src/customers.module.ts';
import { ErasureReplay } from '../src/erasure/erasure-replay.worker.ts';
import { spawned } from './spawned.ts';

let config: ServiceConfig;
let folder: string;
let ends: (() => Promise<unknown>)[];
beforeEach(async () => {
  config = testConfig();
  folder = await mkdtemp(join(tmpdir(), 'throughline-replay-'));
  ends = [];
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  await dropDatabases(config);
  await rm(folder, { recursive: true, force: true });
});

const atEnd = (end: () => Promise<unknown>) => void ends.push(end);

async function start(role: ServiceConfig['role'] = 'all') {
  const service = await startTestService(CustomersModule, { config: { databasePrefix: config.databasePrefix, role } });
  const stop = async () => {
    ends = ends.filter((end) => end !== stop);
    await service.stop();
  };
  ends.push(stop);
  return { ...service, stop };
}

const databaseOf = (name: string) => databaseUrl(config.databaseUrl, config.databasePrefix + name);

async function connected(name: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseOf(name) });
  client.on('error', () => undefined);
  await client.connect();
  ends.push(() => client.end());
  return client;
}

const create = async (call: Call, name: string): Promise<{ id: string; number: string }> =>
  (await call('POST', '/api/customers', { name })).body;
const notOpen = { status: 503, body: { code: 'store-not-open' } };
const isReady = async (call: Call) => (await call('GET', '/readyz')).status === 200;
const opened = (call: Call) => eventually(() => isReady(call), Boolean, 60_000);

/** Customers whose keys were destroyed, in a store that knows nothing of it, while nobody serves it. */
async function destroyedUnknown(count: number): Promise<string[]> {
  const service = await start('api');
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) ids.push((await create(service.call, `Name ${index}`)).id);
  await service.stop();
  const keyring = await connected('keyring');
  await keyring.query('update keys set wrapped = null, destroyed_at = now() where subject = any($1)', [ids]);
  return ids.toSorted();
}

const erasuresIn = async (store: pg.Client): Promise<string[]> => {
  const { rows } = await store.query<{ id: string }>(
    `select stream_id as id from events where type = 'CustomerErased' order by stream_id`,
  );
  return rows.map(({ id }) => id);
};

describe('a store that was restored beside a keyring which knows of erasures since', () => {
  it('is closed to everybody until they are carried out in it', async () => {
    const before = await start();
    const erased = await create(before.call, 'Zoë');
    const kept = await create(before.call, 'Ada');
    const definitions = [definitionOf(CustomersModule)];
    const from = await writeBackup(config, definitions, folder);
    await before.call('POST', `/api/customers/${erased.id}/erase`);
    await eventually(
      async () => (await before.kernel.keyring.destroyed(0, 10)).length,
      (count) => count === 1,
    );
    await before.stop();
    await restoreBackup({ config, definitions, from, replace: true });

    const store = await connected('customers');
    expect(await erasuresIn(store)).toEqual([]);
    await store.query('begin; select from streams where id = $1 for update'.replace('$1', `'${erased.id}'`));
    const { call, stop } = await start();
    expect(await call('GET', '/healthz')).toMatchObject({ status: 200 });
    expect(await call('GET', '/readyz')).toMatchObject({ status: 503 });
    for (const path of [
      `/api/customers/${erased.id}`,
      `/api/customers/${kept.id}`,
      `/api/customers/${erased.id}/history`,
      '/api/duplicates',
      '/internal/history?after=0&limit=10',
    ]) {
      const { status, body, headers } = await call('GET', path);
      expect({ path, status, body }).toMatchObject({ path, ...notOpen });
      expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    expect(await call('POST', '/api/customers', { name: 'Eve' })).toMatchObject(notOpen);
    const { rows } = await store.query(`select from checkpoints where subscription like 'view:%' and position > 0`);
    expect(rows).toEqual([]);

    await store.query('rollback');
    await opened(call);
    expect((await call('GET', `/api/customers/${erased.id}`)).body).toEqual(
      expect.objectContaining({ erased: true, number: erased.number }),
    );
    expect((await call('GET', `/api/customers/${kept.id}`)).body).toMatchObject({ name: 'Ada', archived: false });
    const erasures = async () => (await store.query(`select from events where type = 'PersonErased'`)).rowCount;
    await eventually(erasures, (count) => count === 1);
    await stop();
  }, 90_000);

  it('is opened by whatever process there is, although others were killed in the middle', async () => {
    const ids = await destroyedUnknown(7);
    const store = await connected('customers');
    const [, , , fourth = ''] = ids;
    await store.query(`begin; select from streams where id = '${fourth}' for update`);
    const both = await Promise.all([spawned(config, 'api', atEnd), spawned(config, 'worker', atEnd)]);
    const reader = await connected('customers');
    await eventually(
      () => erasuresIn(reader),
      (found) => found.length === 3,
      60_000,
    );
    for (const { call } of both) expect(await call('GET', `/api/customers/${ids[6]}`)).toMatchObject(notOpen);
    for (const { kill } of both) await kill();
    await store.query('rollback');

    const again = await Promise.all([start('api'), start('api'), start('worker'), start('worker')]);
    for (const { call } of again) {
      await opened(call);
      for (const id of ids)
        expect((await call('GET', `/api/customers/${id}`)).body).toEqual(expect.objectContaining({ erased: true }));
    }
    expect(await erasuresIn(reader)).toEqual(ids);
  }, 180_000);

  it('stays closed as long as they cannot be carried out', async () => {
    const [id] = await destroyedUnknown(1);
    const store = await connected('customers');
    await store.query('alter table replayed_erasures rename to elsewhere');
    const { call } = await start();
    expect(await call('GET', `/api/customers/${id}`)).toMatchObject(notOpen);
    await store.query('alter table elsewhere rename to replayed_erasures');
    await opened(call);
    expect((await call('GET', `/api/customers/${id}`)).body).toMatchObject({ erased: true });
  }, 90_000);

  it('loses none of those who were taken out of an erased customer after the backup', async () => {
    const before = await start('api');
    const [top, member, other] = [
      await create(before.call, 'Zoë'),
      await create(before.call, 'Zoe'),
      await create(before.call, 'Ada'),
    ];
    await before.call('POST', `/api/customers/${top.id}/merge`, { absorb: [member.id, other.id] });
    await before.stop();
    const keyring = await connected('keyring');
    await keyring.query('update keys set wrapped = null where subject = any($1)', [[top.id, member.id]]);
    const { call } = await start();
    await opened(call);
    for (const { id } of [top, member])
      expect((await call('GET', `/api/customers/${id}`)).body).toMatchObject({ erased: true });
    const { body } = await call('GET', `/api/customers/${other.id}`);
    expect(body).toMatchObject({ id: other.id, name: 'Ada' });
    expect(body).not.toHaveProperty('erased');
  }, 60_000);
});

describe('a service that runs', () => {
  it('carries out erasures whose tombstones came along with the restore of another store', async () => {
    const { call, kernel, app } = await start();
    const erased = await create(call, 'Zoë');
    const before = new Date().toISOString();
    await kernel.keyring.destroy(erased.id);
    await app.get(ErasureReplay).prepare(new AbortController().signal);
    expect((await call('GET', `/api/customers/${erased.id}`)).body).toMatchObject({ erased: true });
    const then = await call('GET', `/api/customers/${erased.id}?asOf=${before}`);
    expect(then.body).toMatchObject({ erased: true, version: 1 });
    const { items } = (await call('GET', `/api/customers/${erased.id}/history`)).body;
    expect(items.map(({ type }: { type: string }) => type).toSorted()).toEqual(['CustomerCreated', 'CustomerErased']);
  }, 60_000);

  it('answers no more once its store was replaced by a restored one, and asks to be started anew', async () => {
    const { call } = await start();
    const { id } = await create(call, 'Zoë');
    const store = await connected('customers');
    await store.query('update store set generation = gen_random_uuid()');
    await store.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await store.query('update checkpoints set generation = store.generation from store');
    const answer = await eventually(
      () => call('GET', `/api/customers/${id}`),
      ({ body }) => body.code !== 'unavailable',
    );
    expect(answer).toMatchObject({ status: 503, body: { code: 'store-replaced' } });
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    for (const path of ['/healthz', '/readyz']) expect(await call('GET', path)).toMatchObject({ status: 503 });
    const next = await start();
    expect((await next.call('GET', `/api/customers/${id}`)).body).toMatchObject({ name: 'Zoë' });
    // The one before leads nothing any more.
    const due = async () =>
      (
        await store.query<{ behind: string }>(
          `select count(*) as behind from checkpoints where subscription like 'view:%' and feed = 'customers'
           and position < (select max(position) from events)`,
        )
      ).rows[0]?.behind;
    await create(next.call, 'Ada');
    await eventually(due, (behind) => behind === '0');
  }, 60_000);
});

describe('a start of a store that knows its erasures', () => {
  it('reads none of the tombstones again, however many there are', async () => {
    await (await start()).stop();
    const keyring = await connected('keyring');
    await keyring.query(
      'insert into keys (subject, destroyed_at) select gen_random_uuid()::text, now() from generate_series(1, 3000)',
    );
    await keyring.query('analyze keys');
    const read = async () => {
      await keyring.query('select pg_stat_clear_snapshot()');
      const { rows } = await keyring.query<{ read: number }>(
        `select (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as read from pg_stat_user_tables where relname = 'keys'`,
      );
      return rows[0]?.read ?? 0;
    };
    /** How many rows a start read, once its connections have said so. */
    const readBy = async (work: () => Promise<unknown>, least: number) => {
      const before = await read();
      await work();
      return (await eventually(read, (now) => now - before >= least)) - before;
    };
    const startAndStop = async () => {
      const service = await start();
      expect(await isReady(service.call)).toBe(true);
      await service.stop();
    };
    expect(await readBy(startAndStop, 3_000)).toBeGreaterThanOrEqual(3_000);
    const once = async () => {
      await startAndStop();
      // Told after whatever the start read: connections tell when they end.
      await readBy(() => keyring.query('select count(*) from keys'), 3_000);
    };
    expect(await readBy(once, 3_000)).toBe(3_000);
  }, 60_000);
});

describe('an erased customer', () => {
  it('is told to be erased at every moment of its past, also while its key is still there', async () => {
    const { call } = await start('api');
    const { id } = await create(call, 'Zoë');
    const before = new Date().toISOString();
    await call('POST', `/api/customers/${id}/erase`);
    for (const when of [`asOf=${before}`, `knownAt=${before}`])
      expect((await call('GET', `/api/customers/${id}?${when}`)).body).toMatchObject({ erased: true, version: 1 });
  }, 60_000);
});
