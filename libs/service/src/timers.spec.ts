import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eachOf, newId } from '@throughline/event-sourcing';
import { openBells } from '../test/bells.ts';
import { dropDatabases, eventually, testConfig } from './testing.ts';
import type { DueTimer } from './timers.ts';

jest.setTimeout(90_000);
const config = testConfig();
let bells: Awaited<ReturnType<typeof openBells>>;
let other: Awaited<ReturnType<typeof openBells>>;
beforeAll(async () => {
  [bells, other] = await Promise.all([openBells(config), openBells(config)]);
});
afterAll(async () => {
  await bells.close();
  await other.close();
  await dropDatabases(config);
});

let stop: AbortController;
let running: Promise<void>[];
const children: ChildProcess[] = [];
beforeEach(async () => {
  [stop, running] = [new AbortController(), []];
  await bells.kernel.pool.query('delete from timers.job');
});
afterEach(async () => {
  stop.abort();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await Promise.all(running);
});

const inMilliseconds = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString();
const work = (due: (timer: DueTimer) => Promise<void>, by = bells) => void running.push(by.run(due, stop.signal));
const waiting = async () =>
  Number((await bells.kernel.pool.query<{ count: string }>('select count(*) from timers.job')).rows[0]?.count);
const rings = (key: string, times: number) =>
  eventually(
    () => bells.rung(key),
    (rung) => rung === times,
    60_000,
  );
const settled = () => eventually(waiting, (count) => count === 0, 60_000);

/** A process of its own; answers with what it says. */
function ringing(...args: string[]): { child: ChildProcess; said: string[] } {
  const said: string[] = [];
  const child = spawn(
    process.execPath,
    [
      '--import',
      join(import.meta.dirname, '../../../tools/typescript.mjs'),
      join(import.meta.dirname, '../test/ringing-process.ts'),
      ...args,
    ],
    {
      env: {
        THROUGHLINE_DATABASE_URL: config.databaseUrl,
        THROUGHLINE_DATABASE_PREFIX: config.databasePrefix,
        THROUGHLINE_MASTER_KEY: config.masterKey,
      },
    },
  );
  child.stdout.on('data', (lines: Buffer) => said.push(...String(lines).trim().split('\n')));
  children.push(child);
  return { child, said };
}
const says = (said: readonly string[], line: string) =>
  eventually(
    () => Promise.resolve(said),
    (lines) => lines.includes(line),
    30_000,
  );

describe('a timer', () => {
  it('falls due at its instant, with its data, and not before', async () => {
    const key = newId();
    const dueAt = inMilliseconds(2_000);
    const told: DueTimer[] = [];
    work(async (timer) => void told.push(timer));
    await bells.timers.at('bell', key, dueAt, { note: 5 });
    await eventually(
      () => Promise.resolve(told),
      (list) => list.length === 1,
    );
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(dueAt) - 500);
    expect(told).toEqual([{ key, dueAt, data: { note: 5 } }]);
    await settled();
  });

  it('is replaced by another instant, and taken back', async () => {
    const [moved, kept, cancelled] = [newId(), newId(), newId()];
    for (const key of [moved, kept, cancelled]) await bells.timers.at('bell', key, inMilliseconds(-1_000));
    await bells.timers.at('bell', moved, inMilliseconds(3_600_000));
    await other.timers.at('bell', kept, inMilliseconds(-500));
    await bells.timers.cancel('bell', cancelled);
    expect(await waiting()).toBe(2);
    const told: string[] = [];
    work(async ({ key }) => void told.push(key));
    await eventually(waiting, (count) => count === 1);
    expect(told).toEqual([kept]);
  });

  it('that fell due while nobody was there falls due afterwards', async () => {
    const key = newId();
    await bells.timers.at('bell', key, inMilliseconds(200));
    await sleep(1_000);
    expect(await bells.rung(key)).toBe(0);
    work(async (timer) => bells.ring(timer.key));
    await rings(key, 1);
  });

  it('takes effect once, however often it is scheduled and told, and again for another instant', async () => {
    const key = newId();
    const dueAt = inMilliseconds(-1_000);
    work(async (timer) => bells.ring(timer.key));
    for (let time = 0; time < 3; time += 1) {
      await bells.timers.at('bell', key, dueAt);
      await settled();
    }
    expect(await bells.rung(key)).toBe(1);
    await bells.timers.at('bell', key, inMilliseconds(-500));
    await rings(key, 2);
  });

  it('is one of a thousand that are due at once, with two at work, and each takes effect once', async () => {
    const keys = Array.from({ length: 1_000 }, () => newId());
    await eachOf(keys, 8, async (key) => bells.timers.at('bell', key, inMilliseconds(-1_000)));
    const by = { one: 0, two: 0 };
    work(async ({ key }) => ((by.one += 1), bells.ring(key)));
    work(async ({ key }) => ((by.two += 1), other.ring(key)), other);
    await settled();
    const { rows } = await bells.kernel.pool.query<{ streams: number; events: number }>(
      `select count(distinct stream_id)::int as streams, count(*)::int as events from events where stream_id = any($1)`,
      [keys],
    );
    expect(rows).toEqual([{ streams: 1_000, events: 1_000 }]);
    expect(by.one + by.two).toBe(1_000);
    expect(Math.min(by.one, by.two)).toBeGreaterThan(0);
  });
});

