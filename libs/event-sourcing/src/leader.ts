import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const retryMilliseconds = 1_000;
/** How long a leader waits for the database to answer before it no longer believes to be one. */
const answerMilliseconds = 5_000;
/** How long the database waits for a leader that says nothing (its process is frozen) before it lets others lead. */
const silenceMilliseconds = 8_000;
const channel = 'appended';

/** Work that one process at a time may do, or that may be shared out: whoever has a lock does its part. */
export type Duty = {
  /** Names, unique in the database. */
  locks: readonly string[];
  /**
   * Runs with those of the locks that were free, again for each that becomes free later; its signal aborts when they are
   * lost. Locks of work that ended are given up.
   */
  work: (locks: readonly string[], signal: AbortSignal) => Promise<void>;
};

/**
 * The one direct session connection of a process to a store: it holds the advisory locks that make this process the
 * leader of the store's workers, and hears of commits: `appended` says which {@link announce} told of them.
 */
export class Session extends EventEmitter<{ appended: [by: string] }> {
  /** Locks that this process holds now. */
  readonly held = new Set<string>();

  /** @param check throws where this process has no business with what the connection leads to */
  constructor(
    private readonly connectionString: string,
    private readonly check: (client: pg.Client) => Promise<void> = async () => undefined,
  ) {
    super();
  }

  /**
   * Does the duties whenever their locks are to be had.
   *
   * @param signal ends it all
   * @param onError hears of what ended a leadership before its time
   */
  async lead(
    duties: readonly Duty[],
    signal: AbortSignal,
    onError: (error: Error) => void = () => undefined,
  ): Promise<void> {
    while (!signal.aborted) {
      const lost = new AbortController();
      const client = new pg.Client({
        connectionString: this.connectionString,
        keepAlive: true,
        connectionTimeoutMillis: answerMilliseconds,
        query_timeout: answerMilliseconds,
        options: `-c idle_session_timeout=${silenceMilliseconds}`,
      });
      const stop = AbortSignal.any([signal, lost.signal]);
      const working = new Set<Promise<void>>();
      try {
        client.on('error', () => lost.abort());
        client.on('end', () => lost.abort());
        client.on('notification', ({ payload = '' }) => this.emit('appended', payload));
        await client.connect();
        await this.check(client);
        await client.query(`listen ${channel}`);
        while (!stop.aborted) {
          await this.#begin(client, duties, working, stop, onError);
          await pause(stop);
        }
      } catch (error) {
        if (!signal.aborted) onError(error as Error);
      } finally {
        lost.abort();
        await Promise.all(working);
        this.held.clear();
        await Promise.race([client.end().catch(() => undefined), sleep(retryMilliseconds)]);
      }
      await pause(signal);
    }
  }

  /** Takes what locks are free. Asks the database in any case, so that a connection which died silently is noticed. */
  async #begin(
    client: pg.Client,
    duties: readonly Duty[],
    working: Set<Promise<void>>,
    stop: AbortSignal,
    onError: (error: Error) => void,
  ): Promise<void> {
    const wanted = duties.flatMap(({ locks }) => locks).filter((lock) => !this.held.has(lock));
    const { rows } = await client.query<{ lock: string }>(
      `select lock from unnest($1::text[]) as wanted(lock) where pg_try_advisory_lock(hashtextextended(lock, 0))`,
      [wanted],
    );
    const got = new Set(rows.map(({ lock }) => lock));
    for (const { locks, work } of duties) {
      const own = locks.filter((lock) => got.has(lock));
      if (own.length === 0) continue;
      for (const lock of own) this.held.add(lock);
      const done = this.#work(client, own, work, stop).catch((error: unknown) => {
        if (!stop.aborted) onError(error as Error);
      });
      working.add(done);
      void done.then(() => working.delete(done));
    }
  }

  async #work(client: pg.Client, locks: readonly string[], work: Duty['work'], stop: AbortSignal): Promise<void> {
    const over = new AbortController();
    try {
      await work(locks, AbortSignal.any([stop, over.signal]));
    } finally {
      // Where one part of the work threw, the others must not go on beside those of the next term.
      over.abort();
      // With the connection they go by themselves.
      if (!stop.aborted) {
        await pause(stop);
        const unlock = 'select pg_advisory_unlock(hashtextextended(lock, 0)) from unnest($1::text[]) as held(lock)';
        await client.query(unlock, [locks]).catch(() => undefined);
        for (const lock of locks) this.held.delete(lock);
      }
    }
  }
}

const pause = (signal: AbortSignal) => sleep(retryMilliseconds, undefined, { signal }).catch(() => undefined);

/**
 * Tells other processes of this one's commits, at most once in `milliseconds`, from a transaction of its own.
 *
 * @returns the name that it does so by
 */
export function announce(
  store: { pool: pg.Pool; on: (event: 'appended', listener: (position: number) => void) => unknown },
  milliseconds = 20,
): string {
  const name = randomUUID();
  let pending = false;
  store.on('appended', (position) => {
    // What another process told of is no news of ours.
    if (pending || position === 0) return;
    pending = true;
    setTimeout(() => {
      pending = false;
      store.pool.query('select pg_notify($1, $2)', [channel, name]).catch(() => undefined);
    }, milliseconds).unref();
  });
  return name;
}
