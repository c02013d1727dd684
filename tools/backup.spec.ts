import { cp, mkdir, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DealEvent } from '@throughline/contracts';
import {
  PostgresKeyring,
  StoreFeed,
  follow,
  newId,
  runInContext,
  secretsFrom,
  takeCheckpoint,
  verifyChain,
  writeAnchors,
  writeOnceFolder,
  type Finding,
} from '@throughline/event-sourcing';
import {
  Kernel,
  Log,
  Timers,
  backupsIn,
  checkBackup,
  databaseUrl,
  drillBackup,
  restoreBackup,
  writeBackup,
  type ServiceConfig,
} from '@throughline/service';
import { dropDatabases, eventually, testConfig, testMasterKey } from '@throughline/service/testing';
import pg from 'pg';
import { definitions } from './definitions.ts';

let folder: string;
let config: ServiceConfig;
let kernels: Kernel[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-backup-'));
  config = testConfig({ anchorDir: join(folder, 'anchors') });
  await start();
}, 60_000);
afterEach(async () => {
  await stop();
  await dropDatabases(config);
  await rm(folder, { recursive: true, force: true });
}, 60_000);

async function start() {
  for (const definition of definitions)
    kernels.push(await Kernel.open(definition, config, new Log(definition.name, 'error')));
}
const stop = async () => void (await Promise.all(kernels.splice(0).map((kernel) => kernel.close())));
const of = (service: string) => kernels.find((kernel) => kernel.service === service) as Kernel;
const secrets = secretsFrom(testMasterKey);
const backUp = (now?: Date) => writeBackup(config, definitions, join(folder, 'backups'), now);
const restore = (from: string, options: object = {}) => restoreBackup({ config, definitions, from, ...options });
const said = (doing: Promise<unknown>) =>
  doing.then(
    () => 'it did it',
    (error: Error) => error.message,
  );

const followUp = 'follow-up';
const timersOf = async () => {
  const timers = await Timers.open(of('interactions').pool, [followUp], new Log('interactions', 'error'), true);
  const waiting = async () =>
    (
      await of('interactions').pool.query<{ key: string; at: string }>(
        `select singleton_key as key, data->>'dueAt' as at from timers.job where state < 'completed' order by 1`,
      )
    ).rows;
  return { timers, waiting };
};

/** A deal of a customer who said why it was lost; the words are personal. */
async function lose(reason: string, customerId = newId()): Promise<string> {
  const events: DealEvent[] = [{ type: 'DealLost', customerId, reason }];
  const recording = { category: 'deal', initial: 0, evolve: () => 0, decide: () => events };
  const context = {
    actor: { type: 'system' as const, id: 'test' },
    entry: 'api' as const,
    source: 'test',
    correlationId: newId(),
  };
  await runInContext(context, () => of('sales').commands.execute(recording, newId(), { type: 'Lose' }));
  return customerId;
}

async function reasons(): Promise<unknown[]> {
  const { store, codec } = of('sales');
  return (await codec.decode(await store.readAbove(0, 10_000))).map(
    ({ data }) => (data as { reason?: unknown }).reason,
  );
}

