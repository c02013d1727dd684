import type { Recorded } from '@throughline/contracts';
import type { PoolClient } from 'pg';
import type { oneAfterTheOther } from './breaker.ts';
import type { StoredBrokenKeys } from './broken-keys.ts';
import type { Codec } from './codec.ts';
import { errorForLog, isTransient, plainTypes, transaction, type Pool, type Queryable } from './database.ts';
import type { DocumentTable } from './document-table.ts';
import type { Feed } from './feed.ts';
import { atOnce, carefully, foldEvents, type BrokenKeys } from './fold-events.ts';
import { viewBatch, type Change, type FoldTable } from './fold-table.ts';
import { checkpointOf } from './view.ts';

/**
 * - `rebuild`: folds the view anew beside the live one, and writes what differs
 * - `verify`: the same, but only says what differs
 * - `mend`: rebuilds the keys that are marked as broken
 * - `forget`: rebuilds the keys that know something of a data subject, whose key was destroyed
 */
export type ViewJobKind = 'rebuild' | 'verify' | 'mend' | 'forget';

/** What came of it. Equal hashes: the same content, whatever the order of rows. */
export type ViewJobResult = {
  /** Position of the feed as of which both were compared; 0 for documents. */
  position: number;
  rows: number;
  hash: string;
  rebuiltHash: string;
  /** Rows, or documents, that the live view had otherwise. */
  different: number;
  /** Keys at which the fold, or the rendering, throws. */
  broken: number;
};

type Kept = { table: FoldTable; brokenKeys: StoredBrokenKeys };
type Turn = ReturnType<typeof oneAfterTheOther>;
type Job = { id: number; kind: ViewJobKind; subject: string | null };
type Place = { position: number; generation: string | null };

/** Carries out what operators ask of views. A job whose process died begins anew in the next that leads. */
export class ViewJobs {
  constructor(
    private readonly pool: Pool,
    private readonly codec: Codec,
    private readonly touch: (
      client: PoolClient,
      changed: readonly { table: FoldTable; changes: readonly Change[] }[],
      position: number,
    ) => Promise<void>,
  ) {}

  /**
   * The next job of each of the folds, if any.
   *
   * @param turn keeps batches from the tables while two are compared
   */
  async runNext(folds: readonly Kept[], feed: Feed, turn: Turn, signal: AbortSignal): Promise<void> {
    const jobs = await this.#next(folds.map(({ table }) => table.name));
    for (const fold of folds) {
      const job = jobs.get(fold.table.name);
      if (job) await this.#runOf(fold, job, feed, turn, signal);
    }
  }

  async #runOf({ table, brokenKeys }: Kept, job: Job, feed: Feed, turn: Turn, signal: AbortSignal): Promise<void> {
    const shadow = table.as(`${table.name}b`);
    await this.#run(job, signal, async () => {
      await this.pool.query(
        `drop table if exists "${shadow.name}"; create table "${shadow.name}" (like "${table.name}" including all)`,
      );
      try {
        const only = await this.#keysOf(job, table, brokenKeys, feed, signal);
        const building = new Building(this.pool, this.codec, shadow, feed, only, (place) => this.#progress(job, place));
        await building.to(await this.#live(table, feed), signal);
        return await turn(async () => {
          await building.to(await this.#live(table, feed), signal);
          return this.#compare(job, table, brokenKeys, building);
        });
      } finally {
        await this.pool.query(`drop table if exists "${shadow.name}"`).catch(() => undefined);
      }
    });
  }

