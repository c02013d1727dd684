import { setTimeout as sleep } from 'node:timers/promises';
import { errorForLog, runInContext, systemContext } from '@throughline/event-sourcing';
import type { Kernel, Log } from '@throughline/service';

const restMilliseconds = 5 * 60_000;
const retryMilliseconds = 10_000;

/** Who goes round, as the envelope and the log name it. */
type Rounds = { name: string; waits: string; kernel: Kernel; log: Log };

/**
 * Goes round every few minutes until `signal` aborts, with views that hold all that was recorded by then. A round that
 * fails is made up for soon.
 */
export async function goRound(
  { name, waits, kernel, log }: Rounds,
  round: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const upToDate = async () => {
    await kernel.holdsAll(signal);
    if (!signal.aborted) await round();
  };
  while (!signal.aborted) {
    let rest = restMilliseconds;
    try {
      await runInContext(systemContext(name), upToDate);
    } catch (error) {
      log.warn(waits, errorForLog(error));
      rest = retryMilliseconds;
    }
    await sleep(rest, undefined, { signal }).catch(() => undefined);
  }
}
