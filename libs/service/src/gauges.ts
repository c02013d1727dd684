import { setTimeout as sleep } from 'node:timers/promises';
import { metrics } from '@opentelemetry/api';
import type { ServiceName } from '@throughline/contracts';
import { checkpointOf, plainTypes, type Behind, type Feed, type Pool } from '@throughline/event-sourcing';
import type { ServiceDefinition } from './service.ts';

type Followers = {
  /** Names of checkpoints: a view of an older release may have left one behind that stands still. */
  subscriptions: readonly { subscription: string; feed: ServiceName }[];
  policies: readonly { policy: string; feed: ServiceName }[];
  views: readonly string[];
};

export type Observed = {
  service: ServiceName;
  pool: Pool;
  /** Milliseconds for which Kafka has not answered. */
  fetchAge: () => number;
  /** How many timers of each name failed for good; left out where the service has none. */
  failedTimers?: () => Promise<readonly { timer: string; count: number }[]>;
  /** What this process runs while it leads; left out where it never does. */
  workers?: Followers & { leading: () => boolean; feed: (service: ServiceName) => Feed };
};

/** Everything of a service that follows a log. */
export const followersOf = (
  { name, folds = [], documents = [] }: ServiceDefinition,
  policies: Followers['policies'],
  relays: boolean,
): Followers => ({
  subscriptions: [
    ...folds.map((fold) => ({ subscription: checkpointOf(fold), feed: fold.feed })),
    ...policies.map(({ policy, feed }) => ({ subscription: `policy:${policy}`, feed })),
    ...(relays ? [{ subscription: 'relay', feed: name }] : []),
  ],
  policies,
  views: [...folds, ...documents].map(({ table }) => table),
});

/** The database is asked no more often, and no longer. */
const betweenMilliseconds = 5_000;
const answerMilliseconds = 3_000;
const ownerMilliseconds = 1_000;

/**
 * Has the gauges of a service read whenever metrics are asked for. What cannot be read in time is left out, and
 * `throughline_database_up` says so.
 *
 * @returns how to end it
 */
export function observe({ service, pool, fetchAge, failedTimers: askTimers, workers }: Observed): () => void {
  const meter = metrics.getMeter('throughline');
  const gauge = (name: string, description: string) =>
    meter.createObservableGauge(`throughline_${name}`, { description });
  const database = gauge('database_up', 'Whether the database answered in time');
  const head = gauge('store_head_position', "Position of the newest event in the service's log");
  const position = gauge('subscription_position', 'Position up to which a subscription has handled a log');
  const lagEvents = gauge('subscription_lag_events', 'Positions between a subscription and the newest event');
  const lagSeconds = gauge('subscription_lag_seconds', 'Age of the oldest event that a subscription has not handled');
  const deadLetters = gauge('dead_letters', 'Events that a policy has parked');
  const brokenKeys = gauge('broken_keys', 'Keys of a view that stand still');
  const failedTimers = gauge('failed_timers', 'Timers that failed for good, and wait for an operator');
  const connections = gauge('postgres_connections', 'Connections of the pool, and who waits for one');
  const kafkaFetchAge = gauge('kafka_fetch_age_seconds', 'For how long Kafka has not answered; 0 where nobody asks it');
  const leader = gauge('leader', "Whether this process leads the service's workers");
  const ofDatabase = [database, head, position, lagEvents, lagSeconds, deadLetters, brokenKeys, failedTimers];
  const gauges = [...ofDatabase, connections, kafkaFetchAge, leader];

  const figures = sparingly(() => readFigures(pool, workers, askTimers));
  const callback: Parameters<typeof meter.addBatchObservableCallback>[0] = async (result) => {
    result.observe(connections, pool.totalCount, { service, state: 'total' });
    result.observe(connections, pool.idleCount, { service, state: 'idle' });
    result.observe(connections, pool.waitingCount, { service, state: 'waiting' });
    result.observe(kafkaFetchAge, fetchAge() / 1_000, { service });
    if (workers) result.observe(leader, workers.leading() ? 1 : 0, { service });
    const read = await figures();
    result.observe(database, read ? 1 : 0, { service });
    if (!read) return;
    result.observe(head, read.head, { service });
    for (const { subscription, feed, position: reached, behind } of read.subscriptions) {
      const labels = { service, subscription, feed };
      result.observe(position, reached, labels);
      if (!behind) continue;
      const age = behind.since === undefined ? 0 : (Date.now() - Date.parse(behind.since)) / 1_000;
      result.observe(lagEvents, Math.max(0, behind.head - reached), labels);
      result.observe(lagSeconds, Math.max(0, age), labels);
    }
    for (const { count, ...labels } of read.deadLetters) result.observe(deadLetters, count, { service, ...labels });
    for (const { count, view } of read.brokenKeys) result.observe(brokenKeys, count, { service, view });
    for (const { count, timer } of read.failedTimers) result.observe(failedTimers, count, { service, timer });
  };
  meter.addBatchObservableCallback(callback, gauges);
  return () => meter.removeBatchObservableCallback(callback, gauges);
}