  /** The next job of a document view, if any. */
  async runNextDocument(document: DocumentTable, folds: readonly FoldTable[], signal: AbortSignal): Promise<void> {
    const job = (await this.#next([document.name])).get(document.name);
    if (!job) return;
    await this.#run(job, signal, async () => {
      const repair = job.kind !== 'verify';
      const before = await this.#content(document.name);
      if (repair) await this.pool.query('delete from broken_keys where view = $1', [document.name]);
      let [different, seen] = [0, 0];
      const compare = async (keys: readonly string[]) => {
        if (signal.aborted) throw signal.reason;
        seen += keys.length;
        different += await transaction(this.pool, (client) => document.compare(client, keys, repair));
        await this.#progress(job, { position: seen, target: before.rows });
      };
      for await (const keys of document.keys(this.pool)) await compare(keys);
      // And those that should be there but are not.
      for (const table of folds) {
        for await (const page of table.pages(this.pool)) {
          const keys = [...document.touched(table.fold, page)];
          const { rows } = await this.pool.query<{ id: string }>(
            `select id from unnest($1::text[]) as k(id) where not exists (select from "${document.name}" d where d.id = k.id)`,
            [keys],
          );
          if (rows.length > 0) await compare(rows.map(({ id }) => id).toSorted());
        }
      }
      const after = await this.#content(document.name);
      const broken = await this.#brokenCount(document.name);
      const rebuiltHash = repair ? after.hash : different === 0 ? before.hash : '';
      return { position: 0, rows: after.rows, hash: before.hash, rebuiltHash, different, broken };
    });
  }

  /** The keys that a job is about; undefined = all. */
  async #keysOf(
    { kind, subject }: Job,
    table: FoldTable,
    brokenKeys: StoredBrokenKeys,
    feed: Feed,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string> | undefined> {
    if (kind === 'mend') return new Set(await brokenKeys.all(this.pool));
    if (subject === null) return undefined;
    const keys = new Set<string>();
    const { position: end } = await this.#live(table, feed);
    if (end === 0) return keys;
    const enough = new AbortController();
    for await (const { events } of feed.read(0, viewBatch, AbortSignal.any([signal, enough.signal]))) {
      const about = events.filter(
        ({ type, personal }) => table.fold.handles(type) && personal?.includes(JSON.stringify(subject)),
      );
      for (const event of await this.codec.decode(about)) {
        const key = table.fold.key(event);
        if (key !== undefined) keys.add(key);
      }
      if ((events.at(-1)?.position ?? 0) >= end) enough.abort();
      if (enough.signal.aborted) return keys;
    }
    signal.throwIfAborted();
    return keys;
  }

  /** By table, the first job that is not finished. */
  async #next(tables: readonly string[]): Promise<ReadonlyMap<string, Job>> {
    const { rows } = await this.pool.query<Job & { table: string }>({
      name: 'next-view-jobs',
      text: `select distinct on (table_name) table_name as table, id, kind, subject from view_jobs
        where table_name = any($1) and state in ('wanted', 'running') order by table_name, id`,
      values: [tables],
      types: plainTypes,
    });
    return new Map(rows.map((job) => [job.table, job]));
  }

  async #run({ id }: Job, signal: AbortSignal, work: () => Promise<ViewJobResult>): Promise<void> {
    await this.pool.query(`update view_jobs set state = 'running', position = 0 where id = $1`, [id]);
    const finish = (state: 'done' | 'failed', result: object) =>
      this.pool.query('update view_jobs set state = $2, result = $3, finished_at = now() where id = $1', [
        id,
        state,
        JSON.stringify(result),
      ]);
    try {
      await finish('done', await work());
    } catch (error) {
      if (signal.aborted || isTransient(error)) throw error;
      await finish('failed', { error: errorForLog(error).error });
    }
  }

  async #progress({ id }: Job, { position, target }: { position: number; target: number }): Promise<void> {
    await this.pool.query('update view_jobs set position = $2, target = $3 where id = $1', [id, position, target]);
  }

  /** Where the live view stands, and where a log that took the place of its own ends. */
  async #live(table: FoldTable, feed: Feed): Promise<Place & { head: number }> {
    const { rows } = await this.pool.query<Place>({
      text: 'select position, generation from checkpoints where subscription = $1 and feed = $2',
      values: [checkpointOf(table.fold), feed.service],
      types: plainTypes,
    });
    return { ...(rows[0] ?? { position: 0, generation: null }), head: await feed.head() };
  }

  async #compare(
    { kind }: Job,
    table: FoldTable,
    brokenKeys: StoredBrokenKeys,
    { shadow, only, place, broken }: Building,
  ): Promise<ViewJobResult> {
    const keys = only && [...only];
    const result = await transaction(this.pool, async (client) => {
      const { rows: held } = await client.query<Place>({
        text: 'select position, generation from checkpoints where subscription = $1 and feed = $2 for update',
        values: [checkpointOf(table.fold), table.fold.feed],
        types: plainTypes,
      });
      const [stands = { position: 0, generation: null }] = held;
      const isRestored = stands.generation !== null && stands.generation !== place.generation;
      if (place.position !== stands.position && only?.size !== 0 && !(isRestored && kind === 'rebuild')) {
        throw new ViewMovedOn(table.name);
      }
      const live = await this.#content(table.name, client);
      const rebuilt = await this.#content(shadow.name, client);
      const different = await table.countDifferences(client, shadow, keys);
      const { position } = place;
      const comparison = { position, rows: live.rows, hash: live.hash, rebuiltHash: rebuilt.hash, different };
      if (kind === 'verify') return { ...comparison, broken: broken.size };
      if (isRestored && kind === 'rebuild') {
        // Whoever holds the old place must not go on from it: the epoch tells him.
        await client.query(
          `update checkpoints set position = $3, generation = $4, epoch = epoch + 1
           where subscription = $1 and feed = $2`,
          [checkpointOf(table.fold), table.fold.feed, place.position, place.generation],
        );
      }
      await client.query('delete from broken_keys where view = $1 and ($2::text[] is null or key = any($2))', [
        table.name,
        keys,
      ]);
      brokenKeys.forget();
      for (const [key, { position: at, error }] of broken) await brokenKeys.mark(client, key, at, error);
      for await (const changes of table.takeOver(client, shadow, keys)) {
        await this.touch(client, [{ table, changes }], place.position);
      }
      return { ...comparison, broken: broken.size };
    });
    brokenKeys.forget();
    return result;
  }

  async #content(table: string, db: Queryable = this.pool): Promise<{ rows: number; hash: string }> {
    const { rows } = await db.query<{ rows: number; hash: string }>({
      text: `select count(*) as rows, coalesce(sum(('x' || left(md5(t::text), 15))::bit(60)::bigint), 0)::text as hash
        from "${table}" t`,
      types: plainTypes,
    });
    return rows[0] as { rows: number; hash: string };
  }

  async #brokenCount(view: string): Promise<number> {
    const { rows } = await this.pool.query<{ count: string }>('select count(*) from broken_keys where view = $1', [
      view,
    ]);
    return Number(rows[0]?.count);
  }
}

