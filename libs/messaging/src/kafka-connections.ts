import {
  Away,
  type Fetched,
  type KafkaOptions,
  type KafkaPort,
  type Message,
  type TopicReader,
} from './kafka-client.ts';

export const connectMilliseconds = 2_000;
export const requestMilliseconds = 8_000;
export const fetchWaitMilliseconds = 1_000;
/** How long a connection may believe what it knows of the cluster. What is wrong by then shows as a fault. */
export const metadataMilliseconds = 300_000;
/** Of every topic the only one. */
export const partition = 0;
/** Nothing that is asked of a library may take longer, whatever it waits for. */
const deadlineMilliseconds = 12_000;
const disconnectMilliseconds = 2_000;
const fetchBytes = 4 * 1024 * 1024;
const retentionMilliseconds = 14 * 24 * 60 * 60 * 1_000;

type Connection = { close(): Promise<unknown> };
export type NewTopic = {
  topic: string;
  replicationFactor: number;
  configs: readonly { name: string; value: string }[];
};
export type TopicMaker = Connection & {
  /** Makes it where it is missing, and answers with how many partitions it has. */
  make(topic: NewTopic): Promise<number | undefined>;
};
export type Sender = Connection & { send(topic: string, messages: readonly Message[]): Promise<unknown> };
export type Asker = Connection & {
  offsets(): Promise<{ earliest: number; latest: number }>;
  /** Brokers answer with whole batches: messages may begin before the offset, and `next` may lie there too. */
  fetch(offset: number, most: number): Promise<Fetched>;
};

/**
 * What an adapter brings. Connections are made at the first request. They need not repair, retry or bound anything: after a
 * fault nothing more is asked of them but to close.
 */
export type KafkaLibrary = {
  topicMaker(): TopicMaker;
  sender(): Sender;
  asker(topic: string): Asker;
};

/**
 * `KafkaPort` on any library.
 *
 * **One reader, one connection.** A broker answers the requests of a connection one after the other: a fetch that waits
 * for news would hold up all others. So a reader, too, asks one thing after the other.
 *
 * **No repair.** A connection is thrown away at its first fault, and the next call makes a new one, because libraries hang
 * where they mend or disconnect. Disconnecting is waited for two seconds at most, and every call has a deadline.
 */
export class KafkaConnections implements KafkaPort {
  readonly #readers = new Set<Reader>();
  readonly #closing = new Set<Promise<void>>();
  readonly #sender: Line<Sender>;

  constructor(
    private readonly options: KafkaOptions,
    private readonly library: KafkaLibrary,
  ) {
    this.#sender = this.#line(() => library.sender());
  }

  async ensureTopic(name: string): Promise<void> {
    const topic = this.#named(name);
    const { replicationFactor } = this.options;
    const config = {
      'cleanup.policy': 'delete',
      'retention.ms': String(retentionMilliseconds),
      'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
    };
    const configs = Object.entries(config).map(([name, value]) => ({ name, value }));
    const line = this.#line(() => this.library.topicMaker());
    try {
      const partitions = await line.ask('create the topic', (maker) =>
        maker.make({ topic, replicationFactor, configs }),
      );
      if (partitions !== 1)
        throw new Error(`topic ${topic} has ${partitions} partitions, not one: it has no one order`);
    } finally {
      line.drop();
    }
  }

  async produce(topic: string, messages: readonly Message[]): Promise<void> {
    await this.#sender.ask('send', (sender) => sender.send(this.#named(topic), messages));
  }

