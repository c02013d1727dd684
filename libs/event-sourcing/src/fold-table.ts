import { isDeepStrictEqual } from 'node:util';
import type { DataSource, EntityMetadata } from 'typeorm';
import { plainTypes, type Pool, type Queryable } from './database.ts';
import type { Fold } from './view.ts';

export type Row = Record<string, unknown>;
export type Change = { before?: Row; after?: Row };
type Column = { name: string; property: string; type: string; primary: boolean };

/** Largest batch of events folded in one transaction, and of rows read at once. */
export const viewBatch = 5_000;

/** A fold together with what its table looks like. */
export class FoldTable {
  readonly fold: Fold<Row>;
  readonly columns: readonly Column[];
  readonly primary: readonly Column[];
  readonly by: Column;
  readonly elements: Column | undefined;

  /** @param name of the table, where it is not the fold's own */
  constructor(
    fold: Fold,
    private readonly metadata: EntityMetadata,
    private readonly dataSource: DataSource,
    readonly name = fold.table,
  ) {
    this.fold = fold as unknown as Fold<Row>;
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
    this.elements = this.columns.find((column) => column.property === fold.elements);
  }

  /** Another table for the same rows. */
  as(name: string): FoldTable {
    return new FoldTable(this.fold, this.metadata, this.dataSource, name);
  }

  get #selection(): string {
    const list = this.columns.map(({ name, property }) => `"${name}" as "${property}"`).join(', ');
    return `select ${list} from "${this.name}"`;
  }

  /** All rows that are there at the start, so many at a time, in the order of the primary key. */
  async *pages(pool: Pool): AsyncGenerator<Row[], void> {
    const keys = this.primary.map(({ name }) => `"${name}"`).join(', ');
    const last = this.primary.map(({ type }, index) => `$${index + 1}::${type}`).join(', ');
    for (let above: unknown[] | undefined; ;) {
      const { rows } = await pool.query<Row>({
        text: `${this.#selection} ${above ? `where (${keys}) > (${last})` : ''} order by ${keys} limit ${viewBatch}`,
        values: above ?? [],
        types: plainTypes,
      });
      const end = rows.at(-1);
      if (!end) return;
      yield rows;
      above = this.primary.map(({ property }) => end[property]);
    }
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

  async write(db: Queryable, changes: readonly Change[]): Promise<void> {
    const gone = changes.flatMap(({ before, after }) => (before && !after ? [before] : []));
    const come = changes.flatMap(({ before, after }) => (after && !before ? [after] : []));
    const changed = changes.flatMap(({ before, after }) => (after && before ? [after] : []));
    const same = this.primary.map(({ name }) => `t."${name}" = r."${name}"`).join(' and ');
    if (gone.length > 0) {
      const { from, values } = rowsAs('r', gone, this.primary);
      await db.query(`delete from "${this.name}" t using ${from} where ${same}`, values);
    }
    if (changed.length > 0) {
      const { from, values } = rowsAs('r', changed, this.columns);
      const rest = this.columns.filter(({ primary }) => !primary);
      const set = rest.map(({ name }) => `"${name}" = r."${name}"`).join(', ');
      await db.query(`update "${this.name}" t set ${set} from ${from} where ${same}`, values);
    }
    if (come.length > 0) {
      const { from, values } = rowsAs('r', come, this.columns);
      const names = this.columns.map(({ name }) => `"${name}"`).join(', ');
      await db.query(`insert into "${this.name}" (${names}) select ${names} from ${from}`, values);
    }
  }

  /** How many rows, of the keys or of all, are not the same in both tables. */
  async countDifferences(db: Queryable, other: FoldTable, keys?: readonly string[]): Promise<number> {
    const { rows } = await db.query<{ count: string }>(
      `select (select count(*) from "${this.name}" t where ${this.#ofKeys} and not ${this.#sameIn(other)})
         + (select count(*) from "${other.name}" t
            where not exists (select from "${this.name}" o where ${this.#samePrimary})) as count`,
      [keys],
    );
    return Number(rows[0]?.count);
  }

  /** Makes the rows, of the keys or all, those of another table of the same shape; answers with what changed, by batches. */
  async *takeOver(db: Queryable, other: FoldTable, keys?: readonly string[]): AsyncGenerator<Change[], void> {
    const selection = this.columns.map(({ name, property }) => `t."${name}" as "${property}"`).join(', ');
    for (;;) {
      const { rows } = await db.query<Row>({
        text: `delete from "${this.name}" t where t.ctid in (
            select t.ctid from "${this.name}" t where ${this.#ofKeys} and not ${this.#sameIn(other)} limit ${viewBatch}
          ) returning ${selection}`,
        values: [keys],
        types: plainTypes,
      });
      if (rows.length === 0) break;
      yield rows.map((before) => ({ before }));
    }
    for (;;) {
      const { rows } = await db.query<Row>({
        text: `insert into "${this.name}" as t select t.* from "${other.name}" t
          where not exists (select from "${this.name}" o where ${this.#samePrimary}) limit ${viewBatch}
          returning ${selection}`,
        types: plainTypes,
      });
      if (rows.length === 0) return;
      yield rows.map((after) => ({ after }));
    }
  }

  get #ofKeys(): string {
    return `($1::text[] is null or t."${this.by.name}"::text = any($1))`;
  }

  get #samePrimary(): string {
    return this.primary.map(({ name }) => `o."${name}" = t."${name}"`).join(' and ');
  }

  #sameIn(other: FoldTable): string {
    return `exists (select from "${other.name}" o where ${this.#samePrimary} and o::text = t::text)`;
  }

  identity(row: Row): string {
    return JSON.stringify(this.primary.map(({ property }) => row[property]));
  }
}

/**
 * What changes the rows of a key from `old` to `rows`.
 *
 * @throws Error where a row of another key came out: the next batch would not find it under this one
 */
export function difference(table: FoldTable, key: string, old: readonly Row[], rows: readonly Row[]): Change[] {
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

/**
 * Rows as a relation of a statement: a list a column, which is the cheapest to read; where a column is a list itself, or
 * JSON, one JSON document.
 */
function rowsAs(alias: string, rows: readonly Row[], columns: readonly Column[]): { from: string; values: unknown[] } {
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  if (columns.every(({ type }) => !/\[\]$|^jsonb?$/.test(type))) {
    const lists = columns.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ');
    const values = columns.map(({ property }) => rows.map((row) => row[property] ?? null));
    return { from: `unnest(${lists}) as ${alias}(${names})`, values };
  }
  const record = columns.map(({ name, type }) => `"${name}" ${type}`).join(', ');
  const objects = rows.map((row) =>
    Object.fromEntries(columns.map(({ name, property }) => [name, row[property] ?? null])),
  );
  return { from: `json_to_recordset($1) as ${alias}(${record})`, values: [JSON.stringify(objects)] };
}
