import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Recorded } from '@throughline/contracts';
import { Balance, balances, cards, log, views } from '../test/bank.ts';
import { feedOf, recorded, testGeneration, until } from '../test/events.ts';
import { Operations, checkpointOf, document, newId, touch, type Feed, type Fold } from './index.ts';

let live: Awaited<ReturnType<typeof views>>;
beforeAll(async () => {
  live = await views();
});
afterAll(() => live.drop());

let stop: AbortController;
let running: Promise<void> | undefined;
beforeEach(async () => {
  stop = new AbortController();
  log.length = 0;
  await live.empty();
});
afterEach(async () => {
  stop.abort();
  await running;
});

const ids = Array.from({ length: 20 }, () => newId());
const history: Recorded[] = Array.from({ length: 400 }, (_, index) =>
  recorded(index + 1, 'Moved', ids[index % ids.length] as string, { amount: index }),
);
const feeds =
  (sales: readonly Recorded[], generation = testGeneration) =>
  (service: string) =>
    service === 'sales' ? withGeneration(feedOf('sales', [sales]), generation) : feedOf('customers', []);
const withGeneration = (feed: Feed, generation: string): Feed => ({
  ...feed,
  async *read(after, limit, signal) {
    for await (const batch of feed.read(after, limit, signal)) yield { ...batch, generation };
  },
});
const positionOf = async (view: { table: string }) =>
  Number(
    (
      await live.rows<{ position: string }>('select position from checkpoints where subscription = $1', [
        checkpointOf(view),
      ])
    )[0]?.position,
  );

async function start(feedsOf = feeds(history), runner = live.runner()) {
  running = runner.run(feedsOf, runner.names, stop.signal);
  await until(async () => (await positionOf(balances)) === 400);
}

/** Asks for it as an operator does, and waits for what came of it. */
async function ask(table: string, kind: string) {
  const [job] = await live.rows<{ id: number }>(
    `insert into view_jobs (table_name, kind, requested_by) values ($1, $2, 'test') returning id`,
    [table, kind],
  );
  const finished = async () =>
    (
      await live.rows<{ state: string; result: Record<string, unknown> }>(
        `select state, result from view_jobs where id = $1 and finished_at is not null`,
        [job?.id],
      )
    )[0];
  await until(async () => (await finished()) !== undefined);
  return finished();
}

