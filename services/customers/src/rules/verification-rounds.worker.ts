import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { conflict, derivedId, errorForLog, runInContext, systemContext } from '@throughline/event-sourcing';
import { Jobs, Kernel, Log, type Worker } from '@throughline/service';
import { CareOfCustomers } from '../care/care.store.ts';
import { verifying } from './verify-customers.job.ts';

const restMilliseconds = 5 * 60_000;
const retryMilliseconds = 10_000;

/** Has all customers verified, once a day of the organisation's. */
@Injectable()
export class VerificationRounds implements Worker {
  #verifiedOn = '';

  constructor(
    private readonly kernel: Kernel,
    private readonly jobs: Jobs,
    private readonly care: CareOfCustomers,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let rest = restMilliseconds;
      try {
        await runInContext(systemContext('verification'), () => this.#round());
      } catch (error) {
        this.log.warn('verification waits', errorForLog(error));
        rest = retryMilliseconds;
      }
      await sleep(rest, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Of processes that do so at once one starts the job: its id is the day's. */
  async #round(): Promise<void> {
    const today = await this.care.today();
    if (today === this.#verifiedOn) return;
    const head = await this.kernel.feed().head();
    if (!(await this.kernel.caughtUp(new Map([['customers', head]]), retryMilliseconds))) throw conflict('too-busy');
    await this.jobs.start(verifying, derivedId('verification', today), null);
    this.#verifiedOn = today;
  }
}
