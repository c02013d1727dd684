import { DeadLetters, Refusal, type Pool } from '@throughline/event-sourcing';
import { cure, followUpName } from './follow-up.policy.ts';

const atOnce = 500;

/** What became of the dead letters of a service. */
export type DeadLetterCounts = { parked: number; retrying: number; handled: number; discarded: number };

/** Deals with what is parked as an operator would: what is worth it is mended and tried again, the rest is given up. */
export async function settleDeadLetters(pool: Pool): Promise<void> {
  const letters = new DeadLetters(pool);
  for (const { id, policy, key } of await letters.list(['parked'], atOnce)) {
    const dealId = key.slice(key.indexOf(':') + 1);
    try {
      if (policy !== followUpName) await letters.retry(id);
      else if (/[0-7]$/.test(dealId)) {
        await cure(pool, dealId);
        await letters.retry(id);
      } else await letters.discard(id, 'chaos', 'not worth a second look');
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // it waits behind another one
    }
  }
}

export async function countDeadLetters(pool: Pool): Promise<DeadLetterCounts> {
  const { rows } = await pool.query<{ state: keyof DeadLetterCounts; count: string }>(
    'select state, count(*) from dead_letters group by state',
  );
  const counts = Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
  return { parked: 0, retrying: 0, handled: 0, discarded: 0, ...counts };
}

/** Events that were given up. */
export async function discardedEvents(pool: Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    `select event_id as id from dead_letters where policy = $1 and state = 'discarded'`,
    [followUpName],
  );
  return new Set(rows.map(({ id }) => id));
}
