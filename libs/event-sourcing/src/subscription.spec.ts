import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountEvents } from '../test/account.ts';
import { appendOf } from '../test/appends.ts';
import { background } from '../test/background.ts';
import { freshStore } from '../test/database.ts';
import { feedOf, openCodec, recorded, until } from '../test/events.ts';
import {
  Codec,
  Deposed,
  StoreFeed,
  follow,
  moveCheckpoint,
  Operations,
  newId,
  passed,
  takeCheckpoint,
  type Checkpoint,
  type SubscriptionOptions,
} from './index.ts';

let kernel: Awaited<ReturnType<typeof freshStore>>;
beforeAll(async () => {
  kernel = await freshStore(accountEvents);
});
afterAll(() => kernel.drop());

const beside = background();

/** Follows the store and collects the types of what it is given, with a checkpoint in the database. */
function following(name: string, overrides: Partial<SubscriptionOptions> = {}) {
  const applied: string[] = [];
  let checkpoint: Checkpoint;
  const ended = follow(
    {
      subscriptions: [name],
      feed: new StoreFeed('sales', kernel.store),
      codec: kernel.codec,
      pool: kernel.pool,
      log: beside.log,
      limit: 100,
      begin: async () => (checkpoint = await takeCheckpoint(kernel.pool, name, 'sales')),
      apply: async (events, generation) => {
        checkpoint = await moveCheckpoint(kernel.pool, checkpoint, events.at(-1)?.position ?? 0, generation);
        applied.push(...events.map(({ type }) => type));
      },
      ...overrides,
    },
    beside.signal,
  );
  return { applied, ended };
}
const positionOf = async (name: string) => (await takeCheckpoint(kernel.pool, name, 'sales')).position;

