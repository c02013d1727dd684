import { setTimeout as sleep } from 'node:timers/promises';
import type { Recorded } from '@throughline/contracts';
import { Breaker, oneAfterTheOther } from './breaker.ts';
import type { Codec } from './codec.ts';
import { runInContext, type RequestContext } from './context.ts';
import { errorForLog, isTransient, plainTypes, type Pool } from './database.ts';
import { DeadLetters, waitsBehind, type DeadLetter, type Parked } from './dead-letters.ts';
import { eachOf } from './each-of.ts';
import type { Feed } from './feed.ts';
import { gathered } from './gather.ts';
import { derivedId } from './ids.ts';
import {
  follow,
  movesTogether,
  takeCheckpoint,
  type Checkpoint,
  type MoveCheckpoint,
  type SubscriptionLog,
  type SubscriptionOptions,
} from './subscription.ts';
import { SpanKind, traced } from './tracing.ts';

export type Policy = {
  /** Never changes: it names the checkpoint, and the commands' ids derive from it. */
  name: string;
  /** Where a new policy starts: with what happens from now on, or with all history. */
  from: 'now' | 'beginning';
  /** Whether the outside is speaking through it (`connector`, `form`) or the CRM itself. */
  entry: 'policy' | 'connector' | 'form';
  /** In whose name it acts: its own, or of who caused the event; always of the outside where that speaks. */
  inNameOf?: 'policy' | 'actor';
  handlers: ReadonlyMap<string, (event: Recorded) => Promise<void>>;
};

const batch = 500;
/** Who asks and appends at the same time does so together. */
const keysAtOnce = 64;
const askMilliseconds = 1_000;

/** `together`: shared by all policies of one store that run here. */
type Deps = { feed: Feed; codec: Codec; pool: Pool; log: SubscriptionLog; together?: PoliciesTogether };

/** What operators ask of a policy: `epoch` moves on when they move its checkpoint. */
type Asked = { epoch: number; isRetried: boolean };

/** What policies ask their database at the same time, as one. */
export type PoliciesTogether = {
  move: MoveCheckpoint;
  asked: (subscription: string, feed: string) => Promise<Asked | undefined>;
};

export function policiesTogether(pool: Pool): PoliciesTogether {
  const nameOf = (subscription: string, feed: string) => JSON.stringify([subscription, feed]);
  const askedOf = gathered<string, Asked>(async () => {
    const { rows } = await pool.query<Asked & { subscription: string; feed: string }>({
      text: `select subscription, feed, epoch, (subscription, feed) in
          (select 'policy:' || policy, feed from dead_letters where state = 'retrying') as "isRetried"
        from checkpoints where starts_with(subscription, 'policy:')`,
      types: plainTypes,
    });
    return new Map(rows.map(({ subscription, feed, ...asked }) => [nameOf(subscription, feed), asked]));
  });
  return {
    move: movesTogether(pool),
    asked: async (subscription, feed) => {
      const name = nameOf(subscription, feed);
      return (await askedOf([name])).get(name);
    },
  };
}

/**
 * Lets one policy react to a feed: in order within a key, many keys at a time. An event whose handler throws is parked
 * with all later ones of its key, and stops nobody else; where many keys fail at once nothing is parked, and the policy
 * stands still until they no longer do. Parked events are handled again when an operator asks for it, and where one moves the
 * checkpoint it goes on from there. Command ids derive from event, policy, target and index, so a redelivery changes nothing.
 */
export async function runPolicy(policy: Policy, deps: Deps, signal: AbortSignal): Promise<void> {
  const { feed, codec, pool, log, together = policiesTogether(pool) } = deps;
  const subscription = `policy:${policy.name}`;
  const letters = new DeadLetters(pool);
  const breaker = new Breaker();
  const turn = oneAfterTheOther();
  let checkpoint: Checkpoint | undefined;
  let anew = new AbortController();

  const handle = async (handled: readonly Recorded[]) => {
    const byKey = Map.groupBy(handled, keyOf);
    const openSince = await letters.openSince(policy.name, feed.service, [...byKey.keys()]);
    const discarded = await letters.discarded(
      policy.name,
      feed.service,
      handled.map(({ position }) => position),
    );
    const parked: Parked[] = [];
    await eachOf(byKey, keysAtOnce, async ([key, list]) => {
      const wanted = list.filter(({ position }) => !discarded.has(position));
      const since = openSince.get(key) ?? Infinity;
      const fresh = wanted.filter(({ position }) => position < since);
      const failed = await react(policy, log, fresh);
      if (fresh.length > 0) breaker.record(failed === undefined);
      if (failed) parked.push({ key, ...failed });
      const from = failed?.event.position ?? since;
      const behind = wanted.filter(({ position }) => position >= from && position !== failed?.event.position);
      parked.push(...behind.map((event) => ({ key, event, error: waitsBehind })));
    });
    breaker.check();
    await letters.park(policy.name, feed.service, parked);
  };

  const options: SubscriptionOptions = {
    subscriptions: [subscription],
    feed,
    codec,
    pool,
    log,
    limit: batch,
    begin: async () => {
      const start = policy.from === 'now' ? await feed.head() : 0;
      return (checkpoint = await takeCheckpoint(pool, subscription, feed.service, start));
    },
    handles: (type) => policy.handlers.has(type),
    apply: (events, generation, position) =>
      turn(async () => {
        if (events.length > 0) await handle(events);
        checkpoint = await together.move(checkpoint as Checkpoint, position, generation);
      }),
  };
  const following = async () => {
    while (!signal.aborted) {
      anew = new AbortController();
      await follow(options, AbortSignal.any([signal, anew.signal]));
    }
  };
  const lookAfter = async () => {
    const asked = await together.asked(subscription, feed.service);
    if (asked && checkpoint && asked.epoch > checkpoint.epoch) anew.abort();
    return asked?.isRetried ?? false;
  };
  await Promise.all([following(), retryWhenAsked(policy, deps, { letters, turn, lookAfter }, signal)]);
}