type Figures = {
  head: number;
  /** `behind` is left out where the log's owner did not say in time. */
  subscriptions: readonly { subscription: string; feed: ServiceName; position: number; behind: Behind | undefined }[];
  deadLetters: readonly { policy: string; feed: string; count: number }[];
  brokenKeys: readonly { view: string; count: number }[];
  failedTimers: readonly { timer: string; count: number }[];
};

const statement = `
select 'head' as what, '' as name, '' as feed, coalesce(max(position), 0) as figure from events
union all select 'position', subscription, feed, position from checkpoints
union all select 'dead', policy, feed, count(*) from dead_letters group by policy, feed
union all select 'broken', view, '', count(*) from broken_keys group by view`;

async function readFigures(
  pool: Pool,
  workers: Observed['workers'],
  failedTimers: Observed['failedTimers'],
): Promise<Figures> {
  const { rows } = await pool.query<{ what: string; name: string; feed: string; figure: number }>({
    text: statement,
    types: plainTypes,
  });
  const found = new Map(rows.map(({ what, name, feed, figure }) => [`${what} ${name} ${feed}`, figure]));
  const figureOf = (what: string, name = '', feed = '') => found.get(`${what} ${name} ${feed}`);
  const { subscriptions = [], policies = [], views = [], feed: open } = workers ?? {};
  // Those that stand at one place share the answer.
  const asked = new Map<string, Promise<Behind | undefined>>();
  const behind = (feed: ServiceName, position: number) => {
    const place = `${feed} ${position}`;
    const answer = asked.get(place) ?? inTime(async () => open?.(feed).behind(position), ownerMilliseconds);
    asked.set(place, answer);
    return answer;
  };
  const begun = subscriptions.flatMap(({ subscription, feed }) => {
    const position = figureOf('position', subscription, feed);
    return position === undefined ? [] : [{ subscription, feed, position }];
  });
  return {
    head: figureOf('head') ?? 0,
    subscriptions: await Promise.all(begun.map(async (at) => ({ ...at, behind: await behind(at.feed, at.position) }))),
    deadLetters: policies.map(({ policy, feed }) => ({ policy, feed, count: figureOf('dead', policy, feed) ?? 0 })),
    brokenKeys: views.map((view) => ({ view, count: figureOf('broken', view) ?? 0 })),
    failedTimers: (await failedTimers?.()) ?? [],
  };
}

/** Undefined where `read` fails or takes longer. */
const inTime = <T>(read: () => Promise<T>, milliseconds: number): Promise<T | undefined> =>
  Promise.race([read().catch(() => undefined), sleep(milliseconds, undefined, { ref: false })]);

/** One reading at a time, and the last one as long as it is fresh, however many ask. */
function sparingly<T>(read: () => Promise<T>): () => Promise<T | undefined> {
  let last: { at: number; value: T | undefined } | undefined;
  let coming: Promise<T | undefined> | undefined;
  const begin = () =>
    read()
      .catch(() => undefined)
      .then((value) => {
        last = { at: Date.now(), value };
        coming = undefined;
        return value;
      });
  return async () => {
    if (last && Date.now() - last.at < betweenMilliseconds) return last.value;
    coming ??= begin();
    return inTime(() => coming as Promise<T | undefined>, answerMilliseconds);
  };
}
