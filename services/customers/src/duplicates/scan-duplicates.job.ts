import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Injectable } from '@nestjs/common';
import { Commands, derivedId } from '@throughline/event-sourcing';
import { itemId, type JobAtWork, type JobHandler, type JobStep } from '@throughline/service';
import { batch } from '../batch/batch.ts';
import type { MatchedPair } from '../matching/scan.ts';
import { duplicateRules, duplicateRulesId } from './duplicate-rules.ts';
import type { LikelyPair } from './duplicate.ts';
import { Duplicates, likelyPair } from './duplicates.store.ts';
import { MatchRecords } from './match-records.store.ts';
import type { ScanAnswer, ScanQuestion } from './scan.thread.ts';

/**
 * Compares all customers with each other, by what they teach of themselves, and queues the pairs. It reads what records are
 * compared by as it is now and compares beside the process's own thread. Begun again after a kill it compares from the
 * start; what is queued by then is not queued twice.
 */
@Injectable()
export class ScanDuplicates implements JobHandler {
  constructor(
    private readonly commands: Commands,
    private readonly matches: MatchRecords,
    private readonly duplicates: Duplicates,
  ) {}

  async *run(job: JobAtWork): AsyncIterable<JobStep<null>> {
    const thread = new Worker(new URL('./scan.thread.ts', import.meta.url));
    try {
      const goldenOf = new Map<string, string>();
      for await (const page of this.matches.pages()) {
        for (const { compared, goldenId } of page) goldenOf.set(compared.id, goldenId);
        await asked(thread, { records: page.map(({ compared }) => compared) });
      }
      let found = 0;
      for (let step = await asked(thread, 'next'); step !== null; step = await asked(thread, 'next')) {
        const pairs = step.pairs.flatMap((pair) => pairOf(pair, goldenOf));
        await this.duplicates.record(pairs, job.id);
        found += pairs.length;
        const { done, total, compared } = step;
        yield { place: null, done, total, counts: { compared, found } };
      }
    } finally {
      await thread.terminate();
    }
    const { autoMerge } = (await this.commands.load(duplicateRules, duplicateRulesId)).state;
    if (!autoMerge.enabled) return;
    const merging = { type: 'StartBatch', kind: 'merge', params: { scan: job.id } } as const;
    await this.commands.execute(batch, mergeBatchOf(job.id), merging, { commandId: itemId(job, 'merge') });
  }
}

/** The batch that merges what a scan has found, where that is switched on. */
export const mergeBatchOf = (scanId: string): string => derivedId('merge-batch', scanId);

/** The two customers of two records; none where they are one. */
function pairOf({ a, b, ...score }: MatchedPair, goldenOf: ReadonlyMap<string, string>): LikelyPair[] {
  const [one, other] = [goldenOf.get(a) as string, goldenOf.get(b) as string];
  return one === other ? [] : [likelyPair(one, { customerId: other, ...score }, 'scan')];
}

/** @throws Error of the thread */
async function asked(thread: Worker, question: ScanQuestion): Promise<ScanAnswer> {
  const answered = once(thread, 'message') as Promise<[ScanAnswer]>;
  thread.postMessage(question);
  return (await answered)[0];
}
