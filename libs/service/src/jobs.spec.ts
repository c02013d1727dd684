import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Refusal, invalid, newId, runInContext, systemContext, currentContext } from '@throughline/event-sourcing';
import { Jobs1700000000006 } from './jobs.migration.ts';
import { Jobs, itemId, jobStates, type JobAtWork, type JobHandler, type JobStep } from './jobs.ts';
import { Kernel } from './kernel.ts';
import { Log } from './log.ts';
import { dropDatabases, eventually, testConfig } from './testing.ts';

type Params = { upTo: number; name: string };
type Place = { next: number };

const config = testConfig();
let kernel: Kernel;
let jobs: Jobs;
beforeAll(async () => {
  const log = new Log('customers', 'error', () => undefined);
  kernel = await Kernel.open({ name: 'customers', migrations: [Jobs1700000000006] }, config, log);
  jobs = new Jobs(kernel, log);
});
afterAll(async () => {
  await kernel.close();
  await dropDatabases(config);
});

let stop: AbortController;
let running: Promise<void>;
beforeEach(() => {
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await running;
});

/** Counts to a number, and tells of each how often it came to it. */
const counting = (told: Map<string, number>, interrupt: (next: number) => void = () => undefined): JobHandler => ({
  async *run(job: JobAtWork<Params, Place>): AsyncIterable<JobStep<Place>> {
    for (let next = job.place?.next ?? 0; next < job.params.upTo; next += 1) {
      const id = itemId(job, next);
      told.set(id, (told.get(id) ?? 0) + 1);
      interrupt(next);
      yield { place: { next: next + 1 }, done: next + 1, total: job.params.upTo, counts: { counted: next + 1 } };
    }
  },
});
const work = (handler: JobHandler) => {
  running = jobs.run(new Map([['count', handler]]), stop.signal);
};
const start = (id: string, upTo = 5) =>
  runInContext({ ...systemContext('test'), actor: { type: 'user', id: 'anna' } }, () =>
    jobs.start('count', id, { upTo, name: '王伟' }),
  );
const state = (id: string, wanted: string) =>
  eventually(
    () => jobs.read(id),
    (job) => job.state === wanted,
  );

describe('a job', () => {
  it('is carried out in the name of who asked, says how far it is, and forgets what it worked with', async () => {
    const id = newId();
    const seen: unknown[] = [];
    work(counting(new Map(), () => seen.push(currentContext())));
    await start(id);
    expect(await state(id, 'done')).toMatchObject({ done: 5, total: 5, counts: { counted: 5 }, error: null });
    expect(seen[0]).toMatchObject({ actor: { type: 'user', id: 'anna' }, batchId: id });
    const { rows } = await kernel.pool.query('select params, place from jobs where id = $1', [id]);
    expect(rows).toEqual([{ params: null, place: null }]);
  });

  it('asked for twice is one', async () => {
    const id = newId();
    const told = new Map<string, number>();
    work(counting(told));
    await Promise.all([start(id), start(id)]);
    await state(id, 'done');
    await start(id);
    expect([...told.values()]).toEqual([1, 1, 1, 1, 1]);
  });

  it('goes on where it was when the process that carried it out is gone', async () => {
    const id = newId();
    const told = new Map<string, number>();
    work(counting(told, (next) => next === 2 && stop.abort()));
    await start(id);
    await running;
    expect(await jobs.read(id)).toMatchObject({ state: 'running', done: 3 });
    stop = new AbortController();
    work(counting(told));
    await state(id, 'done');
    expect([...told.values()]).toEqual([1, 1, 1, 1, 1]);
  });

  it('does its last piece again where that was not durable', async () => {
    const id = newId();
    const told = new Map<string, number>();
    let away = true;
    work(
      counting(told, (next) => {
        if (next !== 3 || !away) return;
        away = false;
        throw Object.assign(new Error('terminating connection'), { code: '57P01' });
      }),
    );
    await start(id);
    await state(id, 'done');
    expect([...told.values()]).toEqual([1, 1, 1, 2, 1]);
  }, 30_000);

  it('that is refused says why, and can be tried again', async () => {
    const id = newId();
    let refused = true;
    work(
      counting(new Map(), (next) => {
        if (next === 1 && refused) throw invalid('not-allowed');
      }),
    );
    await start(id);
    expect(await state(id, 'failed')).toMatchObject({ error: 'not-allowed', done: 1 });
    refused = false;
    await jobs.retry(id);
    expect(await state(id, 'done')).toMatchObject({ error: null, done: 5 });
  });

  it('can be stopped, and keeps what was done', async () => {
    const id = newId();
    let stopped: Promise<void> | undefined;
    work({
      async *run(): AsyncIterable<JobStep> {
        yield { place: 1, done: 1, counts: {} };
        stopped = jobs.stop(id);
        await stopped;
        yield { place: 2, done: 2, counts: {} };
        throw new Error('went on');
      },
    });
    await start(id);
    expect(await state(id, 'stopped')).toMatchObject({ done: 1 });
  });

  it('does not hold up others', async () => {
    const [long, short] = [newId(), newId()];
    let release = () => undefined as void;
    const held = new Promise<void>((done) => (release = done));
    work({
      async *run(job: JobAtWork): AsyncIterable<JobStep> {
        if (job.id === long) await held;
        yield { place: 1, done: 1, counts: {} };
      },
    });
    await start(long);
    await start(short);
    await state(short, 'done');
    expect(await jobs.read(long)).toMatchObject({ state: 'running' });
    release();
    await state(long, 'done');
  });

  it('is the only one of its kind where that is wanted, also for several who ask at once', async () => {
    const ask = (id = newId()) =>
      runInContext(systemContext('test'), () => jobs.startUnlessUnderWay('count', id, { upTo: 1, name: '王伟' }));
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask()));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    const [first] = answers as [(typeof answers)[number]];
    expect(first.state).toBe('waiting');
    expect((await jobs.newest('count', jobStates.underWay))?.id).toBe(first.id);
    work(counting(new Map()));
    await state(first.id, 'done');
    expect((await jobs.newest('count', jobStates.ended))?.id).toBe(first.id);
    expect(await ask(first.id)).toMatchObject({ id: first.id, state: 'done' });
    const next = await ask();
    expect(next.id).not.toBe(first.id);
    await state(next.id, 'done');
  });

  it('that nobody knows is not found', async () => {
    await expect(jobs.read(newId())).rejects.toThrow(Refusal);
    await expect(jobs.stop(newId())).rejects.toMatchObject({ code: 'job-not-found' });
  });
});
