import { transaction, type Pool, type Queryable } from '@throughline/event-sourcing';

/** Timers as a backup holds them, whatever the schema of what keeps them. */
export const restoredTimers = { table: 'restored_timers', columns: ['name', 'key', 'data'] } as const;

/** `data`: JSON. */
export type RestoredTimer = { name: string; key: string; data: string };

/** Where a restore puts them, until the service starts. */
export const createRestoredTimers = (db: Queryable) =>
  db.query('create table if not exists restored_timers (name text not null, key text not null, data text not null)');

/** The timers that wait, or failed, in COPY's format; undefined of a service that never had any. */
export async function timersStatement(db: Queryable): Promise<string | undefined> {
  const kept = `select name, singleton_key as key, data::text as data from timers.job
    where state not in ('completed', 'cancelled')`;
  const sources = [
    ...((await isThere(db, 'timers.job')) ? [kept] : []),
    // Of a service that did not start since.
    ...((await isThere(db, restoredTimers.table)) ? ['select name, key, data from restored_timers'] : []),
  ];
  if (sources.length === 0) return undefined;
  return `copy (select name, key, data from (${sources.join(' union all ')}) waiting order by name, key, data) to stdout`;
}

/** Hands over those that a restore brought, so many at a time; killed in the middle, nothing is lost or there twice. */
export async function takeRestoredTimers(
  pool: Pool,
  names: readonly string[],
  take: (db: Queryable, timers: readonly RestoredTimer[]) => Promise<void>,
): Promise<void> {
  if (!(await isThere(pool, restoredTimers.table))) return;
  for (let taken = atOnce; taken === atOnce;) {
    taken = await transaction(pool, async (client) => {
      const { rows } = await client.query<RestoredTimer>(
        `delete from restored_timers where ctid in
           (select ctid from restored_timers where name = any($1) limit ${atOnce} for update skip locked)
         returning name, key, data`,
        [names],
      );
      await take(client, rows);
      return rows.length;
    });
  }
}

const atOnce = 1_000;

async function isThere(db: Queryable, table: string): Promise<boolean> {
  const { rows } = await db.query<{ there: boolean }>('select to_regclass($1) is not null as there', [table]);
  return rows[0]?.there === true;
}
