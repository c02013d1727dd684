import type { Verdict } from './run.ts';

/** What the run ends with. */
export function linesOf(verdict: Verdict): string[] {
  const { damage, deadLetters, erased, seconds, acknowledged, appended } = verdict;
  const { parked, retrying, handled, discarded } = deadLetters;
  const all = parked + retrying + handled + discarded;
  const [writing, settling, verifying] = [seconds.writing, seconds.settling, seconds.verifying].map(Math.round);
  return [
    ...verdict.told,
    `${acknowledged} events acknowledged in ${writing} s (${Math.round(acknowledged / seconds.writing)} a second), ${appended} in the stores; quiet after ${settling} s, compared in ${verifying} s`,
    `lost ${damage.lost}`,
    `doubled ${damage.doubled}`,
    `reordered ${damage.reordered}`,
    `deadlocks ${verdict.deadlocks}`,
    `dead letters ${all}: ${handled} handled after a retry, ${discarded} discarded, ${parked + retrying} open`,
    `views differ ${verdict.views}`,
    `documents differ ${verdict.documents}`,
    `chains broken ${verdict.brokenChain}`,
    `erased ${erased.people}: ${erased.remaining} can still be found`,
    `verdict: ${verdict.passed ? 'passed' : 'FAILED'}`,
  ];
}