async function databases(): Promise<string[]> {
  const client = new pg.Client({ connectionString: config.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    'select datname as name from pg_database where starts_with(datname, $1) order by 1',
    [config.databasePrefix],
  );
  await client.end();
  return rows.map(({ name }) => name.slice(config.databasePrefix.length));
}
const usual = ['analytics', 'customers', 'gateway', 'interactions', 'keyring', 'sales'];

async function verify() {
  const findings: Finding[] = [];
  const { pool } = of('sales');
  const anchors = writeOnceFolder(config.anchorDir as string);
  const found = (finding: Finding) => void findings.push(finding);
  const proof = await verifyChain({ service: 'sales', pool, secrets, anchors, found });
  return { findings, proof };
}

describe('a backup', () => {
  it('brings back what was saved, and nothing else, after which everything goes on', async () => {
    const { pool } = of('gateway');
    const user = newId();
    await pool.query('insert into passwords values ($1, $2)', [user, 'a\thash\\with\nall']);
    await of('sales').pool.query(`select nextval('order_number'), nextval('order_number')`);
    await lose('the first');
    await writeAnchors({
      service: 'sales',
      store: of('sales').store,
      secrets,
      anchors: writeOnceFolder(join(folder, 'anchors')),
    });
    await lose('the second');
    const from = await backUp();
    const before = await of('sales').store.generation();
    await lose('after the backup');
    await pool.query('delete from passwords');
    await stop();

    const restored = await restore(from, { replace: true });
    expect(restored).toContainEqual(expect.objectContaining({ service: 'sales', events: 2, head: 2 }));
    expect(await databases()).toEqual(usual);
    await start();
    expect(await reasons()).toEqual(['the first', 'the second']);
    expect(await of('sales').store.generation()).not.toBe(before);
    expect((await of('gateway').pool.query('select * from passwords')).rows).toEqual([
      { user_id: user, hash: 'a\thash\\with\nall' },
    ]);
    const { rows } = await of('sales').pool.query<{ next: string }>(`select nextval('order_number') as next`);
    expect(rows[0]?.next).toBe('3');
    await lose('after the restore');
    expect(await reasons()).toEqual(['the first', 'the second', 'after the restore']);
    expect(await verify()).toMatchObject({ findings: [], proof: { events: 3, proved: 2 } });
  }, 90_000);

  it('makes the last folder of its path, and not those above', async () => {
    const missing = join(folder, 'unmounted');
    expect(await said(writeBackup(config, definitions, join(missing, 'backups')))).toBe(
      `there is no ${missing}: nothing was saved`,
    );
    expect(await readdir(folder)).not.toContain('unmounted');
  });

  it('brings back what is to fall due, also what should have by then, and what a restore brought that nobody started', async () => {
    const [early, late] = [new Date(Date.now() + 1_000).toISOString(), '2099-01-01T00:00:00.000Z'];
    const { timers } = await timersOf();
    await timers.at(followUp, 'early', early, { plan: 1 });
    await timers.at(followUp, 'late', late);
    await timers.at(followUp, 'never', late);
    await timers.cancel(followUp, 'never');
    const first = await backUp();
    await timers.at(followUp, 'after the backup', late);
    await timers.close();
    await stop();
    await restore(first, { replace: true });
    const again = await backUp(new Date(Date.now() + 60_000));
    await restore(again, { replace: true });

    await start();
    const restored = await timersOf();
    expect(await restored.waiting()).toEqual([
      { key: 'early', at: early },
      { key: 'late', at: late },
    ]);
    const [end, rung] = [new AbortController(), [] as object[]];
    const due = (timer: object) => Promise.resolve(void rung.push(timer));
    const running = restored.timers.run(new Map([[followUp, { due }]]), end.signal);
    await eventually(
      () => Promise.resolve(rung),
      ({ length }) => length > 0,
    );
    expect(rung).toEqual([{ key: 'early', dueAt: early, data: { plan: 1 } }]);
    end.abort();
    await running;
    await restored.timers.close();
    const { timers: opened, waiting } = await timersOf();
    expect(await waiting()).toEqual([{ key: 'late', at: late }]);
    await opened.close();
  }, 120_000);

  it('saves each event with its key, however many are written meanwhile', async () => {
    let writing = true;
    const writer = (async () => {
      for (let index = 0; writing; index += 1) await lose(`while it ran, ${index}`);
    })();
    const from = await backUp();
    writing = false;
    await writer;
    await stop();
    const client = new pg.Client({
      connectionString: databaseUrl(config.databaseUrl, `${config.databasePrefix}keyring`),
    });
    await client.connect();
    await client.query('delete from keys');
    await client.end();
    const { stores } = await checkBackup(from, secrets);
    await restore(from, { replace: true });
    await start();
    const texts = await reasons();
    expect(texts).toHaveLength(stores.find(({ service }) => service === 'sales')?.events ?? -1);
    for (const text of texts) expect(text).toMatch(/^while it ran/);
  }, 90_000);

  it('is listed once it is whole, and never written over another', async () => {
    const now = new Date('2026-03-01T10:20:30.400Z');
    const one = await backUp(now);
    expect(await backupsIn(join(folder, 'backups'))).toEqual([one]);
    expect(one).toMatch(/20260301T102030Z$/);
    expect(await said(backUp(now))).toContain('is there already');
    expect(await readdir(join(folder, 'backups'))).toHaveLength(1);
  }, 60_000);

  it('shows nothing of what is in it', async () => {
    await lose('a secret reason', newId());
    const from = await backUp();
    for (const name of await readdir(from)) {
      const bytes = await readFile(join(from, name));
      expect([name, bytes.includes('DealLost')]).toEqual([name, false]);
    }
  }, 60_000);

  it('that was cut off, swapped or changed is not restored: one line says so, and nothing changes', async () => {
    for (let index = 0; index < 3; index += 1) await lose('kept');
    const good = await backUp();
    await stop();
    const damages: [(path: string) => Promise<unknown>, RegExp][] = [
      [(path) => truncate(join(path, 'sales.events.copy'), 100), /sales\.events\.copy has 100 bytes/],
      [(path) => cp(join(path, 'keyring.keys.copy'), join(path, 'sales.events.copy')), /sales\.events\.copy/],
      [(path) => rm(join(path, 'sales.claims.copy')), /sales\.claims\.copy is missing/],
      [
        async (path) => {
          const bytes = await readFile(join(path, 'sales.events.copy'));
          bytes[200] = (bytes[200] as number) ^ 1;
          await writeFile(join(path, 'sales.events.copy'), bytes);
        },
        /sales\.events\.copy is not what was written/,
      ],
      [
        async (path) => {
          const text = await readFile(join(path, 'manifest.json'), 'utf8');
          await writeFile(join(path, 'manifest.json'), text.replace('"events":3', '"events":2'));
        },
        /manifest\.json is damaged/,
      ],
      [(path) => rm(join(path, 'manifest.json')), /there is no backup/],
    ];
    for (const [index, [damage, message]] of damages.entries()) {
      const bad = join(folder, `bad-${index}`);
      await cp(good, bad, { recursive: true });
      await damage(bad);
      const answer = await said(restore(bad, { replace: true }));
      expect(answer).toMatch(message);
      expect(answer.split('\n')).toHaveLength(1);
    }
    const stranger = { ...config, masterKey: '22'.repeat(32) };
    expect(await said(restore(good, { config: stranger, replace: true }))).toMatch(/another master key/);
    expect(await databases()).toEqual(usual);
    await start();
    expect(await reasons()).toEqual(['kept', 'kept', 'kept']);
  }, 90_000);

  it('goes into empty databases only, unless told otherwise, and never below running services', async () => {
    await lose('here');
    const from = await backUp();
    expect(await said(restore(from, { replace: true }))).toMatch(/in use: stop the services first/);
    await stop();
    expect(await said(restore(from))).toMatch(/sales holds events: --replace/);
    const elsewhere = testConfig();
    try {
      await restore(from, { config: elsewhere });
    } finally {
      await dropDatabases(elsewhere);
    }
    await start();
    expect(await reasons()).toEqual(['here']);
  }, 90_000);
});

describe('a restore that was killed', () => {
  it('is run again, whatever it had come to', async () => {
    await lose('one');
    const from = await backUp();
    await stop();
    const client = new pg.Client({ connectionString: config.databaseUrl });
    await client.connect();
    // While it loaded one store, and between the two renames of another.
    await client.query(`create database ${config.databasePrefix}gateway_restoring`);
    await client.query(`alter database ${config.databasePrefix}sales rename to ${config.databasePrefix}sales_replaced`);
    await client.end();
    await restore(from, { replace: true });
    expect(await databases()).toEqual(usual);
    await start();
    expect(await reasons()).toEqual(['one']);
  }, 90_000);
});

describe('a drill', () => {
  it('loads and compares everything, and leaves nothing behind', async () => {
    await lose('one');
    const from = await backUp();
    const { stores } = await drillBackup({ config, definitions, from });
    expect(stores.map(({ service, events }) => [service, events])).toContainEqual(['sales', 1]);
    expect(await databases()).toEqual(usual);
  }, 90_000);

  it('takes the newest of the backups below a folder, of those that were not broken off', async () => {
    const backups = join(folder, 'backups');
    expect(await said(drillBackup({ config, definitions, from: backups }))).toMatch(/there is no backup in .*backups/);
    await backUp(new Date('2026-03-01T10:20:30Z'));
    const from = await backUp(new Date('2026-03-08T10:20:30Z'));
    await mkdir(join(backups, '20260315T102030Z'));
    expect((await drillBackup({ config, definitions, from: backups })).at).toBe('2026-03-08T10:20:30.000Z');
    await truncate(join(from, 'sales.events.copy'), 10);
    expect(await said(drillBackup({ config, definitions, from: backups }))).toMatch(/has 10 bytes/);
  }, 90_000);
});

describe('keys', () => {
  it('that were destroyed since stay destroyed, as do those that were destroyed before', async () => {
    const early = await lose('erased before');
    const late = await lose('erased after');
    await lose('never erased');
    const keyring = (pool: pg.Pool) => new PostgresKeyring(pool, secrets);
    const url = databaseUrl(config.databaseUrl, `${config.databasePrefix}keyring`);
    const pool = new pg.Pool({ connectionString: url });
    await keyring(pool).destroy(early);
    const from = await backUp();
    await keyring(pool).destroy(late);
    const made = newId();
    await keyring(pool).keysFor([made], true);
    // As if the keyring had been put back to a time before the first erasure.
    await pool.query(`delete from keys where subject = $1`, [early]);
    await stop();
    await restore(from, { replace: true });
    await start();
    expect((await reasons()).map((reason) => typeof reason)).toEqual(['object', 'object', 'string']);
    expect((await keyring(pool).keysFor([made])).size).toBe(1);
    // Whoever has seen the first is told of the other, which the restore brought along.
    const destroyed = await keyring(pool).destroyed(0, 10);
    expect(destroyed.map(({ subject }) => subject)).toEqual([late, early]);
    const { rows } = await pool.query(`select to_regclass('keys_restoring') as table`);
    expect(rows).toEqual([{ table: null }]);
    await pool.end();
  }, 90_000);
});

describe('who follows a restored store', () => {
  it('goes on by itself in what was restored, at the end of it at the latest', async () => {
    await lose('one');
    await lose('two');
    const { pool } = of('sales');
    await pool.query(`insert into checkpoints (subscription, feed, position, epoch, generation) values
      ('policy:own', 'sales', 1, 1, (select generation from store)), ('policy:ahead', 'customers', 9, 1, gen_random_uuid()),
      ('relay', 'sales', 2, 1, (select generation from store))`);
    const from = await backUp();
    await stop();
    await restore(from, { replace: true });
    await start();
    const places = await of('sales').pool.query<{ subscription: string; position: string; generation: string }>(
      `select subscription, position, generation from checkpoints order by subscription`,
    );
    const [sales, customers] = [await of('sales').store.generation(), await of('customers').store.generation()];
    expect(places.rows).toEqual([
      { subscription: 'policy:ahead', position: '0', generation: customers },
      { subscription: 'policy:own', position: '1', generation: sales },
      { subscription: 'relay', position: '2', generation: sales },
    ]);
  }, 90_000);

  it('notices at once where only the other store was restored', async () => {
    await lose('one');
    const from = await backUp();
    const { pool } = of('customers');
    await pool.query(`insert into checkpoints (subscription, feed, position, epoch, generation)
      values ('policy:p', 'sales', 1, 1, '${await of('sales').store.generation()}')`);
    await stop();
    await restore(from, { service: 'sales', replace: true });
    await start();
    const lines: string[] = [];
    const ended = new AbortController();
    const log = {
      warn: () => undefined,
      error: (message: string, details?: Record<string, unknown>) => {
        lines.push(`${message}: ${String(details?.['error'])}`);
        ended.abort();
      },
    };
    const { codec, pool: own } = of('customers');
    const feed = new StoreFeed('sales', of('sales').store);
    const begin = () => takeCheckpoint(own, 'policy:p', 'sales');
    const apply = () => Promise.reject(new Error('nothing is to be applied'));
    await follow(
      { subscriptions: ['policy:p'], feed, codec, pool: own, log, limit: 10, begin, apply },
      AbortSignal.any([ended.signal, AbortSignal.timeout(20_000)]),
    );
    expect(lines).toEqual([expect.stringMatching(/^subscription stopped: .*the store was restored/)]);
  }, 90_000);
});

describe('every table that a service makes beside events and views', () => {
  it('is kept in backups', async () => {
    for (const definition of definitions.filter(({ migrations }) => migrations)) {
      const { pool } = of(definition.name);
      const { rows } = await pool.query<{ name: string }>(
        `select tablename as name from pg_tables where schemaname = 'public' and tablename not in (
           'store', 'events', 'streams', 'commands', 'claims', 'checkpoints', 'document_revisions', 'broken_keys',
           'dead_letters', 'dead_messages', 'forgettings', 'subscription_faults', 'view_tables', 'view_touches', 'foreign_touches', 'view_jobs', 'migrations')
         and not exists (select from view_tables v where tablename in (v.table_name, v.table_name || '_changes', v.table_name || '_elements'))
         order by 1`,
      );
      expect([definition.name, rows.map(({ name }) => name)]).toEqual([
        definition.name,
        [...(definition.keeps ?? [])].toSorted(),
      ]);
    }
  });
});
