import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Actor, Entry, Instant } from '@throughline/contracts';
import {
  Refusal,
  currentContext,
  derivedId,
  errorForLog,
  isTransient,
  notFound,
  open,
  plainTypes,
  runInContext,
  seal,
  transaction,
  type Pool,
  type RequestContext,
  type Secrets,
  type SubscriptionLog,
} from '@throughline/event-sourcing';

export const jobStates = { underWay: ['waiting', 'running'], ended: ['done', 'failed', 'stopped'] } as const;
export type JobState = (typeof jobStates)[keyof typeof jobStates][number];

/** Work in the background, as others see it. Nothing personal. */
export type Job = {
  id: string;
  kind: string;
  state: JobState;
  /** How many of what it is about are done; `total` is null while nobody knows. */
  done: number;
  total: number | null;
  counts: Readonly<Record<string, number>>;
  /** Code or name of the error that ended it. */
  error: string | null;
  requestedBy: Actor;
  createdAt: Instant;
  updatedAt: Instant;
};

/** A piece of work that is durable: after a kill the job goes on from `place`. */
export type JobStep<Place = unknown> = {
  place: Place;
  done: number;
  total?: number | undefined;
  counts: Readonly<Record<string, number>>;
};

/** A job with what it works with; `place` is undefined at its beginning, `counts` as its last step said. */
export type JobAtWork<Params = unknown, Place = unknown> = Job & { params: Params; place: Place | undefined };

/**
 * Does a kind of work. It may be killed at any line and begins again from the place of its last step, so whatever it changes
 * it changes by commands whose ids derive from the job and the item (`itemId`): a repeat changes nothing.
 */
export type JobHandler = {
  run: (job: JobAtWork<never, never>, signal: AbortSignal) => AsyncIterable<JobStep>;
};

/** The id of the command for one item of a job. */
export const itemId = (job: Pick<Job, 'id'>, item: string | number): string => derivedId('job', job.id, item);

/** What jobs need of a service's kernel. */
type Below = { pool: Pool; secrets: Secrets };

type Stored = Job & { entry: Entry; source: string; params: Buffer | null; place: Buffer | null };

type Wanted = Pick<Stored, 'id' | 'kind' | 'entry'> & { params: unknown };
/** A connection, or all of them. */
type Asked = Pick<Pool, 'query'>;

const byId = 'id = $1';
const newestOf = 'kind = $1 and state = any($2) order by created_at desc, id limit 1';
const columns = `id, kind, state, done::int as done, total::int as total, counts, error, requested_by as "requestedBy",
  created_at as "createdAt", updated_at as "updatedAt"`;
const atOnce = 2;
const askMilliseconds = 1_000;
const retryMilliseconds = 5_000;

/** Stops a job whose row says so, or whose process no longer leads. */
class Stopped extends Error {}

/**
 * Work in the background of one service, in its own database. The process that leads carries it out. The table comes with the
 * migration `Jobs1700000000006`.
 */
export class Jobs {
  readonly #woken = new EventEmitter();

  constructor(
    private readonly kernel: Below,
    private readonly log: SubscriptionLog,
  ) {}

  /**
   * Has a job carried out, in the name of who asks. Asked again with the same id it is the same job.
   *
   * @param params JSON; encrypted, and forgotten once the job is done
   * @param entry as what its commands count, where that is not how this one came in
   */
  async start(kind: string, id: string, params: unknown, entry: Entry = currentContext().entry): Promise<void> {
    await this.#insert(this.kernel.pool, { kind, id, params, entry });
    this.#woken.emit('started');
  }

