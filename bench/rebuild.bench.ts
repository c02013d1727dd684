import { setTimeout as sleep } from 'node:timers/promises';
import { withClient } from '@throughline/event-sourcing';
import { pipelineBoard } from '../services/sales/src/deal/pipeline-board.view.ts';
import { copyInto } from './copy.ts';
import { boardLines, fillWithDeals } from './deals.ts';
import { sized, type Bench } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';
import { boardPassed, keepBoard } from './views.ts';

type State = OpenKernel & { count: number; lines: Buffer };

const { table } = pipelineBoard;

/** Carried out by the runner that keeps the view up to date: read, decrypted, folded, compared, taken over. */
const rebuilding: Bench<State> = {
  name: 'view, rebuilt',
  needs: ['postgres'],
  unit: 'events/s',
  async prepare(servers, size) {
    const opened = await openKernel(servers, { name: 'sales', folds: [pipelineBoard] });
    const { kernel } = opened;
    const count = sized(50_000, size);
    await fillWithDeals(kernel.store, count);
    const head = await kernel.feed().head();
    await keepBoard(
      kernel,
      kernel.feed(),
      () => boardPassed(kernel, head),
      (work) => work(),
    );
    await kernel.pool.query(`create table bare_view (like "${table}" including all)`);
    return { ...opened, count, lines: await boardLines(kernel.pool) };
  },
  async ours({ kernel, count }, perSecond) {
    const { pool } = kernel;
    await pool.query(`insert into view_jobs (table_name, kind, requested_by) values ($1, 'rebuild', 'bench')`, [table]);
    return keepBoard(
      kernel,
      kernel.feed(),
      () => rebuilt(pool),
      (work) => perSecond(count, work),
    );
  },
  async limit({ kernel: { pool }, lines, count }, perSecond) {
    await pool.query('truncate bare_view');
    return perSecond(count, () => withClient(pool, (client) => copyInto(client, 'bare_view', lines)));
  },
  cleanup: ({ close }) => close(),
};

/** @throws Error where the newest job failed, or found something to mend: nothing was wrong before */
async function rebuilt(pool: OpenKernel['kernel']['pool']): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ state: string; result: { different?: number } | null }>(
      'select state, result from view_jobs order by id desc limit 1',
    );
    const { state, result } = rows[0] ?? {};
    if (state === 'failed' || (state === 'done' && result?.different !== 0)) {
      throw new Error(`the rebuild is ${state}: ${JSON.stringify(result)}`);
    }
    if (state === 'done') return;
    await sleep(10);
  }
}

export const benches: readonly Bench[] = [rebuilding];
