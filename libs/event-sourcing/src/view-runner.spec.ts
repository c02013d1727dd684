import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import type { Recorded } from '@throughline/contracts';
import { Everything, balances, cards, everything, holders, log, moves, seen, views } from '../test/bank.ts';
import { feedOf, recorded, testGeneration, until } from '../test/events.ts';
import { ViewRunner, checkpointOf, newId, passed, takeCheckpoint, type Checkpoint } from './index.ts';

let live: Awaited<ReturnType<typeof views>>;
let reference: Awaited<ReturnType<typeof views>>;
beforeAll(async () => {
  [live, reference] = await Promise.all([views(), views()]);
});
afterAll(() => Promise.all([live.drop(), reference.drop()]));
beforeEach(async () => {
  log.length = 0;
  await Promise.all([live.empty(), reference.empty()]);
});

/** Follows one feed batch by batch, as the runtime would, but without waiting. */
async function deliver(runner: ViewRunner, feed: 'sales' | 'customers', batches: readonly (readonly Recorded[])[]) {
  const group = runner.foldsOf(feed);
  let checkpoints: Checkpoint[] = [];
  for (const { table } of group) checkpoints.push(await takeCheckpoint(live.pool, checkpointOf(table.fold), feed));
  for (const events of batches) checkpoints = await runner.apply(group, events, testGeneration, checkpoints);
}

/** The same views, folded at once from position 0. */
async function rebuilt(sales: readonly Recorded[], customers: readonly Recorded[]) {
  const runner = reference.runner();
  for (const [feed, events] of [
    ['sales', sales],
    ['customers', customers],
  ] as const) {
    const group = runner.foldsOf(feed);
    const checkpoints: Checkpoint[] = [];
    for (const { table } of group)
      checkpoints.push(await takeCheckpoint(reference.pool, checkpointOf(table.fold), feed));
    await runner.apply(group, events, testGeneration, checkpoints);
  }
  return reference.content();
}

/** What the queue of changes and the documents say of each other: nothing where they agree. */
const disagreements = () =>
  live.rows(
    `select r.key, r.rev, c.rev as queued, d.rev as shown from document_revisions r
     left join ${cards.table}_changes c on c.id = r.key left join ${cards.table} d on d.id = r.key
     where c.rev is distinct from r.rev or (d.id is not null and d.rev <> r.rev)`,
  );

const ids = Array.from({ length: 5 }, () => newId());
const anId = fc.constantFrom(...ids);
const aSale = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ id: anId, type: fc.constant('Moved'), amount: fc.integer({ min: -50, max: 50 }) }),
  },
  { weight: 2, arbitrary: fc.record({ id: anId, type: fc.constant('Undone') }) },
  { weight: 1, arbitrary: fc.record({ id: anId, type: fc.constant('Closed') }) },
  { weight: 1, arbitrary: fc.record({ id: anId, type: fc.constant('NotOfAnyView') }) },
);
const aName = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ id: anId, type: fc.constant('Named'), name: fc.constantFrom('王伟', 'Zoë', '') }),
  },
  { weight: 1, arbitrary: fc.record({ id: anId, type: fc.constant('Left') }) },
);
const numbered = (events: readonly { id: string; type: string }[]) =>
  events.map(({ id, type, ...data }, index) => recorded(3 * index + 1, type, id, data));

/** Cuts of a log into batches, each of which may begin again with what the one before had already brought. */
const cutsOf = (length: number) =>
  fc.array(fc.record({ size: fc.integer({ min: 1, max: 9 }), again: fc.integer({ min: 0, max: 4 }) }), {
    minLength: length,
    maxLength: length,
  });
function cut(events: readonly Recorded[], cuts: readonly { size: number; again: number }[]) {
  const batches: Recorded[][] = [];
  for (let from = 0, turn = 0; from < events.length; turn += 1) {
    const { size, again } = cuts[turn] ?? { size: 1, again: 0 };
    batches.push(events.slice(Math.max(0, from - again), from + size));
    from += size;
  }
  return batches;
}