  /** The same, unless one of the kind is under way: then that is the answer, also to several who ask at once. */
  async startUnlessUnderWay(kind: string, id: string, params: unknown): Promise<Job> {
    const { entry } = currentContext();
    const job = await transaction(this.kernel.pool, async (client) => {
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`jobs ${kind}`]);
      const known =
        (await jobWhere(client, byId, [id])) ?? (await jobWhere(client, newestOf, [kind, jobStates.underWay]));
      if (known) return known;
      await this.#insert(client, { kind, id, params, entry });
      return jobWhere(client, byId, [id]);
    });
    this.#woken.emit('started');
    return job as Job;
  }

  /** @throws Refusal `job-not-found` */
  async read(id: string): Promise<Job> {
    const job = await this.find(id);
    if (!job) throw notFound('job-not-found');
    return job;
  }

  find(id: string): Promise<Job | undefined> {
    return jobWhere(this.kernel.pool, byId, [id]);
  }

  /** The one of a kind that began last of those in one of the states. */
  newest(kind: string, states: readonly JobState[]): Promise<Job | undefined> {
    return jobWhere(this.kernel.pool, newestOf, [kind, states]);
  }

  /** Begins again from its last step what has failed or was stopped. @throws Refusal `job-not-found` */
  async retry(id: string): Promise<void> {
    const { rowCount } = await this.kernel.pool.query(
      `update jobs set state = 'waiting', error = null where id = $1 and state in ('failed', 'stopped')`,
      [id],
    );
    if (rowCount === 0) await this.read(id);
    this.#woken.emit('started');
  }

  /** Ends it after the step that is under way; what is done stays done. @throws Refusal `job-not-found` */
  async stop(id: string): Promise<void> {
    const { rowCount } = await this.kernel.pool.query(
      `update jobs set state = 'stopped', updated_at = now() where id = $1 and state in ('waiting', 'running')`,
      [id],
    );
    if (rowCount === 0) await this.read(id);
  }

  /** Carries out jobs, two at a time, until `signal` aborts. Only one process at a time does so. */
  async run(handlers: ReadonlyMap<string, JobHandler>, signal: AbortSignal): Promise<void> {
    const running = new Map<string, Promise<void>>();
    while (!signal.aborted) {
      const turn = new AbortController();
      const waiting = { signal: AbortSignal.any([signal, turn.signal]) };
      const woken = once(this.#woken, 'started', waiting).catch(() => undefined);
      try {
        for (const job of await this.#next([...handlers.keys()], [...running.keys()])) {
          if (running.size >= atOnce) break;
          const work = this.#carryOut(job, handlers.get(job.kind) as JobHandler, signal);
          running.set(
            job.id,
            work.finally(() => {
              running.delete(job.id);
              this.#woken.emit('started');
            }),
          );
        }
      } catch (error) {
        this.log.warn('jobs wait', errorForLog(error));
      }
      await Promise.race([woken, sleep(askMilliseconds, undefined, waiting).catch(() => undefined)]);
      turn.abort();
    }
    await Promise.all(running.values());
  }

  async #next(kinds: readonly string[], busy: readonly string[]): Promise<Stored[]> {
    const { rows } = await this.kernel.pool.query<Stored>({
      text: `select ${columns}, entry, source, params, place from jobs
        where state in ('waiting', 'running') and kind = any($1) and not id = any($2::uuid[])
        order by created_at, id limit ${atOnce}`,
      values: [kinds, busy],
      types: plainTypes,
    });
    return rows;
  }

  async #carryOut(stored: Stored, handler: JobHandler, signal: AbortSignal): Promise<void> {
    const { id, kind } = stored;
    try {
      await this.#move(id, `state = 'running'`, []);
      const { entry: _, source: __, params, place, ...job } = stored;
      const atWork = { ...job, params: this.#opened(id, params), place: this.#opened(id, place) };
      await runInContext(contextOf(stored), async () => {
        for await (const step of handler.run(atWork as JobAtWork<never, never>, signal)) {
          const { done, total, counts } = step;
          await this.#move(id, 'place = $2, done = $3, total = coalesce($4, total), counts = $5', [
            this.#sealed(id, step.place),
            done,
            total,
            JSON.stringify(counts),
          ]);
          if (signal.aborted) throw new Stopped();
        }
      });
      if (signal.aborted) return;
      await this.#move(id, `state = 'done', params = null, place = null`, []);
    } catch (error) {
      if (error instanceof Stopped || signal.aborted) return;
      await this.#failed(id, kind, error, signal);
    }
  }

  /** What is away comes back; a bug, or a refusal of the whole, ends the job until somebody has it tried again. */
  async #failed(id: string, kind: string, error: unknown, signal: AbortSignal): Promise<void> {
    const details = { job: id, kind, ...errorForLog(error) };
    if (isTransient(error)) {
      this.log.warn('job waits', details);
      await sleep(retryMilliseconds, undefined, { signal }).catch(() => undefined);
      return;
    }
    this.log.error('job failed', details);
    const code = error instanceof Refusal ? error.code : ((error as Partial<Error> | null)?.name ?? 'Error');
    await this.#move(id, `state = 'failed', error = $2`, [code]).catch(() => undefined);
  }

  async #insert(client: Asked, { id, kind, entry, params }: Wanted): Promise<void> {
    const { actor, source } = currentContext();
    await client.query(
      `insert into jobs (id, kind, entry, source, requested_by, params) values ($1, $2, $3, $4, $5, $6)
       on conflict (id) do nothing`,
      [id, kind, entry, source, JSON.stringify(actor), this.#sealed(id, params)],
    );
  }

  /** @throws Stopped where it was stopped meanwhile */
  async #move(id: string, set: string, values: readonly unknown[]): Promise<void> {
    const { rowCount } = await this.kernel.pool.query(
      `update jobs set ${set}, updated_at = now() where id = $1 and state in ('waiting', 'running')`,
      [id, ...values],
    );
    if (rowCount === 0) throw new Stopped();
  }

  #sealed(id: string, value: unknown): Buffer {
    return seal(this.kernel.secrets.key('jobs'), JSON.stringify(value ?? null), id);
  }

  #opened(id: string, sealed: Buffer | null): unknown {
    return sealed === null ? undefined : JSON.parse(open(this.kernel.secrets.key('jobs'), sealed, id).toString());
  }
}

async function jobWhere(client: Asked, where: string, values: readonly unknown[]): Promise<Job | undefined> {
  const text = `select ${columns} from jobs where ${where}`;
  return (await client.query<Job>({ text, values: [...values], types: plainTypes })).rows[0];
}

/** In the name of who asked for it; all that it changes is one batch. */
const contextOf = ({ id, requestedBy, entry, source }: Stored): RequestContext => ({
  actor: requestedBy,
  entry,
  source,
  correlationId: id,
  batchId: id,
});
