import { parentPort } from 'node:worker_threads';
import { learn } from '../matching/learning.ts';
import type { MatchRecord } from '../matching/match-record.ts';
import { populationsOf } from '../matching/population.ts';
import { scan, type ScanProgress } from '../matching/scan.ts';

/** What the thread is asked: to take records, or to compare on. It answers every question once. */
export type ScanQuestion = { records: readonly MatchRecord[] } | 'next';
/** null: it is done. */
export type ScanAnswer = ScanProgress | null;

const records: MatchRecord[] = [];
let progress: Iterator<ScanProgress, void> | undefined;

// What is learnt of the records stays here, and ends with the scan: it holds values that they have.
function begin(): Iterator<ScanProgress, void> {
  const populations = populationsOf(records.splice(0));
  return scan(populations, learn(populations));
}

parentPort?.on('message', (question: ScanQuestion) => {
  if (question !== 'next') {
    records.push(...question.records);
    return parentPort?.postMessage(null);
  }
  progress ??= begin();
  const { done, value } = progress.next();
  return parentPort?.postMessage(done === true ? null : value);
});
