import { once } from 'node:events';
import { createServer, connect, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Client } from '@elastic/elasticsearch';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService, fresh } from '@throughline/service/testing';
import { AnalyticsModule } from '../src/analytics.module.ts';

const { searchUrl } = JSON.parse(process.env['THROUGHLINE_TEST_STACK'] as string) as { searchUrl: string };

/** A line to Elasticsearch that can be cut. */
class Line {
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  async open(): Promise<string> {
    const { hostname, port } = new URL(searchUrl);
    this.#server = createServer((here) => {
      const there = connect(Number(port), hostname);
      for (const socket of [here, there]) {
        this.#sockets.add(socket);
        socket.on('error', () => undefined).on('close', () => [here, there].forEach((one) => one.destroy()));
      }
      here.pipe(there).pipe(here);
    }).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return `http://127.0.0.1:${this.#port}`;
  }

  async cut(): Promise<void> {
    const closed = once(this.#server as Server, 'close');
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    await closed;
  }
}

const line = new Line();
const elasticsearch = new Client({ node: searchUrl });
let service: TestService;
let numbers = 0;
beforeAll(async () => {
  service = await startTestService(AnalyticsModule, {
    listensTo: ['customers', 'sales', 'interactions', 'gateway'],
    config: { searchUrl: await line.open(), logLevel: 'error' },
  });
  // Elasticsearch takes a moment to make the indexes.
  await customer('First');
  await eventually(() => find('first'), isFound);
});
afterAll(async () => {
  await service.end();
  await line.cut();
  for (const index of await indexes()) await elasticsearch.indices.delete({ index });
  await elasticsearch.close();
});

const prefix = () => new URL(service.kernel.databaseUrl).pathname.slice(1).replace('analytics', '');
const indexes = async () => Object.keys(await elasticsearch.indices.get({ index: `${prefix()}crm-*` }));
const customer = async (name: string) => {
  const created = { type: 'CustomerCreated', number: `C-${++numbers}`, name, emailsReserved: false };
  return `customers@${await service.log('customers').append({ type: 'customer', id: newId() }, created)}`;
};
const find = (q: string, after = '') => service.call('GET', `/api/customers?q=${q}`, undefined, { 'x-after': after });
const isFound = ({ status, body }: { status: number; body: any }) => status === 200 && body.items.length === 1;

describe('search while Elasticsearch comes and goes', () => {
  it('gives everybody their own writes', async () => {
    for (let i = 0; i < 3; i++) {
      const after = await customer(`Ada${i}x`);
      expect(isFound(await fresh(() => find(`ada${i}x`, after)))).toBe(true);
    }
  });

  it('answers 503 while it is away, and has missed nothing when it is back', async () => {
    await line.cut();
    const after = await customer('Grace');
    const reply = await find('grace', after);
    expect([reply.status, reply.headers.get('x-stale')]).toEqual([503, 'true']);
    expect(await service.call('GET', `/api/reports`)).toMatchObject({ status: 200 });
    await line.open();
    await eventually(() => find('grace'), isFound, 20_000);
  });

  it('builds the indexes anew where they were lost', async () => {
    for (const index of await indexes()) await elasticsearch.indices.delete({ index });
    await customer('Edsger');
    await eventually(() => find('edsger'), isFound, 20_000);
    await eventually(() => find('grace'), isFound, 20_000);
    await eventually(indexes, ({ length }) => length === 4);
  });
});
