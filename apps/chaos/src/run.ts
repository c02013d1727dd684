import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Kernel, Log, freePort, readConfig } from '@throughline/service';
import pg from 'pg';
import {
  audit,
  givenDamage,
  givenTo,
  policyDamage,
  storeDamage,
  tallyDamage,
  together,
  type Audit,
  type Damage,
} from './checks.ts';
import { startChild, type Child, type ChildOptions } from './child.ts';
import { erasedPeople, remainsIn } from './erasures.ts';
import { carryOut, type Harmed } from './faults.ts';
import { readJournal, type Told } from './journal.ts';
import { countDeadLetters, discardedEvents, settleDeadLetters, type DeadLetterCounts } from './operator.ts';
import { startProxy, type Proxy } from './proxy.ts';
import { headsOf, untilQuiet, type Watched } from './quiet.ts';
import { described, scheduleOf, type Fault } from './schedule.ts';
import { startServers, type Servers } from './servers.ts';
import { writerEnvironment } from './settings.ts';
import { customerTally, dealTally } from './tally.view.ts';
import { compareSearch, verifyViews, type Differences } from './verification.ts';

export type RunOptions = {
  seed: string;
  /** Events that the writers get acknowledged together. */
  events: number;
  /** After so long the writers end although they are not through. */
  minutes: number;
  /** How many faults; by the number of events unless given. */
  faults?: number;
  client: string;
  /** Whether Kafka and Elasticsearch take part where they can. */
  stack: boolean;
  tell: (line: string) => void;
  signal: AbortSignal;
};

export type Verdict = {
  passed: boolean;
  /** Acknowledged by writers; appended by policies beside. */
  acknowledged: number;
  appended: number;
  seconds: { writing: number; settling: number; verifying: number };
  damage: Damage;
  brokenChain: number;
  deadlocks: number;
  deadLetters: DeadLetterCounts;
  views: number;
  documents: number;
  /** People who were erased, and of whom something is left in a database. */
  erased: { people: number; remaining: number };
  /** Whatever else is wrong, and where differences are. */
  told: string[];
};

const databasePrefix = 'chaos_';
const writers = 2;
const processes = {
  'sales-1': 'sales',
  'sales-2': 'sales',
  'customers-1': 'customers',
  'analytics-1': 'analytics',
  'analytics-2': 'analytics',
} as const;
type Service = (typeof processes)[keyof typeof processes];
const services: readonly Service[] = ['sales', 'customers', 'analytics'];
const logs: readonly Service[] = ['sales', 'customers'];
const lookMilliseconds = 100;
const progressMilliseconds = 10_000;
const mostDeaths = 100;

const faultsOf = (events: number): number => Math.max(9, Math.min(120, Math.round(events / 8_000)));

/** One run from the first process to the verdict. */
export async function runChaos(options: RunOptions): Promise<Verdict> {
  const { seed, events, tell, signal } = options;
  const servers = await startServers(options.stack);
  let passed = false;
  const endings: (() => Promise<unknown>)[] = [];
  try {
    if (servers.stackMissing) tell(`without Kafka and Elasticsearch: ${servers.stackMissing}`);
    const ground = await startProcesses(options, servers, (ending) => void endings.push(ending));
    const targets = {
      processes: Object.keys(ground.harmed.processes),
      servers: Object.keys(ground.harmed.servers),
      connections: Object.keys(ground.harmed.connections),
      databases: Object.keys(ground.harmed.databases),
      stores: logs,
    };
    const schedule = scheduleOf(seed, options.faults ?? faultsOf(events), targets);
    for (const fault of schedule) tell(described(fault));
    const interrupted = once(signal, 'abort').then((): never => signal.throwIfAborted() as never);
    const verdict = await Promise.race([interrupted, watch(options, servers, ground, schedule)]);
    passed = verdict.passed;
    return verdict;
  } finally {
    await Promise.all(endings.map((end) => end()));
    const keep = !passed && !signal.aborted;
    if (keep) tell(`logs and journals stay in ${servers.folder}`);
    await servers.stop(keep);
  }
}

