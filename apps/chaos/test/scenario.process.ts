// One small story on databases of its own, then the run's own checks of it. Says as JSON what they found.
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Commands,
  EventStore,
  StoreFeed,
  newId,
  runInContext,
  runPolicy,
  takeCheckpoint,
  transaction,
  type Batch,
  type Feed,
  type Pool,
} from '@throughline/event-sourcing';
import { KafkaFeed, runRelay, storeHistory, type KafkaPort, type PlacedMessage } from '@throughline/messaging';
import { Kernel, Log } from '@throughline/service';
import { dropDatabases, testConfig } from '@throughline/service/testing';
import { dealDocument } from '../../../services/analytics/src/search/deal-document.view.ts';
import { dimDeal } from '../../../services/analytics/src/star/dim-deal.view.ts';
import { deal, type DealCommand } from '../../../services/sales/src/deal/deal.ts';
import { standardPipeline } from '../../../services/sales/src/pipeline/pipeline.ts';
import {
  audit,
  givenDamage,
  givenTo,
  policyDamage,
  storeDamage,
  tallyDamage,
  together,
  type Damage,
} from '../src/checks.ts';
import { remainsIn } from '../src/erasures.ts';
import { createCured, followUp, followUpName } from '../src/follow-up.policy.ts';
import { createGiven, record, recorder } from '../src/recorder.ts';
import { dealTally } from '../src/tally.view.ts';
import { played } from '../src/traffic.ts';
import { verifyViews } from '../src/verification.ts';

const [scenario = '', ...harms] = process.argv.slice(2);
const config = testConfig();
const log = new Log('sales', 'error', () => undefined);
const kernel = await Kernel.open(
  { name: 'sales', folds: [dealTally, dimDeal], documents: [dealDocument] },
  config,
  log,
);
const { pool, codec, store, secrets, commands } = kernel;
const stop = new AbortController();
const { signal } = stop;
const chainKey = secrets.key('hash-chain');
await createGiven(pool);
await createCured(pool);

const as = <T>(commandId: string, work: () => Promise<T>): Promise<T> => {
  const actor = { type: 'api-key' as const, id: 'writer-0' };
  return runInContext({ actor, entry: 'api', source: 'chaos', correlationId: newId(), commandId }, work);
};
let asked = 0;
const nextCommand = () => `0-0-${(asked += 1)}`;

const opening: DealCommand = {
  type: 'OpenDeal',
  customerId: newId(),
  title: '王小明',
  value: { amount: '1.00', currency: 'CNY' },
};
const changed = (...titles: string[]): DealCommand[] =>
  titles.map((title) => ({ type: 'ChangeDeal', changes: { title } }));
const play = (by: Commands, id: string, then: readonly DealCommand[], commandId = nextCommand()) =>
  as(commandId, () => by.execute(played(deal), id, { type: 'Play', opening, then }, { rules: standardPipeline }));
const deals = async (count: number, ...then: DealCommand[]): Promise<string[]> => {
  const ids = Array.from({ length: count }, () => newId());
  await Promise.all(ids.map((id) => play(commands, id, then)));
  return ids;
};

