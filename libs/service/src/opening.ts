import { setTimeout as sleep } from 'node:timers/promises';
import { errorForLog } from '@throughline/event-sourcing';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from './log.ts';
import { HttpProblem, type ProblemFilter } from './problem.ts';
import { pathOf } from './public-routes.ts';
import type { Preparation } from './service.ts';

const retryMilliseconds = 5_000;
const retryAfterSeconds = '5';
/** What says how the process is, and nothing of what is in the store. */
const alwaysAnswered = ['/healthz', '/readyz', '/openapi.json'];

/** Whether a store is in order: until it is, nobody is answered from it, and nothing follows its log. */
export class Opening {
  #isOpen = false;

  constructor(private readonly log: Log) {}

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves when all is prepared, however often that has to be tried, or when `signal` aborts. */
  async run(preparations: readonly Preparation[], signal: AbortSignal): Promise<void> {
    while (!this.#isOpen && !signal.aborted) {
      try {
        for (const preparation of preparations) await preparation.prepare(signal);
        this.#isOpen = !signal.aborted;
      } catch (error) {
        this.log.warn('the store is not open yet', errorForLog(error));
        await sleep(retryMilliseconds, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Has requests answered 503 until then; to be called after the hook that makes a trace of each. */
  guard(fastify: FastifyInstance, problems: ProblemFilter): void {
    fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
      if (this.#isOpen || alwaysAnswered.includes(pathOf(request.url))) return done();
      problems.answer(new HttpProblem(503, 'store-not-open', { 'retry-after': retryAfterSeconds }), request, reply);
    });
  }
}
