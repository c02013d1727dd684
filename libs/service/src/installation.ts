import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { readConfig, type ServiceConfig } from './config.ts';
import { startEmbeddedPostgres } from './embedded-postgres.ts';

/** What an operator's command works on: the same databases and secrets that the services have. */
export type Installation = { config: ServiceConfig; close: () => Promise<void> };

/**
 * Finds it by the environment, as the services do. Where everything is in one process, that is the data folder: its
 * Postgres is used where it runs, and else started for as long as the installation is open.
 *
 * @param create makes the database server of a data folder that has none yet
 * @throws Error of one line, ConfigError
 */
export async function openInstallation(environment: NodeJS.ProcessEnv, create = false): Promise<Installation> {
  const given = (name: string) => environment[name] ?? environment[`${name}_FILE`];
  if (given('THROUGHLINE_DATABASE_URL')) return { config: readConfig(environment), close: async () => undefined };
  const dataDir = resolve(environment['THROUGHLINE_DATA_DIR'] ?? './data');
  const folder = join(dataDir, 'postgres');
  if (!create && !existsSync(join(folder, 'PG_VERSION')))
    throw new Error(`there is no data in ${dataDir}: set THROUGHLINE_DATA_DIR, or THROUGHLINE_DATABASE_URL`);
  const overrides: Partial<ServiceConfig> = {};
  if (!given('THROUGHLINE_MASTER_KEY')) overrides.masterKey = await keptMasterKey(dataDir);
  if (!given('THROUGHLINE_ANCHOR_DIR')) overrides.anchorDir = join(dataDir, 'anchors');
  const config = (databaseUrl: string) => readConfig(environment, { ...overrides, databaseUrl });
  const running = await runningPostgres(dataDir, folder);
  if (running) return { config: config(running), close: async () => undefined };
  const postgres = await startEmbeddedPostgres({ dataDir: folder });
  return { config: config(postgres.url('postgres')), close: () => postgres.stop() };
}

/** @throws Error of one line where there is none */
export async function masterKeyOf(environment: NodeJS.ProcessEnv): Promise<string> {
  const file = environment['THROUGHLINE_MASTER_KEY_FILE'];
  const key = file ? (await readFile(file, 'utf8')).trim() : environment['THROUGHLINE_MASTER_KEY'];
  return key || keptMasterKey(resolve(environment['THROUGHLINE_DATA_DIR'] ?? './data'));
}

async function keptMasterKey(dataDir: string): Promise<string> {
  const file = join(dataDir, 'master.key');
  const key = await readFile(file, 'utf8').catch(() => '');
  if (key.trim() === '') throw new Error(`there is no master key: set THROUGHLINE_MASTER_KEY, or put it into ${file}`);
  return key.trim();
}

/** Address of the server that runs on a data folder, if one does and takes our password. */
async function runningPostgres(dataDir: string, folder: string): Promise<string | undefined> {
  const lock = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '');
  const port = Number(lock.split('\n')[3]);
  const password = await readFile(join(dataDir, 'postgres.password'), 'utf8').catch(() => '');
  if (!port) return undefined;
  const url = `postgres://postgres:${password.trim()}@127.0.0.1:${port}/postgres`;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
  try {
    await client.connect();
    return url;
  } catch {
    return undefined;
  } finally {
    await client.end().catch(() => undefined);
  }
}
