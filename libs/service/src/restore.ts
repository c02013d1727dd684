import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '@throughline/contracts';
import {
  PostgresKeyring,
  anchorRestored,
  copyIn,
  copyOut,
  migrateStore,
  secretsFrom,
  transaction,
  writeOnceFolder,
  type Pool,
  type Secrets,
} from '@throughline/event-sourcing';
import pg from 'pg';
import { DataSource } from 'typeorm';
import {
  checkBackup,
  copyStatement,
  filesOf,
  newestBackup,
  orderOf,
  type Backup,
  type StoreBackup,
  type TableBackup,
} from './backup.ts';
import type { ServiceConfig } from './config.ts';
import { createDatabase, databaseUrl } from './kernel.ts';
import { createRestoredTimers } from './restored-timers.ts';
import { checksumOfStream, readSealed } from './sealed-file.ts';
import type { ServiceDefinition } from './service.ts';

export type RestoreOptions = {
  config: ServiceConfig;
  definitions: readonly ServiceDefinition[];
  /** Folder of one backup. */
  from: string;
  /** Takes the place of stores that hold something; those are dropped at the end. */
  replace?: boolean;
  /** Only this service's store. */
  service?: ServiceName | undefined;
};

export type Restored = { service: ServiceName; events: number; head: number; generation: string }[];

const goneMilliseconds = 3_000;

type Place = RestoreOptions & { secrets: Secrets; backup: Backup };

/**
 * Puts the stores of a backup in place. Everything is loaded into databases beside and compared first, and only then they
 * take their names, so that a backup which is damaged, or a restore which is killed, leaves the stores as they were. The
 * services must not run.
 *
 * Every restored store gets a new generation. Policies and relays of restored stores go on where the stores stand, and timers
 * fall due as they would have; the keys of the keyring of now and of the backup's come together, and what was destroyed in
 * either stays destroyed.
 *
 * @throws DamagedBackup; Error of one line where stores hold something or are in use
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { config, replace = false } = options;
  const place = await placeOf(options);
  const stores = storesOf(place);
  await withServer(config, async (server) => {
    for (const { service } of stores) await refuseUnlessFree(server, config, service, replace);
  });
  const beside = (service: string) => `${config.databasePrefix}${service}_restoring`;
  try {
    for (const store of stores) await load(place, store, beside(store.service));
    await mergeKeyrings(place, stores.length === place.backup.stores.length);
    const generations = await adapt(place, stores, beside);
    await withServer(config, async (server) => {
      for (const { service } of stores) await takeName(server, config.databasePrefix + service, beside(service));
      for (const { service } of stores) await drop(server, `${config.databasePrefix}${service}_replaced`);
    });
    for (const store of stores) await anchor(place, store, generations.get(store.service) as string);
    return stores.map(({ service, events, head }) => ({
      service,
      events,
      head,
      generation: generations.get(service) as string,
    }));
  } finally {
    await withServer(config, async (server) => {
      for (const { service } of stores) await drop(server, beside(service));
    });
  }
}

/**
 * Loads a backup into databases of its own, compares counts and contents with what was saved, and drops them again.
 *
 * @throws DamagedBackup, or Error naming the table that is not the same
 */
export async function drillBackup(options: Omit<RestoreOptions, 'replace'>): Promise<Backup> {
  const place = await placeOf({ ...options, from: await newestBackup(options.from) });
  const run = `${options.config.databasePrefix}drill_${randomBytes(4).toString('hex')}_`;
  const stores = storesOf(place);
  try {
    for (const store of stores) await load(place, store, run + store.service);
    await withDatabase(place.config, `${run}keyring`, (pool) => loadKeyring(place, pool));
    return place.backup;
  } finally {
    await withServer(place.config, async (server) => {
      for (const name of [...stores.map(({ service }) => service), 'keyring']) await drop(server, run + name);
    });
  }
}

async function placeOf(options: RestoreOptions): Promise<Place> {
  const secrets = secretsFrom(options.config.masterKey);
  return { ...options, secrets, backup: await checkBackup(options.from, secrets) };
}

const storesOf = ({ backup, service }: Place): readonly StoreBackup[] =>
  service === undefined ? backup.stores : backup.stores.filter((store) => store.service === service);

