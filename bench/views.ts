import { setTimeout as sleep } from 'node:timers/promises';
import { checkpointOf, type Feed } from '@throughline/event-sourcing';
import { pipelineBoard } from '../services/sales/src/deal/pipeline-board.view.ts';
import type { OpenKernel } from './servers.ts';

type Kernel = OpenKernel['kernel'];

/**
 * Keeps the view of the pipeline's board over a feed until `enough` resolves.
 *
 * @param time takes the time until then; stopping is not in it
 */
export async function keepBoard<T>(
  { views }: Kernel,
  feed: Feed,
  enough: () => Promise<void>,
  time: (work: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  let ended = Promise.resolve();
  try {
    return await time(() => {
      ended = views.run(() => feed, views.names, stop.signal);
      return Promise.race([ended, enough()]);
    });
  } finally {
    stop.abort();
    await ended;
  }
}

/** Resolves once the view has passed the position. */
export async function boardPassed({ pool }: Kernel, position: number): Promise<void> {
  const text = 'select from checkpoints where subscription = $1 and position >= $2';
  for (;;) {
    const { rowCount } = await pool.query({ name: 'passed', text, values: [checkpointOf(pipelineBoard), position] });
    if (rowCount === 1) return;
    await sleep(10);
  }
}
