import { isDeepStrictEqual } from 'node:util';
import type { Recorded } from '@throughline/contracts';
import type { PoolClient } from 'pg';
import { Table, type DataSource, type EntityMetadata } from 'typeorm';
import type { Codec } from './codec.ts';
import { plainTypes, transaction, type Pool, type Queryable } from './database.ts';
import type { Feed } from './feed.ts';
import { follow, moveCheckpoint, takeCheckpoint, type Checkpoint, type SubscriptionLog } from './subscription.ts';
import { checkpointOf, type DocumentView, type Fold, type ReadRows } from './view.ts';

type Row = Record<string, unknown>;
type Column = { name: string; property: string; type: string; primary: boolean };
type AnyFold = Fold<Row>;

/** Largest batch of events folded in one transaction. */
export const viewBatch = 5_000;
const renderChunk = 500;

/** A fold together with what its table looks like. */
class FoldTable {
  readonly columns: readonly Column[];
  readonly primary: readonly Column[];
  readonly by: Column;

  constructor(
    readonly fold: AnyFold,
    metadata: EntityMetadata,
    dataSource: DataSource,
  ) {
    const { driver } = dataSource;
    this.columns = metadata.columns.map((column) => ({
      name: column.databaseName,
      property: column.propertyName,
      type: driver.normalizeType(column) + (column.isArray ? '[]' : ''),
      primary: column.isPrimary,
    }));
    this.primary = this.columns.filter((column) => column.primary);
    const by = fold.by ? this.columns.find((column) => column.property === fold.by) : this.primary[0];
    if (!by) throw new Error(`${fold.table}: no column for its key`);
    this.by = by;
  }

  async read(db: Queryable, property: string, values: readonly string[]): Promise<Row[]> {
    const column = this.columns.find((candidate) => candidate.property === property);
    if (!column) throw new Error(`${this.fold.table} has no ${property}`);
    if (values.length === 0) return [];
    const list = this.columns.map(({ name, property: as }) => `"${name}" as "${as}"`).join(', ');
    const { rows } = await db.query<Row>({
      text: `select ${list} from "${this.fold.table}" where "${column.name}" = any($1::${column.type}[])`,
      values: [values],
      types: plainTypes,
    });
    return rows;
  }

  async write(db: Queryable, gone: readonly Row[], changed: readonly Row[]): Promise<void> {
    const record = (columns: readonly Column[]) => columns.map(({ name, type }) => `"${name}" ${type}`).join(', ');
    const json = (rows: readonly Row[], columns: readonly Column[]) =>
      JSON.stringify(
        rows.map((row) => Object.fromEntries(columns.map(({ name, property }) => [name, row[property] ?? null]))),
      );
    const same = this.primary.map(({ name }) => `t."${name}" = g."${name}"`).join(' and ');
    if (gone.length > 0) {
      const text = `delete from "${this.fold.table}" t using json_to_recordset($1) as g(${record(this.primary)}) where ${same}`;
      await db.query(text, [json(gone, this.primary)]);
    }
    if (changed.length === 0) return;
    const names = this.columns.map(({ name }) => `"${name}"`).join(', ');
    const keys = this.primary.map(({ name }) => `"${name}"`).join(', ');
    const rest = this.columns.filter(({ primary }) => !primary);
    const update = rest.map(({ name }) => `"${name}" = excluded."${name}"`).join(', ');
    await db.query(
      `insert into "${this.fold.table}" (${names}) select ${names} from json_to_recordset($1) as r(${record(this.columns)})
       on conflict (${keys}) ${update ? `do update set ${update}` : 'do nothing'}`,
      [json(changed, this.columns)],
    );
  }

  identity(row: Row): string {
    return JSON.stringify(this.primary.map(({ property }) => row[property]));
  }
}

type Change = { before?: Row; after?: Row };

/**
 * Keeps the views of one service up to date: folds batches of events into tables, and renders the documents that they
 * touch in the same transaction as the checkpoints, so that every event counts exactly once.
 */
export class ViewRunner {
  readonly #folds: readonly FoldTable[];
  readonly #byFold: ReadonlyMap<unknown, FoldTable>;
  readonly #pool: Pool;

