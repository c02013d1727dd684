import { dictionary } from '@throughline/contracts';
import { Codec, PostgresKeyring, StoreFeed, copyOut, eventOf, withClient } from '@throughline/event-sourcing';
import { databaseUrl } from '@throughline/service';
import pg from 'pg';
import { fillWithCustomers } from './data.ts';
import { openEmmett, type Emmett } from './emmett.ts';
import { byWriters, sized, type Bench, type Peer } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

type State = OpenKernel & { count: number; keyringPool: pg.Pool; emmett: Emmett | undefined };
/** Reads so many rows of the events, in order. */
type ReadAll = (client: pg.ClientBase, count: number) => Promise<void>;

/** As views read: their largest batch. */
const page = 5_000;

/** What the store selects. */
const plainSelect = `select position, id, stream_type, stream_id, version, type, schema_version, data, personal, meta,
  occurred_at, recorded_at, effective_at, hash from events order by position`;
const asText = { getTypeParser: () => (text: string) => text };

/** A server-side cursor, nothing parsed. */
const byCursor: ReadAll = async (client, count) => {
  await client.query(`begin; declare plain no scroll cursor for ${plainSelect}`);
  for (let read = 0; read < count;) {
    const { rowCount } = await client.query({ text: `fetch ${page} from plain`, rowMode: 'array', types: asText });
    if (!rowCount) throw new Error(`there are only ${read} of ${count} events`);
    read += rowCount;
  }
  await client.query('commit');
};

/** The bytes only; not even rows are told apart. */
const byCopy: ReadAll = async (client) => {
  for await (const _ of copyOut(client, `copy (${plainSelect}) to stdout`));
};

/** Nothing to decrypt. */
const emmettReading: Peer<State> = {
  name: 'Emmett',
  run: ({ emmett, count }, perSecond) => perSecond(count, async () => emmett?.read(count, page)),
};

const reading = (name: string, limit: ReadAll, besides: { goal?: number; peer?: Peer<State> } = {}): Bench<State> => ({
  name,
  needs: ['postgres'],
  unit: 'events/s',
  ...besides,
  async prepare(servers, size) {
    const opened = await openKernel(servers, { name: 'customers' });
    const { config, kernel } = opened;
    const count = await fillWithCustomers(kernel.store, sized(100_000, size));
    const keyrings = databaseUrl(config.databaseUrl, `${config.databasePrefix}keyring`);
    const keyringPool = new pg.Pool({ connectionString: keyrings, max: 4 });
    keyringPool.on('error', () => undefined);
    const emmett = besides.peer && (await openEmmett(kernel.databaseUrl, 16));
    if (emmett) await fillEmmett(emmett, kernel, count);
    return { ...opened, count, keyringPool, emmett };
  },
  async ours({ kernel, keyringPool, count }, perSecond) {
    // A reader that starts knows no key yet.
    const codec = new Codec(dictionary.customers, new PostgresKeyring(keyringPool, kernel.secrets));
    const feed = new StoreFeed('customers', kernel.store);
    return perSecond(count, async () => {
      let read = 0;
      const enough = new AbortController();
      for await (const { events } of feed.read(0, page, enough.signal)) {
        read += (await codec.decode(events)).length;
        if (read >= count) enough.abort();
      }
    });
  },
  limit: ({ kernel, count }, perSecond) =>
    perSecond(count, () => withClient(kernel.pool, (client) => limit(client, count))),
  async cleanup({ emmett, keyringPool, close }) {
    await emmett?.close();
    await keyringPool.end();
    await close();
  },
});

/** The project's events in Emmett's tables, in streams of their own, nothing encrypted. */
async function fillEmmett(emmett: Emmett, { store, codec }: State['kernel'], count: number): Promise<void> {
  const events = await codec.decode(await store.readAbove(0, count));
  const streams = [...Map.groupBy(events, ({ stream }) => stream.id).values()];
  await byWriters(16, streams.length, (index) => {
    const own = streams[index] as typeof events;
    return emmett.append('customer', own.map(eventOf), (own[0] as (typeof own)[number]).meta);
  });
}

export const benches: readonly Bench[] = [
  reading('feed, catching up, beside a cursor', byCursor, { goal: 0.9, peer: emmettReading }),
  reading('feed, catching up, beside COPY', byCopy),
];
