import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAllInOne } from '@throughline/all-in-one';
import { caller, dropDatabases, eventually, type Call } from '@throughline/service/testing';
import { biConnectionString, readConfig } from '@throughline/service';
import { startServices, type Services } from '../../../tools/services.ts';

/** A running CRM, however it runs. */
export type Instance = {
  url: string;
  /** As the administrator. */
  call: Call;
  anonymous: Call;
  /** Connection string of `bi_reader`. */
  bi: string;
  /** What its processes have said, where it runs as several. */
  lines?: readonly string[];
  /** The single processes, where it runs as several. */
  services?: Services;
  stop: () => Promise<void>;
};

export const adminEmail = 'admin@example.com';
export const adminPassword = 'an administrator of acceptance';
/** One for all instances, so that a guest's record has the same id in each. */
const masterKey = '5a'.repeat(32);

async function signedIn(url: string): Promise<Pick<Instance, 'url' | 'call' | 'anonymous'>> {
  const anonymous = caller(url, () => '');
  await eventually(
    () => anonymous('GET', '/readyz').catch(() => undefined),
    (reply) => reply?.status === 200,
    60_000,
  );
  const { body } = await anonymous('POST', '/api/sessions', { email: adminEmail, password: adminPassword });
  return { url, call: caller(url, () => body.token as string), anonymous };
}

const preset = { THROUGHLINE_ADMIN_EMAIL: adminEmail, THROUGHLINE_ADMIN_PASSWORD: adminPassword };

/** The CRM in one process, on a data folder of its own and the Postgres that comes with it. */
export async function startEmbedded(dataDir?: string, more: NodeJS.ProcessEnv = {}): Promise<Instance> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'throughline-')));
  const environment = {
    ...preset,
    PORT: '0',
    THROUGHLINE_BI_PORT: '0',
    THROUGHLINE_DATA_DIR: folder,
    THROUGHLINE_MASTER_KEY: masterKey,
    THROUGHLINE_LOG_LEVEL: 'error',
    ...more,
  };
  const crm = await startAllInOne(environment);
  const bi = crm.greeting.find((line) => line.startsWith('BI:'))?.replace(/^BI:\s+/, '') ?? '';
  return {
    ...(await signedIn(crm.url)),
    bi,
    stop: async () => {
      await crm.stop();
      if (!dataDir) await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Addresses = { kafkaBrokers: string; searchUrl: string; databaseUrl: string };

/** The stack that the whole test run shares. */
export const sharedStack = (): Addresses => JSON.parse(process.env['THROUGHLINE_TEST_STACK'] ?? '{}') as Addresses;

/** Every service a process of its own, over the stack's Kafka, Elasticsearch and Postgres. */
export async function startAsServices(
  stack: Addresses = sharedStack(),
  more: NodeJS.ProcessEnv = {},
): Promise<Instance> {
  const biPassword = randomBytes(12).toString('hex');
  const environment = {
    ...preset,
    THROUGHLINE_DATABASE_URL: stack.databaseUrl,
    THROUGHLINE_DATABASE_PREFIX: `a${randomBytes(4).toString('hex')}_`,
    THROUGHLINE_KAFKA_BROKERS: stack.kafkaBrokers,
    THROUGHLINE_SEARCH_URL: stack.searchUrl,
    THROUGHLINE_MASTER_KEY: masterKey,
    THROUGHLINE_BI_PASSWORD: biPassword,
    THROUGHLINE_LOG_LEVEL: 'error',
    ...more,
  };
  const lines: string[] = [];
  const services = await startServices(environment, { log: (line) => lines.push(line) });
  const config = readConfig(environment);
  return {
    ...(await signedIn(services.url)),
    bi: biConnectionString(config),
    lines,
    services,
    stop: async () => {
      await services.stop();
      await dropDatabases(config);
      if (process.env['THROUGHLINE_DEBUG']) process.stderr.write(lines.join('\n'));
    },
  };
}
