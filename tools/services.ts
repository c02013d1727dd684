import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { freePort, spawnGuarded } from '../libs/service/src/embedded-postgres.ts';
import { environmentFile } from './stack.ts';
import { stackDir } from './stack/artifacts.ts';

const names = ['customers', 'interactions', 'sales', 'analytics', 'gateway'] as const;
export type ServiceName = (typeof names)[number];

export type ServiceProcess = {
  readonly pid: number | undefined;
  /** Where `GET /metrics` answers. */
  readonly metricsPort: number;
  /** Resolves when the process that runs now has ended. */
  readonly exited: Promise<void>;
  /** Ends the process, which is then left alone until `start`. Resolves when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port; resolves when it is ready. */
  start(): Promise<void>;
};

export type Services = {
  /** The gateway's address. */
  url: string;
  processes: Record<ServiceName, ServiceProcess>;
  stop(): Promise<void>;
};

/**
 * Starts every service as a process of its own. `env` goes to all of them: it must say where Postgres, Kafka and
 * Elasticsearch are; `PORT` is the gateway's. A service that dies by itself is started again after a back-off.
 *
 * @throws Error when a service is not ready within a minute or ends before; none is left running then.
 */
export async function startServices(
  env: NodeJS.ProcessEnv,
  { root = join(import.meta.dirname, '..'), log = console.log }: { root?: string; log?: (line: string) => void } = {},
): Promise<Services> {
  const ports = {} as Record<ServiceName, number>;
  for (const name of names) ports[name] = await freePort();
  if (env['PORT']) ports.gateway = Number(env['PORT']);
  const addresses = Object.fromEntries(
    names.map((name) => [`THROUGHLINE_${name.toUpperCase()}_URL`, `http://127.0.0.1:${ports[name]}`]),
  );
  const common = {
    ...process.env,
    ...env,
    ...addresses,
    THROUGHLINE_MASTER_KEY: env['THROUGHLINE_MASTER_KEY'] || (await masterKey()),
  };

  const processes = {} as Record<ServiceName, ServiceProcess>;
  for (const name of names) {
    const metricsPort = await freePort();
    const own = { PORT: String(ports[name]), THROUGHLINE_METRICS_PORT: String(metricsPort) };
    processes[name] = service({ name, root, env: { ...common, ...own }, port: ports[name], metricsPort, log });
  }
  const stop = async () => void (await Promise.all(names.map((name) => processes[name].kill('SIGTERM'))));
  try {
    await Promise.all(names.map((name) => processes[name].start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${ports.gateway}`, processes, stop };
}

type Options = {
  name: ServiceName;
  root: string;
  env: NodeJS.ProcessEnv;
  port: number;
  metricsPort: number;
  log: (line: string) => void;
};

function service({ name, root, env, port, metricsPort, log }: Options): ServiceProcess {
  let current: { pid: number; exited: Promise<void> } | undefined;
  let wanted = false;
  let ready = false; // once it was, it is started again when it dies; before, its start fails
  let waiting: NodeJS.Timeout | undefined;
  let backOff = 500;

  const launch = () => {
    const startedAt = Date.now();
    const args = ['--disable-warning=TimeoutNegativeWarning', '--import', import.meta.resolve('./typescript.mjs')];
    const child = spawnGuarded(process.execPath, [...args, join(root, 'services', name, 'src', 'main.ts')], {
      cwd: root,
      env,
      onLine: (line) => log(`${name.padEnd(12)} | ${line}`),
    });
    const exited = new Promise<void>((done) => {
      child.once('close', (code, signal) => {
        current = undefined;
        done();
        if (!wanted || !ready) return;
        backOff = Date.now() - startedAt > 60_000 ? 500 : Math.min(backOff * 2, 30_000);
        log(`${name.padEnd(12)} | ended by itself (${code ?? signal}), starting again in ${backOff / 1000} s`);
        waiting = setTimeout(launch, backOff);
      });
    });
    current = { pid: child.pid!, exited };
  };

  return {
    get pid() {
      return current?.pid;
    },
    metricsPort,
    get exited() {
      return current?.exited ?? Promise.resolve();
    },
    async kill(signal = 'SIGTERM') {
      wanted = false;
      clearTimeout(waiting);
      if (!current) return;
      const { pid, exited } = current;
      process.kill(pid, signal);
      const hurry = setTimeout(() => current?.pid === pid && process.kill(pid, 'SIGKILL'), 15_000);
      await exited;
      clearTimeout(hurry);
    },
    async start() {
      [wanted, ready] = [true, false];
      if (!current) launch();
      for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(100)) {
        if (!current) throw new Error(`${name} ended before it was ready`);
        const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
        await answer?.body?.cancel();
        if (answer?.ok) return void (ready = true);
      }
      throw new Error(`${name} is not ready after a minute`);
    },
  };
}

/** 32 bytes in base64, made once: what was encrypted stays readable. */
async function masterKey(): Promise<string> {
  const file = join(stackDir, 'master.key');
  if (existsSync(file)) return (await readFile(file, 'utf8')).trim();
  const key = randomBytes(32).toString('base64');
  await mkdir(stackDir, { recursive: true });
  await writeFile(file, key + '\n', { mode: 0o600, flag: 'wx' });
  return key;
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

const isFree = (port: number) =>
  new Promise<boolean>((done) => {
    const server = createServer().once('error', () => done(false));
    server.listen(port, () => server.close(() => done(true)));
  });

async function main() {
  const asked = new Promise<'end'>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => done('end'));
  });
  const stack = existsSync(environmentFile)
    ? (JSON.parse(await readFile(environmentFile, 'utf8')) as NodeJS.ProcessEnv)
    : {};
  const env = { ...stack, ...process.env };
  const missing = ['DATABASE_URL', 'KAFKA_BROKERS', 'SEARCH_URL']
    .map((name) => `THROUGHLINE_${name}`)
    .filter((name) => !env[name]);
  if (missing.length > 0)
    throw new Error(`${missing.join(', ')} not set: run "npm run stack" in another terminal first`);
  env['PORT'] ??= (await isFree(3000)) ? '3000' : '';

  const services = await Promise.race([startServices(env), asked]);
  if (services === 'end') return; // what has started already ends with us
  console.log(`Throughline is at ${services.url}`);
  await asked;
  await services.stop();
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
