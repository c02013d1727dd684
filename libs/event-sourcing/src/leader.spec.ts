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

/** A process that wants to lead. */
function candidate(name: string, work?: () => Promise<void>, server = database.url) {
  const stop = new AbortController();
  const state = { leading: false, terms: 0, lastSignal: undefined as AbortSignal | undefined, errors: [] as string[] };
  const url = new URL(server);
  url.searchParams.set('application_name', name);
  const ended = new Session(url.href, 'workers').lead(
    async (signal) => {
      state.leading = true;
      state.terms += 1;
      state.lastSignal = signal;
      await work?.();
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      state.leading = false;
    },
    stop.signal,
    (error) => state.errors.push(error.message),
  );
  running.push({ stop, ended });
  return { state, stop, ended };
}
const kill = (name: string) =>
  database.pool.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [name]);

describe('leadership', () => {
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

  it('of one name does not stand in the way of another name', async () => {
    const one = candidate('here');
    await until(() => one.state.leading);
    const stop = new AbortController();
    let leading = false;
    const ended = new Session(database.url, 'other workers').lead(async () => {
      leading = true;
      stop.abort();
    }, stop.signal);
    await until(() => leading, 3_000);
    await ended;
    expect(one.state.lastSignal?.aborted).toBe(false);
  });
});
