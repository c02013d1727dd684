import { randomUUID } from 'node:crypto';
import type { Recorded } from '@throughline/contracts';
import type { PoolClient } from 'pg';
import type { oneAfterTheOther } from './breaker.ts';
import type { StoredBrokenKeys } from './broken-keys.ts';
import type { Codec, Stored } from './codec.ts';
import { errorForLog, isTransient, plainTypes, transaction, type Pool, type Queryable } from './database.ts';
import type { DocumentTable } from './document-table.ts';
import type { Feed } from './feed.ts';
import { viewBatch, type Change, type FoldTable } from './fold-table.ts';
import { Building, dropShadows, shadowOf, type BuildingPart, type Place } from './view-building.ts';
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
  /** Of the whole view; nothing of it is told of what was forgotten. */
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
/** Jobs that are carried out together. Whoever begins them anew takes them away from a process that was deposed meanwhile. */
type Run = { id: string; jobs: readonly Job[] };
/** What is done to one view; several data subjects are forgotten at once. */
type Task = { kept: Kept; kind: ViewJobKind; jobs: readonly Job[] };

/** As many times as long as it took to forget some, others wait: to read all of a large log is no small thing. */
const forgettingRest = 2;

/** Carries out what operators ask of views. A job whose process died begins anew in the next that leads. */
export class ViewJobs {
  /** By feed. */
  readonly #forgetsAgainAt = new Map<string, number>();

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
   * The next job of each of the folds, if any. What only looks, or forgets, reads the feed once for all of them.
   *
   * @param turn keeps batches from the tables while two are compared
   */
  async runNext(folds: readonly Kept[], feed: Feed, turn: Turn, signal: AbortSignal): Promise<void> {
    const waiting = await this.#waiting(folds.map(({ table }) => table.name));
    const begun = performance.now();
    const mayForget = begun >= (this.#forgetsAgainAt.get(feed.service) ?? 0);
    const tasks = folds.flatMap((kept): Task[] => {
      const jobs = (waiting.get(kept.table.name) ?? []).filter(({ kind }) => kind !== 'forget' || mayForget);
      const [first] = jobs;
      if (!first) return [];
      const { kind } = first;
      return [{ kept, kind, jobs: kind === 'forget' ? jobs.filter((job) => job.kind === kind) : [first] }];
    });
    const byKind = Map.groupBy(tasks, ({ kind }) => kind);
    for (const [kind, ofKind] of byKind) {
      const runs = kind === 'forget' || kind === 'verify' ? [ofKind] : ofKind.map((task) => [task]);
      for (const run of runs) await this.#carryOut(run, feed, turn, signal);
    }
    const ended = performance.now();
    if (byKind.has('forget')) this.#forgetsAgainAt.set(feed.service, ended + forgettingRest * (ended - begun));
  }

  async #carryOut(tasks: readonly Task[], feed: Feed, turn: Turn, signal: AbortSignal): Promise<void> {
    const all = tasks.flatMap(({ jobs }) => jobs);
    await this.#run(all, signal, async (run) => {
      const shadows = tasks.map(({ kept: { table } }) => shadowOf(table, run.id));
      const live = tasks.map(({ kept: { table } }) => table.name);
      await dropShadows(this.pool, live);
      for (const [index, { kept }] of tasks.entries()) {
        await this.pool.query(`create table "${shadows[index]?.name}" (like "${kept.table.name}" including all)`);
      }
      try {
        const keys = await this.#keysOf(tasks, feed, signal);
        const parts = shadows.map((shadow, index) => ({ shadow, only: keys[index], broken: new Map() }));
        const building = new Building(this.pool, this.codec, parts, feed, (at) => this.#progress(run, at));
        const place = ({ kept }: Task) => this.#live(kept.table, feed);
        await building.to(await place(tasks[0] as Task), signal);
        for (const [index, task] of tasks.entries()) {
          await turn(async () => {
            await building.to(await place(task), signal);
            const own = { ...run, jobs: task.jobs };
            await this.#orFail(own, signal, async () => {
              const part = parts[index] as BuildingPart;
              await this.#finish(own, 'done', await this.#compare(own, task, part, building.place));
            });
          });
          building.leave(parts[index] as BuildingPart);
        }
      } finally {
        const own = shadows.map(({ name }) => `"${name}"`);
        await this.pool.query(`drop table if exists ${own.join(', ')}`).catch(() => undefined);
      }
    });
  }

  /** The next job of a document view, if any. */
  async runNextDocument(document: DocumentTable, folds: readonly FoldTable[], signal: AbortSignal): Promise<void> {
    const [job] = (await this.#waiting([document.name])).get(document.name) ?? [];
    if (!job) return;
    await this.#run([job], signal, async (run) => {
      const repair = job.kind !== 'verify';
      const before = await this.#content(document.name);
      if (repair) await this.pool.query('delete from broken_keys where view = $1', [document.name]);
      let [different, seen] = [0, 0];
      const compare = async (keys: readonly string[]) => {
        if (signal.aborted) throw signal.reason;
        seen += keys.length;
        different += await transaction(this.pool, (client) => document.compare(client, keys, repair));
        await this.#progress(run, { position: seen, target: before.rows });
      };
      for await (const keys of document.keys(this.pool)) await compare(keys);
      // And those that should be there but are not, each once, whatever touches it.
      const looked = new Set<string>();
      for (const table of folds) {
        for await (const page of table.pages(this.pool)) {
          const touched = [...document.touched(table.fold, page)];
          const missing = await transaction(this.pool, (client) => document.missing(client, touched, repair));
          const keys = missing.filter((key) => !looked.has(key));
          for (const key of keys) looked.add(key);
          if (keys.length > 0) await compare(keys);
        }
      }
      const after = await this.#content(document.name);
      const broken = await this.#brokenCount(document.name);
      const rebuiltHash = repair ? after.hash : different === 0 ? before.hash : '';
      const result = { position: 0, rows: after.rows, hash: before.hash, rebuiltHash, different, broken };
      await this.#finish(run, 'done', result);
    });
  }

  /** The keys that each task is about; undefined = all. */
  async #keysOf(
    tasks: readonly Task[],
    feed: Feed,
    signal: AbortSignal,
  ): Promise<readonly (ReadonlySet<string> | undefined)[]> {
    const [{ kept, kind }] = tasks as readonly [Task];
    if (kind === 'mend') return [new Set(await kept.brokenKeys.all(this.pool))];
    if (kind !== 'forget') return [undefined];
    const knowing = tasks.map(({ kept: { table }, jobs }) => ({
      fold: table.fold,
      subjects: new Set(jobs.flatMap(({ subject }) => subject ?? [])),
      keys: new Set<string>(),
    }));
    const all = new Set(knowing.flatMap(({ subjects }) => [...subjects]));
    const { position: end } = await this.#live(kept.table, feed);
    if (end === 0) return knowing.map(({ keys }) => keys);
    const enough = new AbortController();
    for await (const { events } of feed.read(0, viewBatch, AbortSignal.any([signal, enough.signal]))) {
      const about = events.flatMap((event) => {
        const subjects = subjectsOf(event).filter((subject) => all.has(subject));
        const isKnown = subjects.length > 0 && knowing.some(({ fold }) => fold.handles(event.type));
        return isKnown ? [{ event, subjects }] : [];
      });
      const decoded = await this.codec.decode(about.map(({ event }) => event));
      for (const { fold, subjects, keys } of knowing) {
        about.forEach(({ event, subjects: own }, index) => {
          const isAbout = fold.handles(event.type) && own.some((subject) => subjects.has(subject));
          const key = isAbout ? fold.key(decoded[index] as Recorded) : undefined;
          if (key !== undefined) keys.add(key);
        });
      }
      if ((events.at(-1)?.position ?? 0) >= end) enough.abort();
      if (enough.signal.aborted) return knowing.map(({ keys }) => keys);
    }
    signal.throwIfAborted();
    return knowing.map(({ keys }) => keys);
  }

  /** By table, the jobs that are not finished, the oldest first. */
  async #waiting(tables: readonly string[]): Promise<ReadonlyMap<string, Job[]>> {
    const { rows } = await this.pool.query<Job & { table: string }>({
      name: 'waiting-view-jobs',
      text: `select table_name as table, id, kind, subject from view_jobs
        where table_name = any($1) and state in ('wanted', 'running') order by id`,
      values: [tables],
      types: plainTypes,
    });
    return Map.groupBy(rows, ({ table }) => table);
  }

  /** Jobs are begun; `work` finishes them, unless it fails. */
  async #run(jobs: readonly Job[], signal: AbortSignal, work: (run: Run) => Promise<void>): Promise<void> {
    const run = { id: randomUUID(), jobs };
    await this.pool.query(`update view_jobs set state = 'running', position = 0, run = $2 where id = any($1)`, [
      idsOf(run),
      run.id,
    ]);
    await this.#orFail(run, signal, () => work(run));
  }

  async #orFail(run: Run, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (signal.aborted || isTransient(error)) throw error;
      await this.#finish(run, 'failed', { error: errorForLog(error).error });
    }
  }

  async #finish(run: Run, state: 'done' | 'failed', result: object): Promise<void> {
    await this.pool.query(
      'update view_jobs set state = $3, result = $4, finished_at = now() where id = any($1) and run = $2',
      [idsOf(run), run.id, state, JSON.stringify(result)],
    );
  }

  async #progress(run: Run, { position, target }: { position: number; target: number }): Promise<void> {
    await this.pool.query('update view_jobs set position = $3, target = $4 where id = any($1) and run = $2', [
      idsOf(run),
      run.id,
      position,
      target,
    ]);
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
    run: Run,
    { kept: { table, brokenKeys }, kind }: Task,
    { shadow, only, broken }: BuildingPart,
    place: Place,
  ): Promise<ViewJobResult> {
    const keys = only && [...only];
    const result = await transaction(this.pool, async (client) => {
      const own = await client.query('select from view_jobs where id = any($1) and run = $2 for update', [
        idsOf(run),
        run.id,
      ]);
      if (own.rowCount !== run.jobs.length) throw new ViewMovedOn(table.name);
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
      // Whoever forgets somebody has no use for what the rest of the view holds.
      const [live, rebuilt] =
        kind === 'forget'
          ? [nothingLookedAt, nothingLookedAt]
          : [await this.#content(table.name, client), await this.#content(shadow.name, client)];
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

/** Whose blobs stand beside the facts. */
const subjectsOf = ({ personal }: Stored): string[] => (personal === null ? [] : Object.keys(JSON.parse(personal)));
const nothingLookedAt = { rows: 0, hash: '' };
const idsOf = ({ jobs }: Run) => jobs.map(({ id }) => id);

/** Another process folded on, or began the job anew, meanwhile, or the log was restored: it begins anew, or waits for a rebuild. */
class ViewMovedOn extends Error {
  /** By which it is known for something that goes away. */
  readonly code = 'too-busy';
}
