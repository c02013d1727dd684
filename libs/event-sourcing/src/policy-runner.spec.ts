import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Recorded } from '@throughline/contracts';
import { account, accountEvents, person, type AccountCommand } from '../test/account.ts';
import { background } from '../test/background.ts';
import { freshStore } from '../test/database.ts';
import { feedOf, openCodec, recorded, testGeneration, until } from '../test/events.ts';
import {
  DeadLetters,
  Operations,
  moveCheckpoint,
  newId,
  runInContext,
  runPolicy,
  takeCheckpoint,
  type Policy,
} from './index.ts';

let kernel: Awaited<ReturnType<typeof freshStore>>;
beforeAll(async () => {
  kernel = await freshStore(accountEvents);
});
afterAll(() => kernel.drop());

const beside = background();

type Handler = (event: Recorded) => Promise<void>;
const policyOf = (name: string, handler: Handler, from: Policy['from'] = 'beginning'): Policy => ({
  name,
  from,
  entry: 'policy',
  handlers: new Map([['Happened', handler]]),
});
const happened = (position: number, key: string) => recorded(position, 'Happened', key);

/** Runs a policy over the batches until it has passed the last of them. */
async function run(policy: Policy, ...batches: (readonly Recorded[])[]) {
  const last = Math.max(...batches.flat().map(({ position }) => position));
  const running = runPolicy(
    policy,
    { feed: feedOf('sales', batches), codec: openCodec, pool: kernel.pool, log: beside.log },
    beside.signal,
  );
  await until(async () => (await checkpointOf(policy)) >= last);
  await beside.end(running);
}
const checkpointOf = async (policy: Policy) => {
  const { rows } = await kernel.pool.query<{ position: string }>(
    'select position from checkpoints where subscription = $1',
    [`policy:${policy.name}`],
  );
  return Number(rows[0]?.position ?? -1);
};
/** As after a crash between the reaction and the checkpoint. */
const forget = (policy: Policy) =>
  kernel.pool.query('update checkpoints set position = 0 where subscription = $1', [`policy:${policy.name}`]);
const letters = async (policy: Policy) =>
  (
    await kernel.pool.query<{ letter: string }>(
      `select position || ' ' || error as letter from dead_letters where policy = $1 order by position`,
      [policy.name],
    )
  ).rows.map(({ letter }) => letter);

const execute = (id: string, command: AccountCommand) => kernel.commands.execute(account, id, command);
const opened = async () => {
  const id = newId();
  await runInContext(person, () => execute(id, { type: 'OpenAccount', holder: 'h' }));
  return id;
};

/** Runs it over the batches, on and on, until the test stops it. */
function keepRunning(policy: Policy, ...batches: (readonly Recorded[])[]) {
  const feed = feedOf('sales', batches);
  return runPolicy(policy, { feed, codec: openCodec, pool: kernel.pool, log: beside.log }, beside.signal);
}
const deadLetters = () => new DeadLetters(kernel.pool);
const openLetters = async (policy: Policy) =>
  (await deadLetters().list(['parked', 'retrying'], 1_000)).filter((letter) => letter.policy === policy.name);

