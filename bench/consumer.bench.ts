import { topicOf } from '@throughline/contracts';
import { newId } from '@throughline/event-sourcing';
import { KafkaFeed, openKafka, storeHistory, toMessage, type KafkaPort } from '@throughline/messaging';
import { Kafka, logLevel, type Consumer } from 'kafkajs';
import { pipelineBoard } from '../services/sales/src/deal/pipeline-board.view.ts';
import { fillWithDeals } from './deals.ts';
import { sized, type Bench } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';
import { boardPassed, keepBoard } from './views.ts';

type State = OpenKernel & { count: number; head: number; port: KafkaPort; bare: Bare };
/** A consumer of kafkajs that has joined its group, and waits. */
type Bare = { readAll: () => Promise<void>; close: () => Promise<void> };

const topic = topicOf('sales');
const nothing = { warn: () => undefined, error: () => undefined };
const batchSize = 500;
/** So long kafkajs waits before it looks whether it may go on. */
const pauseMilliseconds = 5;

const consuming: Bench<State> = {
  name: 'consumer, Kafka to view',
  needs: ['postgres', 'kafka'],
  unit: 'events/s',
  async prepare(servers, size) {
    const opened = await openKernel(servers, { name: 'sales', folds: [pipelineBoard] });
    const { store } = opened.kernel;
    const count = sized(50_000, size);
    await fillWithDeals(store, count);
    const stored = await store.readAbove(0, count);
    const messages = stored.map((event, index) => toMessage('sales', event, stored[index - 1]?.position ?? 0));
    const brokers = servers.kafkaBrokers.split(',');
    const prefix = `b${newId()}.`;
    const port = await openKafka('kafkajs', { brokers, clientId: 'bench', prefix, replicationFactor: 1 });
    await port.ensureTopic(topic);
    for (let from = 0; from < count; from += batchSize) {
      await port.produce(topic, messages.slice(from, from + batchSize));
    }
    const head = await opened.kernel.feed().head();
    return { ...opened, count, head, port, bare: await bareConsumer(brokers, prefix + topic, count) };
  },
  async ours({ kernel, port, head, count }, perSecond) {
    const { pool, store } = kernel;
    await pool.query(`truncate "${pipelineBoard.table}"; delete from checkpoints`);
    const history = storeHistory(store, kernel.feed());
    const feed = new KafkaFeed({ service: 'sales', port, history, log: nothing, setAside });
    return keepBoard(
      kernel,
      feed,
      () => boardPassed(kernel, head),
      (work) => perSecond(count, work),
    );
  },
  limit: ({ bare, count }, perSecond) => perSecond(count, () => bare.readAll()),
  async cleanup({ bare, port, close }) {
    await bare.close();
    await port.disconnect();
    await close();
  },
};

const setAside = () => Promise.reject(new Error('a message of the bench cannot be read'));

async function bareConsumer(brokers: string[], name: string, count: number): Promise<Bare> {
  const kafka = new Kafka({ clientId: 'bare', brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: name, maxWaitTimeInMs: pauseMilliseconds });
  await consumer.connect();
  await consumer.subscribe({ topic: name, fromBeginning: true });
  let [left, done] = [count, Promise.withResolvers<void>()];
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      left -= batch.messages.length;
      if (left > 0) return;
      consumer.pause([{ topic: name }]);
      done.resolve();
    },
  });
  // It takes seconds until it has joined its group: that is not what is compared.
  await done.promise;
  const readAll = () => {
    [left, done] = [count, Promise.withResolvers<void>()];
    rewind(consumer, name);
    return done.promise;
  };
  return { readAll, close: () => consumer.disconnect() };
}

function rewind(consumer: Consumer, name: string): void {
  consumer.seek({ topic: name, partition: 0, offset: '0' });
  consumer.resume([{ topic: name }]);
}

export const benches: readonly Bench[] = [consuming];