/** `lookAfter`: whether an operator asks for some to be handled again. */
type Retrying = { letters: DeadLetters; turn: ReturnType<typeof oneAfterTheOther>; lookAfter: () => Promise<boolean> };

/** Handles anew what operators ask for, key by key, each in its order, until one fails again. */
async function retryWhenAsked(
  policy: Policy,
  { feed, codec, log }: Deps,
  { letters, turn, lookAfter }: Retrying,
  signal: AbortSignal,
): Promise<void> {
  const retry = async (list: readonly DeadLetter[]) => {
    for (const letter of list) {
      const event = await eventAt(feed, codec, letter.position, signal);
      const failed = event && (await react(policy, log, [event]));
      if (signal.aborted) return;
      if (!event || failed) return letters.failed(letter, failed?.error ?? 'event-not-found');
      await letters.handled(letter.id);
    }
  };
  while (!signal.aborted) {
    try {
      const wanted = (await lookAfter()) ? await letters.wanted(policy.name, feed.service) : [];
      // A key at a time: what comes in meanwhile of others need not wait for all of them.
      for (const list of Map.groupBy(wanted, ({ key }) => key).values()) await turn(() => retry(list));
    } catch (error) {
      if (!isTransient(error)) log.error('dead letters wait', { policy: policy.name, ...errorForLog(error) });
    }
    // All policies at the same moment, so that they ask together.
    await sleep(askMilliseconds - (Date.now() % askMilliseconds), undefined, { signal }).catch(() => undefined);
  }
}

async function eventAt(feed: Feed, codec: Codec, position: number, signal: AbortSignal): Promise<Recorded | undefined> {
  const enough = new AbortController();
  for await (const { events } of feed.read(position - 1, 1, AbortSignal.any([signal, enough.signal]))) {
    if (events.length === 0) continue;
    enough.abort();
    const [event] = await codec.decode(events.filter((stored) => stored.position === position));
    return event;
  }
  return undefined;
}

/** Handles events of one key in their order; answers with the first that failed. */
async function react(
  policy: Policy,
  log: SubscriptionLog,
  events: readonly Recorded[],
): Promise<{ event: Recorded; error: string } | undefined> {
  for (const event of events) {
    try {
      const attributes = { 'throughline.subscription': `policy:${policy.name}` };
      const options = { parent: event.meta.traceparent, kind: SpanKind.CONSUMER, attributes };
      await traced(`process ${event.type}`, options, (traceparent) =>
        runInContext(contextOf(policy, event, traceparent), async () => policy.handlers.get(event.type)?.(event)),
      );
    } catch (error) {
      if (isTransient(error)) throw error;
      const { name = 'Error', code } = Object(error) as { name?: string; code?: string };
      log.error('policy failed', {
        policy: policy.name,
        event: event.id,
        type: event.type,
        position: event.position,
        code,
        ...errorForLog(error),
      });
      return { event, error: code ?? name };
    }
  }
  return undefined;
}

const keyOf = ({ stream }: Recorded): string => `${stream.type}:${stream.id}`;

function contextOf(policy: Policy, event: Recorded, traceparent: string | undefined): RequestContext {
  // Counted a target, so that a repeat which finds less to do names what is left by the same ids.
  const counts = new Map<string, number>();
  const nextCommandId = (target: string) => {
    const index = counts.get(target) ?? 0;
    counts.set(target, index + 1);
    return derivedId(event.id, policy.name, target, index);
  };
  const { meta } = event;
  const isOwn = policy.entry === 'policy' && policy.inNameOf !== 'actor';
  return {
    actor: isOwn ? { type: 'policy', id: policy.name } : meta.actor,
    entry: policy.entry,
    source: isOwn ? policy.name : meta.source,
    correlationId: meta.correlationId,
    causationId: event.id,
    nextCommandId,
    ...(traceparent !== undefined && { traceparent }),
    ...(meta.batchId !== undefined && { batchId: meta.batchId }),
  };
}
