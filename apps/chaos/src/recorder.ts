import {
  follow,
  moveCheckpoint,
  takeCheckpoint,
  transaction,
  type Checkpoint,
  type Codec,
  type Feed,
  type Pool,
  type SubscriptionLog,
} from '@throughline/event-sourcing';

const batch = 1_000;
export const recorder = 'chaos:recorder';

/** Where recorders write down what they were given, in the order in which it came. */
export const createGiven = (pool: Pool) =>
  pool.query(`create table if not exists chaos_given
    (ordinal bigint generated always as identity primary key, feed text not null, position bigint not null)`);

/** Follows a feed and writes down the position of every event that it is given, until `signal` aborts. */
export async function record(
  { feed, codec, pool, log }: { feed: Feed; codec: Codec; pool: Pool; log: SubscriptionLog },
  signal: AbortSignal,
): Promise<void> {
  let checkpoint: Checkpoint;
  await follow(
    {
      subscriptions: [recorder],
      feed,
      codec,
      pool,
      log,
      limit: batch,
      begin: async () => (checkpoint = await takeCheckpoint(pool, recorder, feed.service)),
      apply: (events, generation) =>
        transaction(pool, async (client) => {
          const positions = events.map(({ position }) => position);
          checkpoint = await moveCheckpoint(client, checkpoint, positions.at(-1) as number, generation);
          await client.query('insert into chaos_given (feed, position) select $1, unnest($2::bigint[])', [
            feed.service,
            positions,
          ]);
        }),
    },
    signal,
  );
}
