import { setTimeout as sleep } from 'node:timers/promises';
import { topicOf, type ServiceName } from '@throughline/contracts';
import {
  GenerationChanged,
  isTransient,
  type Batch,
  type Behind,
  type Feed,
  type Stored,
  type SubscriptionLog,
} from '@throughline/event-sourcing';
import { ahead } from './ahead.ts';
import { historyLimit, type History, type HistoryPage } from './history.ts';
import { Away, type KafkaPort, type PlacedMessage, type TopicReader } from './kafka-client.ts';
import { Outage } from './outage.ts';
import { MalformedMessage, fromMessage, type Carried } from './wire.ts';

/** Keeps a message that is none of ours, or damaged; resolves once it is kept. The same one may come several times. */
export type SetAside = (topic: string, message: PlacedMessage, reason: string) => Promise<void>;

export type KafkaFeedOptions = {
  service: ServiceName;
  port: KafkaPort;
  /** The owner's log, for what the topic does not have (any more). */
  history: History;
  log: SubscriptionLog;
  setAside: SetAside;
  /** How long a quiet topic is trusted before it is compared with the owner's log. */
  lookAgainMilliseconds?: number;
};

/**
 * Another service's log, read from its topic.
 *
 * Offsets mean nothing here. A message counts where its position is above the last one and its `previous` is not; where
 * `previous` is above too, something is missing (retention, a topic emptied, lost or created anew), and the owner's history
 * fills the gap before the message is delivered. So nothing can be lost, whatever happens to the topic, and repeats
 * disappear. A message that cannot be read is set aside: if it was an event, it shows as missing, and comes from the owner.
 * Where to begin is found by bisection over the offsets: about 20 small fetches for a million messages.
 *
 * Kafka or history away: waits and goes on. Messages of an earlier generation of the store do not count; a change of
 * generation while reading throws `GenerationChanged`.
 */
export class KafkaFeed implements Feed {
  readonly service: ServiceName;

  constructor(private readonly options: KafkaFeedOptions) {
    this.service = options.service;
  }

  /** @throws GenerationChanged */
  async *read(after: number, limit: number, signal: AbortSignal): AsyncGenerator<Batch, void> {
    yield* new Reading(this.options, after, limit, signal).batches();
  }

  async head(): Promise<number> {
    const { service, port, history } = this.options;
    try {
      return (await peek(history)).head;
    } catch (error) {
      if (!isTransient(error)) throw error;
    }
    const reader = port.reader(topicOf(service));
    try {
      const { earliest, latest } = await reader.offsets();
      for (let offset = latest - 1; offset >= earliest; offset -= 1) {
        const carried = await carriedAt(service, reader, offset);
        if (carried) return carried.event.position;
      }
      return 0;
    } finally {
      reader.close();
    }
  }

  /** @throws Away where the owner does not answer: Kafka does not know what it was not given. */
  async behind(position: number): Promise<Behind> {
    const { head, events } = await this.options.history.read(position, Number.MAX_SAFE_INTEGER, 1);
    return { head, since: events[0]?.recordedAt };
  }
}

const lookAgainMilliseconds = 30_000;
/** Longer than this the owner does not hold up what comes from Kafka. */
const ownerMilliseconds = 2_000;

/** One run of `KafkaFeed.read`. */
class Reading {
  readonly #topic: string;
  readonly #reader: TopicReader;
  readonly #outage: Outage;
  readonly #ownerOutage: Outage;
  #generation: string | undefined;

  constructor(
    private readonly options: KafkaFeedOptions,
    /** Everything up to here was delivered. */
    private position: number,
    private readonly limit: number,
    private readonly signal: AbortSignal,
  ) {
    this.#topic = topicOf(options.service);
    this.#reader = options.port.reader(this.#topic);
    this.#outage = new Outage(`feed from ${this.#topic}`, options.log);
    this.#ownerOutage = new Outage(`history of ${options.service}`, options.log);
  }

  async *batches(): AsyncGenerator<Batch, void> {
    try {
      while (!this.signal.aborted) {
        try {
          for await (const events of this.#follow()) yield* this.#deliver(events);
        } catch (error) {
          if (this.signal.aborted) return;
          await this.#outage.wait(error, this.signal);
        }
      }
    } finally {
      this.#reader.close();
    }
  }

  *#deliver(events: readonly Stored[]): Generator<Batch, void> {
    if (events.length === 0) yield { generation: this.#generation as string, events };
    for (let from = 0; from < events.length && !this.signal.aborted; from += this.limit) {
      const part = events.slice(from, from + this.limit);
      this.position = (part.at(-1) as Stored).position;
      yield { generation: this.#generation as string, events: part };
    }
  }

  /** All that comes above the position, until the topic has been quiet for a while. */
  async *#follow(): AsyncGenerator<readonly Stored[], void> {
    const head = await this.#askOwner();
    // The reader may stand in a log that is gone, and hear nothing of it for long.
    if (head !== undefined) yield [];
    const { offset, end } = await this.#locate();
    // What the topic lost at its end shows nowhere in it.
    if (end && head !== undefined) yield* this.#fillWhatIsThere(head);
    const left = new AbortController();
    const fetches = this.#fetches(offset, AbortSignal.any([this.signal, left.signal]));
    try {
      for await (const messages of ahead(fetches)) yield* this.#take(messages);
    } finally {
      left.abort();
    }
  }

  async *#take(messages: readonly PlacedMessage[]): AsyncGenerator<readonly Stored[], void> {
    let position = this.position;
    let ready: Stored[] = [];
    let fault: unknown;
    try {
      for (const message of messages) {
        const carried = await this.#decoded(message);
        if (!carried) continue;
        const { event, previous } = carried;
        this.#adopt(event.generation);
        if (event.position <= position) continue;
        if (previous > position) {
          if (ready.length > 0) yield ready;
          ready = [];
          yield* this.#fillGap(previous);
        }
        ready.push(event);
        position = event.position;
      }
    } catch (error) {
      fault = error;
    }
    // What came before the fault is good.
    if (ready.length > 0) yield ready;
    if (fault !== undefined) throw fault;
  }

