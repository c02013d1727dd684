import {
  Admin,
  Consumer,
  FetchIsolationLevels,
  findErrorBy,
  IS_CONTROL,
  ProduceAcks,
  Producer,
  stringSerializer,
  type BaseOptions,
  type Connection,
  type ConnectionPool,
  type KafkaRecord,
  type RecordsBatch,
} from '@platformatic/kafka';
import type { KafkaOptions, KafkaPort, PlacedMessage } from './kafka-client.ts';
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

const mechanisms = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const;
/** A broker knows a topic that was just made a moment later. */
const lookAgain = { times: 30, milliseconds: 100 };
const [earliestTime, latestTime] = [-2n, -1n];
/** An epoch that is not known, and so not compared. */
const anyEpoch = -1;

/**
 * `KafkaPort` on @platformatic/kafka 2.12.1. It publishes what we need: `Consumer.fetch` reads from an offset, and a
 * consumer joins its group only when it is told to consume.
 */
export function platformatic(options: KafkaOptions): KafkaPort {
  const { brokers, clientId, ssl, sasl } = options;
  const base = (): BaseOptions => ({
    clientId,
    bootstrapBrokers: shuffled(brokers),
    connectTimeout: connectMilliseconds,
    requestTimeout: requestMilliseconds,
    timeout: requestMilliseconds,
    retries: 0,
    retryDelay: lookAgain.milliseconds,
    metadataMaxAge: metadataMilliseconds,
    autocreateTopics: false,
    // It names the host to the broker's TLS only where it is told to.
    ...(ssl && { tls: {}, tlsServerName: true }),
    ...(sasl && { sasl: { ...sasl, mechanism: mechanisms[sasl.mechanism] } }),
  });
  return new KafkaConnections(options, {
    topicMaker: () => topicMaker(base()),
    sender: () => sender(base()),
    asker: (topic) => asker(base(), topic),
  });
}

function topicMaker(options: BaseOptions): TopicMaker {
  const admin = new Admin(options);
  return {
    close: closing(admin),
    async make({ topic, replicationFactor, configs }) {
      try {
        await admin.createTopics({
          topics: [topic],
          partitions: 1,
          replicas: replicationFactor,
          configs: [...configs],
        });
      } catch (error) {
        if (!findErrorBy(error as Error, 'apiId', 'TOPIC_ALREADY_EXISTS')) throw error;
      }
      const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true, retries: lookAgain.times });
      return topics.get(topic)?.partitionsCount;
    },
  };
}

function sender(options: BaseOptions): Sender {
  const serializers = { key: stringSerializer, headerKey: stringSerializer, headerValue: stringSerializer };
  const producer = new Producer<string, Buffer, string, string>({ ...options, serializers });
  return {
    close: closing(producer),
    send: (topic, messages) =>
      producer.send({ messages: messages.map((message) => ({ ...message, topic, partition })), acks: ProduceAcks.ALL }),
  };
}

function asker(options: BaseOptions, topic: string): Asker {
  const isolationLevel = FetchIsolationLevels.READ_COMMITTED;
  const consumer = new Consumer({ ...options, groupId: options.clientId });
  const offsetAt = async (timestamp: bigint): Promise<number> => {
    const offsets = await consumer.listOffsets({ topics: [topic], timestamp, isolationLevel });
    return Number(offsets.get(topic)?.[partition]);
  };
  return {
    close: closing(consumer),
    offsets: async () => ({ earliest: await offsetAt(earliestTime), latest: await offsetAt(latestTime) }),
    async fetch(offset, most) {
      const known = (await consumer.metadata({ topics: [topic] })).topics.get(topic);
      const leader = known?.partitions[partition]?.leader;
      if (!known || leader === undefined) throw new Error('the topic has no leader');
      const place = { partition, fetchOffset: BigInt(offset), partitionMaxBytes: most };
      const { responses } = await consumer.fetch({
        node: leader,
        topics: [
          { topicId: known.id, partitions: [{ ...place, currentLeaderEpoch: anyEpoch, lastFetchedEpoch: anyEpoch }] },
        ],
        isolationLevel,
        maxWaitTime: fetchWaitMilliseconds,
        minBytes: 1,
        maxBytes: most,
      });
      const batches = responses[0]?.partitions[0]?.records ?? [];
      const last = batches.at(-1);
      return {
        messages: batches.flatMap((batch) => (batch.attributes & IS_CONTROL ? [] : messagesOf(batch))),
        next: last ? Number(last.firstOffset) + last.lastOffsetDelta + 1 : offset,
      };
    },
  };
}

const messagesOf = ({ firstOffset, records }: RecordsBatch): PlacedMessage[] =>
  records.map((record) => placed(Number(firstOffset) + record.offsetDelta, record));

const placed = (offset: number, { key, value, headers }: KafkaRecord): PlacedMessage => ({
  offset,
  key: key?.toString() ?? '',
  value: value ?? Buffer.alloc(0),
  headers: Object.fromEntries(headers.map(([name, header]) => [name?.toString() ?? '', header?.toString() ?? ''])),
});

/**
 * How to close a client for good. Its connections tell of an error also when nobody listens any more, which would end the
 * process; and they forget sockets that did not get through signing in, or wait for ever until a broker that hangs has
 * taken what is still to be sent.
 */
function closing(client: { connections: ConnectionPool; close(): Promise<void> }): () => Promise<void> {
  const connections = new Set<Connection>();
  client.connections.on('connecting', ({ connection }) => {
    connections.add(connection);
    connection.on('error', () => undefined);
    connection.once('close', () => connections.delete(connection));
  });
  return async () => {
    const closed = client.close();
    for (const { socket } of connections) socket.destroy();
    await closed;
  };
}
