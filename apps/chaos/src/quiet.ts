import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '@throughline/event-sourcing';
import { recorder } from './recorder.ts';

const lookMilliseconds = 1_000;

/** Databases by the names of their services, and which of them have a log that others follow. */
export type Watched = { pools: Readonly<Record<string, Pool>>; logs: readonly string[] };

/**
 * Waits until everything that follows a log has reached its end, nothing is queued, and nothing more comes; however long that
 * takes, as long as something moves.
 *
 * @param milliseconds for so long nothing may move
 * @returns what is still behind then; nothing where all is quiet
 */
export async function untilQuiet(
  watched: Watched,
  milliseconds: number,
  meanwhile: () => Promise<void>,
): Promise<string[]> {
  let deadline = Date.now() + milliseconds;
  let [before, left, place] = ['', ['nobody has looked'], ''];
  while (Date.now() < deadline) {
    try {
      await meanwhile();
      const heads = await headsOf(watched);
      const now = JSON.stringify([...heads]);
      left = await behind(watched, heads);
      if (left.length === 0 && now === before) return [];
      before = now;
      const reached = now + (await placesIn(watched));
      if (reached !== place) deadline = Date.now() + milliseconds;
      place = reached;
    } catch (error) {
      left = [(error as Error).message];
    }
    await sleep(lookMilliseconds);
  }
  return left;
}

/** Position of the last event of each log. */
export async function headsOf({ pools, logs }: Watched): Promise<ReadonlyMap<string, number>> {
  const heads = new Map<string, number>();
  for (const name of logs) {
    const found = await pools[name]?.query<{ head: string }>('select coalesce(max(position), 0) as head from events');
    heads.set(name, Number(found?.rows[0]?.head));
  }
  return heads;
}

/** Where everything stands that goes on by itself. */
async function placesIn({ pools }: Watched): Promise<string> {
  const places = Object.values(pools).map(async (pool) => {
    const { rows } = await pool.query<{ place: string }>(
      `select concat_ws(' ', (select sum(position) from checkpoints), (select sum(position) from view_jobs),
         (select count(*) from view_jobs where finished_at is not null), (select count(*) from forgettings)) as place`,
    );
    return rows[0]?.place;
  });
  return (await Promise.all(places)).join(', ');
}

async function behind({ pools }: Watched, heads: ReadonlyMap<string, number>): Promise<string[]> {
  const left: string[] = [];
  for (const [name, pool] of Object.entries(pools)) {
    for (const [feed, head] of heads) {
      const { rows } = await pool.query<{ subscription: string }>(
        'select subscription from checkpoints where feed = $1 and position < $2',
        [feed, head],
      );
      left.push(...rows.map(({ subscription }) => `${name}: ${subscription} on ${feed}`));
    }
    const { rows } = await pool.query<{ what: string }>(
      `select 'dead letter' as what from dead_letters where state in ('parked', 'retrying')
       union all select 'foreign touch' from foreign_touches
       union all select 'person to forget' from forgettings
       union all select 'no recorder' where not exists (select from checkpoints where subscription = $1)
       union all select 'view job' from view_jobs where state in ('wanted', 'running')
       union all select 'no checkpoint of ' || table_name from view_tables
         where kind = 'fold' and not exists (select from checkpoints where subscription = 'view:' || table_name)`,
      [recorder],
    );
    left.push(...rows.map(({ what }) => `${name}: ${what}`));
    for (const document of await documentsOf(pool)) {
      const { rowCount } = await pool.query(`select from "${document}_changes" limit 1`);
      if (rowCount) left.push(`${name}: ${document} for the search`);
    }
  }
  return left;
}

export async function documentsOf(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ table_name: string }>(
    `select table_name from view_tables where kind = 'document' order by table_name`,
  );
  return rows.map(({ table_name: table }) => table);
}
