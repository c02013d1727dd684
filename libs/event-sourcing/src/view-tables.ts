import { transaction, type Pool, type Queryable } from './database.ts';
import { elementsOf } from './element-table.ts';
import type { SubscriptionLog } from './subscription.ts';
import { dropShadows } from './view-building.ts';
import { checkpointOf, type DocumentView, type Fold, type View } from './view.ts';

/** Longer than nobody kept it: its release is gone, or away for long. */
const abandoned = `interval '1 hour'`;
/** Kept a moment ago; keepers say so every minute. */
const keptLately = `interval '5 minutes'`;
const hasDependents = '2BP01';

/** The tables that hold this release's views, among those of other releases on the same store. */
export class ViewTables {
  #ready = false;

  constructor(
    private readonly pool: Pool,
    private readonly folds: readonly Fold[],
    private readonly documents: readonly DocumentView[],
    private readonly log: SubscriptionLog,
  ) {}

  get #views(): readonly View[] {
    return [...this.folds, ...this.documents];
  }

  /** Says that the tables are kept, and which documents the folds touch in this release. */
  async register(names: readonly string[] = this.#views.map(({ table }) => table)): Promise<void> {
    const views = this.#views.filter(({ table }) => names.includes(table));
    const touches = this.documents
      .filter(({ table }) => names.includes(table))
      .flatMap(({ table, touchedBy }) =>
        [...new Set(touchedBy.map(({ fold }) => fold.table))].map((fold) => ({ fold, document: table })),
      );
    await transaction(this.pool, async (client) => {
      await client.query(
        `insert into view_tables (table_name, view, version, kind)
         select * from unnest($1::text[], $2::text[], $3::int[], $4::text[]) as t(name) order by name
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
   * Whether this release can answer from its views. Where an older one has tables of the same views, people are used to
   * them being complete: not before its own have seen what was there, and its documents are rendered. A yes stays.
   */
  async ready(): Promise<boolean> {
    this.#ready ||= !(await this.#upgrades()) || (await this.#complete());
    return this.#ready;
  }

  async #upgrades(): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `select from view_tables t join unnest($1::text[], $2::int[], $3::text[]) as own(view, version, kind)
         on own.view = t.view and own.kind = t.kind and own.version > t.version limit 1`,
      [
        this.#views.map(({ name }) => name),
        this.#views.map(({ version }) => version),
        this.#views.map(({ kind }) => kind),
      ],
    );
    return rowCount !== 0;
  }

  async #complete(): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `select from unnest($1::text[]) as own(subscription) where not exists (select from checkpoints c
         where c.subscription = own.subscription and (c.caught_up or not own.subscription = any($2)))
       limit 1`,
      [this.#views.map(checkpointOf), this.folds.map(checkpointOf)],
    );
    return rowCount === 0;
  }

  /**
   * Whether what others read in a schema of the database may stand on this release's tables from now on: they are
   * complete, and it does not stand on those of a newer release that is at work.
   */
  async mayTakeOver(schema: string): Promise<boolean> {
    if (!(await this.ready())) return false;
    const { rowCount } = await this.pool.query(
      `select from pg_class v
       join pg_rewrite r on r.ev_class = v.oid
       join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass
       join pg_class c on c.oid = d.refobjid
       join view_tables t on t.table_name = c.relname and t.used_at > now() - ${keptLately}
       join unnest($2::text[], $3::int[], $4::text[]) as own(view, version, kind)
         on own.view = t.view and own.kind = t.kind and own.version < t.version
       where v.relkind = 'v' and v.relnamespace = to_regnamespace($1) limit 1`,
      [
        schema,
        this.#views.map(({ name }) => name),
        this.#views.map(({ version }) => version),
        this.#views.map(({ kind }) => kind),
      ],
    );
    return rowCount === 0;
  }

  /**
   * Drops what no release will need: tables of versions older than the one before the newest. What another release has
   * not kept for an hour is no longer told of changes; should that release come back, it renders its documents whole.
   */
  async forgetOld(): Promise<void> {
    const { rows } = await this.pool.query<{ table_name: string }>(
      `select table_name from (
         select table_name, used_at, row_number() over (partition by view, kind order by version desc) as place
         from view_tables) t
       where place > 2 and used_at < now() - ${abandoned} order by table_name`,
    );
    for (const { table_name: table } of rows) await this.#drop(table);
    await this.#forgetDocuments();
  }

  /** Drops the folds of other releases that nobody has kept for an hour, so that nobody's data stays in them for ever. */
  async dropAbandoned(): Promise<void> {
    const { rows } = await this.pool.query<{ table_name: string }>(
      `select table_name from view_tables
       where kind = 'fold' and not table_name = any($1) and used_at < now() - ${abandoned} order by table_name`,
      [this.folds.map(({ table }) => table)],
    );
    for (const { table_name: table } of rows) await this.#drop(table);
  }

  async #drop(table: string): Promise<void> {
    try {
      await transaction(this.pool, async (client) => {
        await client.query(`select pg_advisory_xact_lock(hashtext('throughline:views'))`);
        // A release that came back meanwhile said so under this lock.
        const { rowCount } = await client.query(
          `delete from view_tables where table_name = $1 and used_at < now() - ${abandoned}`,
          [table],
        );
        if (rowCount === 0) return;
        const elements = elementsOf({ table });
        await dropShadows(client, [table]);
        await client.query(`drop table if exists "${table}", "${table}_changes", "${elements}"`);
        await client.query(`drop function if exists "${elements}"()`);
        await this.#forget(client, [table]);
        await client.query('delete from broken_keys where view = $1', [table]);
        await client.query('delete from view_jobs where table_name = $1', [table]);
      });
      this.log.warn('view table dropped', { table });
    } catch (error) {
      if ((error as { code?: string }).code !== hasDependents) throw error;
      this.log.warn('old view table kept: something stands on it', { table });
    }
  }

  async #forgetDocuments(): Promise<void> {
    await transaction(this.pool, async (client) => {
      const { rows } = await client.query<{ table_name: string }>(
        `select table_name from view_tables
         where kind = 'document' and not table_name = any($1) and used_at < now() - ${abandoned}
         order by table_name for update`,
        [this.documents.map(({ table }) => table)],
      );
      if (rows.length > 0)
        await this.#forget(
          client,
          rows.map(({ table_name: table }) => table),
        );
    });
  }

  async #forget(client: Queryable, tables: readonly string[]): Promise<void> {
    for (const [from, column] of [
      ['view_touches', 'fold_table'],
      ['view_touches', 'document_table'],
      ['foreign_touches', 'fold_table'],
      ['foreign_touches', 'document_table'],
    ]) {
      await client.query(`delete from ${from} where ${column} = any($1)`, [tables]);
    }
    const subscriptions = tables.map((table) => checkpointOf({ table }));
    await client.query('delete from checkpoints where subscription = any($1)', [subscriptions]);
    await client.query('delete from subscription_faults where subscription = any($1)', [subscriptions]);
  }
}
