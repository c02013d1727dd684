import { dictionary } from '@throughline/contracts';
import { Codec, PostgresKeyring, StoreFeed } from '@throughline/event-sourcing';
import { databaseUrl } from '@throughline/service';
import pg from 'pg';
import { fillWithCustomers } from './data.ts';
import { sized, type Bench } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

type State = OpenKernel & { count: number; keyringPool: pg.Pool };

/** As views read: their largest batch. */
const page = 5_000;

/** What the store selects, in a plain query; nothing is parsed. */
const plainSelect = {
  name: 'plain-select',
  text: `select position, id, stream_type, stream_id, version, type, schema_version, data, personal, meta, occurred_at,
    recorded_at, effective_at, hash from events where position > $1 order by position limit ${page}`,
  types: { getTypeParser: () => (text: string) => text },
};

const reading: Bench<State> = {
  name: 'feed, catching up',
  needs: ['postgres'],
  unit: 'events/s',
  async prepare(servers, size) {
    const opened = await openKernel(servers, { name: 'customers' });
    const count = await fillWithCustomers(opened.kernel.store, sized(100_000, size));
    const { config } = opened;
    const keyrings = databaseUrl(config.databaseUrl, `${config.databasePrefix}keyring`);
    const keyringPool = new pg.Pool({ connectionString: keyrings, max: 4 });
    keyringPool.on('error', () => undefined);
    return { ...opened, count, keyringPool };
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
    perSecond(count, async () => {
      let read = 0;
      for (let position = '0'; read < count;) {
        const { rows } = await kernel.pool.query<{ position: string }>({ ...plainSelect, values: [position] });
        position = rows.at(-1)?.position ?? position;
        read += rows.length;
      }
    }),
  async cleanup({ keyringPool, close }) {
    await keyringPool.end();
    await close();
  },
};

export const benches: readonly Bench[] = [reading];
