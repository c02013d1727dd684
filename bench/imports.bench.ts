import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { copyIn, copyOut, passed, secretsFrom, withClient } from '@throughline/event-sourcing';
import { Tokens, databaseUrl } from '@throughline/service';
import { administrator, caller, eventually, type Call, type Reply } from '@throughline/service/testing';
import { writeCsv } from '@throughline/tables';
import pg from 'pg';
import { startListening, type Listening } from './child.ts';
import { Random, customerFields } from './data.ts';
import { sized, type Bench } from './harness.ts';
import { masterKey } from './servers.ts';

type State = {
  service: Listening;
  token: string;
  call: Call;
  pool: pg.Pool;
  count: number;
  random: Random;
  /** So many people were told of until now. */
  people: number;
  /** The rows of the events that came of the last round, in COPY's format. */
  written: readonly Buffer[];
};

type Options = {
  count: number;
  unit: string;
  goal?: number;
  /** What is not timed: answers with what is. */
  begin: (state: State) => Promise<() => Promise<void>>;
};

const tokenSeconds = 4 * 3600;
const patienceMilliseconds = 3_600_000;

/** Work that the customers service does in the background, until all of it is in the service's views; beside COPY of its events. */
const working = (name: string, { count, unit, goal, begin }: Options): Bench<State> => ({
  name,
  needs: ['postgres'],
  unit,
  ...(goal !== undefined && { goal }),
  async prepare(servers, size) {
    const databasePrefix = `bench_${name.replaceAll(' ', '_')}_`;
    const service = await startListening(servers, 'bench/customers.service.ts', {
      THROUGHLINE_DATABASE_URL: servers.databaseUrl,
      THROUGHLINE_DATABASE_PREFIX: databasePrefix,
      THROUGHLINE_MASTER_KEY: masterKey,
      THROUGHLINE_LOG_LEVEL: 'error',
    });
    const connectionString = databaseUrl(servers.databaseUrl, `${databasePrefix}customers`);
    const pool = new pg.Pool({ connectionString, max: 2 });
    pool.on('error', () => undefined);
    await pool.query('create table bare_events (like events including all)');
    const { token } = await new Tokens(secretsFrom(masterKey)).issue(administrator, 'internal', tokenSeconds);
    const call = caller(service.url, () => token);
    const random = new Random(name);
    return { service, token, call, pool, count: sized(count, size), random, people: 0, written: [] };
  },
  async ours(state, perSecond) {
    const { pool } = state;
    const work = await begin(state);
    // What follows from the last round is not to be done on the time of this one.
    await followed(pool);
    const before = await headOf(pool);
    const rate = await perSecond(state.count, async () => {
      await work();
      await followed(pool, 'view:');
    });
    state.written = await withClient(pool, (client) => {
      const rows = `select * from events where position > ${before} and stream_type = 'customer' order by position`;
      return copyOut(client, `copy (${rows}) to stdout`).toArray() as Promise<Buffer[]>;
    });
    return rate;
  },
  async limit({ pool, count, written }, perSecond) {
    await pool.query('truncate bare_events');
    return withClient(pool, (client) =>
      perSecond(count, () => copyIn(client, 'copy bare_events from stdin', Readable.from(written))),
    );
  },
  async cleanup({ pool, service }) {
    await pool.end();
    await service.child.stop();
  },
});

/** Uploads a file of so many people, each of them new; answers with what imports it. */
async function newPeople(state: State): Promise<() => Promise<void>> {
  const { call, count, random, service, token } = state;
  const people = Array.from({ length: count }, () => customerFields(random, (state.people += 1)));
  const form = new FormData();
  form.append('object', 'customers');
  form.append('file', new Blob([await text(writeCsv(header, people.map(rowOf)))]), 'people.csv');
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${service.url}/api/imports`, { method: 'POST', headers, body: form });
  const { id, suggestion } = (await answer.json()) as { id: string; suggestion: object };
  said(200, await call('POST', `/api/imports/${id}/mapping`, suggestion));
  return async () => {
    said(202, await call('POST', `/api/imports/${id}/run`));
    await done(call, `/api/imports/${id}`, ({ created }) => created === count);
  };
}

const header = [
  'Name',
  'Given name',
  'Family name',
  'Email',
  'Mobile',
  'Province',
  'City',
  'District',
  'Address',
  'Postcode',
];

function rowOf({
  name,
  givenName,
  familyName,
  emails,
  phones,
  addresses,
}: ReturnType<typeof customerFields>): string[] {
  const { province, city, district, street, postcode } = addresses[0] as (typeof addresses)[number];
  const [email, phone] = [...emails, ...phones].map(({ value }) => value) as [string, string];
  return [name, givenName, familyName, email, phone, province, city, district, street, postcode];
}

/** So many customers, the same ones in every round; answers with a change on all of them. */
async function newIndustry(state: State): Promise<() => Promise<void>> {
  const { call, count, pool, random } = state;
  if (state.people === 0) await (await newPeople(state))();
  const { rows } = await pool.query<{ id: string }>(`select id from streams where type = 'customer' limit $1`, [count]);
  const change = { ids: rows.map(({ id }) => id), set: { industry: `trade ${random.int(0, 1e9)}` } };
  return async () => {
    const started = said(202, await call('POST', '/api/customers/bulk', change));
    await done(call, `/api/batches/${started.body.id}`, ({ changed }) => changed === count);
  };
}

function said(status: number, reply: Reply): Reply {
  if (reply.status !== status) throw new Error(`answered with ${reply.status}: ${JSON.stringify(reply.body)}`);
  return reply;
}

async function done(call: Call, path: string, isRight: (counts: Record<string, number>) => boolean): Promise<void> {
  const ended = ({ body }: Reply) => body.status === 'done' || body.progress?.state === 'failed';
  const { body } = await eventually(() => call('GET', path), ended, patienceMilliseconds);
  if (!isRight(body.counts)) throw new Error(`it came to ${JSON.stringify(body)}`);
}

async function headOf(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ head: string | null }>('select max(position) as head from events');
  return Number(rows[0]?.head ?? 0);
}

/** Waits until all that follows the log, of the kind that is meant, has come to its end. */
async function followed(pool: pg.Pool, kind = ''): Promise<void> {
  const { rows } = await pool.query<{ subscription: string }>(
    `select subscription from checkpoints where feed = 'customers' and starts_with(subscription, $1)`,
    [kind],
  );
  const names = rows.map(({ subscription }) => subscription);
  const head = await headOf(pool);
  if (!(await passed(pool, names, 'customers', head, patienceMilliseconds))) throw new Error('something stays behind');
}

export const benches: readonly Bench[] = [
  working('import', { count: 20_000, unit: 'rows/s', goal: 0.3, begin: newPeople }),
  working('bulk change', { count: 10_000, unit: 'customers/s', begin: newIndustry }),
];