describe('a policy', () => {
  it('changes nothing when an event is brought again after the state moved on', async () => {
    const [a, b] = [await opened(), await opened()];
    let bonus = 10;
    const todo = [a, b];
    const policy = policyOf('bonus', async () => {
      // What is left to do, and how much, comes from what it sees by now.
      for (const id of todo) {
        await execute(id, { type: 'MoveMoney', amount: bonus });
        await execute(id, { type: 'ChangeAccount', changes: { colour: `c${bonus}` } });
      }
    });
    await run(policy, [happened(1, newId())]);
    await runInContext(person, () => execute(a, { type: 'CloseAccount' }));
    bonus = 99;
    await forget(policy);
    await run(policy, [happened(1, '00000000-0000-7000-8000-00000000000a')]);
    todo.shift();
    await forget(policy);
    await run(policy, [happened(1, '00000000-0000-7000-8000-00000000000a')]);
    expect(await letters(policy)).toEqual([]);
    expect((await kernel.commands.load(account, a)).version).toBe(4);
    expect((await kernel.commands.load(account, b)).state).toMatchObject({ balance: 10, colour: 'c10' });
    expect((await kernel.commands.load(account, b)).version).toBe(3);
  });

  it('keeps the order within a key, and does not let keys wait for each other', async () => {
    const [slow, fast] = [newId(), newId()];
    const order: string[] = [];
    const policy = policyOf('orderly', async ({ position, stream }) => {
      if (stream.id === slow) await sleep(30);
      order.push(`${stream.id === slow ? 'slow' : 'fast'} ${position}`);
    });
    await run(
      policy,
      [happened(1, slow), happened(2, fast), happened(3, slow), happened(4, fast)],
      [happened(5, slow)],
    );
    expect(order.filter((entry) => entry.startsWith('slow'))).toEqual(['slow 1', 'slow 3', 'slow 5']);
    expect(order.slice(0, 2)).toEqual(['fast 2', 'fast 4']);
  });

  it('parks an event that its handler throws at, and all later ones of the key, while other keys go on', async () => {
    const [bad, good] = [newId(), newId()];
    const handled: number[] = [];
    const policy = policyOf('parking', async ({ position }) => {
      if (position === 3) throw new TypeError('a bug');
      handled.push(position);
    });
    const first = [happened(1, bad), happened(2, good), happened(3, bad), happened(4, bad), happened(5, good)];
    await run(policy, first, [happened(6, bad), happened(7, good)]);
    expect(new Set(handled)).toEqual(new Set([1, 2, 5, 7]));
    const parked = ['3 TypeError', '4 waits-behind', '6 waits-behind'];
    expect(await letters(policy)).toEqual(parked);
    expect(beside.lines.map(({ level, message }) => `${level} ${message}`)).toEqual(['error policy failed']);

    // Brought again, what was handled before the fault is handled again, and not parked.
    await forget(policy);
    await run(policy, first, [happened(6, bad), happened(7, good)]);
    expect(await letters(policy)).toEqual(parked);
  });

  it('parks by the code of a refusal, and also what is thrown without being an error', async () => {
    const broke = await opened();
    const policy = policyOf('refused', async ({ position }) => {
      if (position === 1) await execute(broke, { type: 'MoveMoney', amount: -1 });
      else throw undefined;
    });
    await run(policy, [happened(1, newId()), happened(2, newId())]);
    expect(await letters(policy)).toEqual(['1 overdrawn', '2 Error']);
  });

  it.each(['ECONNRESET', '57P01', '40P01', 'too-busy'])(
    'tries again and parks nothing after the transient fault %s',
    async (code) => {
      let faults = 1;
      const handled: number[] = [];
      const policy = policyOf(`transient ${code}`, async ({ position }) => {
        if (position === 2 && faults-- > 0) throw Object.assign(new Error('away'), { code });
        handled.push(position);
      });
      await run(policy, [happened(1, newId()), happened(2, newId())]);
      expect(handled.at(-1)).toBe(2);
      expect(await letters(policy)).toEqual([]);
      expect(beside.lines).toMatchObject([{ level: 'warn', message: 'subscription waits' }]);
    },
  );

  it('that is new starts from now, or from the beginning where told so', async () => {
    const past = [happened(1, newId()), happened(2, newId())];
    const handled: string[] = [];
    const policies = (['now', 'beginning'] as const).map((from) =>
      policyOf(`from ${from}`, async ({ position }) => void handled.push(`${from} ${position}`), from),
    );
    for (const policy of policies) await run(policy, past);
    expect(handled).toEqual(['beginning 1', 'beginning 2']);
    // Only a new one: from then on it goes on from where it stood.
    for (const policy of policies) await run(policy, [...past, happened(3, newId())]);
    expect(handled.slice(2)).toEqual(['now 3', 'beginning 3']);
  });

  it('that was deposed goes on from where the other one left the checkpoint', async () => {
    const policy = policyOf('deposed', async () => {
      const taken = await takeCheckpoint(kernel.pool, 'policy:deposed', 'sales');
      await moveCheckpoint(kernel.pool, taken, 5, testGeneration);
    });
    const running = keepRunning(policy, [happened(1, newId())], [happened(5, newId())]);
    await until(async () => beside.lines.length > 0 && (await checkpointOf(policy)) === 5);
    expect(beside.lines).toMatchObject([{ level: 'warn', message: 'subscription waits' }]);
    await beside.end(running);
  });

  it('goes on from where an operator moves its checkpoint, although nothing happens', async () => {
    const key = newId();
    const handled: number[] = [];
    const policy = policyOf('moved back', async ({ position }) => void handled.push(position));
    const running = keepRunning(policy, [happened(1, key), happened(2, key)]);
    await until(async () => (await checkpointOf(policy)) === 2);
    await new Operations(kernel.pool).resume('policy:moved back', 'sales', () => Promise.resolve(0));
    await until(async () => (await checkpointOf(policy)) === 2);
    expect(handled).toEqual([1, 2, 1, 2]);
    await beside.end(running);
  });

  it('handles what was parked in its order once an operator asks, and then what comes after', async () => {
    const [bad, good] = [newId(), newId()];
    let mended = false;
    const handled: number[] = [];
    const policy = policyOf('mended', async ({ position }) => {
      if (position === 3 && !mended) throw new TypeError('a bug');
      handled.push(position);
    });
    const batches = [[happened(1, bad), happened(2, good), happened(3, bad), happened(4, bad)], [happened(5, bad)]];
    const running = keepRunning(policy, ...batches);
    await until(async () => (await checkpointOf(policy)) === 5);
    const [first, second] = await openLetters(policy);
    await expect(deadLetters().retry(second?.id ?? 0)).rejects.toMatchObject({ code: 'dead-letter-not-first' });

    await deadLetters().retry(first?.id ?? 0);
    await until(async () => (await openLetters(policy))[0]?.attempts === 2);
    expect((await openLetters(policy)).map(({ position, state }) => `${position} ${state}`)).toEqual([
      '3 parked',
      '4 parked',
      '5 parked',
    ]);
    mended = true;
    await deadLetters().retry(first?.id ?? 0);
    await until(async () => (await openLetters(policy)).length === 0);
    expect(handled).toEqual([1, 2, 3, 4, 5]);
    await expect(deadLetters().retry(first?.id ?? 0)).rejects.toMatchObject({ code: 'dead-letter-settled' });
    await beside.end(running);
  });

  it('lets go of what an operator discards, says who and why, and handles those behind it', async () => {
    const bad = newId();
    const handled: number[] = [];
    const policy = policyOf('discarding', async ({ position }) => {
      if (position === 1) throw new TypeError('a bug');
      handled.push(position);
    });
    const running = keepRunning(policy, [happened(1, bad), happened(2, bad)]);
    await until(async () => (await openLetters(policy)).length === 2);
    const [first] = await openLetters(policy);
    await deadLetters().discard(first?.id ?? 0, 'user:u1', 'a test order');
    await until(() => handled.length === 1);
    await beside.end(running);
    const [discarded] = await deadLetters().list(['discarded'], 10);
    expect(discarded).toMatchObject({ position: 1, settledBy: 'user:u1', reason: 'a test order', state: 'discarded' });

    // Brought again, it stays discarded.
    await forget(policy);
    await run(policy, [happened(1, bad), happened(2, bad)]);
    expect(handled).toEqual([2, 2]);
    expect(await openLetters(policy)).toEqual([]);
  });

  it('parks nothing but stands still, visibly, while many keys fail at once', async () => {
    let broken = true;
    const handled: number[] = [];
    const policy = policyOf('outage', async ({ position }) => {
      if (broken) throw new TypeError('the service behind it is gone');
      handled.push(position);
    });
    const many = Array.from({ length: 12 }, (_, index) => happened(index + 1, newId()));
    const running = keepRunning(policy, many);
    const faults = async () =>
      (
        await kernel.pool.query<{ code: string }>(
          `select code from subscription_faults where subscription = 'policy:outage'`,
        )
      ).rows.map(({ code }) => code);
    await until(async () => (await faults()).length > 0);
    expect(await faults()).toEqual(['breaker-open']);
    expect(await openLetters(policy)).toEqual([]);
    expect(await checkpointOf(policy)).toBe(0);
    broken = false;
    await beside.end(running);
    await run(policy, many);
    expect(handled).toHaveLength(12);
    expect(await faults()).toEqual([]);
  });
});
