import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@elastic/elasticsearch';
import { AnalyticsModule } from '@throughline/analytics-service';
import type { Pool } from '@throughline/event-sourcing';
import { Log, definitionOf } from '@throughline/service';
import { customers } from '../services/analytics/src/search/customers.index.ts';
import { ElasticsearchEngine } from '../services/analytics/src/search/elasticsearch.engine.ts';
import { recordTypes } from '../services/analytics/src/search/record-types.index.ts';
import { SearchIndexer } from '../services/analytics/src/search/search.indexer.ts';
import { customerDocuments } from './documents.ts';
import { sized, type Bench } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

type State = OpenKernel & {
  count: number;
  engine: ElasticsearchEngine;
  client: Client;
  /** The indexer's requests, to the byte. */
  requests: readonly BulkRequest[];
};
type BulkRequest = { path: string; body: string };

const { table } = customers.document;

const indexing: Bench<State> = {
  name: 'indexer into Elasticsearch',
  needs: ['postgres', 'elasticsearch'],
  unit: 'documents/s',
  goal: 0.9,
  async prepare(servers, size) {
    const { name, folds, documents } = definitionOf(AnalyticsModule);
    const opened = await openKernel(servers, { name, folds: folds ?? [], documents: documents ?? [] });
    const { pool } = opened.kernel;
    const count = sized(20_000, size);
    await pool.query(
      `insert into "${table}" (id, rev, doc) select doc->>'id', 1, doc from unnest($1::json[]) as given(doc)`,
      [Array.from(customerDocuments(count), (doc) => JSON.stringify(doc))],
    );
    const options = { prefix: opened.config.databasePrefix, generation: await opened.kernel.store.generation() };
    const recorder = await recordBulks(servers.searchUrl);
    const recorded = new ElasticsearchEngine(recorder.url, options);
    await emptyIndex(recorded);
    await queueAll(pool);
    await index(opened, recorded);
    await recorded.close();
    const requests = recorder.stop();
    const engine = new ElasticsearchEngine(servers.searchUrl, options);
    return { ...opened, count, engine, client: new Client({ node: servers.searchUrl }), requests };
  },
  async ours(state, perSecond) {
    await emptyIndex(state.engine);
    await queueAll(state.kernel.pool);
    return perSecond(state.count, () => index(state, state.engine));
  },
  async limit({ engine, client, requests, count }, perSecond) {
    await emptyIndex(engine);
    return perSecond(count, async () => {
      for (const { path, body } of requests) {
        const answer = await client.transport.request<{ errors: boolean }>({ method: 'POST', path, bulkBody: body });
        if (answer.errors) throw new Error('Elasticsearch refused a document');
      }
    });
  },
  async cleanup({ engine, client, close }) {
    for (const type of recordTypes) await engine.drop(type);
    await engine.close();
    await client.close();
    await close();
  },
};

/** Everything is published already, so that the indexer only takes its queue. */
async function emptyIndex(engine: ElasticsearchEngine): Promise<void> {
  await engine.drop(customers);
  for (const type of recordTypes) {
    await engine.ensure(type);
    await engine.publish(type);
  }
}

const queueAll = (pool: Pool) => pool.query(`insert into "${table}_changes" (id, rev) select id, rev from "${table}"`);

/** Runs the indexer until its queue is empty. */
async function index({ kernel }: OpenKernel, engine: ElasticsearchEngine): Promise<void> {
  const stop = new AbortController();
  const ended = new SearchIndexer(kernel, engine, new Log('analytics', 'warn')).run(stop.signal);
  for (let left = true; left; await sleep(10)) {
    const { rows } = await kernel.pool.query<{ left: boolean }>(
      `select exists (select from "${table}_changes") as left`,
    );
    left = rows[0]?.left ?? false;
  }
  stop.abort();
  await ended;
}

/** Stands before Elasticsearch and keeps what is sent to `_bulk`: nobody knows better what the indexer writes. */
async function recordBulks(target: string): Promise<{ url: string; stop: () => BulkRequest[] }> {
  const bulks: BulkRequest[] = [];
  const server = createServer((request, reply) => {
    void (async () => {
      const { method = 'GET', url: path = '/', headers } = request;
      const body = await text(request);
      if (path.includes('_bulk')) bulks.push({ path, body });
      const { accept = '*/*', 'content-type': type } = headers;
      const answer = await fetch(target + path, {
        method,
        headers: { accept, ...(type && { 'content-type': type }) },
        ...(body && { body }),
      });
      const kept = ['content-type', 'x-elastic-product', 'warning'];
      const shown = kept.flatMap((name) => (answer.headers.has(name) ? [[name, answer.headers.get(name)]] : []));
      reply.writeHead(answer.status, Object.fromEntries(shown)).end(await answer.text());
    })().catch((error: Error) => reply.destroy(error));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const stop = () => {
    server.close();
    server.closeAllConnections();
    return bulks;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}

export const benches: readonly Bench[] = [indexing];
