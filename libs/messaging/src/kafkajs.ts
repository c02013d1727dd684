import { createRequire } from 'node:module';
import { Kafka, logLevel, type Cluster, type KafkaMessage, type Producer, type SASLOptions } from 'kafkajs';
import {
  Away,
  type Fetched,
  type KafkaOptions,
  type KafkaPort,
  type Message,
  type TopicReader,
} from './kafka-client.ts';

const connectMilliseconds = 2_000;
const requestMilliseconds = 8_000;
/** Nothing that is asked of kafkajs may take longer, whatever it waits for. */
const deadlineMilliseconds = 12_000;
const disconnectMilliseconds = 2_000;
const fetchWaitMilliseconds = 1_000;
const fetchBytes = 4 * 1024 * 1024;
const retentionMilliseconds = 14 * 24 * 60 * 60 * 1_000;
const partition = 0;

/**
 * `KafkaPort` on kafkajs 2.2.4, which is no longer maintained: its version and its faults stay as they are.
 *
 * **Reading goes without a consumer group.** With one partition a topic and the place kept in Postgres, a group has
 * nothing to assign and nothing to commit; but it brings a coordinator that has to be found again after every broker
 * restart, sessions that run out while a large batch is applied, rebalances, and a place that can only be set from inside
 * a running batch. Most known faults of kafkajs live there. It publishes no other way to read, but its own consumer reads
 * through `Cluster` and `Broker`, whose types it does publish: find the leader, fetch from an offset. So do we. A broker
 * that restarts costs one failed fetch and a new connection.
 *
 * **One reader, one connection.** A broker answers the requests of a connection one after the other: a fetch that waits
 * for news would hold up all others.
 *
 * **No repair.** A connection is thrown away at its first fault, and the next call makes a new one, because kafkajs may
 * hang where it mends or disconnects. Disconnecting is waited for two seconds at most, and every call has a deadline.
 */
export class KafkaJs implements KafkaPort {
  readonly #kafka: Kafka;
  readonly #readers = new Set<KafkaJsReader>();
  readonly #closing = new Set<Promise<void>>();
  #producer: Promise<Producer> | undefined;
  #sent: Promise<void> = Promise.resolve();

  constructor(private readonly options: KafkaOptions) {
    const { brokers, clientId, ssl, sasl } = options;
    this.#kafka = new Kafka({
      clientId,
      // Another one first each time, because every connection begins anew.
      brokers: () => brokers.toSorted(() => Math.random() - 0.5),
      connectionTimeout: connectMilliseconds,
      authenticationTimeout: connectMilliseconds,
      requestTimeout: requestMilliseconds,
      // Enough to go through the brokers once: it is the caller who waits and tries again.
      retry: { retries: brokers.length, initialRetryTime: 50, maxRetryTime: 200 },
      logLevel: logLevel.NOTHING,
      ...(ssl !== undefined && { ssl }),
      ...(sasl && { sasl: sasl as SASLOptions }),
    });
  }

  async ensureTopic(name: string): Promise<void> {
    const topic = this.#named(name);
    const { replicationFactor } = this.options;
    const config = {
      'cleanup.policy': 'delete',
      'retention.ms': String(retentionMilliseconds),
      'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
    };
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    const admin = this.#kafka.admin();
    try {
      const partitions = await inTime('create the topic', async () => {
        await admin.connect();
        await admin.createTopics({
          topics: [{ topic, numPartitions: 1, replicationFactor, configEntries }],
          timeout: requestMilliseconds,
        });
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        return topics[0]?.partitions.length;
      });
      if (partitions !== 1)
        throw new Error(`topic ${topic} has ${partitions} partitions, not one: it has no one order`);
    } finally {
      this.#letGo(admin.disconnect());
    }
  }

  produce(topic: string, messages: readonly Message[]): Promise<void> {
    const sent = this.#sent.then(() => this.#produce(this.#named(topic), messages));
    this.#sent = sent.catch(() => undefined);
    return sent;
  }

  reader(topic: string): TopicReader {
    const reader = new KafkaJsReader(this.#kafka, this.#named(topic), {
      letGo: (disconnecting) => this.#letGo(disconnecting),
      closed: () => this.#readers.delete(reader),
    });
    this.#readers.add(reader);
    return reader;
  }

  fetchAge(): number {
    const now = Date.now();
    return Math.max(0, ...[...this.#readers].map(({ askingSince }) => (askingSince ? now - askingSince : 0)));
  }

  async disconnect(): Promise<void> {
    for (const reader of this.#readers) reader.close();
    this.#dropProducer();
    await Promise.all(this.#closing);
  }

  #named(topic: string): string {
    return `${this.options.prefix ?? ''}${topic}`;
  }

  async #produce(topic: string, messages: readonly Message[]): Promise<void> {
    try {
      await inTime('send', async () => {
        const producer = await (this.#producer ??= this.#connectProducer());
        const batch = messages.map(({ key, value, headers }) => ({ key, value, headers, partition }));
        await producer.send({ topic, messages: batch, acks: -1, timeout: requestMilliseconds });
      });
    } catch (error) {
      this.#dropProducer();
      throw error;
    }
  }

  async #connectProducer(): Promise<Producer> {
    // Not idempotent, which is an experiment in kafkajs: one batch at a time keeps the order, positions tell repeats.
    const producer = this.#kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: () => () => partition,
    });
    try {
      await producer.connect();
      return producer;
    } catch (error) {
      this.#letGo(producer.disconnect());
      throw error;
    }
  }

  #dropProducer(): void {
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer) this.#letGo(producer.then((connected) => connected.disconnect()));
  }

  #letGo(disconnecting: Promise<void>): void {
    const closing = within(disconnectMilliseconds, disconnecting).catch(() => undefined);
    this.#closing.add(closing);
    void closing.finally(() => this.#closing.delete(closing));
  }
}