const until = async (isSo: () => Promise<boolean>) => {
  for (const deadline = Date.now() + 15_000; !(await isSo()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error('it never came to be so');
  }
};
const reached = (subscription: string) =>
  until(async () => {
    const head = await kernel.feed().head();
    const { rows } = await pool.query<{ position: string }>(
      `select min(position) as position from checkpoints where feed = 'sales' and subscription like $1`,
      [subscription],
    );
    return Number(rows[0]?.position) >= head;
  });
const recording = (feed: Feed) => void record({ feed, codec, pool, log }, signal);
const keeping = (feed: Feed) => void kernel.views.run(() => feed, kernel.views.names, signal);

/** A feed as it is, its batches changed on the way. */
const through = (feed: Feed, change: (batches: AsyncGenerator<Batch, void>) => AsyncGenerator<Batch, void>): Feed => ({
  service: feed.service,
  read: (...asked) => change(feed.read(...asked)),
  head: () => feed.head(),
  behind: (position) => feed.behind(position),
});
/** As processes read that know nothing of what those before them read. */
const forgetful = (kernel: Kernel): Feed => ({
  ...through(kernel.feed(), (batches) => batches),
  read: (...asked) => new StoreFeed(kernel.service, kernel.store).read(...asked),
});
const slowly = (feed: Feed) =>
  through(feed, async function* (batches) {
    for await (const batch of batches) {
      await sleep(500);
      yield batch;
    }
  });
const twice = (feed: Feed) =>
  through(feed, async function* (batches) {
    for await (const batch of batches) {
      yield batch;
      yield batch;
    }
  });

const given = async (): Promise<Damage> =>
  givenDamage((await audit(store, chainKey)).positions, await givenTo(pool, 'sales'));

const scenarios: Record<string, () => Promise<object>> = {
  /** An append that commits later than the one which took the position above. */
  async 'a slow commit'() {
    const { promise: written, resolve } = Promise.withResolvers<void>();
    const query = (asked: { name?: string; text: string }) =>
      transaction(pool, async (client) => {
        const answer = await client.query(asked);
        if (asked.name !== 'append-plain') return answer;
        resolve();
        await sleep(700);
        return answer;
      });
    const slow = new EventStore(Object.assign(Object.create(pool) as Pool, { query }), codec, chainKey);
    recording(kernel.feed());
    const late = play(new Commands(slow, secrets), newId(), []);
    await written;
    await deals(3);
    await late;
    await reached(recorder);
    return given();
  },

  async 'two recorders at once'() {
    await deals(20, ...changed('A', 'B'));
    recording(slowly(kernel.feed()));
    recording(slowly(kernel.feed()));
    await sleep(1_500);
    await reached(recorder);
    return given();
  },

  async 'two keepers of one view'() {
    await deals(20, ...changed('A', 'B'));
    keeping(slowly(kernel.feed()));
    keeping(slowly(kernel.feed()));
    await sleep(1_500);
    await reached('view:chaos%');
    return tallyDamage(pool, dealTally.table, await audit(store, chainKey));
  },

  /** The positions that it was about to write down have come to mean other events, or none. */
  async 'a store restored while a recorder stood still'() {
    await deals(5, ...changed('A'));
    const [read, restored] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const still = through(forgetful(kernel), async function* (batches) {
      for await (const batch of batches) {
        if (batch.events.length > 0) {
          read.resolve();
          await restored.promise;
        }
        yield batch;
      }
    });
    recording(still);
    await read.promise;
    await takeCheckpoint(pool, recorder, 'sales');
    await pool.query('alter table events disable trigger append_only; delete from events where position > 5');
    restored.resolve();
    await reached(recorder);
    return given();
  },

  async 'a feed that repeats itself'() {
    await deals(5, ...changed('A'));
    recording(twice(kernel.feed()));
    await reached(recorder);
    await sleep(300);
    return given();
  },

  /** The same command twice, the second one overtaken between its look for the outcome and its decision. */
  async 'a command that comes twice'() {
    const [id = ''] = await deals(1);
    const { promise: overtaken, resolve } = Promise.withResolvers<void>();
    class Overtaken extends EventStore {
      override async load(type: string, stream: string) {
        await overtaken;
        return super.load(type, stream);
      }
    }
    const command = nextCommand();
    const second = play(new Commands(new Overtaken(pool, codec, chainKey), secrets), id, changed('A', 'B'), command);
    await sleep(200);
    const answers = [await play(commands, id, changed('A', 'B'), command)];
    resolve();
    answers.push(await second);
    const acknowledged = answers.map(({ position, version, events }) => ({
      position,
      events: events.length,
      streams: [{ type: 'deal', id, version }],
    }));
    const opened = { position: 1, events: 1, streams: [{ type: 'deal', id, version: 1 }] };
    const told = new Map([
      ['0-0-1', { acknowledged: [opened] }],
      [command, { acknowledged }],
    ]);
    return storeDamage([await audit(store, chainKey)], told);
  },

  /** Appends over the same streams, named in opposite orders, that meet at the one in the middle. */
  async 'appends that cross'() {
    const ids = await deals(5);
    const other = new Commands(new EventStore(pool, codec, chainKey), secrets);
    const across = (by: Commands, streams: readonly string[], title: string) =>
      as(nextCommand(), () =>
        by.executeAcross(deal, streams, { type: 'ChangeDeals' }, (states) =>
          states.map(() => [{ type: 'DealDetailsChanged', customerId: newId(), title }]),
        ),
      );
    let crossing: Promise<unknown> = Promise.resolve();
    await transaction(pool, async (client) => {
      await client.query('select from streams where id = $1 for update', [ids.toSorted()[2]]);
      crossing = Promise.all([across(commands, ids.toSorted(), 'A'), across(other, ids.toSorted().toReversed(), 'B')]);
      await sleep(700);
    });
    await crossing;
    // What sessions count is told about once a second.
    await sleep(1_500);
    const { rows } = await pool.query<{ deadlocks: string }>(
      'select deadlocks from pg_stat_database where datname = current_database()',
    );
    return { deadlocks: Number(rows[0]?.deadlocks) };
  },

  async 'a policy that is given its events again'() {
    await deals(10, { type: 'WinDeal' });
    const react = async () => {
      const end = new AbortController();
      const running = runPolicy(followUp(commands, pool), { feed: kernel.feed(), codec, pool, log }, end.signal);
      await reached(`policy:${followUpName}`);
      end.abort();
      await running;
    };
    await react();
    await pool.query('update checkpoints set position = 0');
    await react();
    return policyDamage(await audit(store, chainKey), new Set());
  },

  /** A topic that lost some messages and has others twice. */
  async 'a topic with holes and repeats'() {
    await deals(6, ...changed('A'));
    const topic = memoryTopic();
    const relay = { feed: kernel.feed(), port: topic.port, pool, log };
    void runRelay(relay, signal);
    await reached('relay');
    topic.messages.splice(4, 3);
    topic.messages.splice(6, 0, ...topic.messages.slice(0, 6));
    const history = storeHistory(store, new StoreFeed('sales', store));
    const setAside = () => Promise.reject(new Error('a message that cannot be read'));
    recording(new KafkaFeed({ service: 'sales', port: topic.port, history, log, setAside }));
    await reached(recorder);
    await sleep(300);
    return given();
  },

  /** Nothing happens, and then one harm after the other: what is found before and after each. */
  async 'a quiet day'() {
    await deals(10, ...changed('A', 'B'));
    keeping(kernel.feed());
    recording(kernel.feed());
    await reached('view:%');
    await reached(recorder);
    const look = async () => {
      const found = await audit(store, chainKey);
      const { views, documents } = await verifyViews(pool, 15_000);
      const damage = together([await given(), await tallyDamage(pool, dealTally.table, found)]);
      const { people: erased } = await remainsIn(pool, new Set(['0-7']));
      return { ...damage, views, documents, chains: found.brokenChain, erased };
    };
    const found = [await look()];
    for (const harm of harms) {
      await pool.query(harm);
      found.push(await look());
    }
    return found;
  },
};

/** Kafka as far as feeds and relays go, in memory. */
function memoryTopic(): { port: KafkaPort; messages: Omit<PlacedMessage, 'offset'>[] } {
  const messages: Omit<PlacedMessage, 'offset'>[] = [];
  const placed = () => messages.map((message, offset) => ({ ...message, offset }));
  const port = {
    ensureTopic: async () => undefined,
    produce: async (_: string, sent: readonly Omit<PlacedMessage, 'offset'>[]) => void messages.push(...sent),
    reader: () => ({
      offsets: async () => ({ earliest: 0, latest: messages.length }),
      fetch: async (offset: number) => {
        const found = placed().slice(offset, offset + 4);
        if (found.length === 0) await sleep(200);
        return { messages: found, next: offset + found.length };
      },
      close: () => undefined,
    }),
    fetchAge: () => 0,
    disconnect: async () => undefined,
  };
  return { port, messages };
}

try {
  process.stdout.write(`${JSON.stringify(await scenarios[scenario]?.())}\n`);
} finally {
  stop.abort();
  await dropDatabases(config);
}
process.exit(0);
