import { isDeepStrictEqual } from 'node:util';
import type { PoolClient } from 'pg';
import type { StoredBrokenKeys } from './broken-keys.ts';
import { plainTypes, type Queryable } from './database.ts';
import { carefully, type Step } from './fold-events.ts';
import { viewBatch, type Change, type Row } from './fold-table.ts';
import type { DocumentView, Fold, ReadRows } from './view.ts';

const renderChunk = 500;

/** A document view together with the table that holds it. */
export class DocumentTable {
  constructor(
    readonly view: DocumentView,
    readonly brokenKeys: StoredBrokenKeys,
    private readonly readRows: (client: PoolClient) => ReadRows,
  ) {}

  get name(): string {
    return this.view.table;
  }

  async create(client: PoolClient): Promise<void> {
    await client.query(
      `create table if not exists "${this.name}" (id text primary key, rev bigint not null, doc json not null);
       create table if not exists "${this.name}_changes" (id text primary key, rev bigint not null)`,
    );
  }

  /** Ids of all documents that are there, so many at a time. */
  async *keys(db: Queryable): AsyncGenerator<string[], void> {
    for (let above = ''; ;) {
      const { rows } = await db.query<{ id: string }>(
        `select id from "${this.name}" where id > $1 order by id limit ${viewBatch}`,
        [above],
      );
      const last = rows.at(-1);
      if (!last) return;
      yield rows.map(({ id }) => id);
      above = last.id;
    }
  }

  /** The documents that changed rows of a fold touch. */
  touched(fold: Pick<Fold, 'table'>, rows: readonly (Row | undefined)[]): Set<string> {
    const keys = new Set<string>();
    for (const touch of this.view.touchedBy) {
      if (touch.fold.table !== fold.table) continue;
      for (const row of rows) {
        const key = row && touch.key(row);
        if (key) keys.add(key);
      }
    }
    return keys;
  }

  /** Renders documents anew, within the caller's transaction. */
  async render(client: PoolClient, touched: readonly string[], position: number, step: Step): Promise<void> {
    if (touched.length === 0) return;
    const broken = (key: string, error: Error) => this.brokenKeys.mark(client, key, position, error);
    const whole = await this.#owners(client, touched, step, broken);
    const still = new Set(await this.brokenKeys.among(client, whole));
    const keys = [...whole].filter((key) => !still.has(key)).toSorted();
    for (let from = 0; from < keys.length; from += renderChunk) {
      const write = async (chunk: readonly string[]) => this.#write(client, chunk, await this.#lock(client, chunk));
      await step(client, keys.slice(from, from + renderChunk), write, broken);
    }
  }

  /**
   * Renders documents anew beside those that are there.
   *
   * @param repair writes what differs
   * @returns how many differed
   */
  async compare(client: PoolClient, keys: readonly string[], repair: boolean): Promise<number> {
    const revisions = await this.#lock(client, keys);
    const { rows } = await client.query<{ id: string; doc: unknown }>({
      text: `select id, doc from "${this.name}" where id = any($1)`,
      values: [keys],
      types: plainTypes,
    });
    const there = new Map(rows.map(({ id, doc }) => [id, doc]));
    const rendered = new Map<string, unknown>();
    const render = async (chunk: readonly string[]) => {
      for (const doc of await this.view.render(chunk, this.readRows(client))) rendered.set(doc.id, plain(doc));
    };
    await carefully(client, keys, render, async (key, error) => {
      rendered.set(key, there.get(key));
      if (repair) await this.brokenKeys.mark(client, key, 0, error);
    });
    const different = keys.filter((key) => !isDeepStrictEqual(there.get(key), rendered.get(key)));
    if (repair && different.length > 0) await this.#write(client, different, revisions);
    return different.length;
  }