/** Another process folded on meanwhile, or the log was restored: the job begins anew, or waits for a rebuild. */
class ViewMovedOn extends Error {
  /** By which it is known for something that goes away. */
  readonly code = 'too-busy';
}

/** A view that is folded anew from the first event on, beside the live one. */
class Building {
  place: Place = { position: 0, generation: null };
  readonly broken = new Map<string, { position: number; error: Error }>();
  readonly #brokenKeys: BrokenKeys = {
    among: async (_, keys) => [...this.broken.keys()].filter((key) => keys.has(key)),
    mark: async (_, key, position, error) => void this.broken.set(key, { position, error }),
  };

  constructor(
    private readonly pool: Pool,
    private readonly codec: Codec,
    readonly shadow: FoldTable,
    private readonly feed: Feed,
    readonly only: ReadonlySet<string> | undefined,
    private readonly progress: (place: { position: number; target: number }) => Promise<void>,
  ) {}

  /** Goes on until it stands where the live view does; in a log of another generation, until its end. */
  async to(live: Place & { head: number }, signal: AbortSignal): Promise<void> {
    const targetIn = (generation: string | null) =>
      live.generation === null || live.generation === generation ? live.position : live.head;
    if (live.head === 0 || (this.place.generation !== null && this.place.position >= targetIn(this.place.generation)))
      return;
    if (live.position === 0 || this.only?.size === 0) return;
    const enough = new AbortController();
    const batches = this.feed.read(this.place.position, viewBatch, AbortSignal.any([signal, enough.signal]));
    for await (const { generation, events } of batches) {
      const target = targetIn(generation);
      const stored = events.filter(({ position }) => position > this.place.position && position <= target);
      const last = stored.at(-1);
      if (last) {
        await this.#fold(await this.codec.decode(stored));
        this.place = { position: last.position, generation };
        await this.progress({ position: last.position, target });
      }
      if (this.place.position >= target) enough.abort();
      if (enough.signal.aborted) return;
    }
    signal.throwIfAborted();
  }

  async #fold(events: readonly Recorded[]): Promise<void> {
    const { fold } = this.shadow;
    const { only } = this;
    const wanted = only
      ? events.filter((event) => fold.handles(event.type) && only.has(fold.key(event) ?? ''))
      : events;
    const run = (step: typeof atOnce) =>
      transaction(this.pool, (client) => foldEvents(client, this.shadow, wanted, step, this.#brokenKeys));
    try {
      await run(atOnce);
    } catch (error) {
      if (isTransient(error)) throw error;
      await run(carefully);
    }
  }
}