class KafkaJsReader implements TopicReader {
  /** When the fetch that has not been answered yet was first asked for. */
  askingSince: number | undefined;
  #cluster: Cluster | undefined;
  #closed = false;

  constructor(
    private readonly kafka: Kafka,
    private readonly topic: string,
    private readonly owner: { letGo: (disconnecting: Promise<void>) => void; closed: () => void },
  ) {}

  offsets(): Promise<{ earliest: number; latest: number }> {
    return this.#ask('ask for offsets', async (cluster) => {
      const offset = async (fromBeginning: boolean): Promise<number> => {
        const topics = [{ topic: this.topic, partitions: [{ partition }], fromBeginning }];
        const found = (await cluster.fetchTopicsOffset(topics))[0]?.partitions[0];
        if (!found) throw new Error('the topic has no leader');
        return Number(found.offset);
      };
      const earliest = await offset(true);
      return { earliest, latest: Math.max(earliest, await offset(false)) };
    });
  }

  async fetch(offset: number, most = fetchBytes): Promise<Fetched> {
    this.askingSince ??= Date.now();
    const fetched = await this.#ask('fetch', async (cluster) => {
      const [leader] = Object.keys(cluster.findLeaderForPartitions(this.topic, [partition]));
      if (leader === undefined) throw new Error('the topic has no leader');
      const broker = await cluster.findBroker({ nodeId: leader });
      const answer = (await broker.fetch({
        isolationLevel: readCommitted,
        maxWaitTime: fetchWaitMilliseconds,
        minBytes: 1,
        maxBytes: most,
        topics: [{ topic: this.topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: most }] }],
      })) as { responses: { partitions: { messages: RawMessage[] }[] }[] };
      return answer.responses[0]?.partitions[0]?.messages ?? [];
    });
    this.askingSince = undefined;
    // A broker answers with whole batches, which may begin before the offset that was asked for.
    const messages = fetched.filter((message) => Number(message.offset) >= offset && !message.isControlRecord);
    const last = fetched.at(-1);
    return { messages: messages.map(placed), next: last ? Math.max(offset, Number(last.offset) + 1) : offset };
  }

  close(): void {
    this.#closed = true;
    this.#drop(this.#cluster);
    this.owner.closed();
  }

  async #ask<T>(what: string, work: (cluster: Cluster) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Away(`could not ${what}: the reader is closed`);
    const known = this.#cluster;
    const cluster = known ?? (this.#cluster = newCluster(this.kafka));
    try {
      return await inTime(what, async () => {
        if (!known) await cluster.connect();
        await cluster.addTargetTopic(this.topic);
        return work(cluster);
      });
    } catch (error) {
      this.#drop(cluster);
      throw error;
    }
  }

  #drop(cluster: Cluster | undefined): void {
    if (!cluster || this.#cluster !== cluster) return;
    this.#cluster = undefined;
    this.owner.letGo(cluster.disconnect());
  }
}

const readCommitted = 1;

type RawMessage = KafkaMessage & { isControlRecord?: boolean };

const placed = ({ offset, key, value, headers = {} }: RawMessage) => ({
  offset: Number(offset),
  key: key?.toString() ?? '',
  value: value ?? Buffer.alloc(0),
  headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, String(header)])),
});

/**
 * After its first answer every connection of kafkajs looks every millisecond, for ever, whether requests are waiting, by a
 * timer with a negative time, of which Node 24 warns. It need only look while some are: 20 idle readers take 1.3 % of a
 * core instead of 5 %.
 */
function mendRequestQueue(): void {
  type Queue = { pending: unknown[]; scheduleCheckPendingRequests: () => void };
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/network/requestQueue') as { prototype: Queue };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: Queue) {
    if (this.pending.length > 0) schedule.call(this);
  };
}
mendRequestQueue();

/** What kafkajs' own consumer reads through. It is kept behind a symbol. */
function newCluster(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const create = symbol && (kafka as unknown as Record<symbol, (options: object) => Cluster>)[symbol];
  if (!create) throw new Error('this is not kafkajs 2.2.4');
  return create({ metadataMaxAge: 300_000, allowAutoTopicCreation: false, isolationLevel: readCommitted });
}

/** Runs what is asked of kafkajs, and turns whatever goes wrong into `Away`. */
async function inTime<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await within(deadlineMilliseconds, work());
  } catch (error) {
    throw new Away(`could not ${what}: ${(error as Error).message}`, { cause: error });
  }
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
