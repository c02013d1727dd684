import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorded } from '@throughline/contracts';
import { BreakerOpen } from './breaker.ts';
import { UnknownEvent, type Codec } from './codec.ts';
import { errorForLog, isTransient, plainTypes, type Pool, type Queryable } from './database.ts';
import type { Feed } from './feed.ts';
import { gathered } from './gather.ts';

/** Somebody else leads this subscription now: what was done since must not count. */
export class Deposed extends Error {}

/** The log that was followed is gone; another one stands in its place (a restored store). */
export class GenerationChanged extends Error {
  constructor(subscription: string) {
    super(`${subscription}: the store was restored (its generation changed); this subscription must be rebuilt`);
  }
}

export type Checkpoint = {
  subscription: string;
  feed: string;
  position: number;
  epoch: number;
  generation: string | null;
};

/** Takes over a checkpoint: whoever held it before can no longer move it. */
export async function takeCheckpoint(
  db: Queryable,
  subscription: string,
  feed: string,
  start = 0,
): Promise<Checkpoint> {
  const { rows } = await db.query<{ position: number; epoch: number; generation: string | null }>({
    text: `insert into checkpoints (subscription, feed, position, epoch) values ($1, $2, $3, 1)
      on conflict (subscription, feed) do update set epoch = checkpoints.epoch + 1
      returning position, epoch, generation`,
    values: [subscription, feed, start],
    types: plainTypes,
  });
  return { subscription, feed, ...(rows[0] as { position: number; epoch: number; generation: string | null }) };
}

export type Move = { checkpoint: Checkpoint; to: number; generation: string };

/**
 * Moves checkpoints forward, each by compare-and-swap, in one statement that locks them in the order of their names.
 *
 * @returns those that moved; of the others another holder took over
 */
async function swap(db: Queryable, moves: readonly Move[]): Promise<ReadonlyMap<Move, Checkpoint>> {
  const { rows } = await db.query<{ at: number }>({
    name: 'move-checkpoints',
    text: `with wanted as (
        select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::uuid[])
          with ordinality as w(subscription, feed, position, epoch, reached, generation, at)
      ), held as (
        select c.subscription, c.feed, w.reached, w.generation, w.at from checkpoints c
        join wanted w on c.subscription = w.subscription and c.feed = w.feed
        where c.position = w.position and c.epoch = w.epoch
        order by c.subscription, c.feed for update of c
      )
      update checkpoints c set position = h.reached, generation = h.generation, updated_at = now()
      from held h where c.subscription = h.subscription and c.feed = h.feed
      returning h.at::int`,
    values: [
      moves.map(({ checkpoint }) => checkpoint.subscription),
      moves.map(({ checkpoint }) => checkpoint.feed),
      moves.map(({ checkpoint }) => checkpoint.position),
      moves.map(({ checkpoint }) => checkpoint.epoch),
      moves.map(({ to }) => to),
      moves.map(({ generation }) => generation),
    ],
  });
  return new Map(
    rows.map(({ at }) => {
      const move = moves[at - 1] as Move;
      return [move, { ...move.checkpoint, position: move.to, generation: move.generation }];
    }),
  );
}

const deposed = ({ checkpoint: { subscription, feed } }: Move) => new Deposed(`${subscription} on ${feed}`);

/**
 * Moves checkpoints forward within the caller's transaction, all of them or none.
 *
 * @throws Deposed where another holder took one of them over
 */
export async function moveCheckpoints(db: Queryable, moves: readonly Move[]): Promise<Checkpoint[]> {
  if (moves.length === 0) return [];
  const moved = await swap(db, moves);
  return moves.map((move) => {
    const checkpoint = moved.get(move);
    if (!checkpoint) throw deposed(move);
    return checkpoint;
  });
}

export type MoveCheckpoint = (checkpoint: Checkpoint, to: number, generation: string) => Promise<Checkpoint>;

/** Moves checkpoints forward by themselves; those that are to be moved at the same time travel together. */
export function movesTogether(pool: Pool): MoveCheckpoint {
  const ask = gathered((moves: readonly Move[]) => swap(pool, moves));
  return async (checkpoint, to, generation) => {
    const move = { checkpoint, to, generation };
    const moved = (await ask([move])).get(move);
    if (!moved) throw deposed(move);
    return moved;
  };
}

/** As `moveCheckpoints`, of one. */
export async function moveCheckpoint(
  db: Queryable,
  checkpoint: Checkpoint,
  to: number,
  generation: string,
): Promise<Checkpoint> {
  return (await moveCheckpoints(db, [{ checkpoint, to, generation }]))[0] as Checkpoint;
}

export type SubscriptionLog = {
  warn: (message: string, details?: Record<string, unknown>) => void;
  error: (message: string, details?: Record<string, unknown>) => void;
};

export type SubscriptionOptions = {
  /** Names of the checkpoints that travel together. */
  subscriptions: readonly string[];
  feed: Feed;
  codec: Codec;
  pool: Pool;
  log: SubscriptionLog;
  /** Most events in a batch. */
  limit: number;
  /** Called at the start and after every failure: takes the checkpoints, answers where to read from. */
  begin: () => Promise<{ position: number; generation: string | null }>;
  /** Types of no interest are passed over without being decrypted; by default all are of interest. */
  handles?: (type: string) => boolean;
  /** Applies a batch and moves the checkpoints to `position`, exactly once in effect. */
  apply: (events: readonly Recorded[], generation: string, position: number) => Promise<void>;
};

