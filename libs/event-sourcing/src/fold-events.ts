import type { Recorded } from '@throughline/contracts';
import type { PoolClient } from 'pg';
import { isTransient } from './database.ts';
import { difference, type Change, type FoldTable, type Row } from './fold-table.ts';

/** Which keys of a view stand still because of a bug, and where that is noted. */
export interface BrokenKeys {
  /** Those of the keys that stand still. */
  among(client: PoolClient, keys: { has: (key: string) => boolean }): Promise<readonly string[]>;
  mark(client: PoolClient, key: string, position: number, error: Error): Promise<void>;
}

type Broken = (key: string, error: Error) => Promise<void>;
/** How work over many keys is done that one of them can spoil. */
export type Step = (
  client: PoolClient,
  keys: readonly string[],
  work: (keys: readonly string[]) => Promise<void>,
  broken: Broken,
) => Promise<void>;

export const atOnce: Step = (_, keys, work) => work(keys);

/** By halves, until those that spoil it are found. */
export const carefully: Step = async (client, keys, work, broken) => {
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

export type Folded = { changes: readonly Change[]; keys: number; failed: number };

/**
 * Folds events into a table, within the caller's transaction: reads the rows of their keys, folds in memory, writes what
 * changed. A key at which the fold throws, or makes what the table cannot hold, is marked and left as it was.
 */
export async function foldEvents(
  client: PoolClient,
  table: FoldTable,
  events: readonly Recorded[],
  step: Step,
  brokenKeys: BrokenKeys,
): Promise<Folded> {
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
  for (const key of await brokenKeys.among(client, byKey)) byKey.delete(key);
  if (byKey.size === 0) return { changes: [], keys: 0, failed: 0 };
  const found = await table.read(client, table.by.property, [...byKey.keys()]);
  const before = Map.groupBy(found, (row) => String(row[table.by.property]));
  const changes = new Map<string, readonly Change[]>();
  let failed = 0;
  const broken: Broken = async (key, error) => {
    failed += 1;
    changes.delete(key);
    const [first] = byKey.get(key) as [Recorded];
    await brokenKeys.mark(client, key, first.position, error);
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
  const write = (keys: readonly string[]) =>
    table.write(
      client,
      keys.flatMap((key) => changes.get(key) ?? []),
    );
  await step(client, [...changes.keys()], write, broken);
  return { changes: [...changes.values()].flat(), keys: byKey.size, failed };
}
