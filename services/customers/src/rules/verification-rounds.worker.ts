import { Injectable } from '@nestjs/common';
import { derivedId } from '@throughline/event-sourcing';
import { Jobs, Kernel, Log, type Worker } from '@throughline/service';
import { CareOfCustomers } from '../care/care.store.ts';
import { goRound } from '../care/rounds.worker.ts';
import { Verifications } from './verifications.store.ts';
import { verifying } from './verify-customers.job.ts';

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

  run(signal: AbortSignal): Promise<void> {
    const { kernel, log } = this;
    return goRound(
      { name: 'verification', waits: 'verification waits', kernel, log },
      () => this.#round(signal),
      signal,
    );
  }

  async #round(signal: AbortSignal): Promise<void> {
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
