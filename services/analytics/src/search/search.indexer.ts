import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { errorForLog, isTransient, plainTypes } from '@throughline/event-sourcing';
import { Kernel, Log, type Forgets } from '@throughline/service';
import type { RecordType } from './record-type.ts';
import { recordTypes } from './record-types.index.ts';
import { EngineUnavailable, SearchEngine, type Change } from './search-engine.ts';

/** What answers from the engine waits for, under `X-After`. */
export const searchFence = 'search';

const batch = 200;
const idleMilliseconds = 75;
const checkMilliseconds = 30_000;
const fencePollMilliseconds = 15;
const mostWatched = 5_000;
const firstBackoff = 250;
const longestBackoff = 10_000;

/**
 * Copies the documents that changed into the search engine. What is queued in Postgres stays queued until it is written,
 * so an outage of the engine costs only freshness.
 */
@Injectable()
export class SearchIndexer implements OnModuleDestroy, Forgets {
  #wake = new AbortController();

  constructor(
    private readonly kernel: Kernel,
    private readonly engine: SearchEngine,
    private readonly log: Log,
  ) {
    kernel.addFence(searchFence, (milliseconds) => this.#caughtUp(milliseconds));
  }

  /** Follows the queues until `signal` aborts. One process at a time. */
  async run(signal: AbortSignal): Promise<void> {
    let readyUntil = 0;
    for (let failures = 0; !signal.aborted;) {
      try {
        // Now and again, since an index that was lost while nothing changes is missed by nobody here.
        if (Date.now() > readyUntil) {
          for (const type of recordTypes) await this.#prepare(type, signal);
          readyUntil = Date.now() + checkMilliseconds;
        }
        const moved = await this.#drain(signal);
        if (failures > 0) this.log.info('search index goes on', { failures });
        failures = 0;
        if (!moved) await this.#idle(signal);
      } catch (error) {
        if (signal.aborted) return;
        readyUntil = 0;
        failures += 1;
        if (failures === 1) this.#complain(error as Error);
        const pause = Math.min(longestBackoff, firstBackoff * 2 ** Math.min(failures, 10));
        await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async onModuleDestroy(): Promise<void> {
    await this.engine.close();
  }

  async forget(): Promise<void> {
    if (!(await this.#caughtUp(checkMilliseconds))) throw new EngineUnavailable('the search index is behind');
    await this.engine.purge();
  }

  #complain(error: Error): void {
    const passing = error instanceof EngineUnavailable || isTransient(error);
    if (passing) this.log.warn('search index waits', { error: error.message });
    else this.log.error('search index stopped', errorForLog(error));
  }

  /** An index of a new analysis or new fields is built whole from the documents before it is asked. */
  async #prepare(type: RecordType, signal: AbortSignal): Promise<void> {
    const { published } = await this.engine.ensure(type);
    if (published) return;
    for (let last = ''; !signal.aborted;) {
      const { rows } = await this.kernel.pool.query<Change>({
        text: `select id, rev, doc from "${type.document.table}" where id > $1 order by id limit ${batch}`,
        values: [last],
        types: plainTypes,
      });
      if (rows.length === 0) {
        await this.engine.publish(type);
        return;
      }
      await this.engine.bulk(type, rows);
      last = (rows.at(-1) as Change).id;
    }
  }

  /** Takes a batch of every queue; false where all were empty. */
  async #drain(signal: AbortSignal): Promise<boolean> {
    const tables = recordTypes.map(({ document }) => `exists (select from "${document.table}_changes")`);
    const { rows } = await this.kernel.pool.query<boolean[]>({ text: `select ${tables.join(', ')}`, rowMode: 'array' });
    const waiting = recordTypes.filter((_, index) => rows[0]?.[index]);
    for (const type of waiting) if (!signal.aborted) await this.#copy(type);
    return waiting.length > 0;
  }

  async #copy(type: RecordType): Promise<void> {
    const { table } = type.document;
    const { rows } = await this.kernel.pool.query<{
      id: string;
      queued: number;
      rev: number | null;
      doc: Change['doc'];
    }>({
      text: `select q.id, q.rev as queued, d.rev, d.doc from (select id, rev from "${table}_changes" limit ${batch}) q
        left join "${table}" d on d.id = q.id`,
      types: plainTypes,
    });
    // The document may be newer than what was queued; where there is none any more, the queue says as of when.
    const changes = rows.map(({ id, queued, rev, doc }) => ({ id, rev: rev ?? queued, doc: doc ?? undefined }));
    await this.engine.bulk(type, changes);
    await this.kernel.pool.query(
      `delete from "${table}_changes" q using unnest($1::text[], $2::bigint[]) as w(id, rev)
       where q.id = w.id and q.rev <= w.rev`,
      [changes.map(({ id }) => id), changes.map(({ rev }) => rev)],
    );
  }

  async #idle(signal: AbortSignal): Promise<void> {
    this.#wake = new AbortController();
    const wake = this.#wake;
    const stop = () => wake.abort();
    signal.addEventListener('abort', stop, { once: true });
    await sleep(idleMilliseconds, undefined, { signal: wake.signal }).catch(() => undefined);
    signal.removeEventListener('abort', stop);
  }

  /** Waits until what is queued now is written and found. */
  async #caughtUp(milliseconds: number): Promise<boolean> {
    const deadline = Date.now() + milliseconds;
    let waiting = await this.#queued();
    while (waiting.length > 0) {
      if (Date.now() >= deadline) return false;
      this.#wake.abort();
      await sleep(fencePollMilliseconds);
      waiting = await this.#queued(waiting);
    }
    const refreshed = this.engine.refresh().then(
      () => true,
      () => false,
    );
    const late = new AbortController();
    const timeout = sleep(Math.max(0, deadline - Date.now()), false, { signal: late.signal }).catch(() => false);
    const inTime = await Promise.race([refreshed, timeout]);
    late.abort();
    return inTime;
  }

  /** Ids that wait in the queues; of those given, where they are few enough to be told apart from later ones. */
  async #queued(of?: readonly string[]): Promise<string[]> {
    const all = recordTypes.map(({ document }) => `select id from "${document.table}_changes"`).join(' union all ');
    const those = of && of.length < mostWatched ? of : undefined;
    const { rows } = await this.kernel.pool.query<{ id: string }>(
      `select id from (${all}) q ${those ? 'where id = any($1)' : ''} limit ${mostWatched}`,
      those ? [those] : [],
    );
    return rows.map(({ id }) => id);
  }
}
