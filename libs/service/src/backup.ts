import { sign, verify } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ServiceName } from '@throughline/contracts';
import { copyOut, secretsFrom, signingKeys, type Secrets } from '@throughline/event-sourcing';
import pg from 'pg';
import type { ServiceConfig } from './config.ts';
import { databaseUrl } from './kernel.ts';
import { restoredTimers, timersStatement } from './restored-timers.ts';
import { checksumOf, writeSealed, type SealedFile } from './sealed-file.ts';
import type { ServiceDefinition } from './service.ts';

export type TableBackup = SealedFile & { table: string; name: string; columns: readonly string[] };

export type StoreBackup = {
  service: ServiceName;
  schemaVersion: number;
  generation: string;
  /** Position of the newest event in it. */
  head: number;
  events: number;
  /** Names of the service's own migrations that had been run. */
  migrations: readonly string[];
  sequences: Readonly<Record<string, number>>;
  tables: readonly TableBackup[];
  /** What is to fall due; older backups have none. */
  timers?: TableBackup;
};

export type Backup = { format: 1; at: string; stores: readonly StoreBackup[]; keyring: readonly TableBackup[] };

/** A backup cannot be taken for whole. The message is one line. */
export class DamagedBackup extends Error {}

const manifestName = 'manifest.json';
const purpose = 'backup-signature';
// A snapshot waits its turn, however the server is set up.
const session = `set timezone = 'UTC'; set datestyle = 'ISO'; set bytea_output = 'hex'; set statement_timeout = 0;
  set idle_in_transaction_session_timeout = 0; set transaction_timeout = 0`;

/**
 * What cannot be had from events, a store's own tables: everything else is views, which are folded anew. Of checkpoints
 * those of policies and of the relay: without them policies would react to all history again.
 */
const storeTables: readonly { table: string; order: string; where?: string }[] = [
  { table: 'events', order: 'position' },
  { table: 'streams', order: 'type, id' },
  { table: 'commands', order: 'id' },
  { table: 'claims', order: 'category, key' },
  { table: 'dead_letters', order: 'id' },
  { table: 'dead_messages', order: 'id' },
  { table: 'forgettings', order: 'erasure_id' },
  { table: 'checkpoints', order: 'subscription, feed', where: `subscription not like 'view:%'` },
];
const keyringTables = [{ table: 'keys', order: 'subject' }];

/** The rows of a table, always in the same order, as text that `copyStatement` of another database gives alike. */
export const copyStatement = (table: string, columns: readonly string[], order: string, where = 'true'): string =>
  `copy (select ${columns.map((column) => pg.escapeIdentifier(column)).join(', ')} from ${pg.escapeIdentifier(table)}
   where ${where} order by ${order}) to stdout`;

export const orderOf = (table: string, columns: readonly string[]): string =>
  [...storeTables, ...keyringTables].find((one) => one.table === table)?.order ??
  columns.map((column) => pg.escapeIdentifier(column)).join(', ');

/**
 * Saves all stores and the keyring in a new folder below `to`, one consistent snapshot a database. The keyring's is the
 * last one: a key is made before the event that needs it, so each event's key is in it, or its tombstone.
 *
 * @param to is made where only the last folder of its path is missing
 * @returns the folder
 */
export async function writeBackup(
  config: ServiceConfig,
  definitions: readonly ServiceDefinition[],
  to: string,
  now = new Date(),
): Promise<string> {
  const secrets = secretsFrom(config.masterKey);
  const at = now.toISOString();
  const folder = join(to, at.replaceAll(/[-:]|\.\d+/g, ''));
  const begun = join(to, `.${at.replaceAll(':', '')}.${process.pid}`);
  const parent = dirname(resolve(to));
  if (!existsSync(parent)) throw new Error(`there is no ${parent}: nothing was saved`);
  if (existsSync(folder)) throw new Error(`${folder} is there already`);
  await mkdir(begun, { recursive: true, mode: 0o700 });
  const clients: pg.Client[] = [];
  const snapshotOf = async (database: string) => {
    const client = new pg.Client({
      connectionString: databaseUrl(config.databaseUrl, config.databasePrefix + database),
    });
    clients.push(client);
    client.on('error', () => undefined);
    await client.connect();
    await client.query(`${session}; begin isolation level repeatable read read only; select 1`);
    return client;
  };
  try {
    // All at one moment, as far as that goes: what a policy has seen of another store is then in both or in neither.
    const snapshots = await Promise.all(definitions.map(({ name }) => snapshotOf(name)));
    const keyring = await snapshotOf('keyring');
    const stores: StoreBackup[] = [];
    for (const [index, definition] of definitions.entries())
      stores.push(await storeBackup(snapshots[index] as pg.Client, definition, begun, secrets));
    const tables = await tableBackups(keyring, 'keyring', keyringTables, begun, secrets);
    await writeManifest(begun, { format: 1, at, stores, keyring: tables }, secrets);
    await rename(begun, folder);
    return folder;
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
    await rm(begun, { recursive: true, force: true });
  }
}