describe('a view', () => {
  it('is the same however its logs are cut, brought again and interleaved', async () => {
    const logs = fc.record({
      sales: fc.array(aSale, { minLength: 1, maxLength: 40 }).map(numbered),
      customers: fc.array(aName, { minLength: 1, maxLength: 15 }).map(numbered),
      salesCuts: cutsOf(40),
      customersCuts: cutsOf(15),
    });
    const property = fc.asyncProperty(logs, async ({ sales, customers, salesCuts, customersCuts }) => {
      await Promise.all([live.empty(), reference.empty()]);
      await Promise.all([
        deliver(live.runner(), 'sales', cut(sales, salesCuts)),
        deliver(live.runner(), 'customers', cut(customers, customersCuts)),
      ]);
      expect(await live.content()).toEqual(await rebuilt(sales, customers));
      expect(await disagreements()).toEqual([]);
      expect(await live.rows('select * from broken_keys')).toEqual([]);
    });
    await fc.assert(property, { numRuns: 30, endOnFailure: true });
  });

  it('keeps every value as it was, in every kind of column', async () => {
    const row: Omit<Everything, 'id'> = {
      document: { b: [1, null, { deep: '\\u0000 "quoted" 王' }], a: 1.5, no: false },
      amount: '-12345678901234567890.000000001',
      at: '2026-03-29T01:59:59.123Z',
      day: '0044-02-29',
      flag: false,
      tags: ['', 'a,b', '{c}', '"d"', '\\e', 'NULL', '王'],
      big: 9_007_199_254_740_991,
      ratio: 0.1,
      times: ['1899-12-31T23:59:59.999Z', '0044-03-15T00:00:00.120Z', 'infinity'],
      amounts: ['1.10', '-0.00000001'],
      nothing: null,
    };
    const id = newId();
    seen.length = 0;
    await deliver(live.runner(), 'sales', [[recorded(1, 'Set', id, { row })], [recorded(2, 'Looked', id)]]);
    expect(seen).toEqual([{ id, ...row }]);
  });
});

describe('a fold that cannot go on', () => {
  const [good, bad] = [newId(), newId()];
  const totals = async () =>
    new Map(
      (await live.rows<{ id: string; total: string }>('select id, total from balance_v1')).map((r) => [r.id, r.total]),
    );

  it('breaks only its key; later events of it are left out until the mark is gone', async () => {
    const runner = live.runner();
    const group = runner.foldsOf('sales');
    let checkpoints: Checkpoint[] = [];
    for (const { table } of group) checkpoints.push(await takeCheckpoint(live.pool, checkpointOf(table.fold), 'sales'));
    const next = async (...events: Recorded[]) => {
      checkpoints = await runner.apply(group, events, testGeneration, checkpoints);
    };
    await next(recorded(1, 'Moved', good, { amount: 1 }), recorded(2, 'Moved', bad, { amount: 1 }));
    await next(recorded(3, 'Spoilt', bad), recorded(4, 'Moved', good, { amount: 1 }));
    await next(recorded(5, 'Moved', bad, { amount: 1 }), recorded(6, 'Moved', good, { amount: 1 }));
    expect(await totals()).toEqual(
      new Map([
        [good, '3.00'],
        [bad, '1.00'],
      ]),
    );
    expect(await live.rows('select view, key, position, error from broken_keys')).toEqual([
      { view: 'balance_v1', key: bad, position: '3', error: 'TypeError' },
    ]);
    // Other views of the same key are not concerned.
    expect(await live.rows('select from move_v1 where account = $1', [bad])).toHaveLength(2);

    await live.pool.query('delete from broken_keys');
    await next(recorded(7, 'Moved', bad, { amount: 5 }));
    expect((await totals()).get(bad)).toBe('6.00');
  });

  it('stays broken for the next process', async () => {
    await deliver(live.runner(), 'sales', [[recorded(1, 'Moved', bad, { amount: 1 }), recorded(2, 'Spoilt', bad)]]);
    await deliver(live.runner(), 'sales', [[recorded(3, 'Moved', bad, { amount: 1 })]]);
    expect((await totals()).get(bad)).toBeUndefined();
  });

  it('because its table cannot hold the row breaks only its key', async () => {
    const others = Array.from({ length: 30 }, () => newId());
    const events = others.map((id, index) => recorded(index + 1, 'Moved', id, { amount: 1 }));
    events.splice(17, 0, recorded(100, 'Moved', bad, { amount: 1e9 }));
    events.splice(5, 0, recorded(101, 'Moved', good, { amount: 1, note: 'a\u0000b' }));
    events.sort((a, b) => a.position - b.position);
    await deliver(live.runner(), 'sales', [events]);
    expect((await totals()).size).toBe(30);
    expect(await live.rows('select key, error from broken_keys order by position')).toEqual([
      { key: bad, error: '22003' },
      { key: good, error: '22021' },
    ]);
    expect(await live.rows(`select from card_v1`)).toHaveLength(30);
    expect(JSON.stringify(log)).not.toContain('a\\u0000b');
  });

  it('because a document cannot be rendered breaks only that document', async () => {
    await deliver(live.runner(), 'customers', [
      [recorded(1, 'Named', good, { name: 'Zoë' }), recorded(2, 'Named', bad, { name: 'unprintable' })],
      [recorded(3, 'Named', bad, { name: 'unprintable' }), recorded(4, 'Named', good, { name: 'Zoé' })],
    ]);
    expect(await live.rows(`select doc->>'name' as name from card_v1`)).toEqual([{ name: 'Zoé' }]);
    expect(await live.rows('select view, key, error from broken_keys')).toEqual([
      { view: 'card_v1', key: bad, error: 'RangeError' },
    ]);
    expect(await live.rows('select from holder_v1')).toHaveLength(2);
  });
});