describe('a checkpoint', () => {
  const generation = '11111111-1111-4111-8111-111111111111';

  it('moves only for the one who took it last', async () => {
    const first = await takeCheckpoint(kernel.pool, 'c1', 'sales', 7);
    expect(first).toMatchObject({ position: 7, epoch: 1, generation: null });
    const moved = await moveCheckpoint(kernel.pool, first, 9, generation);
    const second = await takeCheckpoint(kernel.pool, 'c1', 'sales', 1_000);
    expect(second).toMatchObject({ position: 9, epoch: 2, generation });
    await expect(moveCheckpoint(kernel.pool, moved, 10, generation)).rejects.toThrow(Deposed);
    expect(await moveCheckpoint(kernel.pool, second, 10, generation)).toMatchObject({ position: 10 });
  });

  it('moves once, also where its holder tries to move it twice', async () => {
    const taken = await takeCheckpoint(kernel.pool, 'c2', 'sales');
    const moves = await Promise.allSettled([1, 2, 3].map((to) => moveCheckpoint(kernel.pool, taken, to, generation)));
    expect(moves.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is waited for no longer than anybody wants to know', async () => {
    const stop = new AbortController();
    const waiting = passed(kernel.pool, ['c0'], 'sales', 5, 600_000, stop.signal);
    stop.abort();
    expect(await waiting).toBe(false);
  });

  it('is one a feed', async () => {
    await moveCheckpoint(kernel.pool, await takeCheckpoint(kernel.pool, 'c3', 'sales'), 5, generation);
    expect(await takeCheckpoint(kernel.pool, 'c3', 'customers')).toMatchObject({ position: 0 });
    expect(await passed(kernel.pool, ['c3'], 'sales', 5, 0)).toBe(true);
    expect(await passed(kernel.pool, ['c3'], 'customers', 5, 0)).toBe(false);
    expect(await passed(kernel.pool, ['c3', 'unheard of'], 'sales', 5, 30)).toBe(false);
  });
});

describe('a subscription', () => {
  it('stops before an event that this release does not know, and goes on with a release that does', async () => {
    const old = new Codec({ MoneyMoved: accountEvents.MoneyMoved }, kernel.keyring);
    const begun = await kernel.store.append(appendOf([{ id: newId() }]));
    const early = following('unknown', { codec: old });
    await until(() => early.applied.length === 1);
    await kernel.store.append(appendOf([{ id: newId(), events: [{ type: 'AccountClosed' }] as never }]));
    await kernel.store.append(appendOf([{ id: newId() }]));
    await until(() => beside.lines.length > 0);
    expect(beside.lines[0]).toMatchObject({
      level: 'error',
      message: 'subscription stopped',
      details: { subscription: 'unknown' },
    });
    expect(beside.lines[0]?.details['error']).toMatch(/unknown event AccountClosed v1.*too old/);
    await beside.end(early.ended);
    expect(early.applied).toEqual(['MoneyMoved']);
    expect(await positionOf('unknown')).toBe(begun.position);

    const upgraded = following('unknown');
    await until(() => upgraded.applied.length === 2);
    expect(upgraded.applied).toEqual(['AccountClosed', 'MoneyMoved']);
  });

  it('brings what stands before an unknown event in the same batch, and nothing of what stands behind it', async () => {
    const ids = [newId(), newId(), newId(), newId()];
    const before = await kernel.store.append(appendOf(ids.slice(0, 2).map((id) => ({ id }))));
    await kernel.store.append(
      appendOf([{ id: ids[2]!, events: [{ type: 'AccountAbsorbed', into: ids[0] } as never] }]),
    );
    await kernel.store.append(appendOf([{ id: ids[3]! }]));
    const { AccountAbsorbed: _, ...known } = accountEvents;
    const early = following('one batch', { codec: new Codec(known, kernel.keyring) });
    await until(() => beside.lines.length > 0);
    await beside.end(early.ended);
    expect(beside.lines.map(({ details }) => details['error'])).toEqual([
      'Error: unknown event AccountAbsorbed v1: this release is too old to read it',
    ]);
    expect(await positionOf('one batch')).toBe(before.position);
    expect(early.applied.slice(-2)).toEqual(['MoneyMoved', 'MoneyMoved']);

    const upgraded = following('one batch');
    await until(() => upgraded.applied.length === 2);
    expect(upgraded.applied).toEqual(['AccountAbsorbed', 'MoneyMoved']);
  });

  it('waits out a fault that goes away, and brings nothing twice', async () => {
    let faults = 2;
    await moveCheckpoint(
      kernel.pool,
      await takeCheckpoint(kernel.pool, 'faulty', 'sales'),
      0,
      await kernel.store.generation(),
    );
    const seen: number[] = [];
    let checkpoint: Checkpoint;
    following('faulty', {
      begin: async () => (checkpoint = await takeCheckpoint(kernel.pool, 'faulty', 'sales')),
      apply: async (events, generation) => {
        if (faults-- > 0) throw Object.assign(new Error('server is going down'), { code: '57P01' });
        checkpoint = await moveCheckpoint(kernel.pool, checkpoint, events.at(-1)?.position ?? 0, generation);
        seen.push(...events.map(({ position }) => position));
      },
    });
    await until(() => seen.length > 0);
    expect(new Set(seen).size).toBe(seen.length);
    expect(beside.lines.map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn subscription waits',
      'warn subscription waits',
    ]);
  });

  it('drops what is at or below the place where it stands', async () => {
    const [a, b, c, d] = [1, 2, 3, 4].map((position) => recorded(position, 'MoneyMoved', newId()));
    const positions: number[] = [];
    following('dropping', {
      feed: feedOf(
        'sales',
        [
          [a!, b!],
          [a!, b!, c!],
          [b!, c!],
          [c!, d!],
        ].map((batch) => [...batch]),
      ),
      codec: openCodec,
      begin: () => Promise.resolve({ position: 1, generation: null }),
      apply: async (events) => void positions.push(...events.map(({ position }) => position)),
    });
    await until(() => positions.includes(4));
    expect(positions).toEqual([2, 3, 4]);
  });

  it('goes on from where another one left the checkpoint, where it was deposed', async () => {
    const { applied } = following('deposed');
    await until(() => applied.length > 0);
    const before = applied.length;
    await takeCheckpoint(kernel.pool, 'deposed', 'sales');
    await kernel.store.append(appendOf([{ id: newId() }]));
    await until(() => applied.length > before);
    expect(applied.length).toBe(before + 1);
    expect(beside.lines.map(({ level }) => level)).toEqual(['warn']);
  });

  it('stops where the store was restored, and says so', async () => {
    const one = following('restored');
    await until(() => one.applied.length > 0);
    await beside.end(one.ended);
    await kernel.pool.query('update store set generation = gen_random_uuid()');
    // Also before anything is appended to it.
    const other = following('restored');
    await until(() => beside.lines.length > 0);
    await kernel.store.append(appendOf([{ id: newId() }]));
    await sleep(50);
    expect(beside.lines[0]).toMatchObject({ level: 'error' });
    expect(beside.lines[0]?.details['error']).toMatch(/restored.*must be rebuilt/);
    expect(other.applied).toEqual([]);
    // It ends where it is told to, also in its long pause.
    await beside.end(other.ended);
    const operations = new Operations(kernel.pool);
    const faultOf = async () =>
      (await operations.subscriptions()).find(({ subscription }) => subscription === 'restored')?.fault;
    expect(await faultOf()).toMatchObject({ code: 'generation-changed' });

    await operations.resume('restored', 'sales', () => new StoreFeed('sales', kernel.store).head());
    following('restored');
    await until(async () => (await faultOf()) === null);
  });
});
