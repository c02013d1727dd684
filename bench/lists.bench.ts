import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { readListQuery, type ListRequest } from '../services/analytics/src/lists/list-query.ts';
import { everything } from '../services/analytics/src/search/condition.ts';
import { customers } from '../services/analytics/src/search/customers.index.ts';
import { ElasticsearchEngine } from '../services/analytics/src/search/elasticsearch.engine.ts';
import { PostgresEngine } from '../services/analytics/src/search/postgres.engine.ts';
import type { SearchEngine } from '../services/analytics/src/search/search-engine.ts';
import { Random, customerFields } from './data.ts';
import { customerDocuments } from './documents.ts';
import { sized, type Watch } from './harness.ts';
import type { Need, Servers } from './servers.ts';

type State = { engine: SearchEngine; count: number; end: () => Promise<void> };

const documentsAtOnce = 1_000;
const asked = 40;

/** What people do with a list of customers; each time with other values. */
const requests: Readonly<Record<string, (random: Random) => ListRequest>> = {
  'as it opens': () => ({}),
  'filter, sort, five facets': (random) => ({
    filter: { lifecycle: random.pick(['lead', 'customer']), revenue: { gte: random.int(10_000, 60_000) } },
    sort: '-revenue',
    facets: 'type,source,tags,ownerId,city',
  }),
  'everybody, five facets': () => ({ sort: '-lastOrderAt', facets: 'type,lifecycle,source,ownerId,city' }),
  'words, three facets': (random) => ({
    q: customerFields(random, 0).familyName,
    facets: 'type,lifecycle,city',
  }),
};

const listing = (
  name: string,
  need: Need,
  open: (servers: Servers) => Promise<Omit<State, 'count'>>,
): Watch<State> => ({
  name: `lists, ${name}`,
  needs: [need],
  async prepare(servers, size) {
    const opened = await open(servers);
    const count = sized(100_000, size);
    await opened.engine.ensure(customers);
    let some = [];
    for (const doc of customerDocuments(count)) {
      if (some.push({ id: doc.id, rev: 1, doc }) < documentsAtOnce) continue;
      await opened.engine.bulk(customers, some);
      some = [];
    }
    if (some.length > 0) await opened.engine.bulk(customers, some);
    await opened.engine.publish(customers);
    await opened.engine.refresh();
    return { ...opened, count };
  },
  async observe({ engine, count }) {
    const observed = [];
    for (const [what, requestOf] of Object.entries(requests)) {
      const random = new Random(what);
      const samples: number[] = [];
      for (let time = -3; time < asked; time += 1) {
        const context = { now: new Date(), timeZone: 'Asia/Shanghai', scope: everything };
        const { query } = readListQuery(customers, requestOf(random), context);
        const start = performance.now();
        const { hits } = await engine.query(customers, query);
        if (hits.length === 0) throw new Error(`${what}: nothing was found`);
        if (time >= 0) samples.push((performance.now() - start) / 1_000);
        // Answers that an engine keeps for a moment are not the point.
        await sleep(10);
      }
      const among = count.toLocaleString('en');
      observed.push({ name: `list of ${among}, ${name}: ${what}`, unit: 's', samples, quantiles: true as const });
    }
    return observed;
  },
  cleanup: ({ end }) => end(),
});

async function embedded({ databaseUrl }: Servers): Promise<Omit<State, 'count'>> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 12, options: '-c jit=off' });
  const engine = new PostgresEngine(pool);
  return {
    engine,
    async end() {
      await engine.drop(customers);
      await pool.end();
    },
  };
}

async function elasticsearch({ searchUrl }: Servers): Promise<Omit<State, 'count'>> {
  const engine = new ElasticsearchEngine(searchUrl, { prefix: 'bench_lists_', generation: 'g' });
  return {
    engine,
    async end() {
      await engine.drop(customers);
      await engine.close();
    },
  };
}

export const watches: readonly Watch[] = [
  listing('embedded', 'postgres', embedded),
  listing('Elasticsearch', 'elasticsearch', elasticsearch),
];
