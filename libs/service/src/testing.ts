import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Type } from '@nestjs/common';
import type { AnyEvent, ServiceName } from '@throughline/contracts';
import { newId, runInContext, secretsFrom, type Commands } from '@throughline/event-sourcing';
import pg from 'pg';
import { EmbeddedBus } from './bus.ts';
import { readConfig, type ServiceConfig } from './config.ts';
import { Kernel } from './kernel.ts';
import { Log } from './log.ts';
import { startService, type RunningService, type StartOptions } from './serve.ts';
import { definitionOf } from './service.ts';
import { Tokens, type Identity } from './tokens.ts';

/** Logs that a test brings along are there before it starts; others never come. */
const joinMilliseconds = 100;

export const testMasterKey = '11'.repeat(32);

export type Reply = { status: number; headers: Headers; body: any };
export type Call = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>;

/** Calls an address as JSON, with a bearer token where given. */
export const caller =
  (base: string, token: () => Promise<string> | string): Call =>
  async (method, path, body, headers = {}) => {
    const bearer = await token();
    const response = await fetch(base + path, {
      method,
      headers: {
        ...(bearer && { authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: json && text ? JSON.parse(text) : text };
  };

export const administrator: Identity = {
  id: '00000000-0000-7000-8000-000000000001',
  type: 'user',
  roles: ['administrator'],
};

/** A configuration on the test server, with databases of its own. */
export function testConfig(overrides: Partial<ServiceConfig> = {}): ServiceConfig {
  const databaseUrl = process.env['THROUGHLINE_TEST_DATABASE_URL'];
  if (!databaseUrl) throw new Error('THROUGHLINE_TEST_DATABASE_URL is not set: run the suites by `npm test`');
  const databasePrefix = `t${randomBytes(5).toString('hex')}_`;
  return readConfig({}, { databaseUrl, databasePrefix, masterKey: testMasterKey, logLevel: 'error', ...overrides });
}

/** Drops what `testConfig` had made. */
export async function dropDatabases(config: ServiceConfig): Promise<void> {
  const client = new pg.Client({ connectionString: config.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ datname: string }>(
    'select datname from pg_database where starts_with(datname, $1)',
    [config.databasePrefix],
  );
  const isInUse = async () =>
    (await client.query('select from pg_stat_activity where starts_with(datname, $1)', [config.databasePrefix]))
      .rowCount !== 0;
  // What was closed just now may still be ending: cut off, it would end with an error.
  for (let tries = 0; tries < 40 && (await isInUse()); tries += 1) await sleep(50);
  for (const { datname } of rows) await client.query(`drop database ${pg.escapeIdentifier(datname)} with (force)`);
  await client.end();
}

/** Another service's log, written by the test: what the service under test listens to. */
export class ForeignLog {
  private constructor(readonly kernel: Kernel) {}

  static async open(service: ServiceName, config: ServiceConfig, bus: EmbeddedBus): Promise<ForeignLog> {
    const kernel = await Kernel.open({ name: service }, config, new Log(service, 'error'));
    bus.join(service, kernel.feed());
    return new ForeignLog(kernel);
  }

  /** Appends events to a stream, whatever they are; answers with the position. */
  async append(stream: { type: string; id: string }, ...events: AnyEvent[]): Promise<number> {
    const recorded = { category: stream.type, initial: 0, evolve: () => 0, decide: () => events };
    const context = {
      actor: { type: 'system' as const, id: 'test' },
      entry: 'api' as const,
      source: 'test',
      correlationId: newId(),
    };
    const commands: Commands = this.kernel.commands;
    const { position } = await runInContext(context, () => commands.execute(recorded, stream.id, { type: 'Append' }));
    return position;
  }
}

export type TestService = RunningService & {
  call: Call;
  log: (service: ServiceName) => ForeignLog;
  end: () => Promise<void>;
};

/** One service over real HTTP, with the logs of the services that it listens to in the test's hands. */
export async function startTestService(
  module: Type<unknown>,
  options: { listensTo?: readonly ServiceName[]; config?: Partial<ServiceConfig>; start?: Partial<StartOptions> } = {},
): Promise<TestService> {
  const config = testConfig(options.config);
  const bus = new EmbeddedBus(joinMilliseconds);
  const logs = new Map<ServiceName, ForeignLog>();
  for (const name of options.listensTo ?? []) logs.set(name, await ForeignLog.open(name, config, bus));
  const running = await startService(module, { config, bus, ...options.start });
  const tokens = new Tokens(secretsFrom(testMasterKey));
  const call = caller(running.url, async () => (await tokens.issue(administrator, 'internal', 60)).token);
  return {
    ...running,
    call,
    log: (service) => {
      const found = logs.get(service);
      if (!found) throw new Error(`${definitionOf(module).name} was not started to listen to ${service}`);
      return found;
    },
    end: async () => {
      await running.stop();
      for (const { kernel } of logs.values()) await kernel.close();
      await dropDatabases(config);
    },
  };
}

/** Asks until the answer is right; fails with the last answer when it never is. */
export async function eventually<T>(
  ask: () => Promise<T>,
  right: (answer: T) => boolean,
  milliseconds = 20_000,
): Promise<T> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const answer = await ask();
    if (right(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`never came true; last: ${JSON.stringify(answer)?.slice(0, 2_000)}`);
    await sleep(50);
  }
}

/** The first answer that is not stale: a busy machine may need longer than a query waits, and says so. */
export const fresh = (ask: () => Promise<Reply>): Promise<Reply> =>
  eventually(ask, ({ headers }) => headers.get('x-stale') === null);