async function withServer<T>(config: ServiceConfig, work: (server: pg.Client) => Promise<T>): Promise<T> {
  const server = new pg.Client({ connectionString: databaseUrl(config.databaseUrl, 'postgres') });
  await server.connect();
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}

/** Makes the database where it is missing. */
async function withDatabase<T>(config: ServiceConfig, name: string, work: (pool: Pool) => Promise<T>): Promise<T> {
  await createDatabase(config.databaseUrl, name);
  const options = `-c timezone=UTC -c datestyle=ISO -c bytea_output=hex -c statement_timeout=0`;
  const pool = new pg.Pool({ connectionString: databaseUrl(config.databaseUrl, name), max: 2, options });
  pool.on('error', () => undefined);
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

const drop = (server: pg.Client, name: string) =>
  server.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);

async function exists(server: pg.Client, name: string): Promise<boolean> {
  const { rowCount } = await server.query('select 1 from pg_database where datname = $1', [name]);
  return rowCount === 1;
}

async function refuseUnlessFree(server: pg.Client, config: ServiceConfig, service: string, replace: boolean) {
  const name = config.databasePrefix + service;
  if (!(await exists(server, name))) return;
  if (await inUse(server, name)) throw new Error(`${name} is in use: stop the services first`);
  if (!replace && (await withDatabase(config, name, holdsEvents)))
    throw new Error(`${name} holds events: --replace puts the backup in its place`);
}

/** Sessions of services that have just ended take a moment to go. */
async function inUse(server: pg.Client, name: string): Promise<boolean> {
  for (const deadline = Date.now() + goneMilliseconds; ; await sleep(100)) {
    const { rowCount } = await server.query(
      `select 1 from pg_stat_activity where datname = $1 and backend_type = 'client backend' limit 1`,
      [name],
    );
    if (rowCount === 0) return false;
    if (Date.now() > deadline) return true;
  }
}

async function holdsEvents(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ made: boolean }>(`select to_regclass('events') is not null as made`);
  return rows[0]?.made === true && (await pool.query('select 1 from events limit 1')).rowCount === 1;
}

/** Tables as the release had them that wrote the backup: what came later is added by the services when they start. */
async function load(place: Place, store: StoreBackup, name: string): Promise<void> {
  const { config, definitions } = place;
  const definition = definitions.find((one) => one.name === store.service);
  const migrations = ((definition?.migrations ?? []) as unknown as { name: string }[]).filter((migration) =>
    store.migrations.includes(migration.name),
  );
  if (migrations.length < store.migrations.length)
    throw new Error(`the backup of ${store.service} was written by a newer release`);
  await withServer(config, (server) => drop(server, name));
  await withDatabase(config, name, async (pool) => {
    await migrateStore(pool, store.schemaVersion);
    const dataSource = new DataSource({
      type: 'postgres',
      url: databaseUrl(config.databaseUrl, name),
      migrations: migrations as never,
      migrationsTableName: 'migrations',
    });
    await dataSource.initialize();
    try {
      await dataSource.runMigrations();
    } finally {
      await dataSource.destroy();
    }
    if (store.timers) await createRestoredTimers(pool);
    for (const table of filesOf(store)) await loadTable(place, pool, table);
    for (const [sequence, last] of Object.entries(store.sequences))
      await pool.query('select setval(to_regclass($1), $2) where to_regclass($1) is not null', [
        pg.escapeIdentifier(sequence),
        last,
      ]);
  });
}

/** @throws Error where the table is not what was saved */
async function loadTable({ from, secrets }: Place, pool: Pool, saved: TableBackup, into = saved.table): Promise<void> {
  const { table, name, columns, content } = saved;
  const client = await pool.connect();
  try {
    const list = columns.map((column) => pg.escapeIdentifier(column)).join(', ');
    await copyIn(
      client,
      `copy ${pg.escapeIdentifier(into)} (${list}) from stdin`,
      readSealed(join(from, name), name, secrets),
    );
    const there = await checksumOfStream(copyOut(client, copyStatement(into, columns, orderOf(table, columns))));
    if (there.sha256 !== content.sha256) throw new Error(`${name} was loaded, and is not what was saved`);
  } finally {
    client.release();
  }
}

async function loadKeyring(place: Place, pool: Pool, into?: string): Promise<void> {
  await new PostgresKeyring(pool, place.secrets).migrate();
  for (const table of place.backup.keyring) await loadTable(place, pool, table, into);
}

