import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs, { Kafka, logLevel, type Admin } from 'kafkajs';
import type { AnyEvent } from '@throughline/contracts';
import {
  newId,
  noStream,
  StoreFeed,
  type EventStore,
  type Feed,
  type Stored,
  type SubscriptionLog,
} from '@throughline/event-sourcing';
import { person } from '../../event-sourcing/test/account.ts';
import type { freshStore } from '../../event-sourcing/test/database.ts';
import {
  Away,
  openKafka,
  runRelay,
  type History,
  type KafkaClient,
  type KafkaPort,
  type PlacedMessage,
  type RelayOptions,
} from '../src/index.ts';

/** Appends events to a stream, a new one unless given, in one append. */
export async function append(store: EventStore, events: readonly AnyEvent[], stream = newId()): Promise<number> {
  const before = (await store.load('account', stream)).at(-1);
  const head = before && { version: before.stream.version, hash: before.hash, effectiveAt: before.effectiveAt };
  const now = new Date().toISOString();
  const { position } = await store.append({
    streams: [{ type: 'account', id: stream, head: head ?? noStream, events }],
    meta: { actor: person.actor, source: 'test', correlationId: 'c1', commandId: randomUUID() },
    occurredAt: now,
    recordedAt: now,
    command: { id: randomUUID(), actor: 'u1', bodyHash: randomBytes(4) },
  });
  return position;
}

export const opened = (holder: string, handle?: string) => ({
  type: 'AccountOpened',
  holder,
  ...(handle && { handle }),
});
export const moved = (amount: number, note?: string) => ({ type: 'MoneyMoved', amount, ...(note && { note }) });

/** Many streams with as many events each. */
export async function appendMany(store: EventStore, streams: number, each: number): Promise<number> {
  const positions = await Promise.all(
    Array.from({ length: streams }, () =>
      append(store, [opened('王伟'), ...Array.from({ length: each - 1 }, (_, index) => moved(index))]),
    ),
  );
  return Math.max(...positions);
}

/** Reads until `upTo` was delivered, or `milliseconds` are over. */
export async function readUpTo(
  feed: Feed,
  after: number,
  upTo: number,
  { limit = 500, milliseconds = 20_000 } = {},
): Promise<{ events: Stored[]; batches: number[] }> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), milliseconds);
  const events: Stored[] = [];
  const batches: number[] = [];
  for await (const batch of feed.read(after, limit, stop.signal)) {
    events.push(...batch.events);
    batches.push(batch.events.length);
    if ((events.at(-1)?.position ?? 0) >= upTo) break;
  }
  clearTimeout(timer);
  return { events, batches };
}

export const positionsOf = (events: readonly Stored[]): number[] => events.map(({ position }) => position);

/** Resolves once `done` holds. */
export async function until(done: () => boolean | Promise<boolean>, milliseconds = 20_000): Promise<void> {
  for (const deadline = Date.now() + milliseconds; !(await done()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error('it did not happen in time');
  }
}

type Kernel = Awaited<ReturnType<typeof freshStore>>;

/** What a relay of this store to this port is given. */
export const relayOf = ({ store, pool }: Kernel, port: KafkaPort, log = quiet): RelayOptions => ({
  feed: new StoreFeed('sales', store),
  port,
  pool,
  log,
});

export const quiet: SubscriptionLog = { warn: () => undefined, error: () => undefined };

/** A log that can be looked into. */
export function keptLog(): SubscriptionLog & { lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string) => void lines.push(message);
  return { lines, warn: keep, error: keep };
}

/** An owner who never answers, so that all comes by Kafka. */
/** Where nothing is set aside. */
export const nothingAside = () => Promise.reject(new Error('a message was set aside'));

export const nobody: History = { read: () => Promise.reject(new Away('nobody is there')) };

/** Kafka as the test's stack offers it, with topics of its own, and what an administrator may do to them. */
export async function freshKafka(client: KafkaClient, brokers = stackBrokers()) {
  const prefix = `t${randomBytes(5).toString('hex')}.`;
  const open = (name: KafkaClient) =>
    openKafka(name, { brokers: [brokers], clientId: 'test', replicationFactor: 1, prefix });
  const port = await open(client);
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const asAdmin = async <T>(work: (admin: Admin) => Promise<T>): Promise<T> => {
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  };
  return {
    port,
    /** The same topics by another client. */
    as: open,
    /** Removes all messages before an offset, as retention does. */
    truncate: (topic: string, offset: number) =>
      asAdmin(async (admin) => {
        await admin.fetchTopicOffsets(prefix + topic);
        const partitions = [{ partition: 0, offset: String(offset) }];
        await admin.deleteTopicRecords({ topic: prefix + topic, partitions });
      }),
    drop: (topic: string) => asAdmin((admin) => admin.deleteTopics({ topics: [prefix + topic] })),
    settings: (topic: string) =>
      asAdmin(async (admin) => {
        const asked = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: prefix + topic }];
        const { resources } = await admin.describeConfigs({ resources: asked, includeSynonyms: false });
        return Object.fromEntries(
          resources.flatMap(({ configEntries }) =>
            configEntries.map(({ configName, configValue }) => [configName, configValue]),
          ),
        );
      }),
    create: (topic: string, numPartitions: number) =>
      asAdmin((admin) => admin.createTopics({ topics: [{ topic: prefix + topic, numPartitions }] })),
  };
}

/** Everything that lies in a topic. */
export async function dump(port: KafkaPort, topic: string): Promise<PlacedMessage[]> {
  const reader = port.reader(topic);
  const messages: PlacedMessage[] = [];
  const { earliest, latest } = await reader.offsets();
  for (let offset = earliest; offset < latest;) {
    const fetched = await reader.fetch(offset);
    messages.push(...fetched.messages);
    offset = fetched.next;
  }
  reader.close();
  return messages;
}

function stackBrokers(): string {
  const stack = process.env['THROUGHLINE_TEST_STACK'];
  if (!stack) throw new Error('THROUGHLINE_TEST_STACK is not set: run the suites by `npm test`');
  return (JSON.parse(stack) as { kafkaBrokers: string }).kafkaBrokers;
}

/** A relay that runs in the background until it is stopped. */
export function relaying(options: RelayOptions) {
  const stop = new AbortController();
  const ended = runRelay(options, stop.signal);
  ended.catch(() => undefined);
  return async () => {
    stop.abort();
    await ended;
  };
}

/** Follows a feed in the background and keeps what comes. */
export function following(feed: Feed, after = 0) {
  const stop = new AbortController();
  const events: Stored[] = [];
  const ended = (async () => {
    for await (const batch of feed.read(after, 500, stop.signal)) events.push(...batch.events);
  })();
  ended.catch(() => undefined);
  return {
    events,
    ended,
    reaches: (position: number) => until(() => (events.at(-1)?.position ?? 0) >= position),
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}
