import { setTimeout as sleep } from 'node:timers/promises';
import { errorForLog, type Pool } from './database.ts';
import type { SubscriptionLog } from './subscription.ts';

const betweenMilliseconds = 3_600_000;
const atOnce = 5_000;

/**
 * Forgets what came of commands that people and machines sent by HTTP, once they are older than so many days: they no
 * longer repeat them. What policies, timers and connections sent stays, since their ids derive from events and messages
 * that can be delivered again at any time: from a dead letter, after a restore, out of the history.
 *
 * @returns how many were forgotten
 */
export async function forgetCommands(pool: Pool, days: number, signal?: AbortSignal): Promise<number> {
  let forgotten = 0;
  for (;;) {
    const { rowCount } = await pool.query(
      `delete from commands where id = any(array(
         select id from commands
         where recorded_at < now() - make_interval(days => $1) and actor like any('{user:%,api-key:%}')
         limit $2
       ))`,
      [days, atOnce],
    );
    forgotten += rowCount ?? 0;
    if (rowCount !== atOnce || signal?.aborted) return forgotten;
  }
}

/** Does so every hour, until it is told to end. */
export async function keepForgettingCommands(
  pool: Pool,
  days: number,
  log: SubscriptionLog,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await forgetCommands(pool, days, signal);
    } catch (error) {
      log.warn('old commands wait', errorForLog(error));
    }
    await sleep(betweenMilliseconds, undefined, { signal }).catch(() => undefined);
  }
}
