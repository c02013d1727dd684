import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant, ServiceName } from '@throughline/contracts';
import type { Stored } from './codec.ts';
import { plainTypes } from './database.ts';
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
  /** Resolves at the next commit, or after `milliseconds`, or when `signal` aborts. */
  next(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Wakes by the appends of this process's own store object. */
export const wakeOn = (store: EventStore): Wake => ({
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

/**
 * Reads a store's log and loses nothing: a position that is missing is waited for until every transaction that could
 * still bring it has ended. Writers never wait for readers.
 */
export class StoreFeed implements Feed {
  /** Every position at or below this is either in the table or dead. */
  #settled = 0;
  #generation = '';

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
        const events = await (coming ?? this.next(position, limit, signal));
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
    // What another reader settles meanwhile says nothing about the rows seen here, which may be older.
    const settled = this.#settled;
    const rows = await this.store.readAbove(position, limit);
    const prefix = contiguous(position, rows, settled);
    if (prefix.length > 0 || rows.length === 0) return prefix;
    const ceiling = await this.settle(signal);
    return ceiling === undefined ? [] : this.store.readAbove(position, limit, ceiling);
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
