// The views of a small bank, over two feeds.
import type { Recorded } from '@throughline/contracts';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { ViewRunner, document, fold, migrateStore, touch, type DocumentView, type Fold } from '../src/index.ts';
import { freshDatabase } from './database.ts';
import { logInto, openCodec, type LogLine } from './events.ts';

@Entity()
export class Balance {
  @PrimaryColumn('uuid') id!: string;
  @Column('numeric', { precision: 10, scale: 2 }) total!: string;
  @Column('text', { nullable: true }) note!: string | null;
}

@Entity()
export class Move {
  @PrimaryColumn('uuid') account!: string;
  @PrimaryColumn('int') position!: number;
  @Column('int') amount!: number;
}

@Entity()
export class Holder {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
}

@Entity()
export class Membership {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') household!: string;
}

@Entity()
export class Everything {
  @PrimaryColumn('uuid') id!: string;
  @Column('jsonb', { nullable: true }) document!: unknown;
  @Column('numeric') amount!: string;
  @Column('timestamptz') at!: string;
  @Column('date') day!: string;
  @Column('boolean') flag!: boolean;
  @Column('text', { array: true }) tags!: string[];
  @Column('bigint') big!: number;
  @Column('double precision') ratio!: number;
  @Column('timestamptz', { array: true }) times!: string[];
  @Column('numeric', { array: true }) amounts!: string[];
  @Column('text', { nullable: true }) nothing!: string | null;
}

type Happened =
  | { type: 'Moved'; amount: number; note?: string }
  | { type: 'Undone' }
  | { type: 'Closed' }
  | { type: 'Spoilt' }
  | { type: 'Named'; name: string }
  | { type: 'Left' }
  | { type: 'Joined'; household: string }
  | { type: 'Set'; row: Omit<Everything, 'id'> }
  | { type: 'Looked' };

const key = (event: Recorded<Happened>) => event.stream.id;

export const balances = fold<Balance, Happened>(Balance, {
  name: 'balance',
  version: 1,
  feed: 'sales',
  key,
  on: {
    Moved: ([row], { amount, note }, { stream }) => [
      { id: stream.id, total: (Number(row?.total ?? 0) + amount).toFixed(2), note: note ?? row?.note ?? null },
    ],
    Closed: () => [],
    Spoilt: () => {
      throw new TypeError('a bug');
    },
  },
});
export const moves = fold<Move, Happened>(Move, {
  name: 'move',
  version: 1,
  feed: 'sales',
  key,
  on: {
    // Newest first on purpose: the order in which a fold leaves its rows is not the one in which they come back.
    Moved: (rows, { amount }, { stream, position }) => [{ account: stream.id, position, amount }, ...rows],
    Undone: (rows) => rows.slice(0, -1),
    Closed: () => [],
  },
});
export const holders = fold<Holder, Happened>(Holder, {
  name: 'holder',
  version: 1,
  feed: 'customers',
  key,
  on: { Named: (_, { name }, { stream }) => [{ id: stream.id, name }], Left: () => [] },
});
/** Whose household an account is part of: of one of its own unless it joined another's. */
export const memberships = fold<Membership, Happened>(Membership, {
  name: 'membership',
  version: 1,
  feed: 'customers',
  key,
  on: { Joined: (_, { household }, { stream }) => [{ id: stream.id, household }], Left: () => [] },
});
export const seen: unknown[] = [];
export const everything = fold<Everything, Happened>(Everything, {
  name: 'everything',
  version: 1,
  feed: 'sales',
  key,
  on: {
    Set: (_, { row }, { stream }) => [{ id: stream.id, ...row }],
    Looked: (rows) => {
      seen.push(...rows);
      return rows;
    },
  },
});

