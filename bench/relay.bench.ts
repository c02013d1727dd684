import { setTimeout as sleep } from 'node:timers/promises';
import { topicOf } from '@throughline/contracts';
import { newId } from '@throughline/event-sourcing';
import {
  kafkaClients,
  openKafka,
  runRelay,
  toMessage,
  type KafkaClient,
  type KafkaPort,
  type Message,
} from '@throughline/messaging';
import { Producer, stringSerializer } from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { fillWithCustomers } from './data.ts';
import { sized, type Bench } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

/** A client without the project: sends one batch, with acks of all in-sync replicas. */
type Bare = { send: (topic: string, messages: readonly Message[]) => Promise<unknown>; close: () => Promise<unknown> };

type State = OpenKernel & {
  count: number;
  brokers: string[];
  bare: Bare;
  /** What the relay sends, in the batches in which it sends. */
  batches: readonly Message[][];
};

const batchSize = 500;
const topic = topicOf('customers');
const nothing = { warn: () => undefined, error: () => undefined };

const bareClients: Record<KafkaClient, (brokers: string[]) => Promise<Bare>> = {
  async kafkajs(brokers) {
    const producer = new Kafka({ clientId: 'bare', brokers, logLevel: logLevel.NOTHING }).producer({
      allowAutoTopicCreation: false,
    });
    await producer.connect();
    return {
      send: (name, messages) =>
        producer.send({ topic: name, messages: messages.map((message) => ({ ...message, partition: 0 })), acks: -1 }),
      close: () => producer.disconnect(),
    };
  },
  async platformatic(bootstrapBrokers) {
    const serializers = { key: stringSerializer, headerKey: stringSerializer, headerValue: stringSerializer };
    const producer = new Producer<string, Buffer, string, string>({ clientId: 'bare', bootstrapBrokers, serializers });
    return {
      send: (name, messages) =>
        producer.send({ messages: messages.map((message) => ({ ...message, topic: name, partition: 0 })), acks: -1 }),
      close: () => producer.close(),
    };
  },
};

/** A topic of its own for every round, made beforehand. */
async function freshTopic(client: KafkaClient, brokers: string[]): Promise<{ port: KafkaPort; name: string }> {
  const prefix = `b${newId()}.`;
  const port = await openKafka(client, { brokers, clientId: 'bench', prefix, replicationFactor: 1 });
  await port.ensureTopic(topic);
  return { port, name: prefix + topic };
}

const relaying = (client: KafkaClient): Bench<State> => ({
  name: `relay into Kafka, ${client}`,
  needs: ['postgres', 'kafka'],
  unit: 'events/s',
  goal: 0.85,
  async prepare(servers, size) {
    const opened = await openKernel(servers, { name: 'customers' });
    const { store } = opened.kernel;
    const count = await fillWithCustomers(store, sized(50_000, size));
    const stored = await store.readAbove(0, count);
    const messages = stored.map((event, index) => toMessage('customers', event, stored[index - 1]?.position ?? 0));
    const batches = Array.from({ length: Math.ceil(count / batchSize) }, (_, index) =>
      messages.slice(index * batchSize, (index + 1) * batchSize),
    );
    const brokers = servers.kafkaBrokers.split(',');
    return { ...opened, count, brokers, bare: await bareClients[client](brokers), batches };
  },
  async ours({ kernel, brokers, count }, perSecond) {
    const { pool } = kernel;
    await pool.query('delete from checkpoints');
    const head = await kernel.feed().head();
    const { port } = await freshTopic(client, brokers);
    const stop = new AbortController();
    let ended = Promise.resolve();
    try {
      return await perSecond(count, async () => {
        ended = runRelay({ feed: kernel.feed(), port, pool, log: nothing }, stop.signal);
        await Promise.race([ended, relayed(pool, head)]);
      });
    } finally {
      stop.abort();
      await ended;
      await port.disconnect();
    }
  },
  async limit({ bare, brokers, batches, count }, perSecond) {
    const { port, name } = await freshTopic(client, brokers);
    await port.disconnect();
    return perSecond(count, async () => {
      for (const messages of batches) await bare.send(name, messages);
    });
  },
  async cleanup({ bare, close }) {
    await bare.close();
    await close();
  },
});

/** Resolves once the checkpoint says that all is sent. */
async function relayed(pool: OpenKernel['kernel']['pool'], head: number): Promise<void> {
  for (;;) {
    const { rowCount } = await pool.query(`select from checkpoints where subscription = 'relay' and position >= $1`, [
      head,
    ]);
    if (rowCount === 1) return;
    await sleep(10);
  }
}

export const benches: readonly Bench[] = kafkaClients.map(relaying);
