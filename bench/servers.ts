import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kernel, Log, readConfig, startEmbeddedPostgres, type ServiceDefinition } from '@throughline/service';
import { dropDatabases } from '@throughline/service/testing';
import { stackAvailable, startStack } from '../tools/stack.ts';

export type Need = 'postgres' | 'kafka' | 'elasticsearch';

/** This run's own servers; addresses are empty for what nobody needs. */
export type Servers = {
  databaseUrl: string;
  kafkaBrokers: string;
  searchUrl: string;
  /** Why there is no Kafka and no Elasticsearch although somebody needs them. */
  stackMissing: string | undefined;
  /** Where this run may write; removed at its end. */
  folder: string;
  /** Also carried out when the run is interrupted; the last one first. */
  atEnd: (ending: () => Promise<unknown>) => void;
};

/** A Postgres from npm as `npm start` runs it (fsync on), a Kafka and an Elasticsearch of the stack, all in a new folder. */
export async function startServers(needs: ReadonlySet<Need>, atEnd: Servers['atEnd']): Promise<Servers> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-bench-'));
  atEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  await chmod(folder, 0o711); // started by root, the servers run as another user
  const servers: Servers = { databaseUrl: '', kafkaBrokers: '', searchUrl: '', stackMissing: undefined, folder, atEnd };
  if (needs.has('postgres')) {
    const starting = startEmbeddedPostgres({ dataDir: join(folder, 'postgres') });
    // Interrupted while they start, servers are stopped once they have started: nothing may write into the folder then.
    atEnd(() => starting.then((postgres) => postgres.stop()));
    servers.databaseUrl = (await starting).url('postgres');
  }
  const [kafka, elasticsearch] = [needs.has('kafka'), needs.has('elasticsearch')];
  if (!kafka && !elasticsearch) return servers;
  const stack = stackAvailable();
  if (!stack.ok) return { ...servers, stackMissing: stack.reason };
  const starting = startStack({ kafka, elasticsearch, dir: join(folder, 'stack') });
  atEnd(() => starting.then((stack) => stack.stop()));
  try {
    const { kafkaBrokers, searchUrl } = await starting;
    return { ...servers, kafkaBrokers, searchUrl };
  } catch (error) {
    return { ...servers, stackMissing: (error as Error).message };
  }
}

/** Why a row's needs cannot be met here; undefined where they can. */
export const missing = (needs: readonly Need[], { stackMissing }: Servers): string | undefined =>
  needs.some((need) => need !== 'postgres') ? stackMissing : undefined;

export const masterKey = 'be'.repeat(32);

/** Everything of a service below its edge, with databases of its own, as the service itself would open it. */
export async function openKernel({ databaseUrl }: Servers, definition: ServiceDefinition) {
  const databasePrefix = `b${randomBytes(5).toString('hex')}_`;
  const config = readConfig({}, { databaseUrl, databasePrefix, masterKey });
  const kernel = await Kernel.open(definition, config, new Log(definition.name, 'error'));
  const close = async () => {
    await kernel.close();
    await dropDatabases(config);
  };
  return { kernel, config, close };
}
export type OpenKernel = Awaited<ReturnType<typeof openKernel>>;