type Card = { id: string; name: string | null; total: string | null; moves: number[] };
export const cards = document<Card>({
  name: 'card',
  version: 1,
  touchedBy: [touch(balances, ({ id }) => id), touch(moves, ({ account }) => account), touch(holders, ({ id }) => id)],
  render: async (keys, read) => {
    const totals = new Map((await read(balances, 'id', keys)).map((row) => [row.id, row.total]));
    const names = new Map((await read(holders, 'id', keys)).map((row) => [row.id, row.name]));
    const lists = Map.groupBy(await read(moves, 'account', keys), ({ account }) => account);
    return keys.flatMap((id) => {
      if (names.get(id) === 'unprintable') throw new RangeError('a bug in a document');
      if (!totals.has(id) && !names.has(id)) return [];
      const amounts = lists.get(id)?.map(({ amount }) => amount) ?? [];
      return [{ id, name: names.get(id) ?? null, total: totals.get(id) ?? null, moves: amounts }];
    });
  },
});

type Household = { id: string; accounts: string[]; total: number };
/** A document of several accounts, each of which may go over to another. */
export const households = document<Household>({
  name: 'household',
  version: 1,
  touchedBy: [
    touch(balances, ({ id }) => id),
    touch(memberships, ({ id }) => id),
    touch(memberships, ({ household }) => household),
  ],
  owners: async (keys, read) => [...keys, ...(await read(memberships, 'id', keys)).map(({ household }) => household)],
  render: async (keys, read) => {
    const members = await read(memberships, 'household', keys);
    const elsewhere = new Set((await read(memberships, 'id', keys)).map(({ id }) => id));
    const accountsOf = (key: string) => [
      ...(elsewhere.has(key) ? [] : [key]),
      ...members.flatMap(({ id, household }) => (household === key ? [id] : [])),
    ];
    const accounts = new Map(keys.map((key) => [key, accountsOf(key)]));
    const totals = new Map(
      (await read(balances, 'id', [...accounts.values()].flat())).map((row) => [row.id, row.total]),
    );
    return keys.flatMap((id) => {
      const known = (accounts.get(id) ?? []).filter((account) => totals.has(account));
      if (known.length === 0) return [];
      return [{ id, accounts: known, total: known.reduce((sum, account) => sum + Number(totals.get(account)), 0) }];
    });
  },
});

export const folds: Fold[] = [balances, moves, holders, memberships, everything];
const tablesWith = (documents: readonly DocumentView[]) => [...folds, ...documents].map(({ table }) => table);
export const log: LogLine[] = [];

/** A database with these views, and runners over it. */
export async function views(documents: readonly DocumentView[] = [cards]) {
  const database = await freshDatabase();
  const dataSource = new DataSource({
    type: 'postgres',
    url: database.url,
    entities: [Balance, Move, Holder, Membership, Everything],
  });
  await dataSource.initialize();
  await migrateStore(database.pool);
  const runner = (shown = documents, pool = database.pool, ofRelease = folds) =>
    new ViewRunner(dataSource, pool, openCodec, ofRelease, shown, logInto(log));
  await runner().migrate();
  const names = documents.map(({ table }) => table);
  const all = tablesWith(documents);
  const { pool } = database;
  return {
    ...database,
    runner,
    empty: () =>
      pool.query(`truncate ${[...all, ...names.map((name) => `${name}_changes`)].join()}, checkpoints,
        document_revisions, broken_keys, foreign_touches, view_jobs, subscription_faults`),
    /** Hash of what users would see, whatever the order of the rows. */
    content: async () => {
      const hashes = all.map(async (table) => {
        const what = names.includes(table) ? 'id || doc::text' : 't::text';
        const { rows } = await pool.query<{ hash: string }>(
          `select md5(coalesce(string_agg(${what}, '|' order by ${what}), '')) as hash from "${table}" t`,
        );
        return `${table} ${rows[0]?.hash}`;
      });
      return Promise.all(hashes);
    },
    rows: async <Row extends object>(sql: string, values: unknown[] = []) => (await pool.query<Row>(sql, values)).rows,
    drop: async () => {
      await dataSource.destroy();
      await database.drop();
    },
  };
}
