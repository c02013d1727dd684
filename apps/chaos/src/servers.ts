import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, startEmbeddedPostgres, type EmbeddedPostgres } from '@throughline/service';
import { elasticsearchPart } from '../../../tools/stack/elasticsearch.ts';
import { kafkaPart } from '../../../tools/stack/kafka.ts';
import { stackAvailable } from '../../../tools/stack.ts';
import { startProxy, type Proxy } from './proxy.ts';

/** Ends at once and starts again after so long, on the same port and the same data. */
export type Restart = (milliseconds: number) => Promise<void>;

/** The run's own servers, each behind a proxy. */
export type Servers = {
  /** Where logs and journals are. */
  folder: string;
  /** Past the proxy, for who looks on. */
  databaseUrl: string;
  searchUrl: string | undefined;
  /** The servers as the processes see them. */
  environment: Record<string, string>;
  proxies: Record<string, Proxy>;
  restarts: Record<string, Restart>;
  /** Deadlocks that Postgres told of. */
  deadlocks: () => number;
  /** Why there is no Kafka and no Elasticsearch. */
  stackMissing: string | undefined;
  stop: (keepFolder: boolean) => Promise<void>;
};

/** @param stack whether Kafka and Elasticsearch are wanted */
export async function startServers(stack: boolean): Promise<Servers> {
  const folder = await mkdtemp(join(tmpdir(), 'throughline-chaos-'));
  await chmod(folder, 0o711); // started by root, the servers run as another user
  const endings: (() => Promise<unknown>)[] = [];
  const stop = async (keepFolder: boolean) => {
    for (let last = endings.pop(); last; last = endings.pop()) await last();
    if (!keepFolder) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const proxied = async (ports: () => readonly number[]) => {
    const proxy = await startProxy(ports);
    endings.push(proxy.close);
    return proxy;
  };
  try {
    const postgres = await ownPostgres(join(folder, 'postgres'));
    endings.push(postgres.stop);
    const proxies: Record<string, Proxy> = { postgres: await proxied(() => [postgres.port]) };
    const restarts: Record<string, Restart> = { postgres: postgres.restart };
    const through = new URL(postgres.url);
    through.port = String(proxies['postgres']?.port);
    const environment: Record<string, string> = { THROUGHLINE_DATABASE_URL: through.href };
    const { deadlocks, url: databaseUrl } = postgres;
    const servers = { folder, databaseUrl, environment, proxies, restarts, deadlocks, stop };
    if (!stack) return { ...servers, searchUrl: undefined, stackMissing: 'they were not asked for' };
    const available = stackAvailable();
    if (!available.ok) return { ...servers, searchUrl: undefined, stackMissing: available.reason };
    let kafkaPort = 0;
    // Kafka tells its clients where it is: there has to be the proxy.
    const kafkaProxy = await proxied(() => [kafkaPort]);
    const kafka = await kafkaPart(join(folder, 'kafka'), { advertisedPort: kafkaProxy.port });
    kafkaPort = portOf(kafka.brokers);
    const search = await elasticsearchPart(join(folder, 'elasticsearch'));
    endings.push(
      () => kafka.part.stop(),
      () => search.part.stop(),
    );
    await Promise.all([kafka.part.start(), search.part.start()]);
    const searchProxy = await proxied(() => [portOf(search.url)]);
    return {
      ...servers,
      searchUrl: search.url,
      environment: {
        ...environment,
        THROUGHLINE_KAFKA_BROKERS: `127.0.0.1:${kafkaProxy.port}`,
        THROUGHLINE_SEARCH_URL: `http://127.0.0.1:${searchProxy.port}`,
      },
      proxies: { ...proxies, kafka: kafkaProxy, search: searchProxy },
      restarts: {
        ...restarts,
        kafka: async (milliseconds) => {
          await kafka.part.kill();
          await sleep(milliseconds);
          await kafka.part.start();
        },
        search: async (milliseconds) => {
          await search.part.stop();
          await sleep(milliseconds);
          await search.part.start();
        },
      },
      stackMissing: undefined,
    };
  } catch (error) {
    await stop(false);
    throw error;
  }
}

const portOf = (address: string): number => Number(/\d+$/.exec(address)?.[0]);

/** A Postgres whose restart is as a crash: no checkpoint, no farewell. */
async function ownPostgres(folder: string) {
  const port = await freePort();
  let deadlocks = 0;
  const log = (line: string) => void (deadlocks += line.includes('deadlock detected') ? 1 : 0);
  const start = () => startEmbeddedPostgres({ dataDir: join(folder, 'data'), port, log });
  let server: EmbeddedPostgres = await start();
  return {
    port,
    url: server.url('postgres'),
    deadlocks: () => deadlocks,
    restart: async (milliseconds: number) => {
      process.kill(server.pid, 'SIGQUIT');
      await server.exited;
      await sleep(milliseconds);
      server = await start();
    },
    stop: () => server.stop(),
  };
}
