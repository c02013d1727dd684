import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { topicOf } from '@throughline/contracts';
import { GenerationChanged, StoreFeed, type Stored } from '@throughline/event-sourcing';
import { accountEvents } from '../../event-sourcing/test/account.ts';
import { freshStore } from '../../event-sourcing/test/database.ts';
import { Away, KafkaFeed, kafkaClients, storeHistory, toMessage, type History, type SetAside } from '../src/index.ts';
import {
  append,
  appendMany,
  dump,
  following,
  freshKafka,
  moved,
  opened,
  positionsOf,
  quiet,
  readUpTo,
  relaying,
  relayOf,
  until,
} from './fixture.ts';

const topic = topicOf('sales');
type Kernel = Awaited<ReturnType<typeof freshStore>>;

describe.each(kafkaClients)('with %s', (client) => {
  let kernel: Kernel;
  let kafka: Awaited<ReturnType<typeof freshKafka>>;
  const endings: (() => Promise<unknown>)[] = [];
  beforeEach(async () => {
    kernel = await freshStore(accountEvents);
    kafka = await freshKafka(client);
  });
  afterEach(async () => {
    for (const end of endings.splice(0).toReversed()) await end();
    await kafka.port.disconnect();
    await kernel.drop();
  });

  const startRelay = (of: Kernel = kernel) => {
    const stop = relaying(relayOf(of, kafka.port));
    endings.push(() => stop().catch(() => undefined));
    return stop;
  };
  /** The owner's history, and how many events were asked of it. */
  const watched = ({ store }: Kernel = kernel) => {
    const history = storeHistory(store, new StoreFeed('sales', store));
    const seen = { events: 0 };
    const read: History['read'] = async (after, upTo, limit) => {
      const page = await history.read(after, upTo, limit);
      seen.events += page.events.length;
      return page;
    };
    return { seen, history: { read } };
  };
  const aside: { offset: number; reason: string; value: string }[] = [];
  const setAside: SetAside = async (_, { offset, value }, reason) =>
    void aside.push({ offset, reason, value: String(value) });
  const feedWith = (history: History, lookAgainMilliseconds = 30_000) =>
    new KafkaFeed({ service: 'sales', port: kafka.port, history, log: quiet, setAside, lookAgainMilliseconds });
  const follow = (feed: KafkaFeed) => {
    const reader = following(feed);
    endings.push(() => reader.stop().catch(() => undefined));
    return reader;
  };
  const stored = () => kernel.store.readAbove(0, 100_000);
  const inTopic = async (count: number) =>
    until(async () => (await dump(kafka.port, topic).catch(() => [])).length >= count);

  describe('a reader', () => {
    it('takes from history what retention removed, and the rest from the topic', async () => {
      startRelay();
      const last = await appendMany(kernel.store, 20, 50);
      await inTopic(1_000);
      await kafka.truncate(topic, 700);
      const { seen, history } = watched();
      const { events } = await readUpTo(feedWith(history), 0, last);
      expect(events).toEqual(await stored());
      expect(seen.events).toBe(700);
    });

    it('goes on when messages are removed under it', async () => {
      startRelay();
      for (let index = 0; index < 100; index += 1) await append(kernel.store, [opened('x'.repeat(190_000))]);
      await inTopic(100);
      const all = await stored();
      const { seen, history } = watched();
      const events: Stored[] = [];
      for await (const batch of feedWith(history).read(0, 5, new AbortController().signal)) {
        if (events.length === 0 && batch.events.length > 0) await kafka.truncate(topic, 95);
        events.push(...batch.events);
        if (events.length === all.length) break;
      }
      expect(positionsOf(events)).toEqual(positionsOf(all));
      expect(seen.events).toBeGreaterThan(20);
    }, 60_000);

    it('goes on when the topic is deleted, and the relay creates it again', async () => {
      startRelay();
      const reader = follow(feedWith(watched().history));
      await reader.reaches(await appendMany(kernel.store, 5, 20));
      await kafka.drop(topic);
      for (let index = 0; index < 20; index += 1) await append(kernel.store, [moved(index)]);
      await reader.reaches((await stored()).at(-1)?.position as number);
      await reader.reaches(await append(kernel.store, [moved(1)]));
      expect(positionsOf(reader.events)).toEqual(positionsOf(await stored()));
    }, 60_000);

    it('notices a topic created anew that has grown beyond its own place', async () => {
      const stopRelay = startRelay();
      const reader = following(feedWith(watched().history));
      const [middle] = [await appendMany(kernel.store, 5, 20)];
      await reader.reaches(middle);
      await reader.stop();
      await stopRelay();
      await kafka.drop(topic);
      const last = await appendMany(kernel.store, 5, 60);
      startRelay();
      await inTopic(300);
      const { events } = await readUpTo(feedWith(watched().history), middle, last);
      expect(positionsOf([...reader.events, ...events])).toEqual(positionsOf(await stored()));
    });

    it('finds what only the owner has, when the topic came back empty and nothing happens any more', async () => {
      const stopRelay = startRelay();
      const last = await appendMany(kernel.store, 5, 20);
      await inTopic(100);
      await stopRelay();
      await kafka.drop(topic);
      await kafka.port.ensureTopic(topic);
      expect((await readUpTo(feedWith(watched().history), 0, last)).events).toEqual(await stored());
    });

    it('looks again after a while, and finds what the topic lost at its end', async () => {
      const stopRelay = startRelay();
      const reader = follow(feedWith(watched().history, 1_000));
      await reader.reaches(await append(kernel.store, [opened('王伟')]));
      await stopRelay();
      const lost = await append(kernel.store, [moved(1)]);
      // As if that one had been sent, and lost with the cluster.
      await kernel.pool.query('update checkpoints set position = $1', [lost]);
      await reader.reaches(lost);
      expect(positionsOf(reader.events)).toEqual(positionsOf(await stored()));
    });

    it('keeps its place while the owner is away and something is missing, and then goes on', async () => {
      startRelay();
      const last = await appendMany(kernel.store, 5, 20);
      await inTopic(100);
      await kafka.truncate(topic, 50);
      const { history } = watched();
      let away = true;
      const reader = follow(
        feedWith({ read: (...asked) => (away ? Promise.reject(new Away('away')) : history.read(...asked)) }),
      );
      await new Promise((done) => setTimeout(done, 1_500));
      expect(reader.events).toEqual([]);
      away = false;
      await reader.reaches(last);
      expect(positionsOf(reader.events)).toEqual(positionsOf(await stored()));
    });

    it('sets aside what cannot be read, to the byte, and takes the event that it may have been from history', async () => {
      const stopRelay = startRelay();
      const before = await appendMany(kernel.store, 2, 5);
      await inTopic(10);
      await kafka.port.produce(topic, [{ key: 'x', value: Buffer.from('Ada Lovelace'), headers: {} }]);
      await append(kernel.store, [moved(1)]);
      await inTopic(12);
      await stopRelay();
      // Of the next event only a damaged copy reaches the topic, of the one after it nothing is wrong.
      const damaged = await append(kernel.store, [moved(2)]);
      const [event] = await kernel.store.readAbove(damaged - 1, 1);
      const message = toMessage('sales', event as Stored, damaged - 1);
      await kafka.port.produce(topic, [{ ...message, value: message.value.subarray(0, 20) }]);
      await kernel.pool.query('update checkpoints set position = $1', [damaged]);
      startRelay();
      const huge = { ...message, value: Buffer.alloc(600_000, 'x') };
      await kafka.port.produce(topic, [huge]);
      const last = await append(kernel.store, [moved(3)]);
      await inTopic(15);

      aside.length = 0;
      expect((await readUpTo(feedWith(watched().history), 0, last)).events).toEqual(await stored());
      expect(aside.map(({ offset, value }) => `${offset} ${value.slice(0, 8)}`)).toEqual(
        expect.arrayContaining(['10 Ada Love', `12 ${message.value.subarray(0, 8).toString()}`]),
      );
      expect(aside.find(({ value }) => value.length === 600_000)?.reason).toMatch(/600000 bytes/);
      expect((await readUpTo(feedWith(watched().history), before, last)).events).toEqual(
        (await stored()).filter(({ position }) => position > before),
      );
    });
  });

  describe('a restored store', () => {
    it('is noticed by who reads, and read without anything of the old one by who begins anew', async () => {
      const stopRelay = startRelay();
      await appendMany(kernel.store, 5, 20);
      const current = { history: watched().history };
      const reader = following(feedWith({ read: (...asked) => current.history.read(...asked) }));
      await reader.reaches((await stored()).at(-1)?.position as number);
      await stopRelay();

      const restored = await freshStore(accountEvents);
      endings.unshift(() => restored.drop());
      const shared = await appendMany(restored.store, 2, 20);
      await restored.pool.query(
        `insert into checkpoints (subscription, feed, position, epoch) values ('relay', 'sales', $1, 1)`,
        [shared],
      );
      current.history = watched(restored).history;
      startRelay(restored);
      const last = await appendMany(restored.store, 2, 20);
      await expect(reader.ended).rejects.toBeInstanceOf(GenerationChanged);

      const { events } = await readUpTo(feedWith(watched(restored).history), 0, last);
      expect(events).toEqual(await restored.store.readAbove(0, 1_000));
    });
  });
});
