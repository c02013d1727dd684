import { setTimeout as sleep } from 'node:timers/promises';
import { topicOf } from '@throughline/contracts';
import { newId } from '@throughline/event-sourcing';
import { KafkaJs, runRelay, toMessage, type KafkaPort, type Message } from '@throughline/messaging';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { fillWithCustomers } from './data.ts';
import { sized, type Bench } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

type State = OpenKernel & {
  count: number;
  brokers: string[];
  producer: Producer;
  /** What the relay sends, in the batches in which it sends. */
  batches: readonly Message[][];
};

const batchSize = 500;
const topic = topicOf('customers');
const nothing = { warn: () => undefined, error: () => undefined };

/** A topic of its own for every round, made beforehand. */
async function freshTopic(brokers: string[]): Promise<{ port: KafkaPort; name: string }> {
  const prefix = `b${newId()}.`;
  const port = new KafkaJs({ brokers, clientId: 'bench', prefix, replicationFactor: 1 });
  await port.ensureTopic(topic);
  return { port, name: prefix + topic };
}

const relaying: Bench<State> = {
  name: 'relay into Kafka',
  needs: ['postgres', 'kafka'],
  unit: 'events/s',
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
    const kafka = new Kafka({ clientId: 'bare', brokers, logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    return { ...opened, count, brokers, producer, batches };
  },
  async ours({ kernel, brokers, count }, perSecond) {
    const { pool } = kernel;
    await pool.query('delete from checkpoints');
    const head = await kernel.feed().head();
    const { port } = await freshTopic(brokers);
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
  async limit({ producer, brokers, batches, count }, perSecond) {
    const { port, name } = await freshTopic(brokers);
    await port.disconnect();
    return perSecond(count, async () => {
      for (const messages of batches) {
        const placed = messages.map((message) => ({ ...message, partition: 0 }));
        await producer.send({ topic: name, messages: placed, acks: -1 });
      }
    });
  },
  async cleanup({ producer, close }) {
    await producer.disconnect();
    await close();
  },
};

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

export const benches: readonly Bench[] = [relaying];
