import { createRequire } from 'node:module';
import { Kafka, logLevel, type Cluster, type KafkaMessage, type SASLOptions } from 'kafkajs';
import type { KafkaOptions, KafkaPort } from './kafka-client.ts';
import {
  connectMilliseconds,
  fetchWaitMilliseconds,
  KafkaConnections,
  metadataMilliseconds,
  partition,
  requestMilliseconds,
  shuffled,
  type Asker,
  type Sender,
  type TopicMaker,
} from './kafka-connections.ts';

const readCommitted = 1;

/**
 * `KafkaPort` on kafkajs 2.2.4, which is no longer maintained: its version and its faults stay as they are.
 *
 * **Reading goes without a consumer group.** With one partition a topic and the place kept in Postgres, a group has
 * nothing to assign and nothing to commit; but it brings a coordinator that has to be found again after every broker
 * restart, sessions that run out while a large batch is applied, rebalances, and a place that can only be set from inside
 * a running batch. Most known faults of kafkajs live there. It publishes no other way to read, but its own consumer reads
 * through `Cluster` and `Broker`, whose types it does publish: find the leader, fetch from an offset. So do we. A broker
 * that restarts costs one failed fetch and a new connection.
 */
export function kafkaJs(options: KafkaOptions): KafkaPort {
  const { brokers, clientId, ssl, sasl } = options;
  const kafka = new Kafka({
    clientId,
    brokers: () => shuffled(brokers),
    connectionTimeout: connectMilliseconds,
    authenticationTimeout: connectMilliseconds,
    requestTimeout: requestMilliseconds,
    // Enough to go through the brokers once: it is the caller who waits and tries again.
    retry: { retries: brokers.length, initialRetryTime: 50, maxRetryTime: 200 },
    logLevel: logLevel.NOTHING,
    ...(ssl !== undefined && { ssl }),
    ...(sasl && { sasl: sasl as SASLOptions }),
  });
  return new KafkaConnections(options, {
    topicMaker: () => topicMaker(kafka),
    sender: () => sender(kafka),
    asker: (topic) => asker(kafka, topic),
  });
}

function topicMaker(kafka: Kafka): TopicMaker {
  const admin = kafka.admin();
  return {
    async make({ topic, replicationFactor, configs }) {
      await admin.connect();
      await admin.createTopics({
        topics: [{ topic, numPartitions: 1, replicationFactor, configEntries: [...configs] }],
        timeout: requestMilliseconds,
      });
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      return topics[0]?.partitions.length;
    },
    close: () => admin.disconnect(),
  };
}

function sender(kafka: Kafka): Sender {
  // Not idempotent, which is an experiment in kafkajs: one batch at a time keeps the order, positions tell repeats.
  const producer = kafka.producer({ allowAutoTopicCreation: false, createPartitioner: () => () => partition });
  let connected: Promise<void> | undefined;
  return {
    async send(topic, messages) {
      await (connected ??= producer.connect());
      const batch = messages.map(({ key, value, headers }) => ({ key, value, headers, partition }));
      await producer.send({ topic, messages: batch, acks: -1, timeout: requestMilliseconds });
    },
    close: () => producer.disconnect(),
  };
}

function asker(kafka: Kafka, topic: string): Asker {
  const cluster = newCluster(kafka);
  let connected: Promise<void> | undefined;
  const ready = async () => {
    await (connected ??= cluster.connect());
    await cluster.addTargetTopic(topic);
  };
  const offsetOf = async (fromBeginning: boolean): Promise<number> => {
    const topics = [{ topic, partitions: [{ partition }], fromBeginning }];
    const found = (await cluster.fetchTopicsOffset(topics))[0]?.partitions[0];
    if (!found) throw new Error('the topic has no leader');
    return Number(found.offset);
  };
  return {
    async offsets() {
      await ready();
      return { earliest: await offsetOf(true), latest: await offsetOf(false) };
    },
    async fetch(offset, most) {
      await ready();
      const [leader] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
      if (leader === undefined) throw new Error('the topic has no leader');
      const broker = await cluster.findBroker({ nodeId: leader });
      const answer = (await broker.fetch({
        isolationLevel: readCommitted,
        maxWaitTime: fetchWaitMilliseconds,
        minBytes: 1,
        maxBytes: most,
        topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: most }] }],
      })) as { responses: { partitions: { messages: RawMessage[] }[] }[] };
      const messages = answer.responses[0]?.partitions[0]?.messages ?? [];
      const last = messages.at(-1);
      return {
        messages: messages.filter(({ isControlRecord }) => !isControlRecord).map(placed),
        next: last ? Number(last.offset) + 1 : offset,
      };
    },
    close: () => cluster.disconnect(),
  };
}

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
  return create({
    metadataMaxAge: metadataMilliseconds,
    allowAutoTopicCreation: false,
    isolationLevel: readCommitted,
  });
}