type AtEnd = (ending: () => Promise<unknown>) => void;

type Ground = {
  children: Record<string, Child>;
  harmed: Harmed;
  journals: string[];
  acknowledged: () => number;
};

async function startProcesses(options: RunOptions, servers: Servers, atEnd: AtEnd): Promise<Ground> {
  const { seed, events, minutes, client, signal } = options;
  const { folder } = servers;
  const ports: Record<string, number> = {};
  for (const name of Object.keys(processes)) ports[name] = await freePort();
  const histories: Record<string, Proxy> = {};
  for (const log of logs) {
    const own = Object.entries(processes).filter(([, service]) => service === log);
    const proxy = await startProxy(() => own.map(([name]) => ports[name] as number));
    atEnd(proxy.close);
    histories[`history of ${log}`] = proxy;
  }
  const environment = {
    ...servers.environment,
    THROUGHLINE_DATABASE_PREFIX: databasePrefix,
    THROUGHLINE_MASTER_KEY: masterKeyOf(seed),
    THROUGHLINE_KAFKA_CLIENT: client,
    THROUGHLINE_LOG_LEVEL: 'warn',
    // Nobody is forgotten before keys are.
    THROUGHLINE_KEY_CACHE_SECONDS: '5',
    THROUGHLINE_SALES_URL: `http://127.0.0.1:${histories['history of sales']?.port}`,
    THROUGHLINE_CUSTOMERS_URL: `http://127.0.0.1:${histories['history of customers']?.port}`,
  };
  const children: Record<string, Child> = {};
  const start = (child: ChildOptions) => {
    const started = startChild(child);
    children[child.name] = started;
    atEnd(started.stop);
  };
  for (const [name, service] of Object.entries(processes)) {
    const own = { PORT: String(ports[name]), THROUGHLINE_METRICS_PORT: String(await freePort()) };
    const script = 'apps/chaos/src/service.process.ts';
    start({ name, script, args: [service], environment: { ...environment, ...own }, folder });
  }
  await ready(
    Object.keys(processes).map((name) => ports[name] as number),
    signal,
  );

  const counts = new Map<number, number>();
  const journals: string[] = [];
  for (let writer = 0; writer < writers; writer += 1) {
    const name = `writer-${writer}`;
    const journalFile = join(folder, `${name}.journal`);
    journals.push(journalFile);
    const until = Date.now() + minutes * 60_000;
    const settings = { seed, writer, events: Math.ceil(events / writers), until, journalFile };
    start({
      name,
      script: 'apps/chaos/src/writer.process.ts',
      environment: { ...environment, ...writerEnvironment(settings) },
      folder,
      onLine: (line) => {
        const count = /^acknowledged (\d+)$/.exec(line)?.[1];
        if (count !== undefined) counts.set(writer, Number(count));
      },
    });
  }
  return {
    children,
    journals,
    acknowledged: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    harmed: {
      processes: children,
      servers: servers.restarts,
      connections: { ...servers.proxies, ...(servers.stackMissing ? {} : histories) },
      databases: Object.fromEntries(services.map((service) => [service, databaseOf(servers.databaseUrl, service)])),
    },
  };
}

