import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Child } from './child.ts';
import type { Fault } from './schedule.ts';
import type { Proxy } from './proxy.ts';
import type { Restart } from './servers.ts';

/** What faults are done to, by the names in the schedule. */
export type Harmed = {
  processes: Readonly<Record<string, Child>>;
  servers: Readonly<Record<string, Restart>>;
  connections: Readonly<Record<string, Proxy>>;
  /** Connection strings past every proxy. */
  databases: Readonly<Record<string, string>>;
};

const slowness = 30;

/** Does it, and resolves once it is over. */
export async function carryOut({ kind, target, milliseconds }: Fault, harmed: Harmed): Promise<void> {
  const { processes, servers, connections, databases } = harmed;
  switch (kind) {
    case 'kill':
      return processes[target]?.kill(milliseconds);
    case 'freeze':
      return processes[target]?.freeze(milliseconds);
    case 'restart':
      return servers[target]?.(milliseconds);
    case 'cut':
      return connections[target]?.cut();
    case 'stall':
      return connections[target]?.stall(milliseconds);
    case 'slow':
      return connections[target]?.slow(slowness, milliseconds);
    case 'terminate':
      return inDatabase(databases[target], terminate);
    case 'lock':
      return inDatabase(databases[target], (client) => lock(client, milliseconds));
    case 'hold':
      return inDatabase(databases[target], (client) => hold(client, milliseconds));
  }
}

async function inDatabase(url: string | undefined, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** In the middle of whatever they do. */
const terminate = (client: pg.Client) =>
  client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and random() < 0.5`,
  );

/** As an operator who looks at something and forgets about it. */
async function lock(client: pg.Client, milliseconds: number): Promise<void> {
  await client.query('begin');
  await client.query(`lock table ${milliseconds % 2 === 0 ? 'streams' : 'events'} in share row exclusive mode`);
  await sleep(milliseconds);
  await client.query('rollback');
}

/** An append that has its positions and hangs, and then comes to nothing. */
async function hold(client: pg.Client, milliseconds: number): Promise<void> {
  await client.query(`begin; lock table events in row exclusive mode; select nextval('events_position')`);
  await sleep(milliseconds);
  await client.query('rollback');
}
