import type { Recorded } from '@throughline/contracts';
import type { Codec } from './codec.ts';
import { runInContext, type RequestContext } from './context.ts';
import { errorForLog, isTransient, type Pool } from './database.ts';
import { eachOf } from './each-of.ts';
import type { Feed } from './feed.ts';
import { derivedId } from './ids.ts';
import { follow, moveCheckpoint, takeCheckpoint, type Checkpoint, type SubscriptionLog } from './subscription.ts';

export type Policy = {
  /** Never changes: it names the checkpoint, and the commands' ids derive from it. */
  name: string;
  /** Where a new policy starts: with what happens from now on, or with all history. */
  from: 'now' | 'beginning';
  /** Whether the outside is speaking through it (`connector`) or the CRM itself. */
  entry: 'policy' | 'connector';
  handlers: ReadonlyMap<string, (event: Recorded) => Promise<void>>;
};

const batch = 500;
const keysAtOnce = 16;

/**
 * Lets one policy react to a feed: in order within a key, many keys at a time. An event whose handler throws is parked
 * with all later ones of its key, and stops nobody else. Command ids derive from event, policy, target and index, so a
 * redelivery changes nothing.
 */
export async function runPolicy(
  policy: Policy,
  deps: { feed: Feed; codec: Codec; pool: Pool; log: SubscriptionLog },
  signal: AbortSignal,
): Promise<void> {
  const { feed, codec, pool, log } = deps;
  const subscription = `policy:${policy.name}`;
  let checkpoint: Checkpoint;
  await follow(
    {
      name: subscription,
      feed,
      codec,
      pool,
      log,
      limit: batch,
      begin: async () => {
        const start = policy.from === 'now' ? await feed.head() : 0;
        checkpoint = await takeCheckpoint(pool, subscription, feed.service, start);
        return checkpoint;
      },
      apply: async (events, generation) => {
        const byKey = new Map<string, Recorded[]>();
        for (const event of events) {
          if (!policy.handlers.has(event.type)) continue;
          const key = `${event.stream.type}:${event.stream.id}`;
          byKey.set(key, [...(byKey.get(key) ?? []), event]);
        }
        const parked = await parkedSince(pool, policy.name, feed.service, [...byKey.keys()]);
        await eachOf(byKey, keysAtOnce, ([key, list]) => react(policy, deps, key, list, parked.get(key)));
        checkpoint = await moveCheckpoint(pool, checkpoint, (events.at(-1) as Recorded).position, generation);
      },
    },
    signal,
  );
}

async function react(
  policy: Policy,
  { feed, pool, log }: { feed: Feed; pool: Pool; log: SubscriptionLog },
  key: string,
  events: readonly Recorded[],
  parkedSince = Infinity,
): Promise<void> {
  let parked = parkedSince;
  for (const event of events) {
    if (event.position >= parked) {
      await park(pool, policy.name, feed.service, key, event, 'waits behind an earlier one');
      continue;
    }
    try {
      await runInContext(contextOf(policy, event), () => policy.handlers.get(event.type)?.(event) ?? Promise.resolve());
    } catch (error) {
      if (isTransient(error)) throw error;
      parked = event.position;
      const { name = 'Error', code } = Object(error) as { name?: string; code?: string };
      log.error('policy parked an event', {
        policy: policy.name,
        event: event.id,
        type: event.type,
        position: event.position,
        code,
        ...errorForLog(error),
      });
      await park(pool, policy.name, feed.service, key, event, code ?? name);
    }
  }
}

function contextOf(policy: Policy, event: Recorded): RequestContext {
  // Counted a target, so that a repeat which finds less to do names what is left by the same ids.
  const counts = new Map<string, number>();
  const nextCommandId = (target: string) => {
    const index = counts.get(target) ?? 0;
    counts.set(target, index + 1);
    return derivedId(event.id, policy.name, target, index);
  };
  const { meta } = event;
  return {
    actor: policy.entry === 'connector' ? meta.actor : { type: 'policy', id: policy.name },
    entry: policy.entry,
    source: policy.entry === 'connector' ? meta.source : policy.name,
    correlationId: meta.correlationId,
    causationId: event.id,
    nextCommandId,
    ...(meta.traceparent !== undefined && { traceparent: meta.traceparent }),
    ...(meta.batchId !== undefined && { batchId: meta.batchId }),
  };
}

/** Key -> position of its first event that is parked. What came before it was handled, and may be handled again. */
async function parkedSince(
  pool: Pool,
  policy: string,
  feed: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await pool.query<{ key: string; since: string }>(
    'select key, min(position) as since from dead_letters where policy = $1 and feed = $2 and key = any($3) group by key',
    [policy, feed, keys],
  );
  return new Map(rows.map(({ key, since }) => [key, Number(since)]));
}

async function park(
  pool: Pool,
  policy: string,
  feed: string,
  key: string,
  event: Recorded,
  error: string,
): Promise<void> {
  await pool.query(
    `insert into dead_letters (policy, feed, position, key, event_id, event_type, error) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (policy, feed, position) do nothing`,
    [policy, feed, event.position, key, event.id, event.type, error],
  );
}