const firstBackoff = 100;
const longestBackoff = 30_000;

/**
 * Follows a feed for ever. A fault that goes away by itself is waited out with growing, jittered pauses; an unknown event
 * or a changed generation stops the progress with a clear word, once all before it was applied, and is tried again rarely.
 * Nothing is ever skipped.
 */
export async function follow(options: SubscriptionOptions, signal: AbortSignal): Promise<void> {
  const { subscriptions, feed, codec, log, handles = () => true } = options;
  const name = subscriptions.join(' ');
  const faults = new Faults(options);
  for (let failures = 0; !signal.aborted;) {
    try {
      const { position: start, generation } = await options.begin();
      let position = start;
      for await (const batch of feed.read(start, options.limit, signal)) {
        if (generation !== null && batch.generation !== generation) throw new GenerationChanged(name);
        if (batch.events.length === 0) {
          await faults.over('generation-changed');
          continue;
        }
        const fresh = batch.events.filter((event) => event.position > position);
        const unknown = fresh.find((event) => !codec.knows(event));
        const readable = unknown ? fresh.slice(0, fresh.indexOf(unknown)) : fresh;
        const last = readable.at(-1);
        if (last) {
          const events = await codec.decode(readable.filter(({ type }) => handles(type)));
          await options.apply(events, batch.generation, last.position);
        }
        if (unknown) throw new UnknownEvent(unknown.type, unknown.schemaVersion);
        position = fresh.at(-1)?.position ?? position;
        failures = 0;
        await faults.over();
      }
    } catch (error) {
      if (signal.aborted) return;
      const stuck = isStuck(error);
      failures += 1;
      const pause = stuck ? longestBackoff : Math.min(longestBackoff, firstBackoff * 2 ** Math.min(failures, 12));
      const details = { subscription: name, feed: feed.service, pause, ...errorForLog(error) };
      if (isTransient(error) || error instanceof Deposed) log.warn('subscription waits', details);
      else log.error('subscription stopped', details);
      if (!(error instanceof Deposed)) await faults.record(error);
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }
}

/** What does not go away by waiting: an operator, or a newer release, has to act. */
const isStuck = (error: unknown) =>
  error instanceof UnknownEvent || error instanceof GenerationChanged || error instanceof BreakerOpen;

/** Code of what holds a subscription up. */
function faultCode(error: unknown): string {
  if (error instanceof UnknownEvent) return 'unknown-event';
  if (error instanceof GenerationChanged) return 'generation-changed';
  if (error instanceof BreakerOpen) return 'breaker-open';
  return isTransient(error) ? 'waiting' : 'failed';
}

/** What holds subscriptions up stands in the database, where operators of every process see it. */
class Faults {
  /** At the start one of another process may be there. */
  #recorded = true;

  constructor(private readonly of: Pick<SubscriptionOptions, 'subscriptions' | 'feed' | 'pool'>) {}

  async record(error: unknown): Promise<void> {
    const { subscriptions, feed, pool } = this.of;
    this.#recorded = true;
    await pool
      .query(
        `insert into subscription_faults (subscription, feed, code, detail)
         select name, $2, $3, $4 from unnest($1::text[]) as s(name)
         on conflict (subscription, feed) do update set code = excluded.code, detail = excluded.detail, last_at = now()`,
        [subscriptions, feed.service, faultCode(error), errorForLog(error).error],
      )
      .catch(() => undefined);
  }

  /** @param code only a fault of this kind, and others may stand */
  async over(code?: string): Promise<void> {
    if (!this.#recorded) return;
    const { subscriptions, feed, pool } = this.of;
    await pool.query(
      `delete from subscription_faults where subscription = any($1) and feed = $2 and ($3::text is null or code = $3)`,
      [subscriptions, feed.service, code ?? null],
    );
    if (code === undefined) this.#recorded = false;
  }
}

/** How far all of the subscriptions have come in a feed; without any, nothing is behind. */
export async function leastPosition(db: Queryable, subscriptions: readonly string[], feed: string): Promise<number> {
  const { rows } = await db.query<{ least: number | null }>({
    text: `select min(coalesce(c.position, 0)) as least from unnest($1::text[]) as s(subscription)
      left join checkpoints c on c.subscription = s.subscription and c.feed = $2`,
    values: [subscriptions, feed],
    types: plainTypes,
  });
  return rows[0]?.least ?? Infinity;
}

/**
 * Waits until all the subscriptions have passed a position of a feed.
 *
 * @returns false where the time ran out first, or `signal` aborted
 */
export async function passed(
  db: Queryable,
  subscriptions: readonly string[],
  feed: string,
  position: number,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    if ((await leastPosition(db, subscriptions, feed)) >= position) return true;
    if (Date.now() >= deadline || signal?.aborted) return false;
    await sleep(10);
  }
}
