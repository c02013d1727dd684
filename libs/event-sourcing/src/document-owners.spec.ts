import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Recorded } from '@throughline/contracts';
import { balances, households, log, memberships, views } from '../test/bank.ts';
import { feedOf, recorded, testGeneration, until } from '../test/events.ts';
import { checkpointOf, newId, passed, takeCheckpoint, touch, type Checkpoint, type DocumentView } from './index.ts';

let live: Awaited<ReturnType<typeof views>>;
let reference: Awaited<ReturnType<typeof views>>;
beforeAll(async () => {
  [live, reference] = await Promise.all([views([households]), views([households])]);
});
afterAll(() => Promise.all([live.drop(), reference.drop()]));
beforeEach(async () => {
  log.length = 0;
  await Promise.all([live.empty(), reference.empty()]);
});

const ids = Array.from({ length: 4 }, () => newId());
const anId = fc.constantFrom(...ids);
const aMove = fc.oneof(
  { weight: 5, arbitrary: fc.record({ id: anId, type: fc.constant('Moved'), amount: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.record({ id: anId, type: fc.constant('Closed') }) },
);
const aChange = fc.oneof(
  { weight: 4, arbitrary: fc.record({ id: anId, type: fc.constant('Joined'), household: anId }) },
  { weight: 1, arbitrary: fc.record({ id: anId, type: fc.constant('Left') }) },
);
const numbered = (events: readonly { id: string; type: string }[]) =>
  events.map(({ id, type, ...data }, index) => recorded(index + 1, type, id, data));
const inBatches = (events: readonly Recorded[], size: number) =>
  Array.from({ length: Math.ceil(events.length / size) }, (_, index) => events.slice(index * size, (index + 1) * size));

type Bank = typeof live;
async function deliver(bank: Bank, view: DocumentView, feed: 'sales' | 'customers', batches: readonly Recorded[][]) {
  const runner = bank.runner([view]);
  const group = runner.foldsOf(feed);
  let checkpoints: Checkpoint[] = [];
  for (const { table } of group) checkpoints.push(await takeCheckpoint(bank.pool, checkpointOf(table.fold), feed));
  for (const events of batches) checkpoints = await runner.apply(group, events, testGeneration, checkpoints);
}

/** The same views, folded one feed after the other. */
async function rebuilt(sales: Recorded[], customers: Recorded[]) {
  await deliver(reference, households, 'customers', [customers]);
  await deliver(reference, households, 'sales', [sales]);
  return reference.content();
}

/** Waits between asking whose a part is and showing it there. */
const waiting = (wait: () => Promise<unknown>): DocumentView => ({
  ...households,
  owners: async (keys, read) => {
    const found = (await households.owners?.(keys, read)) ?? [];
    await wait();
    return found;
  },
});
/** Its households are touched by members alone, under keys that are none of a household. */
const byMember: DocumentView = {
  ...households,
  touchedBy: [touch(balances, ({ id }) => `member:${id}`), touch(memberships, ({ id }) => `member:${id}`)],
  owners: async (keys, read) =>
    (await households.owners?.(
      keys.map((key) => key.replace('member:', '')),
      read,
    )) ?? [],
};
const [anna, ben] = ids as [string, string];
const moved = (position: number, id: string) => recorded(position, 'Moved', id, { amount: 1 });

describe('a document of several parts', () => {
  it('is right whatever its parts are told of while they go over to others', async () => {
    const logs = fc.record({
      sales: fc.array(aMove, { minLength: 10, maxLength: 30 }).map(numbered),
      customers: fc.array(aChange, { minLength: 10, maxLength: 30 }).map(numbered),
      size: fc.integer({ min: 1, max: 4 }),
    });
    const property = fc.asyncProperty(logs, async ({ sales, customers, size }) => {
      await Promise.all([live.empty(), reference.empty()]);
      await Promise.all([
        deliver(live, households, 'sales', inBatches(sales, size)),
        deliver(live, households, 'customers', inBatches(customers, size)),
      ]);
      expect(await live.content()).toEqual(await rebuilt(sales, customers));
      expect(await live.rows('select * from broken_keys')).toEqual([]);
    });
    await fc.assert(property, { numRuns: 20, endOnFailure: true });
  });

  it('loses nothing that was told of a part before it was known whose it had become', async () => {
    const sales = [moved(1, anna)];
    const customers = [recorded(1, 'Joined', anna, { household: ben })];
    let going: Promise<void> | undefined;
    // The part goes over right after it was asked whose it is: either that waits, or it has happened already.
    const meanwhile = async () => {
      let gone = false;
      going = deliver(live, households, 'customers', [customers]).then(() => void (gone = true));
      const isHeldUp = () =>
        live.rows(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
      await until(async () => gone || (await isHeldUp()).length > 0);
    };
    await deliver(live, waiting(meanwhile), 'sales', [sales]);
    await going;
    expect(await live.content()).toEqual(await rebuilt(sales, customers));
  });

  it('stands still alone where it cannot be told whose a part is', async () => {
    const spoilt: DocumentView = {
      ...households,
      owners: async (keys, read) => {
        if (keys.includes(anna)) throw new RangeError('a bug in a document');
        return households.owners?.(keys, read) ?? [];
      },
    };
    await deliver(live, spoilt, 'sales', [[moved(1, anna), moved(2, ben)]]);
    expect(await live.rows('select id from household_v1')).toEqual([{ id: ben }]);
    expect(await live.rows('select view, key, error from broken_keys')).toEqual([
      { view: 'household_v1', key: anna, error: 'RangeError' },
    ]);
  });

  describe('that is verified', () => {
    let stop: AbortController;
    let running: Promise<void> | undefined;
    beforeEach(() => {
      stop = new AbortController();
    });
    afterEach(async () => {
      stop.abort();
      await running;
    });
    const ask = async (kind: string) => {
      const [job] = await live.rows<{ id: number }>(
        `insert into view_jobs (table_name, kind, requested_by) values ('household_v1', $1, 'test') returning id`,
        [kind],
      );
      const finished = () =>
        live.rows<{ state: string; result: object }>(
          'select state, result from view_jobs where id = $1 and finished_at is not null',
          [job?.id],
        );
      await until(async () => (await finished()).length > 0);
      return (await finished())[0];
    };

    const family = newId();
    const start = async (documents?: readonly DocumentView[]) => {
      const sales = ids.map((id, index) => moved(index + 1, id));
      const customers = [anna, ben].map((id, index) => recorded(index + 1, 'Joined', id, { household: family }));
      const feeds = { sales: feedOf('sales', [sales]), customers: feedOf('customers', [customers]) };
      const runner = live.runner(documents);
      running = runner.run((service) => feeds[service as 'sales'], runner.names, stop.signal);
      await passed(live.pool, [checkpointOf(balances)], 'sales', sales.length, 10_000);
      await passed(live.pool, [checkpointOf(memberships)], 'customers', customers.length, 10_000);
    };

    it('is the same as one rendered anew, and is found to be missing where it is', async () => {
      await start();
      expect(await ask('verify')).toMatchObject({ state: 'done', result: { rows: 3, different: 0, broken: 0 } });
      const content = await live.content();
      await live.pool.query('delete from household_v1 where id = $1', [family]);
      expect(await ask('verify')).toMatchObject({ result: { rows: 2, different: 1 } });
      expect(await ask('rebuild')).toMatchObject({ result: { different: 1 } });
      expect(await live.content()).toEqual(content);
    });

    it('is asked whose the touched keys are also where these could be no documents', async () => {
      await start([byMember]);
      const content = await live.content();
      await live.pool.query(
        `insert into broken_keys (view, key, position, error) values ('household_v1', $1, 0, '22P02')`,
        [`member:${anna}`],
      );
      expect(await ask('verify')).toMatchObject({ state: 'done', result: { different: 0, broken: 1 } });
      expect(await ask('mend')).toMatchObject({ state: 'done', result: { different: 0, broken: 0 } });
      await live.pool.query('delete from household_v1 where id = $1', [family]);
      expect(await ask('verify')).toMatchObject({ result: { different: 1, broken: 0 } });
      expect(await ask('rebuild')).toMatchObject({ result: { rows: 3, different: 1, broken: 0 } });
      expect(await live.rows('select key from broken_keys')).toEqual([]);
      expect(await live.content()).toEqual(content);
    });
  });
});
