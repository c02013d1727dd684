import { Injectable } from '@nestjs/common';
import type { JobAtWork, JobHandler, JobStep } from '@throughline/service';
import { Verifications } from './verifications.store.ts';

type Counts = { verified: number; failing: number };
type Place = { after: string; counts: Counts };

/** The kind of the job. */
export const verifying = 'verify-customers';

const first = '00000000-0000-0000-0000-000000000000';

/** Goes over all active customers. A page that is done again after a kill finds nothing new. */
@Injectable()
export class VerifyCustomers implements JobHandler {
  constructor(private readonly verifications: Verifications) {}

  async *run(job: JobAtWork<unknown, Place>, signal: AbortSignal): AsyncIterable<JobStep<Place>> {
    let { after, counts } = job.place ?? { after: first, counts: { verified: 0, failing: 0 } };
    while (!signal.aborted) {
      const ids = await this.verifications.activeAfter(after);
      const last = ids.at(-1);
      if (last === undefined) return;
      const failing = await this.verifications.verify(ids);
      counts = { verified: counts.verified + ids.length, failing: counts.failing + failing };
      after = last;
      yield { place: { after, counts }, done: counts.verified, counts };
    }
  }
}
