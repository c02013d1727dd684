import type { Instant, Recorded } from '@throughline/contracts';
import { plainTypes, transaction, type Pool } from './database.ts';
import { conflict, notFound } from './refusal.ts';

/**
 * - `parked`: waits for an operator
 * - `retrying`: will be handled again, with all of its key, by the process that leads
 * - `handled`, `discarded`: settled
 */
export type DeadLetterState = 'parked' | 'retrying' | 'handled' | 'discarded';

/** An event that a policy could not handle, or that waits behind one of its key. Nothing personal. */
export type DeadLetter = {
  id: number;
  policy: string;
  feed: string;
  position: number;
  key: string;
  eventId: string;
  eventType: string;
  /** Code or name of the error, never its message. */
  error: string;
  state: DeadLetterState;
  attempts: number;
  parkedAt: Instant;
  settledAt: Instant | null;
  settledBy: string | null;
  reason: string | null;
};

const columns = `id, policy, feed, position, key, event_id as "eventId", event_type as "eventType", error, state, attempts,
  parked_at as "parkedAt", settled_at as "settledAt", settled_by as "settledBy", reason`;
const open = `state in ('parked', 'retrying')`;

/** What stands in the error of a letter that has done nothing wrong itself. */
export const waitsBehind = 'waits-behind';

/** The dead letters of one service: sequenced, so that those of one key are settled in their order. */
export class DeadLetters {
  constructor(private readonly pool: Pool) {}

  /** Oldest first, above `after` (an id). */
  async list(states: readonly DeadLetterState[], limit: number, after = 0): Promise<DeadLetter[]> {
    const { rows } = await this.pool.query<DeadLetter>({
      text: `select ${columns} from dead_letters where state = any($1) and id > $3 order by id limit $2`,
      values: [states, limit, after],
      types: plainTypes,
    });
    return rows;
  }

  /**
   * Asks for the letter and all later ones of its key to be handled again.
   *
   * @throws Refusal `dead-letter-not-found`, `dead-letter-settled`, `dead-letter-not-first` (earlier ones come first)
   */
  async retry(id: number): Promise<void> {
    await this.#first(id, async (query, letter) => {
      await query(`update dead_letters set state = 'retrying' where ${sameKey} and ${open}`, keyOf(letter));
    });
  }

  /**
   * Gives the letter up for ever, and lets those behind it be handled.
   *
   * @throws Refusal as `retry` does
   */
  async discard(id: number, by: string, reason: string): Promise<void> {
    await this.#first(id, async (query, letter) => {
      await query(
        `update dead_letters set state = 'discarded', settled_at = now(), settled_by = $2, reason = $3 where id = $1`,
        [id, by, reason],
      );
      await query(`update dead_letters set state = 'retrying' where ${sameKey} and ${open}`, keyOf(letter));
    });
  }

  /** Key -> position of its first letter that is open. What came before it was handled, and may be handled again. */
  async openSince(policy: string, feed: string, keys: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.pool.query<{ key: string; since: string }>(
      `select key, min(position) as since from dead_letters
       where policy = $1 and feed = $2 and key = any($3) and ${open} group by key`,
      [policy, feed, keys],
    );
    return new Map(rows.map(({ key, since }) => [key, Number(since)]));
  }

  /** Those of the positions that were given up, and must not be handled should they come again. */
  async discarded(policy: string, feed: string, positions: readonly number[]): Promise<ReadonlySet<number>> {
    const { rows } = await this.pool.query<{ position: string }>(
      `select position from dead_letters
       where policy = $1 and feed = $2 and position = any($3::bigint[]) and state = 'discarded'`,
      [policy, feed, positions],
    );
    return new Set(rows.map(({ position }) => Number(position)));
  }

  async park(policy: string, feed: string, letters: readonly Parked[]): Promise<void> {
    if (letters.length === 0) return;
    const events = letters.map(({ event }) => event);
    await this.pool.query(
      `insert into dead_letters (policy, feed, key, position, event_id, event_type, error)
       select $1, $2, * from unnest($3::text[], $4::bigint[], $5::uuid[], $6::text[], $7::text[])
       on conflict (policy, feed, position) do update set state = 'parked', error = excluded.error, settled_at = null,
         attempts = dead_letters.attempts + 1
         where dead_letters.state = 'handled'`,
      [
        policy,
        feed,
        letters.map(({ key }) => key),
        events.map(({ position }) => position),
        events.map(({ id }) => id),
        events.map(({ type }) => type),
        letters.map(({ error }) => error),
      ],
    );
  }

  /** The open letters of every key that is to be handled again, key by key, in their order. */
  async wanted(policy: string, feed: string): Promise<DeadLetter[]> {
    const { rows } = await this.pool.query<DeadLetter>({
      text: `select ${columns} from dead_letters d where policy = $1 and feed = $2 and ${open}
        and exists (select from dead_letters w where w.policy = d.policy and w.feed = d.feed and w.key = d.key
          and w.state = 'retrying')
        order by key, position limit 1000`,
      values: [policy, feed],
      types: plainTypes,
    });
    return rows;
  }

  async handled(id: number): Promise<void> {
    await this.pool.query(`update dead_letters set state = 'handled', settled_at = now() where id = $1`, [id]);
  }

  /** The letter failed again: it and those behind it wait for an operator. */
  async failed({ id, policy, feed, key }: DeadLetter, error: string): Promise<void> {
    await this.pool.query(
      `update dead_letters set state = 'parked', attempts = attempts + (id = $4)::int,
         error = case when id = $4 then $5 else error end
       where policy = $1 and feed = $2 and key = $3 and ${open}`,
      [policy, feed, key, id, error],
    );
  }

  async #first(id: number, work: (query: Query, letter: DeadLetter) => Promise<void>): Promise<void> {
    await transaction(this.pool, async (client) => {
      const query: Query = (text, values) => client.query({ text, values: [...values], types: plainTypes });
      const { rows } = await query(`select ${columns} from dead_letters where id = $1 for update`, [id]);
      const letter = rows[0];
      if (!letter) throw notFound('dead-letter-not-found');
      if (letter.settledAt) throw conflict('dead-letter-settled', { state: letter.state });
      const before = await query(
        `select ${columns} from dead_letters where ${sameKey} and position < $4 and ${open} order by position limit 1`,
        [...keyOf(letter), letter.position],
      );
      if (before.rows[0]) throw conflict('dead-letter-not-first', { first: before.rows[0].id });
      await work(query, letter);
    });
  }
}

type Query = (text: string, values: readonly unknown[]) => Promise<{ rows: DeadLetter[] }>;

export type Parked = { key: string; event: Recorded; error: string };

const sameKey = 'policy = $1 and feed = $2 and key = $3';
const keyOf = ({ policy, feed, key }: DeadLetter) => [policy, feed, key];
