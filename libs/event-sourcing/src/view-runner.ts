import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorded } from '@throughline/contracts';
import type { PoolClient } from 'pg';
import { Table, type DataSource, type QueryRunner } from 'typeorm';
import { Breaker, oneAfterTheOther } from './breaker.ts';
import { StoredBrokenKeys } from './broken-keys.ts';
import type { Codec } from './codec.ts';
import { errorForLog, isTransient, plainTypes, transaction, withClient, type Pool } from './database.ts';
import { DocumentTable, rowsOf } from './document-table.ts';
import type { Feed } from './feed.ts';
import { atOnce, carefully, foldEvents, type Step } from './fold-events.ts';
import { FoldTable, viewBatch, type Change, type Row } from './fold-table.ts';
import {
  Deposed,
  follow,
  moveCheckpoint,
  takeCheckpoint,
  type Checkpoint,
  type SubscriptionLog,
} from './subscription.ts';
import { SpanKind, tracedBatch, type BatchTraceOptions } from './tracing.ts';
import { checkpointOf, type DocumentView, type Fold, type ReadRows } from './view.ts';
import { ViewJobs } from './view-jobs.ts';

const askMilliseconds = 1_000;
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
  readonly #tables: ReadonlyMap<string, FoldTable>;
  readonly #pool: Pool;
  readonly #jobs: ViewJobs;

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
    this.#tables = new Map(this.#folds.map(({ table }) => [table.name, table]));
    this.#documents = documents.map(
      (view) => new DocumentTable(view, new StoredBrokenKeys(view.table, log), (client) => this.#reader(client, view)),
    );
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
        } finally {
          await client.query(`select pg_advisory_unlock(hashtext('throughline:views'))`).catch(() => undefined);
        }
      });
    } finally {
      await runner.release();
    }
    await this.#register();
  }

  async #createTables(client: PoolClient, runner: QueryRunner): Promise<void> {
    for (const { table } of this.#folds) {
      const made = Table.create(this.dataSource.getMetadata(table.fold.entity), this.dataSource.driver);
      await runner.createTable(made, true, false, true);
    }
    for (const document of this.#documents) await document.create(client);
  }

  async #register(): Promise<void> {
    const views = [...this.#folds.map(({ table }) => table.fold), ...this.#documents.map(({ view }) => view)];
    const touches = this.#documents.flatMap(({ name, view }) =>
      [...new Set(view.touchedBy.map(({ fold }) => fold.table))].map((fold) => ({ fold, document: name })),
    );
    await transaction(this.#pool, async (client) => {
      await client.query(
        `insert into view_tables (table_name, view, version, kind)
         select * from unnest($1::text[], $2::text[], $3::int[], $4::text[])
         on conflict (table_name) do update set used_at = now()`,
        [
          views.map(({ table }) => table),
          views.map(({ name }) => name),
          views.map(({ version }) => version),
          views.map(({ kind }) => kind),
        ],
      );
      const values = [touches.map(({ fold }) => fold), touches.map(({ document }) => document)];
      const { rows } = await client.query(
        `select from unnest($1::text[], $2::text[]) as t(fold_table, document_table)
         where not exists (select from view_touches v where v.fold_table = t.fold_table
           and v.document_table = t.document_table)`,
        values,
      );
      if (rows.length === 0) return;
      // Waits for the batches under way: each later one of another release sees what is said here.
      await client.query('lock table view_touches in exclusive mode');
      await client.query(
        `insert into view_touches (fold_table, document_table) select * from unnest($1::text[], $2::text[])
         on conflict do nothing`,
        values,
      );
    });
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
    await Promise.all([...runs, ...documents.map((document) => this.#keep(document, signal))]);
  }

  async #follow(feed: Feed, group: readonly LiveFold[], signal: AbortSignal): Promise<void> {
    const turn = oneAfterTheOther();
    let checkpoints: Checkpoint[] = [];
    const trace: BatchTraceOptions = {
      batch: `fold ${feed.service}`,
      name: (type) => `process ${type}`,
      kind: SpanKind.CONSUMER,
      attributes: { 'throughline.subscription': group.map(({ table }) => checkpointOf(table.fold)) },
      handles: (type) => group.some(({ table }) => table.fold.handles(type)),
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
        apply: (events, generation) =>
          turn(async () => {
            checkpoints = await tracedBatch(trace, events, () => this.apply(group, events, generation, checkpoints));
            await caughtUp();
          }),
      },
      signal,
    );
    const jobs = this.#eachSecond(group.map(({ table }) => table.name).join(' '), signal, async () => {
      for (const fold of group) await this.#jobs.runNext(fold, feed, turn, signal);
    });
    await Promise.all([following, jobs]);
  }

  /** What a document table needs beside the folds: rendering whole when new, touches by other releases, repairs. */
  async #keep(document: DocumentTable, signal: AbortSignal): Promise<void> {
    let rendered = false;
    await this.#eachSecond(document.name, signal, async () => {
      if (!rendered) await this.#renderNew(document, signal);
      rendered = true;
      while (!signal.aborted && (await this.#renderForeign(document)));
      const folds = document.view.touchedBy.map(({ fold }) => this.#tableOf(document.view, fold));
      await this.#jobs.runNextDocument(document, [...new Set(folds)], signal);
    });
  }

  async #eachSecond(name: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (!signal.aborted && !isTransient(error)) this.log.error('view waits', { view: name, ...errorForLog(error) });
      }
      await sleep(askMilliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Folds one batch; answers with the checkpoints as they stand afterwards. */
  async apply(
    group: readonly LiveFold[],
    events: readonly Recorded[],
    generation: string,
    checkpoints: readonly Checkpoint[],
  ): Promise<Checkpoint[]> {
    try {
      return await this.#apply(group, events, generation, checkpoints, atOnce);
    } catch (error) {
      if (isTransient(error) || error instanceof Deposed) throw error;
      return this.#apply(group, events, generation, checkpoints, carefully);
    }
  }

  async #apply(
    group: readonly LiveFold[],
    events: readonly Recorded[],
    generation: string,
    checkpoints: readonly Checkpoint[],
    step: Step,
  ): Promise<Checkpoint[]> {
    const last = events.at(-1);
    if (!last) return [...checkpoints];
    return transaction(this.#pool, async (client) => {
      const changed: { table: FoldTable; changes: readonly Change[] }[] = [];
      const moved: Checkpoint[] = [];
      for (const [index, { table, brokenKeys, breaker }] of group.entries()) {
        const checkpoint = checkpoints[index] as Checkpoint;
        if (last.position <= checkpoint.position) {
          moved.push(checkpoint);
          continue;
        }
        // The checkpoint first: its row is the lock that keeps a deposed runner out.
        moved.push(await moveCheckpoint(client, checkpoint, last.position, generation));
        const fresh = events.filter((event) => event.position > checkpoint.position);
        const { changes, keys, failed } = await foldEvents(client, table, fresh, step, brokenKeys);
        for (let key = 0; key < keys; key += 1) breaker.record(key >= failed);
        breaker.check();
        if (changes.length > 0) changed.push({ table, changes });
      }
      await this.#touch(client, changed, last.position, step);
      return moved;
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

  /** A document view that is new while its folds are not: rendered whole, once. */
  async #renderNew(document: DocumentTable, signal: AbortSignal): Promise<void> {
    const { rows } = await this.#pool.query<{ done: boolean }>(
      `select exists (select 1 from checkpoints where subscription = $1) as done`,
      [checkpointOf(document.view)],
    );
    if (rows[0]?.done) return;
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

  /** Drops the tables of folds that no process of any release has kept for an hour, and what belongs to them. */
  async dropAbandoned(): Promise<void> {
    await transaction(this.#pool, async (client) => {
      const { rows } = await client.query<{ table_name: string }>(
        `delete from view_tables where kind = 'fold' and not table_name = any($1)
           and used_at < now() - interval '1 hour' returning table_name`,
        [this.names],
      );
      for (const { table_name: table } of rows) {
        await client.query(`drop table if exists "${table}" cascade`);
        await client.query('delete from checkpoints where subscription = $1', [`view:${table}`]);
        await client.query('delete from broken_keys where view = $1', [table]);
        await client.query('delete from view_touches where fold_table = $1', [table]);
      }
    });
  }

  #reader(client: PoolClient, view: DocumentView): ReadRows {
    return async (from, property, values) =>
      (await this.#tableOf(view, from as unknown as Fold).read(client, property, values)) as never;
  }

  #tableOf(view: DocumentView, fold: Fold): FoldTable {
    const table = this.#tables.get(fold.table);
    if (!table) throw new Error(`${view.table} reads ${fold.table}, which is not a view of this service`);
    return table;
  }

  /** The folds of one feed, for callers that drive `apply` themselves. */
  foldsOf(feed: string): readonly LiveFold[] {
    return this.#folds.filter(({ table }) => table.fold.feed === feed);
  }
}
