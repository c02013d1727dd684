import { Agent, request } from 'node:http';
import { secretsFrom } from '@throughline/event-sourcing';
import { Tokens, databaseUrl } from '@throughline/service';
import { administrator } from '@throughline/service/testing';
import pg from 'pg';
import { startListening, type Listening } from './child.ts';
import { Random, customerFields } from './data.ts';
import { byWriters, sized, type Bench, type PerSecond } from './harness.ts';
import { masterKey } from './servers.ts';

type State = { count: number; random: Random; entered: number; token: string; service: Listening; bare: Listening };

const clients = 16;
const tokenSeconds = 4 * 3600;
const database = 'bench_http';

const posting: Bench<State> = {
  name: 'POST /api/customers, 16 clients',
  needs: ['postgres'],
  unit: 'requests/s',
  goal: 0.8,
  async prepare(servers, size) {
    const client = new pg.Client({ connectionString: servers.databaseUrl });
    await client.connect();
    await client.query(`create database ${database}`);
    await client.end();
    const [service, bare] = await Promise.all([
      startListening(servers, 'bench/customers.service.ts', {
        THROUGHLINE_DATABASE_URL: servers.databaseUrl,
        THROUGHLINE_DATABASE_PREFIX: `${database}_`,
        THROUGHLINE_MASTER_KEY: masterKey,
        THROUGHLINE_ROLE: 'api',
        THROUGHLINE_LOG_LEVEL: 'warn',
      }),
      startListening(servers, 'bench/http.bare.ts', { BENCH_DATABASE_URL: databaseUrl(servers.databaseUrl, database) }),
    ]);
    const tokens = new Tokens(secretsFrom(masterKey));
    const { token } = await tokens.issue(administrator, 'internal', tokenSeconds);
    return { count: sized(10_000, size), random: new Random('http'), entered: 0, token, service, bare };
  },
  ours: (state, perSecond) => post(state, state.service, perSecond),
  limit: (state, perSecond) => post(state, state.bare, perSecond),
  cleanup: async ({ service, bare }) => void (await Promise.all([service.child.stop(), bare.child.stop()])),
};

/** As many keep-alive clients, each of which waits for its answer before it asks again. */
async function post(state: State, side: Listening, perSecond: PerSecond): Promise<number> {
  const url = new URL('/api/customers', side.url);
  const bodies = Array.from({ length: state.count }, () => {
    state.entered += 1;
    return JSON.stringify(customerFields(state.random, state.entered));
  });
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${state.token}` };
  const send = (body: string) =>
    new Promise<void>((resolve, reject) => {
      const asked = request(url, { method: 'POST', agent, headers }, (answer) => {
        answer.once('error', reject);
        answer.once('end', () => (answer.statusCode === 201 ? resolve() : reject(new Error(`${answer.statusCode}`))));
        answer.resume();
      });
      asked.once('error', reject);
      asked.end(body);
    });
  try {
    return await perSecond(state.count, () =>
      byWriters(clients, state.count, (index) => send(bodies[index] as string)),
    );
  } finally {
    agent.destroy();
  }
}

export const benches: readonly Bench[] = [posting];
