import { Injectable } from '@nestjs/common';
import type { ValidationRule } from '@throughline/contracts';
import { derivedId } from '@throughline/event-sourcing';
import type { JobAtWork, JobHandler, JobStep } from '@throughline/service';
import { Verifications, type Found } from './verifications.store.ts';

/** `unique`: the rules by which it claims, as they were when it began: of one that is newer it has passed customers by. */
type Place = { after: number; counts: Found; unique: readonly ValidationRule[] };

/** The kind of the job. */
export const verifying = 'verify-customers';

/** The one that a definition of rules asks for. */
export const verificationId = (definitionId: string): string => derivedId('verification', definitionId);

/** What it has found before it begins. */
export const nothingFound: Found = { verified: 0, failed: 0, passed: 0, claimed: 0 };

/**
 * Goes over all active customers, those first that came first: of two with a value that only one may have, it is theirs. A page
 * that is done again after a kill finds nothing new.
 */
@Injectable()
export class VerifyCustomers implements JobHandler {
  constructor(private readonly verifications: Verifications) {}

  async *run(job: JobAtWork<unknown, Place>, signal: AbortSignal): AsyncIterable<JobStep<Place>> {
    const first = { after: 0, counts: nothingFound, unique: await this.verifications.uniqueRules() };
    let { after, counts } = job.place ?? first;
    const { unique } = job.place ?? first;
    const expected = await this.verifications.countActive();
    while (!signal.aborted) {
      const page = await this.#next(after, signal);
      const last = page.at(-1);
      if (last === undefined) return;
      const found = await this.verifications.claimAndVerify(
        page.map(({ id }) => id),
        unique,
      );
      counts = sumOf(counts, found);
      after = last.position;
      const done = counts.verified;
      yield { place: { after, counts, unique }, done, total: Math.max(expected, done), counts };
    }
  }

  /** Nobody is the last one before all are known who came meanwhile. */
  async #next(after: number, signal: AbortSignal) {
    const page = await this.verifications.activeAfter(after);
    if (page.length > 0) return page;
    await this.verifications.caughtUp(signal);
    return this.verifications.activeAfter(after);
  }
}

const sumOf = (one: Found, other: Found): Found => ({
  verified: one.verified + other.verified,
  failed: one.failed + other.failed,
  passed: one.passed + other.passed,
  claimed: one.claimed + other.claimed,
});