describe('a process that rings', () => {
  it('and is killed before it says so is followed by another, and nothing happens twice', async () => {
    const key = newId();
    await bells.timers.at('bell', key, inMilliseconds(-1_000));
    const { child, said } = ringing('hangs');
    await says(said, `rang ${key}`);
    child.kill('SIGKILL');
    expect([await bells.rung(key), await waiting()]).toEqual([1, 1]);
    let again = 0;
    work(async (timer) => {
      again += 1;
      await bells.ring(timer.key);
    });
    // What takes a minute by the clock.
    await bells.kernel.pool.query(`update timers.job set started_on = started_on - interval '2 minutes'`);
    await settled();
    expect([again, await bells.rung(key)]).toEqual([1, 1]);
  });

  it.each([
    ['ahead', 24 * 3_600_000],
    ['behind', -24 * 3_600_000],
  ])('with a clock a day %s rings when it is time', async (_, skew) => {
    const [now, later] = [newId(), newId()];
    await bells.timers.at('bell', now, inMilliseconds(-1_000));
    await bells.timers.at('bell', later, inMilliseconds(3_600_000));
    const { said } = ringing('rings', String(skew));
    await says(said, `rang ${now}`);
    await sleep(2_000);
    expect([await bells.rung(now), await bells.rung(later)]).toEqual([1, 0]);
  });
});

describe('a timer whose handler throws', () => {
  const failing = async () => {
    const key = newId();
    await bells.timers.at('bell', key, inMilliseconds(-1_000));
    // Its last attempt.
    await bells.kernel.pool.query('update timers.job set retry_limit = 1, retry_delay = 1');
    return key;
  };
  const failed = () => bells.timers.failed(10);

  it('is tried again, waits for an operator in the end, and goes on when asked', async () => {
    const key = await failing();
    let broken = true;
    work(async (timer) => {
      if (broken) throw Object.assign(new Error('no'), { code: 'bell-broken' });
      await bells.ring(timer.key);
    });
    const [letter] = await eventually(failed, (list) => list[0]?.state === 'failed', 30_000);
    expect(letter).toMatchObject({ timer: 'bell', key, error: 'bell-broken', attempts: 2 });
    await expect(bells.timers.retry(`bell.${newId()}`)).rejects.toThrow('timer-not-found');
    broken = false;
    await bells.timers.retry(letter?.id ?? '');
    await rings(key, 1);
    await settled();
  });

  it('is given up when an operator says so', async () => {
    await failing();
    work(() => Promise.reject(new TypeError('a bug')));
    const [letter] = await eventually(failed, (list) => list[0]?.state === 'failed', 30_000);
    expect(letter?.error).toBe('TypeError');
    await bells.timers.discard(letter?.id ?? '', 'user:1', 'no longer wanted');
    expect([await failed(), await waiting()]).toEqual([[], 0]);
  });
});