  async *#fetches(from: number, signal: AbortSignal): AsyncGenerator<readonly PlacedMessage[], void> {
    const quiet = this.options.lookAgainMilliseconds ?? lookAgainMilliseconds;
    for (let [offset, since] = [from, Date.now()]; Date.now() - since < quiet;) {
      const { messages, next } = await unlessAborted(this.#reader.fetch(offset), signal);
      this.#outage.over();
      offset = next;
      if (messages.length === 0) continue;
      yield messages;
      since = Date.now();
    }
  }

  async *#fillGap(upTo: number): AsyncGenerator<readonly Stored[], void> {
    while (this.position < upTo) {
      try {
        yield* this.#fill(upTo);
      } catch (error) {
        await this.#ownerOutage.wait(error, this.signal);
      }
    }
  }

  /** Does not wait for the owner: Kafka may still bring what the owner does not give. */
  async *#fillWhatIsThere(upTo: number): AsyncGenerator<readonly Stored[], void> {
    try {
      yield* this.#fill(upTo);
    } catch (error) {
      this.#ownerOutage.begin(error);
    }
  }

  /** From the owner's history: everything above what was delivered, up to and with `upTo`. */
  async *#fill(upTo: number): AsyncGenerator<readonly Stored[], void> {
    while (this.position < upTo) {
      const page = await this.#unlessStopped(
        this.options.history.read(this.position, upTo, Math.min(this.limit, historyLimit)),
      );
      this.#ownerOutage.over();
      this.#adopt(page.generation);
      if (page.events.length === 0) {
        throw new Error(`history of ${this.options.service} has nothing between ${this.position} and ${upTo}`);
      }
      yield page.events;
    }
  }

  /** The owner knows best which generation counts, and how far its log goes; but Kafka does without it. */
  async #askOwner(): Promise<number | undefined> {
    try {
      const late = sleep(ownerMilliseconds, undefined, { ref: false }).then(() => {
        throw new Away(`no answer in ${ownerMilliseconds} ms`);
      });
      const { generation, head } = await this.#unlessStopped(Promise.race([peek(this.options.history), late]));
      this.#ownerOutage.over();
      this.#adopt(generation);
      return head;
    } catch (error) {
      this.#ownerOutage.begin(error);
      return undefined;
    }
  }

  /**
   * The offset of a message above the position behind one that is not, or the end. Positions ascend along a topic but for
   * repeats, so every such place will do.
   */
  async #locate(): Promise<{ offset: number; end: boolean }> {
    const { earliest, latest } = await this.#unlessStopped(this.#reader.offsets());
    const isAbove = async (offset: number) => {
      const carried = await this.#unlessStopped(carriedAt(this.options.service, this.#reader, offset));
      // Too early a start does no harm.
      if (!carried) return true;
      const { event } = carried;
      this.#generation ??= event.generation;
      return event.generation === this.#generation && event.position > this.position;
    };
    if (earliest === latest || !(await isAbove(latest - 1))) return { offset: latest, end: true };
    let [low, high] = [earliest, latest - 1];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await isAbove(middle)) high = middle;
      else low = middle + 1;
    }
    return { offset: low, end: false };
  }

  async #decoded(message: PlacedMessage): Promise<Carried | undefined> {
    try {
      return fromMessage(this.options.service, message);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      this.options.log.error('message set aside', {
        topic: this.#topic,
        offset: message.offset,
        reason: error.message,
      });
      await this.options.setAside(this.#topic, message, error.message);
      return undefined;
    }
  }

  #adopt(generation: string): void {
    this.#generation ??= generation;
    if (this.#generation !== generation) throw new GenerationChanged(this.#topic);
  }

  #unlessStopped<T>(promise: Promise<T>): Promise<T> {
    return unlessAborted(promise, this.signal);
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(new Error('aborted'));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Undefined where the message cannot be read. */
async function carriedAt(service: ServiceName, reader: TopicReader, offset: number): Promise<Carried | undefined> {
  const { messages } = await reader.fetch(offset, 1);
  const [message] = messages;
  if (!message) throw new Away(`there is no message ${offset} in ${topicOf(service)} now`);
  try {
    return fromMessage(service, message);
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined;
    throw error;
  }
}

/** Generation and head, and no events. */
const peek = (history: History): Promise<HistoryPage> =>
  history.read(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1);
