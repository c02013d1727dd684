import { isDeepStrictEqual } from 'node:util';
import type { Recorded } from '@throughline/contracts';
import type { PoolClient } from 'pg';
import { Table, type DataSource, type EntityMetadata, type QueryRunner } from 'typeorm';
import type { Codec } from './codec.ts';
import { isTransient, plainTypes, transaction, withClient, type Pool, type Queryable } from './database.ts';
import type { Feed } from './feed.ts';
import {
  Deposed,
  follow,
  moveCheckpoint,
  takeCheckpoint,
  type Checkpoint,
  type SubscriptionLog,
} from './subscription.ts';
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
    const odd = metadata.columns.find(({ type }) => /^(simple-|enum)/.test(String(type)));
    if (odd) throw new Error(`${fold.table}.${odd.propertyName}: a view cannot hold the type ${String(odd.type)}`);
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

  get #selection(): string {
    const list = this.columns.map(({ name, property }) => `"${name}" as "${property}"`).join(', ');
    return `select ${list} from "${this.fold.table}"`;
  }

  /** All rows, so many at a time; within a transaction. */
  async *pages(client: PoolClient): AsyncGenerator<Row[], void> {
    await client.query(`declare page no scroll cursor for ${this.#selection}`);
    for (;;) {
      const { rows } = await client.query<Row>({ text: `fetch ${viewBatch} from page`, types: plainTypes });
      if (rows.length === 0) break;
      yield rows;
    }
    await client.query('close page');
  }

  async read(db: Queryable, property: string, values: readonly string[]): Promise<Row[]> {
    const column = this.columns.find((candidate) => candidate.property === property);
    if (!column) throw new Error(`${this.fold.table} has no ${property}`);
    if (values.length === 0) return [];
    const { rows } = await db.query<Row>({
      text: `${this.#selection} where "${column.name}" = any($1::${column.type}[])`,
      values: [values],
      types: plainTypes,
    });
    return this.inOrder(rows);
  }

  /** By primary key, so that what folds and documents see does not hang on where rows lie or batches end. */
  inOrder(rows: readonly Row[]): Row[] {
    return rows.toSorted((a, b) => {
      for (const { property } of this.primary) {
        const [x, y] = [a[property] as string, b[property] as string];
        if (x !== y) return x < y ? -1 : 1;
      }
      return 0;
    });
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
type Broken = (key: string, error: Error) => Promise<void>;
/** How work over many keys is done that one of them can spoil. */
type Step = (
  client: PoolClient,
  keys: readonly string[],
  work: (keys: readonly string[]) => Promise<void>,
  broken: Broken,
) => Promise<void>;

const atOnce: Step = (_, keys, work) => work(keys);

/** By halves, until those that spoil it are found. */
const carefully: Step = async (client, keys, work, broken) => {
  await client.query('savepoint step');
  try {
    await work(keys);
    await client.query('release savepoint step');
  } catch (error) {
    if (isTransient(error)) throw error;
    await client.query('rollback to savepoint step; release savepoint step');
    const [key, another] = keys;
    if (key !== undefined && another === undefined) return broken(key, error as Error);
    const half = keys.length >> 1;
    await carefully(client, keys.slice(0, half), work, broken);
    await carefully(client, keys.slice(half), work, broken);
  }
};

/**
 * Keeps the views of one service up to date: folds batches of events into tables, and renders the documents that they
 * touch in the same transaction as the checkpoints, so that every event counts exactly once.
 */
export class ViewRunner {
  readonly #folds: readonly FoldTable[];
  readonly #byFold: ReadonlyMap<unknown, FoldTable>;
  readonly #pool: Pool;
  /** View -> keys that were broken when last looked at. */
  readonly #broken = new Map<string, Set<string>>();

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
  }

  async #createTables(client: PoolClient, runner: QueryRunner): Promise<void> {
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
          this.#broken.clear();
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
    try {
      return await this.#apply(group, events, generation, checkpoints, atOnce);
    } catch (error) {
      if (isTransient(error) || error instanceof Deposed) throw error;
      return this.#apply(group, events, generation, checkpoints, carefully);
    }
  }

  async #apply(
    group: readonly FoldTable[],
    events: readonly Recorded[],
    generation: string,
    checkpoints: readonly Checkpoint[],
    step: Step,
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
        const changes = await this.#fold(client, table, fresh, step);
        for (const view of this.documents) collect(touched, view, table.fold, changes);
      }
      // In one order everywhere, so that feeds which render the same documents wait for each other, and never in a ring.
      for (const view of this.documents) {
        await this.#render(client, view, [...(touched.get(view) ?? [])].sort(), last.position, step);
      }
      return moved;
    });
  }

  /** The fold tables of one feed, for callers that drive `apply` themselves. */
  tablesOf(feed: string): readonly FoldTable[] {
    return this.#folds.filter(({ fold }) => fold.feed === feed);
  }

  async #fold(
    client: PoolClient,
    table: FoldTable,
    events: readonly Recorded[],
    step: Step,
  ): Promise<readonly Change[]> {
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
    for (const key of await this.#brokenOf(client, fold.table, byKey)) byKey.delete(key);
    if (byKey.size === 0) return [];
    const found = await table.read(client, table.by.property, [...byKey.keys()]);
    const before = Map.groupBy(found, (row) => String(row[table.by.property]));
    const changes = new Map<string, readonly Change[]>();
    const broken: Broken = async (key, error) => {
      changes.delete(key);
      const [first] = byKey.get(key) as [Recorded];
      await this.#markBroken(client, fold, key, first.position, error);
    };
    for (const [key, news] of byKey) {
      const old = before.get(key) ?? [];
      try {
        let rows: readonly Row[] = old;
        for (const event of news) {
          rows = fold.evolve(rows, event);
          if (rows.length > 1) rows = table.inOrder(rows);
        }
        changes.set(key, difference(table, key, old, rows));
      } catch (error) {
        await broken(key, error as Error);
      }
    }
    const write = (keys: readonly string[]) => {
      const news = keys.flatMap((key) => changes.get(key) ?? []);
      return table.write(
        client,
        news.flatMap(({ before: row, after }) => (row && !after ? [row] : [])),
        news.flatMap(({ after }) => (after ? [after] : [])),
      );
    };
    await step(client, [...changes.keys()], write, broken);
    return [...changes.values()].flat();
  }

  /** Those of the keys that are marked as broken: they stand still until somebody mends them and takes the mark away. */
  async #brokenOf(
    client: PoolClient,
    view: string,
    keys: { has: (key: string) => boolean },
  ): Promise<readonly string[]> {
    let known = this.#broken.get(view);
    if (!known) {
      const { rows } = await client.query<{ key: string }>('select key from broken_keys where view = $1', [view]);
      this.#broken.set(view, (known = new Set(rows.map(({ key }) => key))));
    }
    const asked = [...known].filter((key) => keys.has(key));
    if (asked.length === 0) return [];
    const { rows } = await client.query<{ key: string }>(
      'select key from broken_keys where view = $1 and key = any($2)',
      [view, asked],
    );
    for (const key of asked) known.delete(key);
    for (const { key } of rows) known.add(key);
    return rows.map(({ key }) => key);
  }

  /** A fold that throws, or makes what its table cannot hold, is a bug: its key stands still, visibly, all others go on. */
  async #markBroken(
    client: PoolClient,
    { table }: { table: string },
    key: string,
    position: number,
    error: Error & { code?: string },
  ): Promise<void> {
    const { name = 'Error', code, stack } = Object(error) as Partial<typeof error>;
    // The database's own messages quote values, which may be personal.
    this.log.error('view key broken', { view: table, position, ...(code === undefined ? { stack } : { code }) });
    this.#broken.get(table)?.add(key);
    await client.query(
      `insert into broken_keys (view, key, position, error) values ($1, $2, $3, $4) on conflict (view, key) do nothing`,
      [table, key, position, code ?? name],
    );
  }

  async #render(
    client: PoolClient,
    view: DocumentView,
    touched: readonly string[],
    position: number,
    step: Step,
  ): Promise<void> {
    if (touched.length === 0) return;
    const broken = new Set(await this.#brokenOf(client, view.table, new Set(touched)));
    const keys = touched.filter((key) => !broken.has(key));
    for (let from = 0; from < keys.length; from += renderChunk) {
      await step(
        client,
        keys.slice(from, from + renderChunk),
        (chunk) => this.#renderChunk(client, view, chunk),
        (key, error) => this.#markBroken(client, view, key, position, error),
      );
    }
  }

  async #renderChunk(client: PoolClient, view: DocumentView, chunk: readonly string[]): Promise<void> {
    const read: ReadRows = async (from, property, values) => {
      const table = this.#byFold.get(from);
      if (!table) throw new Error(`${view.table} reads ${from.table}, which is not a view of this service`);
      return (await table.read(client, property, values)) as never;
    };
    // These rows are the documents' locks, and say that feeds rendering one document at once do it one after the other.
    const { rows } = await client.query<{ key: string; rev: string }>(
      `insert into document_revisions as d (document, key, rev)
       select $1, key, 1 from unnest($2::text[]) with ordinality as k(key, ordinal) order by ordinal
       on conflict (document, key) do update set rev = d.rev + 1 returning key, rev`,
      [view.table, chunk],
    );
    const revisions = new Map(rows.map(({ key, rev }) => [key, rev]));
    const documents = await view.render(chunk, read);
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
        await transaction(this.#pool, async (client) => {
          for await (const rows of table.pages(client)) {
            const keys = new Set(rows.flatMap((row) => key(row) ?? []));
            await this.#render(client, view, [...keys].sort(), 0, carefully);
          }
        });
      }
      await takeCheckpoint(this.#pool, checkpointOf(view), 'folds');
    }
  }
}

/** @throws Error where a row of another key came out: the next batch would not find it under this one */
function difference(table: FoldTable, key: string, old: readonly Row[], rows: readonly Row[]): Change[] {
  if (rows === old) return [];
  const before = new Map(old.map((row) => [table.identity(row), row]));
  const changes: Change[] = [];
  for (const row of rows) {
    const identity = table.identity(row);
    const was = before.get(identity);
    before.delete(identity);
    if (!was) changes.push({ after: row });
    else if (was !== row && !isDeepStrictEqual(was, row)) changes.push({ before: was, after: row });
    else continue;
    if (String(row[table.by.property]) !== key) throw new Error(`${table.fold.table}: a row left its key`);
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
