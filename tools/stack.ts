import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stackAvailable, stackDir } from './stack/artifacts.ts';
import { elasticsearchPart } from './stack/elasticsearch.ts';
import { kafkaPart } from './stack/kafka.ts';
import type { Part } from './stack/part.ts';
import { postgresPart } from './stack/postgres.ts';

export { stackAvailable, type Part };

export type StackOptions = {
  kafka?: boolean;
  elasticsearch?: boolean;
  postgres?: boolean;
  /** Where the parts live; `.stack/data` unless given. */
  dir?: string;
  /** Where Kafka and Elasticsearch keep what they are told, if not there. */
  dataDir?: string | undefined;
};

/** Addresses are empty and parts do nothing for what was not asked for. */
export type Stack = {
  kafkaBrokers: string;
  searchUrl: string;
  databaseUrl: string;
  kafka: Part;
  elasticsearch: Part;
  postgres: Part;
  stop(): Promise<void>;
};

/** The addresses of a running `npm run stack`, as environment variables. */
export const environmentFile = join(stackDir, 'env.json');

/**
 * Starts the real Kafka, Elasticsearch and Postgres that were asked for, on free ports of 127.0.0.1; all of them end with
 * this process, however it ends.
 *
 * @throws Error of one line when a part cannot be fetched or does not start; nothing is left running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const dir = options.dir ?? join(stackDir, 'data');
  await mkdir(dir, { recursive: true });
  const parts: Part[] = [];
  const stop = async () => void (await Promise.all(parts.map((part) => part.stop())));
  try {
    // First of all, because it refuses a folder that another stack is using; Kafka would spoil it.
    const postgres = options.postgres ? await postgresPart(join(dir, 'postgres')) : undefined;
    await postgres?.part.start();
    if (postgres) parts.push(postgres.part);

    const dataOf = (name: string) => options.dataDir && join(options.dataDir, name);
    const kafka = options.kafka ? await kafkaPart(join(dir, 'kafka'), { data: dataOf('kafka') }) : undefined;
    const elasticsearch = options.elasticsearch
      ? await elasticsearchPart(join(dir, 'elasticsearch'), dataOf('elasticsearch'))
      : undefined;
    for (const one of [kafka, elasticsearch]) if (one) parts.push(one.part);
    await Promise.all(parts.map((part) => part.start()));
    return {
      kafkaBrokers: kafka?.brokers ?? '',
      searchUrl: elasticsearch?.url ?? '',
      databaseUrl: postgres?.url() ?? '',
      kafka: kafka?.part ?? absent,
      elasticsearch: elasticsearch?.part ?? absent,
      postgres: postgres?.part ?? absent,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const absent: Part = { pid: undefined, start: async () => {}, stop: async () => {}, kill: async () => {} };

async function main() {
  const available = stackAvailable();
  if (!available.ok) throw new Error(available.reason);
  const asked = new Promise<'end'>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => done('end'));
  });

  console.error('starting Kafka, Elasticsearch and Postgres');
  const stack = await Promise.race([startStack({ kafka: true, elasticsearch: true, postgres: true }), asked]);
  if (stack === 'end') return; // what has started already ends with us
  const environment = {
    THROUGHLINE_KAFKA_BROKERS: stack.kafkaBrokers,
    THROUGHLINE_SEARCH_URL: stack.searchUrl,
    THROUGHLINE_DATABASE_URL: stack.databaseUrl,
  };
  await writeFile(environmentFile, JSON.stringify(environment, null, 2) + '\n', { mode: 0o600 });
  for (const [name, value] of Object.entries(environment)) console.log(`${name}=${value}`);
  await asked;
  await rm(environmentFile, { force: true });
  await stack.stop();
}

if (import.meta.main) {
  main().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error((error as Error).message);
      process.exit(1);
    },
  );
}
