import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { conflict, derivedId, errorForLog, runInContext, systemContext } from '@throughline/event-sourcing';
import { Jobs, Kernel, Log, type Worker } from '@throughline/service';
import { CareOfCustomers } from '../care/care.store.ts';
import { Verifications } from './verifications.store.ts';
import { verifying } from './verify-customers.job.ts';

const restMilliseconds = 5 * 60_000;
const retryMilliseconds = 10_000;
/** Longer than a round takes to come again. */
const latelySeconds = 15 * 60;
const first = '00000000-0000-0000-0000-000000000000';

/** Has all customers verified once a day of the organisation's; those with something wrong also soon after they were changed. */
@Injectable()
export class VerificationRounds implements Worker {
  #verifiedOn = '';

  constructor(
    private readonly kernel: Kernel,
    private readonly jobs: Jobs,
    private readonly verifications: Verifications,
    private readonly care: CareOfCustomers,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let rest = restMilliseconds;
      try {
        await runInContext(systemContext('verification'), () => this.#round(signal));
      } catch (error) {
        this.log.warn('verification waits', errorForLog(error));
        rest = retryMilliseconds;
      }
      await sleep(rest, undefined, { signal }).catch(() => undefined);
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const head = await this.kernel.feed().head();
    if (!(await this.kernel.caughtUp(new Map([['customers', head]]), retryMilliseconds))) throw conflict('too-busy');
    await this.#start(await this.care.today());
    for (let after: string | undefined = first; after !== undefined && !signal.aborted;) {
      const ids: string[] = await this.verifications.changedAfter(after, latelySeconds);
      await this.verifications.verify(ids);
      after = ids.at(-1);
    }
  }

  /** Of processes that do so at once one starts the job: its id is the day's. */
  async #start(today: string): Promise<void> {
    if (today === this.#verifiedOn) return;
    await this.jobs.start(verifying, derivedId('verification', today), null);
    this.#verifiedOn = today;
  }
}