describe('a document view', () => {
  it('that is new over old folds is rendered whole, once', async () => {
    const many = Array.from({ length: 1_200 }, (_, index) => recorded(index + 1, 'Moved', newId(), { amount: index }));
    await deliver(live.runner([]), 'sales', [many]);
    expect(await live.rows('select from card_v1')).toHaveLength(0);
    const revisions = () => live.rows('select distinct rev from card_v1_changes');
    const rendered: object[][] = [];
    for (let round = 0; round < 2; round += 1) {
      const stop = new AbortController();
      const running = live.runner().run((service) => feedOf(service as 'sales', []), live.runner().names, stop.signal);
      await until(
        async () =>
          (await live.rows(`select from checkpoints where subscription = 'view:card_v1'`)).length > 0 &&
          (await live.rows('select from foreign_touches')).length === 0,
      );
      stop.abort();
      await running;
      rendered.push(await revisions());
    }
    expect(await live.content()).toEqual(await rebuilt(many, []));
    expect(rendered[1]).toEqual(rendered[0]);
  });
});

describe('a runner', () => {
  it('whose checkpoint was taken over changes nothing', async () => {
    const runner = live.runner();
    const group = runner.foldsOf('sales');
    const checkpoints: Checkpoint[] = [];
    for (const { table } of group) checkpoints.push(await takeCheckpoint(live.pool, checkpointOf(table.fold), 'sales'));
    // Only the last of its tables has a new holder, and yet none of them may move.
    await takeCheckpoint(live.pool, checkpointOf(everything), 'sales');
    const before = await live.content();
    const events = [recorded(1, 'Moved', newId(), { amount: 1 })];
    await expect(runner.apply(group, events, testGeneration, checkpoints)).rejects.toThrow(
      'view:everything_v1 on sales',
    );
    expect(await live.content()).toEqual(before);
    expect(await live.rows('select from checkpoints where position > 0')).toEqual([]);
  });

  it('whose connections are killed again and again folds every event exactly once', async () => {
    const sales = Array.from({ length: 3_000 }, (_, index) =>
      recorded(index + 1, 'Moved', ids[index % ids.length] as string, { amount: 1 }),
    );
    const customers = Array.from({ length: 300 }, (_, index) =>
      recorded(index + 1, 'Named', ids[index % ids.length] as string, { name: `n${index}` }),
    );
    const inBatches = (events: readonly Recorded[], size: number) =>
      Array.from({ length: Math.ceil(events.length / size) }, (_, index) =>
        events.slice(index * size, (index + 1) * size),
      );
    const pool = new pg.Pool({ connectionString: live.url, application_name: 'runner', max: 4 });
    pool.on('error', () => undefined);
    const stop = new AbortController();
    const feeds = {
      sales: feedOf('sales', inBatches(sales, 40)),
      customers: feedOf('customers', inBatches(customers, 10)),
    };
    const runner = live.runner([cards], pool);
    const running = runner.run((service) => feeds[service as 'sales'], runner.names, stop.signal);
    let killed = 0;
    for (let round = 0; round < 6; round += 1) {
      await sleep(100 + 50 * round);
      const { rowCount } = await live.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'runner' and state <> 'idle'`,
      );
      killed += rowCount ?? 0;
    }
    const all = [balances, moves].map(checkpointOf);
    expect(await passed(live.pool, all, 'sales', 3_000, 20_000)).toBe(true);
    expect(await passed(live.pool, [checkpointOf(holders)], 'customers', 300, 20_000)).toBe(true);
    stop.abort();
    await running;
    await pool.end();
    expect(killed).toBeGreaterThan(0);
    expect(await live.content()).toEqual(await rebuilt(sales, customers));
  });
});
