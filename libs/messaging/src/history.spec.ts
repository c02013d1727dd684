import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { StoreFeed } from '@throughline/event-sourcing';
import { accountEvents } from '../../event-sourcing/test/account.ts';
import { freshStore } from '../../event-sourcing/test/database.ts';
import { append, appendMany, moved, opened, positionsOf } from '../test/fixture.ts';
import { Away, historyPage, httpHistory, storeHistory, type History } from './index.ts';

let kernel: Awaited<ReturnType<typeof freshStore>>;
let feed: StoreFeed;
let server: Server;
let asked: { url: string; authorization: string | undefined }[] = [];
let answer: ((after: number, limit: number) => Promise<{ status: number; body: string }>) | undefined;
beforeAll(async () => {
  kernel = await freshStore(accountEvents);
  feed = new StoreFeed('sales', kernel.store);
  await appendMany(kernel.store, 3, 10);
  await append(kernel.store, [opened('王伟 🐉')]);
  const page = async (after: number, limit: number) => ({
    status: 200,
    body: JSON.stringify(await historyPage(kernel.store, feed, after, limit)),
  });
  server = createServer((request, response) => {
    const { url = '', headers } = request;
    asked.push({ url, authorization: headers.authorization });
    const query = new URL(url, 'http://here').searchParams;
    void (answer ?? page)(Number(query.get('after')), Number(query.get('limit'))).then(({ status, body }) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
});
afterAll(async () => {
  server.close();
  await kernel.drop();
});

const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const kinds: [string, () => History][] = [
  ['of the store', () => storeHistory(kernel.store, feed)],
  ['over HTTP', () => httpHistory(base(), async () => 'token-1')],
];

describe.each(kinds)('history %s', (_, open) => {
  it('reads the log page by page, exactly as it is stored, with generation and head', async () => {
    const all = await kernel.store.readAbove(0, 1_000);
    const head = all.at(-1)?.position as number;
    const first = await open().read(0, head, 10);
    expect(first).toEqual({ generation: await kernel.store.generation(), head, events: all.slice(0, 10) });
    const rest = await open().read(first.events.at(-1)?.position as number, head, 1_000);
    expect([...first.events, ...rest.events]).toEqual(all);
    expect((await open().read(head, Number.MAX_SAFE_INTEGER, 10)).events).toEqual([]);
  });

  it('ends where it was told to', async () => {
    const all = positionsOf(await kernel.store.readAbove(0, 1_000));
    expect(positionsOf((await open().read(all[1] as number, all[4] as number, 100)).events)).toEqual(all.slice(2, 5));
  });

  it('does not read past a position that may still come', async () => {
    const head = await feed.head();
    const writer = await kernel.pool.connect();
    await writer.query(`begin; lock table events in row exclusive mode; select nextval('events_position')`);
    const last = await append(kernel.store, [moved(1)]);
    let page: unknown;
    const reading = open()
      .read(head, last, 10)
      .then((read) => (page = read.events));
    await sleep(300);
    expect(page).toBeUndefined();
    await writer.query('rollback');
    writer.release();
    expect(positionsOf(await reading)).toEqual([last]);
  });
});

describe('history over HTTP', () => {
  it('shows its token, asked for anew each time', async () => {
    asked = [];
    let tokens = 0;
    const history = httpHistory(`${base()}/sales/`, async () => `token-${(tokens += 1)}`);
    await history.read(5, 1_000, 7);
    await history.read(5, 7, 7);
    expect(asked).toEqual([
      { url: '/sales/internal/history?after=5&limit=7', authorization: 'Bearer token-1' },
      { url: '/sales/internal/history?after=5&limit=2', authorization: 'Bearer token-2' },
    ]);
  });

  it('is away, whatever kind of wrong answer comes, and says nothing of its content', async () => {
    const history = httpHistory(base(), async () => 'token');
    for (const wrong of [
      { status: 503, body: 'Ada' },
      { status: 200, body: 'Ada' },
      { status: 200, body: '{"events":"Ada"}' },
    ]) {
      answer = async () => wrong;
      const error = await history.read(0, 10, 10).catch((thrown: unknown) => thrown as Error);
      expect(error).toBeInstanceOf(Away);
      expect((error as Error).message).not.toContain('Ada');
    }
    answer = undefined;
    await expect(httpHistory('http://127.0.0.1:9', async () => '').read(0, 10, 10)).rejects.toBeInstanceOf(Away);
  });
});