  reader(name: string): TopicReader {
    const line = this.#line(() => this.library.asker(this.#named(name)));
    const reader = new Reader(line, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  fetchAge(): number {
    const now = Date.now();
    return Math.max(0, ...[...this.#readers].map(({ askingSince }) => (askingSince ? now - askingSince : 0)));
  }

  async disconnect(): Promise<void> {
    for (const reader of this.#readers) reader.close();
    this.#sender.drop();
    await Promise.all(this.#closing);
  }

  #named(topic: string): string {
    return `${this.options.prefix ?? ''}${topic}`;
  }

  #line<C extends Connection>(connect: () => C): Line<C> {
    return new Line(connect, (connection, work) => this.#letGo(connection, work));
  }

  #letGo(connection: Connection, work: Promise<unknown> | undefined): void {
    const close = () => settled(within(disconnectMilliseconds, connection.close()));
    const closing = close();
    this.#closing.add(closing);
    void closing.then(() => this.#closing.delete(closing));
    // What is still under way may connect once more.
    if (work) void settled(work).then(close);
  }
}

/** A connection that is made when something is asked for, asked one thing after the other, and dropped at a fault. */
class Line<C extends Connection> {
  #connection: C | undefined;
  #last: Promise<void> = Promise.resolve();
  #work: Promise<unknown> | undefined;

  constructor(
    private readonly connect: () => C,
    private readonly letGo: (connection: C, work: Promise<unknown> | undefined) => void,
  ) {}

  /** @throws Away */
  ask<T>(what: string, work: (connection: C) => Promise<T>): Promise<T> {
    const answer = this.#last.then(() => this.#ask(what, work));
    this.#last = settled(answer);
    return answer;
  }

  drop(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection) this.letGo(connection, this.#work);
  }

  async #ask<T>(what: string, work: (connection: C) => Promise<T>): Promise<T> {
    const connection = (this.#connection ??= this.connect());
    try {
      return await within(deadlineMilliseconds, this.#begin(work(connection)));
    } catch (error) {
      if (this.#connection === connection) this.drop();
      throw new Away(`could not ${what}: ${[...new Set(reasonsOf(error))].join(': ')}`);
    }
  }

  #begin<T>(work: Promise<T>): Promise<T> {
    this.#work = work;
    void settled(work).then(() => {
      if (this.#work === work) this.#work = undefined;
    });
    return work;
  }
}

class Reader implements TopicReader {
  /** When that was first asked for which has not been answered yet. */
  askingSince: number | undefined;
  #closed = false;

  constructor(
    private readonly line: Line<Asker>,
    private readonly onClose: () => void,
  ) {}

  offsets(): Promise<{ earliest: number; latest: number }> {
    return this.#ask('ask for offsets', async (asker) => {
      const { earliest, latest } = await asker.offsets();
      return { earliest, latest: Math.max(earliest, latest) };
    });
  }

  fetch(offset: number, most = fetchBytes): Promise<Fetched> {
    return this.#ask('fetch', async (asker) => {
      const { messages, next } = await asker.fetch(offset, most);
      return { messages: messages.filter((message) => message.offset >= offset), next: Math.max(offset, next) };
    });
  }

  close(): void {
    this.#closed = true;
    this.line.drop();
    this.onClose();
  }

  async #ask<T>(what: string, work: (asker: Asker) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Away(`could not ${what}: the reader is closed`);
    this.askingSince ??= Date.now();
    const answer = await this.line.ask(what, (asker) => {
      if (this.#closed) throw new Error('the reader is closed');
      return work(asker);
    });
    this.askingSince = undefined;
    return answer;
  }
}

/** Another broker first each time, because every connection begins anew. */
export const shuffled = (brokers: readonly string[]): string[] => brokers.toSorted(() => Math.random() - 0.5);

const settled = (work: Promise<unknown>): Promise<void> =>
  work.then(
    () => undefined,
    () => undefined,
  );

/** An error's message and those of what caused it; its other properties may hold what was sent or received. */
function reasonsOf(error: unknown): string[] {
  const { message, cause, errors } = Object(error) as { message?: unknown; cause?: unknown; errors?: unknown };
  const causes = [...(Array.isArray(errors) ? errors : []), ...(cause === undefined ? [] : [cause])];
  const own = typeof message === 'string' && message !== '' ? [message.replace(/\.$/, '')] : [];
  return [...own, ...causes.flatMap(reasonsOf)];
}

export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
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
