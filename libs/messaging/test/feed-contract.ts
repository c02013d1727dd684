import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type Feed, type Stored } from '@throughline/event-sourcing';
import type { freshStore } from '../../event-sourcing/test/database.ts';
import { append, appendMany, moved, opened, positionsOf, readUpTo, until } from './fixture.ts';

export type FeedSubject = {
  kernel: Awaited<ReturnType<typeof freshStore>>;
  feed: Feed;
  stop: () => Promise<void>;
};

/** What every feed promises, whatever carries it. */
export function feedContract(name: string, start: () => Promise<FeedSubject>): void {
  describe(`${name}`, () => {
    let subject: FeedSubject;
    beforeAll(async () => {
      subject = await start();
    }, 60_000);
    afterAll(() => subject.stop());

    const stored = (after: number) => subject.kernel.store.readAbove(after, 100_000);
    const end = async () => (await stored(0)).at(-1)?.position ?? 0;

    it('gives every event once, in position order, exactly as it is stored', async () => {
      await appendMany(subject.kernel.store, 30, 10);
      const { events } = await readUpTo(subject.feed, 0, await end());
      expect(events).toEqual(await stored(0));
    });

    it('keeps the versions of every stream ascending without a gap', async () => {
      const streams = Array.from({ length: 5 }, newId);
      const from = await end();
      for (let round = 0; round < 10; round += 1) {
        await Promise.all(streams.map((stream) => append(subject.kernel.store, [moved(round)], stream)));
      }
      const { events } = await readUpTo(subject.feed, from, await end());
      for (const id of streams) {
        const versions = events.flatMap(({ stream }) => (stream.id === id ? [stream.version] : []));
        expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      }
    });

    it('starts above any position', async () => {
      const all = positionsOf(await stored(0));
      const last = all.at(-1) as number;
      for (const index of [0, 1, 37, all.length >> 1, all.length - 2]) {
        const { events } = await readUpTo(subject.feed, all[index] as number, last);
        expect(positionsOf(events)).toEqual(all.slice(index + 1));
      }
    });

    it('passes over positions that were never taken', async () => {
      const from = await end();
      await subject.kernel.pool.query(`select nextval('events_position') from generate_series(1, 5)`);
      const last = await append(subject.kernel.store, [opened('李娜')]);
      expect(last).toBeGreaterThan(from + 5);
      expect(positionsOf((await readUpTo(subject.feed, from, last)).events)).toEqual([last]);
    });

    it('gives no more than the limit at once, and as much as it has', async () => {
      const { events, batches } = await readUpTo(subject.feed, 0, await end(), { limit: 7 });
      expect(Math.max(...batches)).toBe(7);
      expect(positionsOf(events)).toEqual(positionsOf(await stored(0)));
    });

    it('gives what is appended later as soon as it is there', async () => {
      const arrived = new Map<number, number>();
      const stop = new AbortController();
      const reading = (async () => {
        for await (const { events } of subject.feed.read(await end(), 500, stop.signal)) {
          for (const { position } of events) arrived.set(position, performance.now());
        }
      })();
      await sleep(300);
      const delays: number[] = [];
      for (let round = 0; round < 10; round += 1) {
        await sleep(50);
        const position = await append(subject.kernel.store, [moved(1)]);
        const appended = performance.now();
        await until(() => arrived.has(position));
        delays.push((arrived.get(position) as number) - appended);
      }
      stop.abort();
      await reading;
      // Far below the time after which an idle reader looks by itself.
      expect(delays.toSorted((a, b) => a - b)[5]).toBeLessThan(900);
    });

    it('stops when told to, also while nothing happens', async () => {
      const stop = new AbortController();
      const last = await end();
      const reading = (async () => {
        for await (const batch of subject.feed.read(last, 500, stop.signal)) expect(batch.events).toEqual([]);
      })();
      await sleep(500);
      const told = performance.now();
      stop.abort();
      await reading;
      expect(performance.now() - told).toBeLessThan(10_000);
    });

    it('serves several readers at once, each at its own place', async () => {
      const all = positionsOf(await stored(0));
      const last = all.at(-1) as number;
      const readers = [0, 50, 100].map((index) => readUpTo(subject.feed, all[index] as number, last));
      const read = (await Promise.all(readers)).map(({ events }) => positionsOf(events));
      expect(read).toEqual([all.slice(1), all.slice(51), all.slice(101)]);
    });

    it('carries large events, Chinese and emoji', async () => {
      const from = await end();
      const texts = ['长城🐉'.repeat(13_000), '👩‍👩‍👧‍👦 "quoted" \\ \u0001 \n 𠮷野家', 'é'.repeat(95_000)];
      for (const text of texts) await append(subject.kernel.store, [opened(text)]);
      const { events } = await readUpTo(subject.feed, from, await end());
      const sizes = events.map(({ personal }) => Buffer.byteLength(personal ?? ''));
      expect(Math.max(...sizes)).toBeGreaterThan(240 * 1024);
      const decoded = await subject.kernel.codec.decode(events);
      expect(decoded.map(({ data }) => (data as { holder?: string }).holder)).toEqual(texts);
    });

    it('works through a large backlog', async () => {
      const from = await end();
      for (let round = 0; round < 20; round += 1) await appendMany(subject.kernel.store, 10, 100);
      const { events } = await readUpTo(subject.feed, from, await end(), { limit: 5_000, milliseconds: 60_000 });
      expect(events).toHaveLength(20_000);
      expect(gapless(events, await stored(from))).toBe(true);
    }, 90_000);

    it('knows the position of the newest event', async () => {
      const last = await append(subject.kernel.store, [moved(1)]);
      await until(async () => (await subject.feed.head()) >= last);
      expect(await subject.feed.head()).toBe(last);
    });
  });
}

const gapless = (events: readonly Stored[], stored: readonly Stored[]): boolean =>
  events.length === stored.length && events.every(({ id }, index) => id === stored[index]?.id);