async function watch(
  options: RunOptions,
  servers: Servers,
  ground: Ground,
  schedule: readonly Fault[],
): Promise<Verdict> {
  const { events, tell, signal } = options;
  const { children, harmed, acknowledged } = ground;
  const pools = Object.fromEntries(
    Object.entries(harmed.databases).map(([name, connectionString]) => {
      const pool = new pg.Pool({ connectionString, max: 4 });
      pool.on('error', () => undefined);
      return [name, pool] as const;
    }),
  ) as Record<Service, pg.Pool>;
  const begun = performance.now();
  const secondsSince = (start: number) => (performance.now() - start) / 1_000;
  const told: string[] = [];
  try {
    const ofWriters = Object.values(children).filter(({ name }) => name.startsWith('writer'));
    const written = () => ofWriters.every(({ done }) => done);
    const progress = setInterval(() => {
      tell(`${acknowledged()} of ${events} events after ${secondsSince(begun).toFixed(0)} s`);
      settleDeadLetters(pools.sales).catch(() => undefined);
    }, progressMilliseconds);
    try {
      // Each in its time, but one after the other at the same target.
      const under = new Map<string, Promise<void>>();
      for (const fault of schedule) {
        await until(() => written() || acknowledged() >= fault.at * events, ofWriters, signal);
        const begin = async () => {
          tell(`now ${described(fault)}`);
          await carryOut(fault, harmed).catch((error: unknown) => tell(`could not: ${(error as Error).message}`));
        };
        under.set(fault.target, (under.get(fault.target) ?? Promise.resolve()).then(begin));
      }
      await Promise.all(under.values());
      await until(written, ofWriters, signal);
    } finally {
      clearInterval(progress);
    }
    const writing = secondsSince(begun);
    tell(`${acknowledged()} events are acknowledged after ${writing.toFixed(0)} s; waiting until all is quiet`);

    const left = await untilQuiet({ pools, logs }, patienceFor(events), () => settleDeadLetters(pools.sales));
    told.push(...left.slice(0, 20).map((what) => `still behind: ${what}`));
    const settling = secondsSince(begun) - writing;
    tell(`quiet after ${settling.toFixed(0)} s; comparing`);
    const verdict = await compare(options, servers, ground, pools);
    const verifying = secondsSince(begun) - writing - settling;
    return {
      ...verdict,
      acknowledged: acknowledged(),
      seconds: { writing, settling, verifying },
      told: [...told, ...verdict.told],
      passed: verdict.passed && told.length === 0,
    };
  } finally {
    for (const pool of Object.values(pools)) await pool.end();
  }
}

/** Milliseconds in which nothing may move: who forgets people rests between two rounds through a log. */
const patienceFor = (events: number): number => 120_000 + events;

async function compare(
  { seed, events, tell }: RunOptions,
  servers: Servers,
  { journals }: Ground,
  pools: Record<Service, pg.Pool>,
): Promise<Omit<Verdict, 'acknowledged' | 'seconds'>> {
  const watched = { pools, logs };
  const quiet = () => untilQuiet(watched, patienceFor(events), () => settleDeadLetters(pools.sales));
  const told = new Map(journals.flatMap((journal) => [...readJournal(journal)]));
  // What services do by themselves, as at night, may come in between: then it is looked at once more.
  const { audits, parts, copies } = await standingStill(watched, quiet, () => lookAt(seed, servers, pools, told));
  const damage = together(parts.map(([, part]) => part));
  const damaged = parts.filter(([, part]) => part.lost + part.doubled + part.reordered > 0);

  const verified = await Promise.all(services.map((name) => verifyViews(pools[name], 300_000 + events * 4)));
  verified.push(...copies);
  const erased = erasedPeople(seed, told);
  const remains = await Promise.all(services.map((name) => remainsIn(pools[name], erased)));
  const deadLetters = await countDeadLetters(pools.sales);
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  const views = sum(verified.map((differences) => differences.views));
  const documents = sum(verified.map((differences) => differences.documents));
  const brokenChain = sum(audits.map(([, found]) => found.brokenChain));
  const deadlocks = Math.max(servers.deadlocks(), await countedDeadlocks(pools.sales));
  tell(`${sum(audits.map(([, found]) => found.events))} events in the stores, ${told.size} commands`);
  const remaining = sum(remains.map(({ people }) => people));
  const wrong = [damage.lost, damage.doubled, damage.reordered, brokenChain, deadlocks, views, documents, remaining];
  return {
    damage,
    brokenChain,
    deadlocks,
    deadLetters,
    views,
    documents,
    erased: { people: erased.size, remaining },
    appended: sum(audits.map(([, found]) => found.events)),
    told: [
      ...damaged.map(([name, part]) => `${name}: ${JSON.stringify(part)}`),
      ...verified.flatMap((differences) => differences.told),
      ...remains.flatMap(({ tables }, index) =>
        tables.map((table) => `${services[index]}, of erased people: ${table}`),
      ),
    ],
    passed: sum(wrong) === 0 && deadLetters.parked + deadLetters.retrying === 0 && told.size > 0,
  };
}

