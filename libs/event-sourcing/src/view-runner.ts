import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorded } from '@throughline/contracts';
import type { PoolClient } from 'pg';
import { Table, type DataSource, type QueryRunner } from 'typeorm';
import { Breaker, oneAfterTheOther } from './breaker.ts';
import { StoredBrokenKeys } from './broken-keys.ts';
import type { Codec } from './codec.ts';
import { errorForLog, isTransient, plainTypes, transaction, withClient, type Pool } from './database.ts';
import { DocumentTable, rowsOf } from './document-table.ts';
import { createElementTable } from './element-table.ts';
import type { Feed } from './feed.ts';
import { atOnce, carefully, foldEvents, type Step } from './fold-events.ts';
import { FoldTable, viewBatch, type Change, type Row } from './fold-table.ts';
import {
  Deposed,
  follow,
  moveCheckpoints,
  takeCheckpoint,
  type Checkpoint,
  type SubscriptionLog,
} from './subscription.ts';
import { SpanKind, tracedBatch, type BatchTraceOptions } from './tracing.ts';
import { checkpointOf, type DocumentView, type Fold, type ReadRows } from './view.ts';
import { ViewJobs } from './view-jobs.ts';
import { ViewTables } from './view-tables.ts';

const askMilliseconds = 1_000;
const keptMilliseconds = 60_000;
const forgetMilliseconds = 3_600_000;
const touchesAtOnce = 1_000;

/** A fold as it is kept up to date. */
export type LiveFold = { table: FoldTable; brokenKeys: StoredBrokenKeys; breaker: Breaker };

/**
 * Keeps the views of one service up to date: folds batches of events into tables, and renders the documents that they
 * touch in the same transaction as the checkpoints, so that every event counts exactly once. Releases with other versions
 * of views do so side by side, each table kept by one process.
 */
export class ViewRunner {
  readonly #folds: readonly LiveFold[];
  readonly #documents: readonly DocumentTable[];
  readonly #byName: ReadonlyMap<string, FoldTable>;
  readonly #pool: Pool;
  readonly #jobs: ViewJobs;
  /** Where this release's views are, among those of others. */
  readonly tables: ViewTables;

