import { setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '@throughline/contracts';
import {
  derivedId,
  eachOf,
  errorForLog,
  isTransient,
  maybeContext,
  newId,
  notFound,
  runInContext,
  transaction,
  traced,
  SpanKind,
  type Pool,
  type Queryable,
  type RequestContext,
  type SubscriptionLog,
} from '@throughline/event-sourcing';
import type { Db, JobWithMetadata, PgBoss } from 'pg-boss';
import { takeRestoredTimers } from './restored-timers.ts';

/** What falls due: the same for every delivery. */
export type DueTimer = { key: string; dueAt: Instant; data: Readonly<Record<string, unknown>> };

/**
 * Handles a timer. It may be told of one more than once, so it changes things by commands only: their ids derive from the
 * timer's name, key and due instant, and a repeat changes nothing.
 */
export type TimerHandler = { due: (timer: DueTimer) => Promise<void> };

/** A timer whose handler failed: `retry` goes by itself, `failed` waits for an operator. Nothing personal. */
export type FailedTimer = {
  id: string;
  timer: string;
  key: string;
  dueAt: Instant;
  state: 'retry' | 'failed';
  attempts: number;
  /** Code or name of the error, never its message. */
  error: string;
};

type Payload = Pick<DueTimer, 'dueAt' | 'data'> & Pick<RequestContext, 'correlationId' | 'causationId' | 'traceparent'>;

const schema = 'timers';
const year = 365 * 24 * 3600;
const queue = {
  // After a kill it takes this long, and a pass of supervision, until another process handles it.
  expireInSeconds: 60,
  // Never dropped while it waits, nor once it failed. What was handled is deleted at once.
  retentionSeconds: 50 * year,
  deleteAfterSeconds: 0,
  retryLimit: 10,
  retryDelay: 5,
  retryBackoff: true,
  retryDelayMax: 3600,
};
const superviseSeconds = 15;
const batchSize = 50;
const atOnce = 8;
const askMilliseconds = 1_000;

/**
 * What is to happen at some instant, in the service's own database (schema `timers`). When something is due is told by the
 * database's clock alone.
 */
export class Timers {
  private constructor(
    private readonly boss: PgBoss,
    private readonly pool: Pool,
    private readonly names: readonly string[],
    private readonly log: SubscriptionLog,
  ) {}

  /**
   * @param works whether this process looks after those that nobody finished
   */
  static async open(pool: Pool, names: readonly string[], log: SubscriptionLog, works: boolean): Promise<Timers> {
    // Loaded by services that have timers only.
    const { PgBoss } = await import('pg-boss');
    const boss = new PgBoss({
      db: through(pool),
      schema,
      schedule: false,
      supervise: works,
      superviseIntervalSeconds: superviseSeconds,
      monitorIntervalSeconds: superviseSeconds,
    });
    boss.on('error', (error) => log.warn('timers wait', errorForLog(error)));
    await boss.start();
    const timers = new Timers(boss, pool, names, log);
    for (const name of names) {
      await boss.createQueue(name, queue);
      // Known from now on, so that no transaction needs another connection for it.
      await boss.findJobs(name, { key: '' });
    }
    await takeRestoredTimers(pool, names, async (client, restored) => {
      const db = through(client);
      for (const { name, key, data } of restored) await timers.#send(name, key, JSON.parse(data) as Payload, db);
    });
    return timers;
  }

  /** Has `name` fall due for `key` at an instant, once; another instant replaces the one before. `data` is not encrypted. */
  async at(name: string, key: string, dueAt: Instant, data: DueTimer['data'] = {}): Promise<void> {
    const { correlationId = newId(), causationId, traceparent } = maybeContext() ?? {};
    const instant = new Date(dueAt).toISOString();
    const payload: Payload = {
      dueAt: instant,
      data,
      correlationId,
      ...(causationId !== undefined && { causationId }),
      ...(traceparent !== undefined && { traceparent }),
    };
    await this.#replace(name, key, (db) => this.#send(name, key, payload, db));
  }

  async #send(name: string, key: string, payload: Payload, db: Db): Promise<void> {
    await this.boss.send(name, payload, { db, singletonKey: key, startAfter: new Date(payload.dueAt) });
  }

  /** Nothing falls due for the key any more. */
  async cancel(name: string, key: string): Promise<void> {
    await this.#replace(name, key, () => Promise.resolve());
  }

  async #replace(name: string, key: string, then: (db: Db) => Promise<void>): Promise<void> {
    await transaction(this.pool, async (client) => {
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`timer ${name} ${key}`]);
      const db = through(client);
      const before = await this.boss.findJobs(name, { key, db });
      if (before.length > 0) {
        await this.boss.deleteJob(
          name,
          before.map(({ id }) => id),
          { db },
        );
      }
      await then(db);
    });
  }

  /** Handles what falls due until `signal` aborts. Any number of processes may. */
  async run(handlers: ReadonlyMap<string, TimerHandler>, signal: AbortSignal): Promise<void> {
    await Promise.all([...handlers].map(async ([name, handler]) => this.#follow(name, handler, signal)));
  }

  async #follow(name: string, handler: TimerHandler, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let found = 0;
      try {
        const due = await this.boss.fetch<Payload>(name, { batchSize, includeMetadata: true });
        found = due.length;
        await eachOf(due, atOnce, async (timer) => this.#handle(name, handler, timer));
      } catch (error) {
        const details = { timer: name, ...errorForLog(error) };
        if (isTransient(error)) this.log.warn('timers wait', details);
        else this.log.error('timers wait', details);
      }
      if (found < batchSize) await sleep(askMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  async #handle(name: string, handler: TimerHandler, { id, ...timer }: JobWithMetadata<Payload>): Promise<void> {
    const key = timer.singletonKey ?? '';
    const { dueAt, data, ...meta } = timer.data;
    try {
      const options = { parent: meta.traceparent, kind: SpanKind.CONSUMER, attributes: { 'throughline.timer': name } };
      await traced(`process timer ${name}`, options, (traceparent) =>
        runInContext(contextOf(name, key, { ...timer.data, ...(traceparent !== undefined && { traceparent }) }), () =>
          handler.due({ key, dueAt, data }),
        ),
      );
    } catch (error) {
      const { name: kind = 'Error', code } = Object(error) as { name?: string; code?: string };
      this.log.error('timer failed', { timer: name, key, attempts: timer.retryCount + 1, ...errorForLog(error) });
      await this.boss.fail(name, id, { error: code ?? kind });
      return;
    }
    await this.boss.deleteJob(name, id);
  }

  /** Those that failed, the longest due first. */
  async failed(limit: number): Promise<FailedTimer[]> {
    const { rows } = await this.pool.query<FailedTimer>(
      `select name || '.' || id as id, name as timer, singleton_key as key, data->>'dueAt' as "dueAt", state::text,
         retry_count + (state = 'failed')::int as attempts,
         coalesce(output->>'error', 'timed-out') as error
       from ${schema}.job where name = any($1) and state in ('retry', 'failed')
       order by data->>'dueAt', id limit $2`,
      [this.names, limit],
    );
    return rows;
  }

  /** How many of each name failed for good. */
  async failures(): Promise<{ timer: string; count: number }[]> {
    const { rows } = await this.pool.query<{ timer: string; count: number }>(
      `select timer, count(id)::int as count from unnest($1::text[]) as known(timer)
       left join ${schema}.job on name = timer and state = 'failed' group by timer`,
      [this.names],
    );
    return rows;
  }

  /** @throws Refusal `timer-not-found`, also where it has not failed for good */
  async retry(id: string): Promise<void> {
    const [name, job] = await this.#failed(id);
    await this.boss.retry(name, job);
  }

  /** @throws Refusal `timer-not-found` */
  async discard(id: string, by: string, reason: string): Promise<void> {
    const [name, job] = await this.#failed(id);
    await this.boss.deleteJob(name, job);
    this.log.warn('timer discarded', { timer: id, by, reason });
  }

  async #failed(id: string): Promise<[string, string]> {
    const [, name = '', job = ''] = /^(.+)\.([0-9a-f-]{36})$/.exec(id) ?? [];
    if (!this.names.includes(name)) throw notFound('timer-not-found');
    const [found] = await this.boss.findJobs(name, { id: job });
    if (found?.state !== 'failed') throw notFound('timer-not-found');
    return [name, job];
  }

  async close(): Promise<void> {
    await this.boss.stop({ graceful: false, close: false });
  }
}

const through = (queryable: Queryable): Db => ({
  executeSql: async (text, values) => queryable.query(text, values as unknown[]),
});

function contextOf(name: string, key: string, { dueAt, ...meta }: Payload): RequestContext {
  const { correlationId, causationId, traceparent } = meta;
  const counts = new Map<string, number>();
  return {
    actor: { type: 'policy', id: name },
    entry: 'policy',
    source: name,
    correlationId,
    nextCommandId: (target) => {
      const index = counts.get(target) ?? 0;
      counts.set(target, index + 1);
      return derivedId('timer', name, key, dueAt, target, index);
    },
    ...(causationId !== undefined && { causationId }),
    ...(traceparent !== undefined && { traceparent }),
  };
}
