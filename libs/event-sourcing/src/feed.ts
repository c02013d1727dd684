import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant, ServiceName } from '@throughline/contracts';
import type { Stored } from './codec.ts';
import { plainTypes } from './database.ts';
import { FeedTail } from './feed-tail.ts';
import { gathered } from './gather.ts';
import type { EventStore } from './store.ts';

/** A part of a log: all its events above where the reader stood, in position order, none missing. */
export type Batch = { generation: string; events: readonly Stored[] };

/** The newest position of a log, and when the oldest event above the reader was recorded, where there is one. */
export type Behind = { head: number; since: Instant | undefined };

/** One service's log, in position order, without gaps, for as long as one likes. */
export interface Feed {
  /** Whose log it is. */
  readonly service: ServiceName;
  /**
   * Batches above `after`, and then those to come, until `signal` aborts. Delivers as soon as there is anything, and an
   * empty batch before, so that the reader learns the generation where there is nothing to read.
   *
   * @param limit most events in a batch
   */
  read(after: number, limit: number, signal: AbortSignal): AsyncGenerator<Batch, void>;
  /** Position of the newest event, for lag and for waiting until something has caught up. */
  head(): Promise<number>;
  /** How far a reader that stands at `position` is behind. */
  behind(position: number): Promise<Behind>;
}

/** Wakes readers after a commit: in the process at once, across processes by NOTIFY. */
export interface Wake {
  /** How many commits it has heard of. */
  readonly heard: number;
  /** Resolves at the next commit, or after `milliseconds`, or when `signal` aborts. */
  next(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Wakes by the appends that the store object makes, or is told of. */
export const wakeOn = (store: EventStore): Wake => ({
  get heard() {
    return store.heard;
  },
  next: (milliseconds, signal) =>
    new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        store.off('appended', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      store.once('appended', done);
      signal.addEventListener('abort', done, { once: true });
    }),
});

const idleMilliseconds = 1_000;
const pollMilliseconds = 3;

/** Most events that are read at once for all who wait at the end of the log. */
const sharedLimit = 1_000;

/**
 * Reads a store's log and loses nothing: a position that is missing is waited for until every transaction that could
 * still bring it has ended. Writers never wait for readers. Readers that stand at its end ask the store together.
 */
export class StoreFeed implements Feed {
  /** Every position at or below this is either in the table or dead. */
  #settled = 0;
  #generation = '';
  readonly #tail = new FeedTail();
  /** When the tail was found to end where the log does, and how much had been heard by then. */
  #end = { heard: -1, at: -Infinity };
  /** Of each position, what stands above it without a gap; undefined where a gap comes first. */
  readonly #together = gathered(async (positions: readonly number[]) => {
    const pages = positions.map(async (position) => [position, await this.#look(position, sharedLimit)] as const);
    return new Map(await Promise.all(pages));
  });

  constructor(
    readonly service: ServiceName,
    private readonly store: EventStore,
    private readonly wake: Wake = wakeOn(store),
  ) {}

  async *read(after: number, limit: number, signal: AbortSignal): AsyncGenerator<Batch, void> {
    const generation = await this.store.generation();
    if (generation !== this.#generation) {
      this.#generation = generation;
      this.#settled = 0;
      this.#tail.forget();
    }
    let position = after;
    let waiting = new AbortController();
    let coming: Promise<readonly Stored[]> | undefined;
    // One listener for all rounds: `AbortSignal.any` in each of them costs 40 µs and keeps memory.
    const stop = () => waiting.abort();
    signal.addEventListener('abort', stop);
    try {
      if (!signal.aborted) yield { generation, events: [] };
      while (!signal.aborted) {
        waiting = new AbortController();
        // Listening before looking, so that a commit in between is not slept through.
        const woken = this.wake.next(idleMilliseconds, waiting.signal);
        const events: readonly Stored[] = this.#isEnd(position)
          ? []
          : await (coming ?? this.next(position, limit, signal));
        const last = events.at(-1);
        coming = undefined;
        if (last) {
          waiting.abort();
          position = last.position;
          if (events.length === limit) {
            // Read while the caller works on these.
            coming = this.next(position, limit, signal);
            coming.catch(() => undefined);
          }
          yield { generation, events };
        } else await woken;
      }
    } finally {
      waiting.abort();
      signal.removeEventListener('abort', stop);
    }
  }