  constructor(
    private readonly dataSource: DataSource,
    pool: Pool,
    private readonly codec: Codec,
    folds: readonly Fold[],
    documents: readonly DocumentView[],
    private readonly log: SubscriptionLog,
  ) {
    this.#pool = pool;
    this.#folds = folds.map((fold) => ({
      table: new FoldTable(fold, dataSource.getMetadata(fold.entity), dataSource),
      brokenKeys: new StoredBrokenKeys(fold.table, log),
      breaker: new Breaker(),
    }));
    this.#byName = new Map(this.#folds.map(({ table }) => [table.name, table]));
    this.#documents = documents.map(
      (view) => new DocumentTable(view, new StoredBrokenKeys(view.table, log), (client) => this.#reader(client, view)),
    );
    this.tables = new ViewTables(pool, folds, documents, log);
    this.#jobs = new ViewJobs(pool, codec, (client, changed, position) =>
      this.#touch(client, changed, position, carefully),
    );
  }

  /** Names of the tables that this release keeps: whoever holds a table's lock keeps it up to date. */
  get names(): readonly string[] {
    return [...this.#folds.map(({ table }) => table.name), ...this.#documents.map(({ name }) => name)];
  }

  /** Creates the tables that are missing, and says which documents the folds touch in this release. */
  async migrate(): Promise<void> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await withClient(this.#pool, async (client) => {
        // The folds' tables are made on another connection, so this lock belongs to the session, not to a transaction.
        await client.query(`select pg_advisory_lock(hashtext('throughline:views'))`);
        try {
          await this.#createTables(client, runner);
          await this.tables.register();
        } finally {
          await client.query(`select pg_advisory_unlock(hashtext('throughline:views'))`).catch(() => undefined);
        }
      });
    } finally {
      await runner.release();
    }
  }

  async #createTables(client: PoolClient, runner: QueryRunner): Promise<void> {
    for (const { table } of this.#folds) {
      const made = Table.create(this.dataSource.getMetadata(table.fold.entity), this.dataSource.driver);
      await runner.createTable(made, true, false, true);
      await createElementTable(client, table);
    }
    for (const document of this.#documents) await document.create(client);
  }

  /**
   * Keeps the tables named up to date until `signal` aborts. Views that stand at the same place of a feed travel
   * together.
   */
  async run(feedOf: (service: string) => Feed, names: readonly string[], signal: AbortSignal): Promise<void> {
    // This release may know better than the one that broke them.
    await this.#pool.query(
      `insert into view_jobs (table_name, kind, requested_by)
       select distinct view, 'mend', 'start' from broken_keys where view = any($1)`,
      [names],
    );
    const folds = this.#folds.filter(({ table }) => names.includes(table.name));
    const documents = this.#documents.filter(({ name }) => names.includes(name));
    const runs = [...Map.groupBy(folds, ({ table }) => table.fold.feed)].map(async ([service, ofFeed]) => {
      const feed = feedOf(service);
      const groups = new Map<number, LiveFold[]>();
      for (const fold of ofFeed) {
        const { position } = await takeCheckpoint(this.#pool, checkpointOf(fold.table.fold), service);
        groups.set(position, [...(groups.get(position) ?? []), fold]);
      }
      await Promise.all([...groups.values()].map((group) => this.#follow(feed, group, signal)));
    });
    const kept = this.#every(keptMilliseconds, names.join(' '), signal, () => this.tables.register(names));
    await Promise.all([kept, ...runs, ...documents.map((document) => this.#keep(document, signal))]);
  }

  /** Drops what no release will need, at once and every hour until `signal` aborts. */
  async forgetOld(signal: AbortSignal): Promise<void> {
    await this.#every(forgetMilliseconds, 'old tables', signal, () => this.tables.forgetOld());
  }

  async #follow(feed: Feed, group: readonly LiveFold[], signal: AbortSignal): Promise<void> {
    const turn = oneAfterTheOther();
    let checkpoints: Checkpoint[] = [];
    const handles = (type: string) => group.some(({ table }) => table.fold.handles(type));
    const trace: BatchTraceOptions = {
      batch: `fold ${feed.service}`,
      name: (type) => `process ${type}`,
      kind: SpanKind.CONSUMER,
      attributes: { 'throughline.subscription': group.map(({ table }) => checkpointOf(table.fold)) },
      handles,
    };
    // What is there when we start; whoever has passed it has seen everything once.
    let target: number | undefined;
    const caughtUp = async () => {
      if (target === undefined || checkpoints.some(({ position }) => position < (target as number))) return;
      await this.#pool.query('update checkpoints set caught_up = true where subscription = any($1)', [
        checkpoints.map(({ subscription }) => subscription),
      ]);
      target = undefined;
    };
    const following = follow(
      {
        subscriptions: group.map(({ table }) => checkpointOf(table.fold)),
        feed,
        codec: this.codec,
        pool: this.#pool,
        log: this.log,
        limit: viewBatch,
        handles,
        begin: async () => {
          checkpoints = [];
          for (const { table, brokenKeys } of group) {
            brokenKeys.forget();
            checkpoints.push(await takeCheckpoint(this.#pool, checkpointOf(table.fold), feed.service));
          }
          target = await feed.head();
          await caughtUp();
          return {
            position: Math.min(...checkpoints.map(({ position }) => position)),
            generation: checkpoints[0]?.generation ?? null,
          };
        },
        apply: (events, generation, position) =>
          turn(async () => {
            const fold = () => this.apply(group, events, generation, checkpoints, position);
            checkpoints = await tracedBatch(trace, events, fold);
            await caughtUp();
          }),
      },
      signal,
    );
    const names = group.map(({ table }) => table.name).join(' ');
    const jobs = this.#every(askMilliseconds, names, signal, () => this.#jobs.runNext(group, feed, turn, signal));
    await Promise.all([following, jobs]);
  }

  /** What a document table needs beside the folds: rendering whole when new, touches by other releases, repairs. */
  async #keep(document: DocumentTable, signal: AbortSignal): Promise<void> {
    let renderedAt = -Infinity;
    await this.#every(askMilliseconds, document.name, signal, async () => {
      // Another release may have given it up while the database did not hear of us.
      if (performance.now() - renderedAt >= keptMilliseconds) {
        await this.#renderNew(document, signal);
        renderedAt = performance.now();
      }
      while (!signal.aborted && (await this.#renderForeign(document)));
      const folds = document.view.touchedBy.map(({ fold }) => this.#tableOf(document.view, fold));
      await this.#jobs.runNextDocument(document, [...new Set(folds)], signal);
    });
  }

  async #every(milliseconds: number, name: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (!signal.aborted && !isTransient(error)) this.log.error('view waits', { view: name, ...errorForLog(error) });
      }
      await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * Folds one batch; answers with the checkpoints as they stand afterwards.
   *
   * @param position where the batch ends: what is of no interest to the group may be left out of it
   */
  async apply(
    group: readonly LiveFold[],
    events: readonly Recorded[],
    generation: string,
    checkpoints: readonly Checkpoint[],
    position = events.at(-1)?.position ?? 0,
  ): Promise<Checkpoint[]> {
    try {
      return await this.#apply(group, events, generation, checkpoints, position, atOnce);
    } catch (error) {
      if (isTransient(error) || error instanceof Deposed) throw error;
      return this.#apply(group, events, generation, checkpoints, position, carefully);
    }
  }

  async #apply(
    group: readonly LiveFold[],
    events: readonly Recorded[],
    generation: string,
    checkpoints: readonly Checkpoint[],
    position: number,
    step: Step,
  ): Promise<Checkpoint[]> {
    return transaction(this.#pool, async (client) => {
      const changed: { table: FoldTable; changes: readonly Change[] }[] = [];
      // The checkpoints first: their rows are the lock that keeps a deposed runner out.
      const due = checkpoints.filter((checkpoint) => checkpoint.position < position);
      const moves = due.map((checkpoint) => ({ checkpoint, to: position, generation }));
      const moved = new Map((await moveCheckpoints(client, moves)).map((to, index) => [due[index], to]));
      for (const [index, { table, brokenKeys, breaker }] of group.entries()) {
        const checkpoint = checkpoints[index] as Checkpoint;
        if (!moved.has(checkpoint)) continue;
        const fresh = events.filter((event) => event.position > checkpoint.position);
        const { changes, keys, failed } = await foldEvents(client, table, fresh, step, brokenKeys);
        for (let key = 0; key < keys; key += 1) breaker.record(key >= failed);
        breaker.check();
        if (changes.length > 0) changed.push({ table, changes });
      }
      await this.#touch(client, changed, position, step);
      return checkpoints.map((checkpoint) => moved.get(checkpoint) ?? checkpoint);
    });
  }

  /** Renders what changed rows touch. In one order everywhere, so that feeds which render one document at once never wait in a ring. */
  async #touch(
    client: PoolClient,
    changed: readonly { table: FoldTable; changes: readonly Change[] }[],
    position: number,
    step: Step,
  ): Promise<void> {
    if (changed.length === 0) return;
    for (const document of this.#documents) {
      const keys = new Set<string>();
      for (const { table, changes } of changed) {
        for (const key of document.touched(table.fold, rowsOf(changes))) keys.add(key);
      }
      await document.render(client, [...keys], position, step);
    }
    await this.#touchForeign(client, changed);
  }

  /** Documents of other releases that these folds touch: their keeper will render them. */
  async #touchForeign(
    client: PoolClient,
    changed: readonly { table: FoldTable; changes: readonly Change[] }[],
  ): Promise<void> {
    const { rows: foreign } = await client.query<{ fold_table: string; document_table: string }>({
      name: 'foreign-touches',
      text: `select fold_table, document_table from view_touches
        where fold_table = any($1) and not document_table = any($2) for share`,
      values: [changed.map(({ table }) => table.name), this.#documents.map(({ name }) => name)],
    });
    for (const { fold_table: fold, document_table: document } of foreign) {
      const rows = rowsOf(changed.find(({ table }) => table.name === fold)?.changes ?? []);
      await client.query(
        `insert into foreign_touches (document_table, fold_table, row)
         select $1, $2, row from json_array_elements($3::json) as t(row)`,
        [document, fold, JSON.stringify(rows)],
      );
    }
  }

  /** Renders a batch of what other releases' folds touched; false where there was nothing. */
  async #renderForeign(document: DocumentTable): Promise<boolean> {
    return transaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ fold_table: string; row: Row }>({
        text: `delete from foreign_touches where id in (
            select id from foreign_touches where document_table = $1 order by id limit ${touchesAtOnce} for update
          ) returning fold_table, row`,
        values: [document.name],
        types: plainTypes,
      });
      const keys = new Set<string>();
      for (const { fold_table: table, row } of rows)
        for (const key of document.touched({ table }, [row])) keys.add(key);
      await document.render(client, [...keys], 0, carefully);
      return rows.length > 0;
    });
  }

  /** A document view that is new, or comes back, while its folds are not: rendered whole, once. */
  async #renderNew(document: DocumentTable, signal: AbortSignal): Promise<void> {
    const { rows } = await this.#pool.query<{ done: boolean }>(
      `select exists (select 1 from checkpoints where subscription = $1) as done`,
      [checkpointOf(document.view)],
    );
    if (rows[0]?.done) return;
    for await (const keys of document.keys(this.#pool)) {
      if (signal.aborted) return;
      await transaction(this.#pool, (client) => document.render(client, keys, 0, carefully));
    }
    for (const { fold } of document.view.touchedBy) {
      const table = this.#tableOf(document.view, fold);
      for await (const page of table.pages(this.#pool)) {
        if (signal.aborted) return;
        const keys = document.touched(fold, page);
        await transaction(this.#pool, (client) => document.render(client, [...keys], 0, carefully));
      }
    }
    await takeCheckpoint(this.#pool, checkpointOf(document.view), 'folds');
  }

  #reader(client: PoolClient, view: DocumentView): ReadRows {
    return async (from, property, values) =>
      (await this.#tableOf(view, from as unknown as Fold).read(client, property, values)) as never;
  }

  #tableOf(view: DocumentView, fold: Fold): FoldTable {
    const table = this.#byName.get(fold.table);
    if (!table) throw new Error(`${view.table} reads ${fold.table}, which is not a view of this service`);
    return table;
  }

  /** The folds of one feed, for callers that drive `apply` themselves. */
  foldsOf(feed: string): readonly LiveFold[] {
    return this.#folds.filter(({ table }) => table.fold.feed === feed);
  }
}