  constructor(
    private readonly dataSource: DataSource,
    pool: Pool,
    private readonly codec: Codec,
    folds: readonly Fold[],
    private readonly documents: readonly DocumentView[],
    private readonly log: SubscriptionLog,
  ) {
    this.#pool = pool;
    this.#folds = folds.map((fold) => {
      const view = fold as unknown as AnyFold;
      return new FoldTable(view, dataSource.getMetadata(view.entity), dataSource);
    });
    this.#byFold = new Map(this.#folds.map((table) => [table.fold, table]));
  }

  /** Creates the tables that are missing. */
  async migrate(): Promise<void> {
    const client = await this.#pool.connect();
    const runner = this.dataSource.createQueryRunner();
    try {
      await client.query(`select pg_advisory_lock(hashtext('throughline:views'))`);
      for (const { fold } of this.#folds) {
        const table = Table.create(this.dataSource.getMetadata(fold.entity), this.dataSource.driver);
        await runner.createTable(table, true, false, true);
      }
      for (const { table } of this.documents) {
        await client.query(
          `create table if not exists "${table}" (id text primary key, rev bigint not null, doc json not null)`,
        );
        await client.query(`create table if not exists "${table}_changes" (id text primary key, rev bigint not null)`);
      }
    } finally {
      await client.query(`select pg_advisory_unlock(hashtext('throughline:views'))`).catch(() => undefined);
      client.release();
      await runner.release();
    }
  }

  /** Follows the feeds until `signal` aborts. Views that stand at the same place of a feed travel together. */
  async run(feeds: readonly Feed[], signal: AbortSignal): Promise<void> {
    await this.#renderNewDocuments();
    const runs = feeds.map(async (feed) => {
      const tables = this.#folds.filter(({ fold }) => fold.feed === feed.service);
      const groups = new Map<number, FoldTable[]>();
      for (const table of tables) {
        const { position } = await takeCheckpoint(this.#pool, checkpointOf(table.fold), feed.service);
        groups.set(position, [...(groups.get(position) ?? []), table]);
      }
      await Promise.all([...groups.values()].map((group) => this.#follow(feed, group, signal)));
    });
    await Promise.all(runs);
  }

  async #follow(feed: Feed, group: readonly FoldTable[], signal: AbortSignal): Promise<void> {
    let checkpoints: Checkpoint[] = [];
    await follow(
      {
        name: group.map(({ fold }) => fold.table).join(' '),
        feed,
        codec: this.codec,
        pool: this.#pool,
        log: this.log,
        limit: viewBatch,
        begin: async () => {
          checkpoints = [];
          for (const { fold } of group)
            checkpoints.push(await takeCheckpoint(this.#pool, checkpointOf(fold), feed.service));
          return {
            position: Math.min(...checkpoints.map(({ position }) => position)),
            generation: checkpoints[0]?.generation ?? null,
          };
        },
        apply: async (events, generation) => {
          checkpoints = await this.apply(group, events, generation, checkpoints);
        },
      },
      signal,
    );
  }

  /** Folds one batch; answers with the checkpoints as they stand afterwards. */
  async apply(
    group: readonly FoldTable[],
    events: readonly Recorded[],
    generation: string,
    checkpoints: readonly Checkpoint[],
  ): Promise<Checkpoint[]> {
    const last = events.at(-1);
    if (!last) return [...checkpoints];
    return transaction(this.#pool, async (client) => {
      const touched = new Map<DocumentView, Set<string>>();
      const moved: Checkpoint[] = [];
      for (const [index, table] of group.entries()) {
        const checkpoint = checkpoints[index] as Checkpoint;
        if (last.position <= checkpoint.position) {
          moved.push(checkpoint);
          continue;
        }
        // The checkpoint first: its row is the lock that keeps a deposed runner out.
        moved.push(await moveCheckpoint(client, checkpoint, last.position, generation));
        const fresh = events.filter((event) => event.position > checkpoint.position);
        const changes = await this.#fold(client, table, fresh);
        for (const view of this.documents) collect(touched, view, table.fold, changes);
      }
      for (const [view, keys] of touched) await this.#render(client, view, [...keys].sort());
      return moved;
    });
  }

  /** The fold tables of one feed, for callers that drive `apply` themselves. */
  tablesOf(feed: string): readonly FoldTable[] {
    return this.#folds.filter(({ fold }) => fold.feed === feed);
  }

  async #fold(client: PoolClient, table: FoldTable, events: readonly Recorded[]): Promise<readonly Change[]> {
    const { fold } = table;
    const byKey = new Map<string, Recorded[]>();
    for (const event of events) {
      if (!fold.handles(event.type)) continue;
      const key = fold.key(event);
      if (key === undefined) continue;
      const list = byKey.get(key);
      if (list) list.push(event);
      else byKey.set(key, [event]);
    }
    if (byKey.size === 0) return [];
    const before = new Map<string, Row[]>();
    for (const row of await table.read(client, table.by.property, [...byKey.keys()])) {
      const key = String(row[table.by.property]);
      before.set(key, [...(before.get(key) ?? []), row]);
    }
    const changes: Change[] = [];
    for (const [key, news] of byKey) {
      const old = before.get(key) ?? [];
      let rows: readonly Row[] = old;
      try {
        for (const event of news) rows = fold.evolve(rows, event);
      } catch (error) {
        await this.#markBroken(client, fold, key, news[0] as Recorded, error as Error);
        continue;
      }
      changes.push(...difference(table, old, rows));
    }
    await table.write(
      client,
      changes.flatMap(({ before: row, after }) => (row && !after ? [row] : [])),
      changes.flatMap(({ after }) => (after ? [after] : [])),
    );
    return changes;
  }

  /** A fold that throws is a bug: its key stands still, visibly, and all others go on. */
  async #markBroken(client: PoolClient, { table }: AnyFold, key: string, event: Recorded, error: Error): Promise<void> {
    this.log.error('view key broken', {
      view: table,
      event: event.id,
      type: event.type,
      position: event.position,
      stack: error.stack,
    });
    await client.query(
      `insert into broken_keys (view, key, position, error) values ($1, $2, $3, $4) on conflict (view, key) do nothing`,
      [table, key, event.position, error.name],
    );
  }

  async #render(client: PoolClient, view: DocumentView, keys: readonly string[]): Promise<void> {
    const read: ReadRows = async (from, property, values) => {
      const table = this.#byFold.get(from);
      if (!table) throw new Error(`${view.table} reads ${from.table}, which is not a view of this service`);
      return (await table.read(client, property, values)) as never;
    };
    for (let from = 0; from < keys.length; from += renderChunk) {
      const chunk = keys.slice(from, from + renderChunk);
      // These rows are the documents' locks, and say that feeds rendering one document at once do it one after the other.
      const { rows } = await client.query<{ key: string; rev: string }>(
        `insert into document_revisions as d (document, key, rev) select $1, key, 1 from unnest($2::text[]) key order by key
         on conflict (document, key) do update set rev = d.rev + 1 returning key, rev`,
        [view.table, chunk],
      );
      const revisions = new Map(rows.map(({ key, rev }) => [key, rev]));
      const documents = await (view as unknown as DocumentView).render(chunk, read);
      const found = new Set(documents.map(({ id }) => id));
      const gone = chunk.filter((key) => !found.has(key));
      await client.query(
        `insert into "${view.table}" (id, rev, doc) select * from unnest($1::text[], $2::bigint[], $3::json[])
         on conflict (id) do update set rev = excluded.rev, doc = excluded.doc`,
        [
          documents.map(({ id }) => id),
          documents.map(({ id }) => revisions.get(id)),
          documents.map((doc) => JSON.stringify(doc)),
        ],
      );
      if (gone.length > 0) await client.query(`delete from "${view.table}" where id = any($1)`, [gone]);
      await client.query(
        `insert into "${view.table}_changes" (id, rev) select * from unnest($1::text[], $2::bigint[])
         on conflict (id) do update set rev = excluded.rev`,
        [chunk, chunk.map((key) => revisions.get(key))],
      );
    }
  }

  /** A document view that is new while its folds are not: rendered whole, once. */
  async #renderNewDocuments(): Promise<void> {
    for (const view of this.documents) {
      const { rows } = await this.#pool.query<{ done: boolean }>(
        `select exists (select 1 from checkpoints where subscription = $1) as done`,
        [checkpointOf(view)],
      );
      if (rows[0]?.done) continue;
      for (const { fold, key } of view.touchedBy) {
        const table = this.#byFold.get(fold);
        if (!table) throw new Error(`${view.table} is touched by ${fold.table}, which is not a view of this service`);
        const list = table.columns.map(({ name, property }) => `"${name}" as "${property}"`).join(', ');
        const { rows: all } = await this.#pool.query<Row>({
          text: `select ${list} from "${fold.table}"`,
          types: plainTypes,
        });
        const keys = new Set(all.flatMap((row) => key(row) ?? []));
        await transaction(this.#pool, (client) => this.#render(client, view, [...keys].sort()));
      }
      await takeCheckpoint(this.#pool, checkpointOf(view), 'folds');
    }
  }
}

function difference(table: FoldTable, old: readonly Row[], rows: readonly Row[]): Change[] {
  if (rows === old) return [];
  const before = new Map(old.map((row) => [table.identity(row), row]));
  const changes: Change[] = [];
  for (const row of rows) {
    const identity = table.identity(row);
    const was = before.get(identity);
    before.delete(identity);
    if (!was) changes.push({ after: row });
    else if (was !== row && !isDeepStrictEqual(was, row)) changes.push({ before: was, after: row });
  }
  for (const row of before.values()) changes.push({ before: row });
  return changes;
}

function collect(
  touched: Map<DocumentView, Set<string>>,
  view: DocumentView,
  fold: AnyFold,
  changes: readonly Change[],
): void {
  for (const touch of view.touchedBy) {
    if ((touch.fold as unknown) !== fold) continue;
    for (const row of changes.flatMap(({ before, after }) => [before, after])) {
      const key = row && touch.key(row);
      if (!key) continue;
      const keys = touched.get(view);
      if (keys) keys.add(key);
      else touched.set(view, new Set([key]));
    }
  }
}