/** A key that was destroyed in the backup or since stays destroyed: that is what keeps erased people erased. */
async function mergeKeyrings(place: Place, whole: boolean): Promise<void> {
  await withDatabase(place.config, `${place.config.databasePrefix}keyring`, async (pool) => {
    await new PostgresKeyring(pool, place.secrets).migrate();
    await pool.query('drop table if exists keys_restoring; create table keys_restoring (like keys)');
    try {
      await loadKeyring(place, pool, 'keys_restoring');
      await transaction(pool, (client) => mergeKeys(client, whole));
    } finally {
      // It holds keys that may have been destroyed since.
      await pool.query('drop table keys_restoring');
    }
  });
}

async function mergeKeys(client: pg.PoolClient, whole: boolean): Promise<void> {
  await client.query('lock table keys in share row exclusive mode');
  const { rows } = await client.query<{ others: string }>(
    'select count(*) as others from keys k join keys_restoring r using (subject) where k.wrapped <> r.wrapped',
  );
  const others = Number(rows[0]?.others);
  // Stores that stay need the key of now, the one that is restored needs the other.
  if (others > 0 && !whole)
    throw new Error(`${others} people have other keys in the keyring than in the backup: restore all stores`);
  // Tombstones that come along are numbered after those of now, so that they are replayed.
  await client.query(
    `insert into keys (subject, wrapped, created_at, destroyed_at)
     select subject, wrapped, created_at, destroyed_at from keys_restoring
     on conflict (subject) do update set
       wrapped = case when keys.destroyed_at is null and excluded.destroyed_at is null then excluded.wrapped end,
       destroyed_at = coalesce(keys.destroyed_at, excluded.destroyed_at)`,
  );
}

/**
 * Gives each store a new generation, and puts the checkpoints on logs that are restored along where these end: what comes
 * there next was never seen. Checkpoints on other logs stand as they were saved; who did something already does not do it
 * again, since commands are remembered.
 */
async function adapt(
  { config }: Place,
  stores: readonly StoreBackup[],
  beside: (service: string) => string,
): Promise<ReadonlyMap<string, string>> {
  const generations = new Map<string, string>();
  for (const { service } of stores) {
    await withDatabase(config, beside(service), async (pool) => {
      const { rows } = await pool.query<{ generation: string }>(
        'update store set generation = gen_random_uuid() returning generation',
      );
      generations.set(service, (rows[0] as { generation: string }).generation);
    });
  }
  const heads = stores.map(({ head }) => head);
  const values = [[...generations.keys()], [...generations.values()], heads];
  for (const { service } of stores) {
    await withDatabase(config, beside(service), async (pool) => {
      await pool.query(
        `update checkpoints c set position = least(c.position, r.head), generation = r.generation, epoch = c.epoch + 1
         from unnest($1::text[], $2::uuid[], $3::bigint[]) as r(feed, generation, head) where c.feed = r.feed`,
        values,
      );
      // The views that were asked are not there any more.
      await pool.query('update forgettings set asked = false');
      // What they stand for is gone.
      await pool.query(
        `delete from dead_letters d using unnest($1::text[], $2::bigint[]) as r(feed, head)
         where d.feed = r.feed and d.position > r.head`,
        [values[0], heads],
      );
    });
  }
  return generations;
}

async function takeName(server: pg.Client, name: string, beside: string): Promise<void> {
  const [own, other, old] = [name, beside, `${name}_replaced`].map((one) => pg.escapeIdentifier(one));
  // Of a restore that was killed between the two.
  if (await exists(server, name)) {
    await drop(server, `${name}_replaced`);
    await server.query(`alter database ${own} rename to ${old}`);
  }
  await server.query(`alter database ${other} rename to ${own}`);
}

/** What was anchored of it before stays proved, as far as the backup goes. */
async function anchor({ config, secrets }: Place, { service, head }: StoreBackup, generation: string): Promise<void> {
  const { anchorDir } = config;
  if (anchorDir === undefined) return;
  await withDatabase(config, config.databasePrefix + service, async (pool) => {
    const store = { pool, generation: async () => generation };
    await anchorRestored({ service, store, secrets, anchors: writeOnceFolder(anchorDir) }, head);
  });
}