type Audited = readonly [name: Service, found: Audit];
type Looked = { audits: readonly Audited[]; parts: readonly (readonly [string, Damage])[]; copies: Differences[] };

/** The stores beside what clients were told, and whatever follows the stores beside them. */
async function lookAt(
  seed: string,
  { databaseUrl, searchUrl }: Servers,
  pools: Record<Service, pg.Pool>,
  told: ReadonlyMap<string, Told>,
): Promise<Looked> {
  const config = readConfig({}, { databaseUrl, databasePrefix, masterKey: masterKeyOf(seed), logLevel: 'error' });
  const audits: Audited[] = [];
  for (const name of logs) {
    const kernel = await Kernel.open({ name }, config, new Log(name, 'error'));
    audits.push([name, await audit(kernel.store, kernel.secrets.key('hash-chain'))]);
    await kernel.close();
  }
  const tables = { sales: dealTally.table, customers: customerTally.table, analytics: '' };
  const found = audits.map(([, one]) => one);
  const parts: [string, Damage][] = [['stores', storeDamage(found, told)]];
  for (const [name, log] of audits) {
    for (const where of [name, 'analytics'] as const) {
      parts.push([`${where}, given of ${name}`, givenDamage(log.positions, await givenTo(pools[where], name))]);
      parts.push([`${where}, view of ${name}`, await tallyDamage(pools[where], tables[name], log)]);
    }
    if (name === 'sales') parts.push(['policy', policyDamage(log, await discardedEvents(pools.sales))]);
  }
  const copies = searchUrl ? [await compareSearch(pools.analytics, searchUrl, databasePrefix)] : [];
  return { audits, parts, copies };
}

/** What is found while nothing was appended from before all was quiet until it had been looked at. */
async function standingStill<T>(watched: Watched, quiet: () => Promise<unknown>, look: () => Promise<T>): Promise<T> {
  for (;;) {
    const before = await headsOf(watched);
    await quiet();
    const found = await look();
    if (isDeepStrictEqual(await headsOf(watched), before)) return found;
  }
}

/** As Postgres counts them since its last crash, which its log knows better. */
async function countedDeadlocks(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ deadlocks: string }>('select sum(deadlocks) as deadlocks from pg_stat_database');
  return Number(rows[0]?.deadlocks);
}

async function until(isSo: () => boolean, children: readonly Child[], signal: AbortSignal): Promise<void> {
  while (!isSo()) {
    const dying = children.find(({ deaths }) => deaths > mostDeaths);
    if (dying) throw new Error(`${dying.name} ended by itself ${dying.deaths} times, see its log`);
    await sleep(lookMilliseconds, undefined, { signal });
  }
}

async function ready(ports: readonly number[], signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (const port of ports) {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
      await answer?.body?.cancel();
      if (answer?.ok) break;
      if (Date.now() > deadline) throw new Error('the services do not become ready, see their logs');
      await sleep(lookMilliseconds, undefined, { signal });
    }
  }
}

function databaseOf(server: string, service: string): string {
  const url = new URL(server);
  url.pathname = `/${databasePrefix}${service}`;
  return url.href;
}

const masterKeyOf = (seed: string): string => createHash('sha256').update(`chaos ${seed}`).digest('hex');