async function storeBackup(
  client: pg.Client,
  { name: service, keeps = [] }: ServiceDefinition,
  folder: string,
  secrets: Secrets,
): Promise<StoreBackup> {
  const kept = [];
  for (const table of keeps) kept.push({ table, order: orderOf(table, await columnsOf(client, table)) });
  const tables = await tableBackups(client, service, [...storeTables, ...kept], folder, secrets);
  const timers = await timersBackup(client, service, folder, secrets);
  const { rows } = await client.query<{ schema_version: number; generation: string; head: string; events: string }>(
    'select schema_version, generation, e.* from store, (select coalesce(max(position), 0) as head, count(*) as events from events) e',
  );
  const { rows: made } = await client.query<{ name: string }>('select name from migrations order by id');
  // Sequences know no snapshot: read afterwards they are at or above what is in it.
  const { rows: sequences } = await client.query<{ sequencename: string; last_value: string }>(
    `select sequencename, last_value from pg_sequences where schemaname = 'public' and last_value is not null
       and sequencename <> 'migrations_id_seq'`,
  );
  const { schema_version: schemaVersion, generation, head, events } = rows[0] as (typeof rows)[number];
  return {
    service,
    schemaVersion,
    generation,
    head: Number(head),
    events: Number(events),
    migrations: made.map(({ name }) => name),
    sequences: Object.fromEntries(sequences.map((one) => [one.sequencename, Number(one.last_value)])),
    tables,
    ...(timers && { timers }),
  };
}

async function timersBackup(
  client: pg.Client,
  service: ServiceName,
  folder: string,
  secrets: Secrets,
): Promise<TableBackup | undefined> {
  const statement = await timersStatement(client);
  if (statement === undefined) return undefined;
  const name = `${service}.timers.copy`;
  const sealed = await writeSealed(join(folder, name), name, copyOut(client, statement), secrets);
  return { ...restoredTimers, name, ...sealed };
}

/** All files of a store. */
export const filesOf = ({ tables, timers }: StoreBackup): readonly TableBackup[] =>
  timers ? [...tables, timers] : tables;

async function tableBackups(
  client: pg.Client,
  database: string,
  tables: readonly { table: string; order: string; where?: string }[],
  folder: string,
  secrets: Secrets,
): Promise<TableBackup[]> {
  const saved: TableBackup[] = [];
  for (const { table, order, where } of tables) {
    const columns = await columnsOf(client, table);
    const name = `${database}.${table}.copy`;
    const rows = copyOut(client, copyStatement(table, columns, order, where));
    saved.push({ table, name, columns, ...(await writeSealed(join(folder, name), name, rows, secrets)) });
  }
  return saved;
}

async function columnsOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [table],
  );
  return rows.map(({ name }) => name);
}

async function writeManifest(folder: string, backup: Backup, secrets: Secrets): Promise<void> {
  const body = JSON.stringify(backup);
  const signature = sign(null, Buffer.from(body), signingKeys(secrets, purpose).privateKey).toString('base64');
  const handle = await open(join(folder, manifestName), 'wx', 0o600);
  try {
    await handle.writeFile(`${body}\n${signature}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws DamagedBackup where there is none, or it was not signed with this master key */
export async function readManifest(folder: string, secrets: Secrets): Promise<Backup> {
  const text = await readFile(join(folder, manifestName), 'utf8').catch(() => undefined);
  if (text === undefined) throw new DamagedBackup(`there is no backup in ${folder}: it has no ${manifestName}`);
  const [body = '', signature = ''] = text.split('\n');
  if (!verify(null, Buffer.from(body), signingKeys(secrets, purpose).publicKey, Buffer.from(signature, 'base64')))
    throw new DamagedBackup(`${join(folder, manifestName)} is damaged, or was written with another master key`);
  return JSON.parse(body) as Backup;
}

/** @throws DamagedBackup naming the first file that is missing, cut off or changed */
export async function checkBackup(folder: string, secrets: Secrets): Promise<Backup> {
  const backup = await readManifest(folder, secrets);
  for (const { name, file } of [...backup.stores.flatMap(filesOf), ...backup.keyring]) {
    const path = join(folder, name);
    if (!existsSync(path)) throw new DamagedBackup(`${path} is missing`);
    const { bytes, sha256 } = await checksumOf(path);
    if (bytes !== file.bytes) throw new DamagedBackup(`${path} has ${bytes} bytes and should have ${file.bytes}`);
    if (sha256 !== file.sha256) throw new DamagedBackup(`${path} is not what was written`);
  }
  return backup;
}

/** The folder itself where it is a backup, else the newest one below it; what was broken off is none. */
export async function newestBackup(from: string): Promise<string> {
  if (existsSync(join(from, manifestName))) return from;
  return (await backupsIn(from)).at(-1) ?? from;
}

/** Backups below a folder, the oldest first. */
export async function backupsIn(to: string): Promise<string[]> {
  const entries = await readdir(to, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(join(to, entry.name, manifestName)))
    .map((entry) => join(to, entry.name))
    .toSorted();
}