describe('a view', () => {
  it('is the same as one folded anew, and says so', async () => {
    await start();
    for (const table of [balances.table, cards.table]) {
      const { state, result } = (await ask(table, 'verify')) ?? {};
      expect(state).toBe('done');
      expect(result).toMatchObject({ rows: 20, different: 0, broken: 0 });
      expect(result?.['hash']).toBe(result?.['rebuiltHash']);
    }
  });

  it('that somebody tampered with is found out, and is repaired, with the documents that it touches', async () => {
    await start();
    const before = await live.content();
    await live.pool.query(`update balance_v1 set total = total + 1 where id = any($1)`, [ids.slice(0, 3)]);
    await live.pool.query(`delete from balance_v1 where id = $1`, [ids[4]]);
    await live.pool.query(`insert into balance_v1 (id, total) values ($1, 5)`, [newId()]);
    await live.pool.query(`update card_v1 set doc = '{"id":"?"}' where id = $1`, [ids[9]]);
    const found = await ask(balances.table, 'verify');
    expect(found?.result).toMatchObject({ different: 5, rows: 20 });
    expect(found?.result['hash']).not.toBe(found?.result['rebuiltHash']);
    expect(await live.content()).not.toEqual(before);

    expect((await ask(balances.table, 'rebuild'))?.result).toMatchObject({ different: 5 });
    expect((await ask(cards.table, 'rebuild'))?.result).toMatchObject({ different: 1 });
    expect(await live.content()).toEqual(before);
    expect((await ask(balances.table, 'verify'))?.result).toMatchObject({ different: 0 });
    await until(async () => (await live.rows(`select from pg_class where relname like 'balance_v1b%'`)).length === 0);
  });

  it('has its broken keys folded anew by a release that knows better', async () => {
    const bad = ids[3] as string;
    const spoilt = history.with(103, recorded(104, 'Spoilt', bad));
    await start(feeds(spoilt));
    expect(await live.rows('select key from broken_keys')).toEqual([{ key: bad }]);
    stop.abort();
    await running;

    stop = new AbortController();
    const mended: Fold = {
      ...balances,
      evolve: (rows, event) => (event.type === 'Spoilt' ? rows : balances.evolve(rows as Balance[], event)),
    };
    const runner = live.runner([cardsOf(mended)], live.pool, [mended]);
    running = runner.run(feeds(spoilt), runner.names, stop.signal);
    await until(async () => (await live.rows('select from broken_keys')).length === 0);
    const total = history.reduce(
      (sum, { data, stream }, index) =>
        stream.id === bad && index !== 103 ? sum + (data as { amount: number }).amount : sum,
      0,
    );
    expect(await live.rows('select total from balance_v1 where id = $1', [bad])).toEqual([{ total: `${total}.00` }]);
    await until(
      async () => (await live.rows(`select doc->>'total' as total from card_v1 where id = $1`, [bad]))[0] !== undefined,
    );
  });

  it('is rebuilt also where a job waits to mend it, and not where another one is under way', async () => {
    const operations = new Operations(live.pool);
    const kinds = async () => (await live.rows<{ kind: string }>('select kind from view_jobs')).map(({ kind }) => kind);
    const put = (state: string) =>
      live.pool.query(
        `insert into view_jobs (table_name, kind, state, requested_by) values ($1, 'mend', $2, 'start')`,
        [balances.table, state],
      );
    await put('wanted');
    await expect(operations.request('balance', 'verify', 'test')).rejects.toMatchObject({ code: 'view-job-exists' });
    expect(await operations.request('balance', 'rebuild', 'test')).toMatchObject({ kind: 'rebuild', state: 'wanted' });
    expect(await kinds()).toEqual(['rebuild']);
    await live.pool.query('truncate view_jobs');
    await put('running');
    await expect(operations.request('balance', 'rebuild', 'test')).rejects.toMatchObject({ code: 'view-job-exists' });
    expect(await kinds()).toEqual(['mend']);
  });

  it('is rebuilt by whoever leads, and nothing is spoilt by one who was deposed in the middle of it', async () => {
    const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let isFrozen = false;
    const freezing = (feed: Feed): Feed => ({
      ...feed,
      async *read(after, limit, signal) {
        if (isFrozen) {
          reached.resolve();
          await goOn.promise;
        }
        yield* feed.read(after, limit, signal);
      },
    });
    await start((service) => freezing(feeds(history)(service)));
    const before = await live.content();
    await live.pool.query('update balance_v1 set total = total + 1 where id = $1', [ids[0]]);
    isFrozen = true;
    const answered = ask(balances.table, 'rebuild');
    await reached.promise;

    const next = live.runner();
    const stopNext = new AbortController();
    const leading = next.run(feeds(history), next.names, stopNext.signal);
    expect(await answered).toMatchObject({ state: 'done', result: { different: 1 } });
    stopNext.abort();
    await leading;
    goOn.resolve();
    // It takes up the next job when it is through with the one that is no longer its own.
    expect((await ask(balances.table, 'verify'))?.result).toMatchObject({ different: 0 });
    expect(await live.rows('select state from view_jobs')).toEqual([{ state: 'done' }, { state: 'done' }]);
    expect(await live.content()).toEqual(before);
  });

  it('over a log that was restored stops with a clear word, and goes on once it is rebuilt', async () => {
    await start();
    stop.abort();
    await running;

    stop = new AbortController();
    const restored = '22222222-2222-4222-8222-222222222222';
    const shorter = history.slice(0, 300);
    const runner = live.runner();
    running = runner.run(
      feeds([...shorter, recorded(500, 'Closed', ids[0] as string)], restored),
      runner.names,
      stop.signal,
    );
    const faults = () =>
      live.rows<{ subscription: string; code: string }>('select subscription, code from subscription_faults');
    await until(async () => (await faults()).length > 0);
    expect(new Set((await faults()).map(({ code }) => code))).toEqual(new Set(['generation-changed']));
    expect(await positionOf(balances)).toBe(400);

    expect((await ask(balances.table, 'rebuild'))?.state).toBe('done');
    expect(await positionOf(balances)).toBe(500);
    expect(await live.rows('select from balance_v1')).toHaveLength(19);
  });
});

describe('two releases side by side', () => {
  it('keep their own versions of a view and of a document, whoever folds what they share', async () => {
    const next = document<{ id: string; total: string | null }>({
      name: 'card',
      version: 2,
      touchedBy: [touch(balances, ({ id }) => id)],
      render: async (keys, read) => (await read(balances, 'id', keys)).map(({ id, total }) => ({ id, total })),
    });
    // The old release folds and knows nothing of the new document.
    await start(feeds(history.slice(0, 400)));
    const newer = live.runner([next]);
    await newer.migrate();
    const stopNewer = new AbortController();
    const runningNewer = newer.run(feeds(history), [next.table], stopNewer.signal);
    const shown = (table: string) =>
      live.rows<{ id: string; total: string }>(`select id, doc->>'total' as total from ${table} order by id`);
    await until(async () => (await shown(next.table)).length === 20);
    expect(await shown(next.table)).toEqual(await shown(cards.table));
    stop.abort();
    await running;

    stop = new AbortController();
    const more = [...history, ...ids.map((id, index) => recorded(401 + index, 'Moved', id, { amount: 1 }))];
    const older = live.runner();
    running = older.run(feeds(more), older.names, stop.signal);
    await until(async () => (await positionOf(balances)) === 420);
    const expected = await shown(cards.table);
    await until(async () => JSON.stringify(await shown(next.table)) === JSON.stringify(expected));
    stopNewer.abort();
    await runningNewer;
  });
});

const cardsOf = (from: Fold) => ({
  ...cards,
  touchedBy: [touch(from as Fold<Balance>, ({ id }) => id)],
  render: async (keys: readonly string[], read: Parameters<typeof cards.render>[1]) =>
    (await read(from as Fold<Balance>, 'id', keys)).map(({ id, total }) => ({ id, total })),
});
