import { resolve, join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { AnalyticsModule } from '@throughline/analytics-service';
import type { ServiceName } from '@throughline/contracts';
import { CustomersModule } from '@throughline/customers-service';
import { startGateway, type FirstAccess } from '@throughline/gateway-service';
import { InteractionsModule } from '@throughline/interactions-service';
import { SalesModule } from '@throughline/sales-service';
import {
  EmbeddedBus,
  Log,
  biConnectionString,
  readConfig,
  startEmbeddedPostgres,
  startService,
  startTelemetry,
  type RunningService,
  type ServiceConfig,
} from '@throughline/service';
import { checkDataVersion, kept } from './data-folder.ts';

export type AllInOne = {
  url: string;
  /** What to tell whoever started it, a line each. */
  greeting: readonly string[];
  stop: () => Promise<void>;
};

type Ends = (() => Promise<unknown>)[];

/**
 * The whole CRM in one process, on the Postgres that comes with it (data in `THROUGHLINE_DATA_DIR`) unless the environment
 * names another one.
 *
 * @throws Error of one line when the data folder is of a newer version, a port is taken, or the database cannot be used
 */
export async function startAllInOne(environment: NodeJS.ProcessEnv): Promise<AllInOne> {
  const ends: Ends = [];
  const stop = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const dataDir = resolve(environment['THROUGHLINE_DATA_DIR'] ?? './data');
    await mkdir(dataDir, { recursive: true });
    await checkDataVersion(dataDir);
    const config = await configure(environment, dataDir, ends);
    return { ...(await startServices(config, ends)), stop };
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
}

/** Secrets that nobody gave are made once and kept beside the data; so is the database. */
async function configure(environment: NodeJS.ProcessEnv, dataDir: string, ends: Ends): Promise<ServiceConfig> {
  const given = (name: string) => environment[name] ?? environment[`${name}_FILE`];
  const overrides: Partial<ServiceConfig> = {};
  if (!given('THROUGHLINE_MASTER_KEY')) overrides.masterKey = await kept(join(dataDir, 'master.key'), 32);
  if (!given('THROUGHLINE_BI_PASSWORD')) overrides.biPassword = await kept(join(dataDir, 'bi.password'), 18);
  if (!given('THROUGHLINE_ANCHOR_DIR')) overrides.anchorDir = join(dataDir, 'anchors');
  const read = () => readConfig({ PORT: '3000', THROUGHLINE_LOG_LEVEL: 'warn', ...environment }, overrides);
  if (given('THROUGHLINE_DATABASE_URL')) return read();
  // What is wrong with the rest is said before a database is started for it.
  overrides.databaseUrl = 'postgres://localhost/postgres';
  read();
  const port = Number(environment['THROUGHLINE_BI_PORT'] ?? 5433);
  const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), ...(port > 0 && { port }) });
  ends.push(() => postgres.stop());
  overrides.databaseUrl = postgres.url('postgres');
  return read();
}

async function startServices(config: ServiceConfig, ends: Ends): Promise<Pick<AllInOne, 'url' | 'greeting'>> {
  const telemetry = await startTelemetry(config, 'throughline', new Log('throughline', config.logLevel));
  ends.push(() => telemetry.stop());
  const bus = new EmbeddedBus();
  const urls = new Map<ServiceName, string>();
  const inner = { ...config, host: '127.0.0.1', port: 0 };
  const started = <S extends RunningService>(service: S): S => {
    urls.set(service.name, service.url);
    ends.push(() => service.stop());
    return service;
  };
  const gateway = started(await startGateway({ config, bus, baseUrl: (service) => urls.get(service) ?? '' }));
  for (const module of [CustomersModule, SalesModule, InteractionsModule, AnalyticsModule]) {
    started(await startService(module, { config: inner, bus }));
  }
  const url = config.publicUrl ?? `http://localhost:${new URL(gateway.url).port}`;
  return { url, greeting: greetingOf(url, config, gateway.firstAccess) };
}

function greetingOf(url: string, config: ServiceConfig, firstAccess: FirstAccess): string[] {
  const signIn = firstAccess
    ? `Sign in:     ${firstAccess.email} with password ${firstAccess.password} (shown this once)`
    : `Sign in:     ${config.adminEmail ?? 'admin@localhost'}, with the password that was given or shown at the first start`;
  return [`Throughline: ${url}`, signIn, `API:         ${url}/api/docs`, `BI:          ${biConnectionString(config)}`];
}
