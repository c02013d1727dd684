import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { accountEvents } from '../test/account.ts';
import { appendOf } from '../test/appends.ts';
import { freshStore } from '../test/database.ts';
import { until } from '../test/events.ts';
import { EventStore, Session, StoreFeed, announce, newId, wakeOn, type Stored, type Wake } from './index.ts';

const positionsOf = (events: readonly Stored[]) => events.map(({ position }) => position);

/** Waits for the news alone: without it, an idle reader looks by itself after a second. */
const patient = (wake: Wake): Wake => ({
  get heard() {
    return wake.heard;
  },
  next: (_, signal) => wake.next(600_000, signal),
});

let kernel: Awaited<ReturnType<typeof freshStore>>;
beforeAll(async () => {
  kernel = await freshStore(accountEvents);
});
afterAll(() => kernel.drop());

/** Reads into a list until told to stop. */
function reading(feed: StoreFeed, limit = 500, after = 0) {
  const stop = new AbortController();
  const events: Stored[] = [];
  const generations = new Set<string>();
  const ended = (async () => {
    for await (const batch of feed.read(after, limit, stop.signal)) {
      expect(batch.events.length).toBeLessThanOrEqual(limit);
      generations.add(batch.generation);
      events.push(...batch.events);
    }
  })();
  const end = () => {
    stop.abort();
    return ended;
  };
  return { events, generations, signal: stop.signal, end };
}

/** As an append does it: the stream's row first, the position within the INSERT. */
const rawAppend = `
  with settled as (
    insert into streams as s (type, id, version, previous) values ('account', $1, 1, 0)
    on conflict (type, id) do update set version = s.version + 1, previous = s.version returning version
  )
  insert into events (position, id, stream_type, stream_id, version, type, schema_version, data, meta, command_id,
    occurred_at, recorded_at, effective_at, hash)
  select nextval('events_position'), gen_random_uuid(), 'account', $1, version, 'AccountClosed', 1, '{}', '{}', 'c',
    now(), now(), now(), '' from settled`;

