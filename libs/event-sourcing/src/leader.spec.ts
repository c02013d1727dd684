import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { freshDatabase } from '../test/database.ts';
import { until } from '../test/events.ts';
import { proxyTo } from '../test/proxy.ts';
import { Session } from './index.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.drop());

const running: { stop: AbortController; ended: Promise<void> }[] = [];
afterEach(async () => {
  for (const { stop } of running) stop.abort();
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});

const aborted = async (signal: AbortSignal) => {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
};

/** A process that wants to lead. */
function candidate(name: string, work?: () => Promise<void>, server = database.url) {
  const stop = new AbortController();
  const state = { leading: false, terms: 0, lastSignal: undefined as AbortSignal | undefined, errors: [] as string[] };
  const url = new URL(server);
  url.searchParams.set('application_name', name);
  const lead = async (_: readonly string[], signal: AbortSignal) => {
    state.leading = true;
    state.terms += 1;
    state.lastSignal = signal;
    await work?.();
    await aborted(signal);
    state.leading = false;
  };
  const ended = new Session(url.href).lead([{ locks: ['workers'], work: lead }], stop.signal, (error) =>
    state.errors.push(error.message),
  );
  running.push({ stop, ended });
  return { state, stop, ended };
}
const kill = (name: string) =>
  database.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [name]);

describe('leadership', () => {
  it('ends for all parts of a work when one of them throws, before the next term begins', async () => {
    let throwing = true;
    let [going, most] = [0, 0];
    const { state } = candidate('one', async () => {
      const signal = state.lastSignal as AbortSignal;
      const part = async () => {
        most = Math.max(most, (going += 1));
        await aborted(signal);
        going -= 1;
      };
      const failing = throwing ? Promise.reject(new Error('no such feed')) : Promise.resolve();
      throwing = false;
      await Promise.all([part(), failing]);
    });
    await until(() => state.terms === 2);
    expect({ going, most, errors: state.errors }).toEqual({ going: 1, most: 1, errors: ['no such feed'] });
  });

  it('is held by one, and goes to the other within seconds when the connection is killed', async () => {
    const one = candidate('one');
    await until(() => one.state.leading);
    const other = candidate('other');
    const rounds = [
      [one, other, 'one'],
      [other, one, 'other'],
    ] as const;
    for (const [leader, follower, name] of rounds) {
      expect(follower.state.leading).toBe(false);
      const { lastSignal } = leader.state;
      const began = Date.now();
      // Whoever comes first leads, so kill until it was the other.
      while (!follower.state.leading) {
        await kill(name);
        await until(() => leader.state.leading || follower.state.leading);
      }
      expect(Date.now() - began).toBeLessThan(60_000);
      // For a moment both may think so: that is what epochs are for. The deposed one learns of it.
      await until(() => lastSignal?.aborted === true);
      await until(() => !leader.state.leading);
    }
  });

  it('is free again at once when its holder ends', async () => {
    const one = candidate('first');
    await until(() => one.state.leading);
    const other = candidate('second');
    one.stop.abort();
    await one.ended;
    expect(one.state.lastSignal?.aborted).toBe(true);
    await until(() => other.state.leading, 3_000);
    expect(one.state.terms).toBe(1);
  });

  it('is known to be lost within seconds also where the connection dies without a word', async () => {
    const proxy = await proxyTo(database.url);
    const one = candidate('unreachable', undefined, proxy.url);
    await until(() => one.state.leading);
    const { lastSignal } = one.state;
    proxy.fallSilent();
    await until(() => lastSignal?.aborted === true, 12_000);
    expect(one.state.terms).toBe(1);
    running[0]?.stop.abort();
    await proxy.close();
  });

  it('is given up where the work fails, is told of it, and is taken again', async () => {
    let failures = 1;
    const one = candidate('failing', async () => {
      if (failures-- > 0) throw new Error('a bug');
    });
    await until(() => one.state.terms === 2);
    expect(one.state.errors).toEqual(['a bug']);
  });

  it('goes on with no part of work that has failed', async () => {
    const stop = new AbortController();
    const parts: AbortSignal[] = [];
    const work = async (_: readonly string[], signal: AbortSignal) => {
      parts.push(signal);
      await Promise.all([aborted(signal), parts.length === 1 ? Promise.reject(new Error('a bug')) : undefined]);
    };
    const ended = new Session(database.url).lead([{ locks: ['parts'], work }], stop.signal);
    running.push({ stop, ended });
    await until(() => parts.length === 2);
    expect(parts.map(({ aborted }) => aborted)).toEqual([true, false]);
  });

  it('is not for a process whose connection is refused by its own check', async () => {
    const stop = new AbortController();
    const errors: string[] = [];
    let terms = 0;
    const check = () => Promise.reject(new Error('another store'));
    const work = async () => void (terms += 1);
    const lead = [{ locks: ['workers'], work }];
    const ended = new Session(database.url, check).lead(lead, stop.signal, ({ message }) => errors.push(message));
    running.push({ stop, ended });
    await until(() => errors.length > 1, 10_000);
    const { state } = candidate('another');
    await until(() => state.leading, 5_000);
    expect(terms).toBe(0);
    expect(new Set(errors)).toEqual(new Set(['another store']));
  });

  it('of one name does not stand in the way of another name', async () => {
    const one = candidate('here');
    await until(() => one.state.leading);
    const stop = new AbortController();
    let leading = false;
    const work = async () => {
      leading = true;
      stop.abort();
    };
    const ended = new Session(database.url).lead([{ locks: ['other workers'], work }], stop.signal);
    await until(() => leading, 3_000);
    await ended;
    expect(one.state.lastSignal?.aborted).toBe(false);
  });

  it('of several locks is shared out, and goes over to others lock by lock', async () => {
    const holds = { one: [] as string[], other: [] as string[] };
    const stops = { one: new AbortController(), other: new AbortController() };
    const share = (name: 'one' | 'other', locks: readonly string[]) => {
      const work = async (got: readonly string[], signal: AbortSignal) => {
        holds[name].push(...got);
        await aborted(signal);
      };
      return new Session(database.url).lead([{ locks, work }], stops[name].signal);
    };
    const one = share('one', ['share 1', 'share 2']);
    await until(() => holds.one.length === 2);
    const other = share('other', ['share 2', 'share 3']);
    await until(() => holds.other.length === 1);
    expect(holds.other).toEqual(['share 3']);
    stops.one.abort();
    await one;
    await until(() => holds.other.length === 2);
    expect(holds.other).toEqual(['share 3', 'share 2']);
    stops.other.abort();
    await other;
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)('of a process goes to another within seconds of %s', async (fault) => {
    const said: string[] = [];
    const start = (name: string) => {
      const loader = join(import.meta.dirname, '..', '..', '..', 'tools', 'typescript.mjs');
      const script = join(import.meta.dirname, '..', 'test', 'leading-process.ts');
      const child = spawn(process.execPath, ['--import', loader, script, database.url, name], { env: {} });
      child.stdout.on('data', (lines: Buffer) => said.push(...String(lines).trim().split('\n')));
      return child;
    };
    const one = start('one');
    await until(() => said.includes('one leads'), 20_000);
    const other = start('other');
    try {
      one.kill(fault);
      await until(() => said.includes('other leads'), 30_000);
      expect(said).toEqual(['one leads', 'other leads']);
      if (fault === 'SIGKILL') return;
      one.kill('SIGCONT');
      await until(() => said.includes('one follows'), 10_000);
    } finally {
      one.kill('SIGKILL');
      other.kill('SIGKILL');
    }
  });
});
