import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Wake } from './feed.ts';

const retryMilliseconds = 1_000;
/** How often a leader asks whether it still is one, and how long it waits for the answer. */
const heartbeatMilliseconds = 2_000;
const answerMilliseconds = 5_000;
const channel = 'appended';

/**
 * The one direct session connection of a process to a store: it holds the advisory lock that makes this process the
 * leader of the store's workers, and hears of commits in other processes.
 */
export class Session extends EventEmitter<{ appended: [] }> implements Wake {
  constructor(
    private readonly connectionString: string,
    private readonly lock: string,
  ) {
    super();
    this.setMaxListeners(0);
  }

  /**
   * Runs `work` whenever this process is the leader; its signal aborts when leadership is lost.
   *
   * @param signal ends it all
   * @param onError hears of what ended a leadership before its time
   */
  async lead(
    work: (signal: AbortSignal) => Promise<void>,
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
      });
      const stop = AbortSignal.any([signal, lost.signal]);
      try {
        client.on('error', () => lost.abort());
        client.on('end', () => lost.abort());
        client.on('notification', () => this.emit('appended'));
        await client.connect();
        await client.query(`listen ${channel}`);
        if (await this.#elected(client, stop)) {
          void heartbeat(client, stop).catch(() => lost.abort());
          await work(stop);
        }
      } catch (error) {
        if (!signal.aborted) onError(error as Error);
      } finally {
        lost.abort();
        await Promise.race([client.end().catch(() => undefined), sleep(retryMilliseconds)]);
      }
      if (!signal.aborted) await sleep(retryMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  next(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.off('appended', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.on('appended', done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  async #elected(client: pg.Client, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock(hashtext($1)) as got', [
        this.lock,
      ]);
      if (rows[0]?.got) return true;
      await sleep(retryMilliseconds, undefined, { signal }).catch(() => undefined);
    }
    return false;
  }
}

/** Throws once the connection does not answer: one that died silently is never told of. */
async function heartbeat(client: pg.Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(heartbeatMilliseconds, undefined, { signal }).catch(() => undefined);
    if (!signal.aborted) await client.query('select 1');
  }
}

/** Tells other processes of commits, at most once in `milliseconds`, from a transaction of its own. */
export function announce(
  store: { pool: pg.Pool; on: (event: 'appended', listener: () => void) => unknown },
  milliseconds = 20,
): void {
  let pending = false;
  store.on('appended', () => {
    if (pending) return;
    pending = true;
    setTimeout(() => {
      pending = false;
      store.pool.query(`select pg_notify('${channel}', '')`).catch(() => undefined);
    }, milliseconds).unref();
  });
}