/** Appends for a while, in transactions that commit, roll back, stay open or lose their connection. */
async function unrulyWriter(streams: readonly string[], until: number): Promise<void> {
  const one = <T>(items: readonly T[]) => items[Math.floor(Math.random() * items.length)] as T;
  while (Date.now() < until) {
    const client = new pg.Client({ connectionString: kernel.url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      for (let fate = Math.random(); Date.now() < until; fate = Math.random()) {
        await client.query('begin');
        await client.query(rawAppend, [one(streams)]);
        if (fate < 0.15) await sleep(50 + Math.random() * 250);
        if (fate > 0.97) await client.query('select pg_terminate_backend(pg_backend_pid())');
        await client.query(fate > 0.85 || fate < 0.05 ? 'rollback' : 'commit');
      }
    } catch {
      // Its connection was killed: on with another one.
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/** The reader that everybody writes first. */
async function naiveReader(signal: AbortSignal): Promise<number> {
  let last = 0;
  let count = 0;
  while (!signal.aborted) {
    const rows = await kernel.store.readAbove(last, 500);
    last = rows.at(-1)?.position ?? last;
    count += rows.length;
    await sleep(1);
  }
  return count;
}

describe('the feed of a store', () => {
  it('brings every event once and in order while writers roll back, linger and die; a naive reader loses some', async () => {
    const streams = Array.from({ length: 40 }, () => newId());
    const shared = new StoreFeed('sales', kernel.store);
    const readers = [reading(shared), reading(shared, 7), reading(new StoreFeed('sales', kernel.store), 50)];
    const stop = new AbortController();
    const naive = naiveReader(stop.signal);
    const end = Date.now() + 5_000;
    await Promise.all(Array.from({ length: 8 }, () => unrulyWriter(streams, end)));
    const late = reading(shared, 100);

    const { rows } = await kernel.pool.query<{ position: string }>('select position from events order by position');
    const positions = rows.map(({ position }) => Number(position));
    expect(positions.length).toBeGreaterThan(200);
    expect(positions.at(-1)).toBeGreaterThan(positions.length);
    await sleep(300);
    stop.abort();
    for (const reader of [...readers, late]) {
      await until(() => reader.events.at(-1)?.position === positions.at(-1));
      await reader.end();
      expect(reader.events.map(({ position }) => position)).toEqual(positions);
      for (const own of Map.groupBy(reader.events, ({ stream }) => stream.id).values()) {
        expect(own.map(({ stream }) => stream.version)).toEqual(own.map((_, index) => index + 1));
      }
    }
    expect(await naive).toBeLessThan(positions.length);
  });

  it('does not take for dead what another of its readers waited for meanwhile', async () => {
    const feed = new StoreFeed('sales', kernel.store);
    const head = await feed.head();
    let answer = () => {};
    const delayed = new Promise<void>((resolve) => (answer = resolve));
    let calls = 0;
    const { store } = kernel;
    const readAbove = store.readAbove.bind(store);
    // The first answer is long under way: it shows the log as it was before the gap was filled.
    store.readAbove = async (...args) => {
      const first = (calls += 1) === 1;
      const rows = await readAbove(...args);
      if (first) await delayed;
      return rows;
    };
    try {
      const client = await kernel.pool.connect();
      await client.query('begin');
      await client.query(rawAppend, [newId()]);
      await kernel.store.append(appendOf([{ id: newId() }]));
      const one = feed.next(head, 10);
      await sleep(50);
      const other = feed.next(head, 10);
      await sleep(50);
      await client.query('commit');
      client.release();
      const both = positionsOf(await readAbove(head, 10));
      expect(both).toHaveLength(2);
      expect(positionsOf(await other)).toEqual(both);
      answer();
      expect(positionsOf(await one)).toEqual(both);
    } finally {
      store.readAbove = readAbove;
    }
  });

  it('does not wait for transactions that write elsewhere, nor for those in other databases', async () => {
    const other = await freshStore(accountEvents);
    const clients = await Promise.all([kernel.pool.connect(), other.pool.connect()]);
    try {
      await clients[0].query(
        `begin; insert into claims (category, key, stream_id) values ('x', 'y', gen_random_uuid())`,
      );
      await clients[1].query('begin');
      await clients[1].query(rawAppend, [newId()]);
      expect(await kernel.store.writers()).toEqual(new Set());
      expect((await other.store.writers()).size).toBe(1);
    } finally {
      for (const client of clients) {
        await client.query('rollback');
        client.release();
      }
      await other.drop();
    }
  });

  it('waits for an append that is under way, and goes on at once when that one ends', async () => {
    const head = await new StoreFeed('sales', kernel.store).head();
    const client = await kernel.pool.connect();
    await client.query('begin');
    await client.query(rawAppend, [newId()]);
    const appended = await kernel.store.append(appendOf([{ id: newId() }]));
    const reader = reading(new StoreFeed('sales', kernel.store), 500, head);
    await sleep(200);
    expect(reader.events).toEqual([]);
    await client.query('commit');
    client.release();
    await until(() => reader.events.length === 2);
    expect(reader.events.at(-1)?.position).toBe(appended.position);
    await reader.end();
  });

  it('is woken by an event of this process', async () => {
    const feed = new StoreFeed('sales', kernel.store, patient(wakeOn(kernel.store)));
    const reader = reading(feed, 500, await feed.head());
    for (let round = 1; round <= 5; round += 1) {
      await sleep(50);
      await kernel.store.append(appendOf([{ id: newId() }]));
      await until(() => reader.events.length === round);
    }
    expect(reader.events).toHaveLength(5);
    await reader.end();
  });

  it('asks the store together for all who stand at its end', async () => {
    const feed = new StoreFeed('sales', kernel.store, patient(wakeOn(kernel.store)));
    const head = await feed.head();
    const { store } = kernel;
    const readAbove = store.readAbove.bind(store);
    let calls = 0;
    store.readAbove = (...args) => {
      calls += 1;
      return readAbove(...args);
    };
    try {
      const readers = Array.from({ length: 30 }, () => reading(feed, 500, head));
      await until(() => calls > 0);
      await sleep(100);
      calls = 0;
      for (let round = 1; round <= 5; round += 1) {
        await store.append(appendOf([{ id: newId() }]));
        await until(() => readers.every(({ events }) => events.length === round));
      }
      await Promise.all(readers.map(({ end }) => end()));
      expect(calls).toBeGreaterThanOrEqual(5);
      expect(calls).toBeLessThan(30);
    } finally {
      store.readAbove = readAbove;
    }
  });

  it('brings everything to who falls behind what others have read', async () => {
    const feed = new StoreFeed('sales', kernel.store);
    const head = await feed.head();
    const fast = reading(feed, 500, head);
    const slow: Stored[] = [];
    const stop = new AbortController();
    const stays = (async () => {
      for await (const { events } of feed.read(head, 30, stop.signal)) {
        slow.push(...events);
        await sleep(5);
      }
    })();
    const count = 4_000;
    for (let made = 0; made < count; made += 500) {
      await Promise.all(Array.from({ length: 500 }, () => kernel.store.append(appendOf([{ id: newId() }]))));
    }
    await until(() => fast.events.length === count && slow.length === count);
    stop.abort();
    await Promise.all([stays, fast.end()]);
    expect(positionsOf(slow)).toEqual(positionsOf(fast.events));
    expect(new Set(positionsOf(slow)).size).toBe(count);
  });

  it('brings an event of another process soon after it was announced', async () => {
    const here = new EventStore(kernel.pool, kernel.codec, kernel.secrets.key('hash-chain'));
    announce(kernel.store);
    const stop = new AbortController();
    const session = new Session(kernel.url);
    let leading = false;
    const work = async (_: readonly string[], signal: AbortSignal) => {
      leading = true;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    };
    const led = session.lead([{ locks: ['feed.spec'], work }], stop.signal);
    await until(() => leading);
    session.on('appended', () => here.emit('appended', 0));
    const feed = new StoreFeed('sales', here, patient(wakeOn(here)));
    const reader = reading(feed, 500, await feed.head());
    for (let round = 1; round <= 5; round += 1) {
      await sleep(50);
      await kernel.store.append(appendOf([{ id: newId() }]));
      await until(() => reader.events.length === round);
    }
    expect(reader.events).toHaveLength(5);
    await reader.end();
    stop.abort();
    await led;
  });

  it('leaves no listeners behind, whether it is aborted or left in the middle', async () => {
    const stop = new AbortController();
    const before = kernel.store.listenerCount('appended');
    const feed = new StoreFeed('sales', kernel.store);
    for await (const batch of feed.read(0, 10, stop.signal)) {
      expect(getEventListeners(stop.signal, 'abort').length).toBeLessThanOrEqual(1);
      if ((batch.events[0]?.position ?? 0) > 50) break;
    }
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    expect(kernel.store.listenerCount('appended')).toBe(before);

    const reader = reading(feed, 500, await feed.head());
    for (let round = 0; round < 20; round += 1) {
      await kernel.store.append(appendOf([{ id: newId() }]));
      expect(getEventListeners(reader.signal, 'abort').length).toBeLessThanOrEqual(1);
      expect(kernel.store.listenerCount('appended')).toBeLessThanOrEqual(before + 1);
    }
    await reader.end();
    expect(getEventListeners(reader.signal, 'abort')).toEqual([]);
    expect(kernel.store.listenerCount('appended')).toBe(before);
  });

  it('of a restored store says so, and trusts nothing that it knew of the old one', async () => {
    const feed = new StoreFeed('sales', kernel.store);
    const one = reading(feed);
    await until(() => one.events.length > 0);
    await one.end();
    // As a backup brings it back: fewer events, the sequence as it was then, a generation of its own.
    await kernel.pool
      .query(`alter table events disable trigger user; truncate events; alter table events enable trigger user;
      truncate streams; select setval('events_position', 5); update store set generation = gen_random_uuid()`);
    const client = await kernel.pool.connect();
    await client.query('begin');
    await client.query(rawAppend, [newId()]);
    await kernel.store.append(appendOf([{ id: newId() }]));
    const other = reading(feed);
    await sleep(100);
    await client.query('commit');
    client.release();
    await until(() => other.events.length === 2);
    await other.end();
    expect(other.events.map(({ position }) => position)).toEqual([6, 7]);
    expect(other.generations.has([...one.generations][0] as string)).toBe(false);
  });
});
