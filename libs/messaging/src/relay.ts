import {
  SpanKind,
  moveCheckpoint,
  takeCheckpoint,
  tracedBatch,
  type Feed,
  type Pool,
  type SubscriptionLog,
  type Traceable,
} from '@throughline/event-sourcing';
import { topicOf } from '@throughline/contracts';
import { ahead } from './ahead.ts';
import { maxBatchBytes, type KafkaPort, type Message } from './kafka-client.ts';
import { Outage } from './outage.ts';
import { toMessage } from './wire.ts';

const batch = 500;

export type RelayOptions = {
  /** The owner's log: a `StoreFeed`. */
  feed: Feed;
  port: KafkaPort;
  /** The owner's database: the checkpoint `relay` is there. */
  pool: Pool;
  log: SubscriptionLog;
};

/**
 * Copies a store's log to its topic, in order and without gaps, until `signal` aborts: sends a batch, waits until all
 * in-sync replicas have it, moves the checkpoint, sends the next one. After a crash in between the batch is sent again;
 * readers drop it by position. While Kafka or the database is away it waits; the topic is created where it is missing.
 *
 * To be run by the store's leader only. Two at once would do no harm, but send everything twice.
 *
 * @throws Deposed where another relay took over
 */
export async function runRelay({ feed, port, pool, log }: RelayOptions, signal: AbortSignal): Promise<void> {
  const { service } = feed;
  const topic = topicOf(service);
  const outage = new Outage(`relay to ${topic}`, log);
  const attributes = { 'messaging.system': 'kafka', 'messaging.destination.name': topic };
  const trace = { name: () => `send ${topic}`, kind: SpanKind.PRODUCER, attributes };
  while (!signal.aborted) {
    const fault = new AbortController();
    try {
      await port.ensureTopic(topic);
      let checkpoint = await takeCheckpoint(pool, 'relay', service);
      const batches = feed.read(checkpoint.position, batch, AbortSignal.any([signal, fault.signal]));
      for await (const { generation, events } of ahead(batches)) {
        if (events.length === 0) continue;
        let previous = checkpoint.position;
        const messages = events.map((event) => {
          const message = toMessage(service, event, previous);
          previous = event.position;
          return { ...message, position: event.position };
        });
        for (const chunk of chunks(messages)) {
          await tracedBatch(trace, chunk.map(traceable), () => port.produce(topic, chunk));
          checkpoint = await moveCheckpoint(
            pool,
            checkpoint,
            (chunk.at(-1) as { position: number }).position,
            generation,
          );
          outage.over();
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      await outage.wait(error, signal);
    } finally {
      fault.abort();
    }
  }
}

/** Cuts a batch so that a broker takes each part. */
function* chunks<M extends Message>(messages: readonly M[]): Generator<readonly M[]> {
  let [from, bytes] = [0, 0];
  for (const [index, message] of messages.entries()) {
    const size = sizeOf(message);
    if (bytes + size > maxBatchBytes && index > from) {
      yield messages.slice(from, index);
      [from, bytes] = [index, 0];
    }
    bytes += size;
  }
  yield messages.slice(from);
}

const traceable = ({
  headers: { ce_type: type = '', recorded_at: recordedAt = '', traceparent },
}: Message): Traceable => ({
  type,
  recordedAt,
  meta: traceparent === undefined ? {} : { traceparent },
});

/** What it takes on the wire, or a little more. */
function sizeOf({ key, value, headers }: Message): number {
  let size = value.length + Buffer.byteLength(key) + 50;
  for (const [name, header] of Object.entries(headers)) size += name.length + Buffer.byteLength(header) + 10;
  return size;
}