  /** The next events above `position`, contiguous; waits at a gap, answers with nothing at the end. */
  async next(position: number, limit: number, signal?: AbortSignal): Promise<readonly Stored[]> {
    const known = this.#tail.above(position, limit);
    if (known) return known;
    const isAtEnd = position === this.#tail.to;
    const seen = isAtEnd ? (await this.#together([position])).get(position) : await this.#look(position, limit);
    if (seen) return seen.slice(0, limit);
    const ceiling = await this.settle(signal);
    return ceiling === undefined ? [] : this.store.readAbove(position, limit, ceiling);
  }

  /** Whether there was nothing above a position a moment ago, and nobody heard of any append since. */
  #isEnd(position: number): boolean {
    const { heard, at } = this.#end;
    return position === this.#tail.to && heard === this.wake.heard && performance.now() - at < idleMilliseconds;
  }

  /** What stands above a position without a gap, by one question; undefined where a gap comes first. */
  async #look(position: number, limit: number): Promise<readonly Stored[] | undefined> {
    // What another reader settles meanwhile says nothing about the rows seen here, which may be older.
    const [settled, generation, heard, at] = [this.#settled, this.#generation, this.wake.heard, performance.now()];
    const rows = await this.store.readAbove(position, limit);
    const prefix = contiguous(position, rows, settled);
    if (prefix.length === 0 && rows.length > 0) return undefined;
    if (generation !== this.#generation) return prefix;
    const isEnd = rows.length < limit;
    if (isEnd || position === this.#tail.to) this.#tail.take(position, prefix);
    const isWhole = isEnd && prefix.length === rows.length;
    if (isWhole && this.#tail.to === (prefix.at(-1)?.position ?? position)) this.#end = { heard, at };
    return prefix;
  }

  /**
   * A position at and below which nothing more will come: waits until the appends under way now have ended.
   *
   * @returns undefined where `signal` aborted first
   */
  async settle(signal?: AbortSignal): Promise<number | undefined> {
    const ceiling = await this.store.ceiling();
    const writers = await this.store.writers();
    for (let left = writers; left.size > 0; left = intersection(left, await this.store.writers())) {
      if (signal?.aborted) return undefined;
      await sleep(pollMilliseconds);
    }
    this.#settled = Math.max(this.#settled, ceiling);
    return ceiling;
  }

  async head(): Promise<number> {
    const { rows } = await this.store.pool.query<{ head: string | null }>('select max(position) as head from events');
    return Number(rows[0]?.head ?? 0);
  }

  async behind(position: number): Promise<Behind> {
    const { rows } = await this.store.pool.query<{ head: number | null; since: Instant | null }>({
      text: `select (select max(position) from events) as head,
        (select recorded_at from events where position > $1 order by position limit 1) as since`,
      values: [position],
      types: plainTypes,
    });
    return { head: rows[0]?.head ?? 0, since: rows[0]?.since ?? undefined };
  }
}

/** The rows up to the first gap above what is settled. */
function contiguous(position: number, rows: readonly Stored[], settled: number): readonly Stored[] {
  let expected = position + 1;
  for (const [index, row] of rows.entries()) {
    const gap = row.position !== expected;
    if (gap && row.position - 1 > settled) return rows.slice(0, index);
    expected = row.position + 1;
  }
  return rows;
}

const intersection = (a: ReadonlySet<string>, b: ReadonlySet<string>): Set<string> =>
  new Set([...a].filter((item) => b.has(item)));