  /**
   * Documents that rows of a fold touch and that are not there; most of them need not be. Whoever moves a part meanwhile
   * renders what it moves, so no locks are taken.
   *
   * @param repair marks the parts of which it cannot be told whose they are
   */
  async missing(client: PoolClient, touched: readonly string[], repair: boolean): Promise<string[]> {
    if (touched.length === 0) return [];
    const { owners } = this.view;
    const broken = async (part: string, error: Error) => {
      if (repair) await this.brokenKeys.mark(client, part, 0, error);
    };
    const keys = owners ? await this.#ask(owners, client, touched, carefully, broken) : touched;
    const { rows } = await client.query<{ id: string }>(
      `select id from unnest($1::text[]) as k(id) where not exists (select from "${this.name}" d where d.id = k.id)`,
      [[...keys]],
    );
    return rows.map(({ id }) => id).toSorted();
  }

  /**
   * What is to be rendered where parts were touched. The parts' own locks come first, all of them before any document's: of
   * two feeds that touch a part at once, the second one sees what the first one made of it.
   */
  async #owners(
    client: PoolClient,
    touched: readonly string[],
    step: Step,
    broken: (part: string, error: Error) => Promise<void>,
  ): Promise<ReadonlySet<string>> {
    const { owners } = this.view;
    if (!owners) return new Set(touched);
    const parts = touched.toSorted();
    for (let from = 0; from < parts.length; from += renderChunk) {
      await this.#lock(client, parts.slice(from, from + renderChunk), `${this.name}:parts`);
    }
    return this.#ask(owners, client, parts, step, broken);
  }

  async #ask(
    owners: NonNullable<DocumentView['owners']>,
    client: PoolClient,
    parts: readonly string[],
    step: Step,
    broken: (part: string, error: Error) => Promise<void>,
  ): Promise<ReadonlySet<string>> {
    const whole = new Set<string>();
    const ask = async (chunk: readonly string[]) => {
      for (const owner of await owners(chunk, this.readRows(client))) whole.add(owner);
    };
    await step(client, parts, ask, broken);
    return whole;
  }

  /**
   * Takes the documents' locks, and answers with their next revisions: feeds which render one document at once do it one
   * after the other, in one order everywhere, so never in a ring.
   */
  async #lock(
    client: PoolClient,
    keys: readonly string[],
    of: string = this.name,
  ): Promise<ReadonlyMap<string, string>> {
    const { rows } = await client.query<{ key: string; rev: string }>({
      name: `revisions-${this.name}`,
      text: `insert into document_revisions as d (document, key, rev)
        select $1, key, 1 from unnest($2::text[]) with ordinality as k(key, ordinal) order by ordinal
        on conflict (document, key) do update set rev = d.rev + 1 returning key, rev`,
      values: [of, keys],
    });
    return new Map(rows.map(({ key, rev }) => [key, rev]));
  }

  async #write(client: PoolClient, chunk: readonly string[], revisions: ReadonlyMap<string, string>): Promise<void> {
    const documents = await this.view.render(chunk, this.readRows(client));
    const found = new Set(documents.map(({ id }) => id));
    const gone = chunk.filter((key) => !found.has(key));
    await client.query(
      `insert into "${this.name}" (id, rev, doc) select * from unnest($1::text[], $2::bigint[], $3::json[])
       on conflict (id) do update set rev = excluded.rev, doc = excluded.doc`,
      [
        documents.map(({ id }) => id),
        documents.map(({ id }) => revisions.get(id)),
        documents.map((doc) => JSON.stringify(doc)),
      ],
    );
    if (gone.length > 0) await client.query(`delete from "${this.name}" where id = any($1)`, [gone]);
    await client.query(
      `insert into "${this.name}_changes" (id, rev) select * from unnest($1::text[], $2::bigint[])
       on conflict (id) do update set rev = excluded.rev`,
      [chunk, chunk.map((key) => revisions.get(key))],
    );
  }
}

/** As it comes back from the table. */
const plain = (doc: object): unknown => JSON.parse(JSON.stringify(doc));

/** Every row that a change had or has. */
export const rowsOf = (changes: readonly Change[]): Row[] =>
  changes.flatMap(({ before, after }) => [...(before ? [before] : []), ...(after ? [after] : [])]);
