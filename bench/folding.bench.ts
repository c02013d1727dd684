import type { Recorded } from '@throughline/contracts';
import { checkpointOf, takeCheckpoint, transaction } from '@throughline/event-sourcing';
import { pipelineBoard, type PipelineCard } from '../services/sales/src/deal/pipeline-board.view.ts';
import { copyInto } from './copy.ts';
import { boardLines, dealBatch, dealBatchSize, dealsFrom } from './deals.ts';
import { sized, type Bench, type Peer } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

type State = OpenKernel & {
  count: number;
  batches: readonly Recorded[][];
  /** Per batch, the rows it leaves behind, in COPY's text format. */
  copies: readonly Buffer[];
};

const { table } = pipelineBoard;

const columns: readonly (keyof PipelineCard)[] = [
  'id',
  'pipelineId',
  'stage',
  'customerId',
  'title',
  'amount',
  'currency',
  'ownerId',
  'expectedCloseOn',
  'stageSince',
];
const upsert = {
  name: 'upsert-card',
  text: `insert into peer_view (id, pipeline_id, stage, customer_id, title, amount, currency, owner_id, expected_close_on,
      stage_since) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (id) do update set stage = excluded.stage, stage_since = excluded.stage_since`,
};

/** One UPSERT an event, one transaction a batch, the rows kept in memory: as stores project that know no batches. */
const rowAtATime: Peer<State> = {
  name: 'a row at a time',
  async run({ kernel: { pool }, batches, count }, perSecond) {
    await pool.query('truncate peer_view');
    return perSecond(count, async () => {
      for (const batch of batches) {
        const cards = new Map<string, readonly PipelineCard[]>();
        await transaction(pool, async (client) => {
          for (const event of batch) {
            const { id } = event.stream;
            const rows = pipelineBoard.evolve(cards.get(id) ?? [], event);
            cards.set(id, rows);
            for (const row of rows) await client.query({ ...upsert, values: columns.map((column) => row[column]) });
          }
        });
      }
    });
  },
};

/** The view of the pipeline's board, a durable table with two more indexes, beside COPY of its rows into one like it. */
const folding = (
  name: string,
  { events, eventsARow, goal }: { events: number; eventsARow: number; goal?: number },
): Bench<State> => ({
  name,
  needs: ['postgres'],
  unit: 'events/s',
  peer: rowAtATime,
  ...(goal !== undefined && { goal }),
  async prepare(servers, size) {
    const opened = await openKernel(servers, { name: 'sales', folds: [pipelineBoard] });
    const { pool, store } = opened.kernel;
    for (const name of ['bare_view', 'peer_view']) {
      await pool.query(`create table ${name} (like "${table}" including all)`);
    }
    const from = dealsFrom(await store.generation());
    const batches = Array.from({ length: sized(events / dealBatchSize, size) }, () => dealBatch(from, eventsARow));
    const state = { ...opened, batches, count: batches.length * dealBatchSize };
    await foldAll(state, await fromStart(state));
    return { ...state, copies: await Promise.all(batches.map((batch) => boardLines(pool, batch))) };
  },
  async ours(state, perSecond) {
    const checkpoint = await fromStart(state);
    return perSecond(state.count, () => foldAll(state, checkpoint));
  },
  async limit({ kernel, copies, count }, perSecond) {
    await kernel.pool.query('truncate bare_view');
    const client = await kernel.pool.connect();
    try {
      return await perSecond(count, async () => {
        for (const lines of copies) await copyInto(client, 'bare_view', lines);
      });
    } finally {
      client.release();
    }
  },
  cleanup: ({ close }) => close(),
});

type Folding = Pick<State, 'kernel' | 'batches'>;

async function fromStart({ kernel: { pool } }: Folding) {
  await pool.query(`truncate "${table}"; delete from checkpoints`);
  return takeCheckpoint(pool, checkpointOf(pipelineBoard), 'sales');
}

async function foldAll({ kernel: { views }, batches }: Folding, checkpoint: Awaited<ReturnType<typeof fromStart>>) {
  const tables = views.foldsOf('sales');
  let checkpoints = [checkpoint];
  for (const batch of batches) {
    checkpoints = await views.apply(tables, batch, (batch[0] as Recorded).generation, checkpoints);
  }
}

export const benches: readonly Bench[] = [
  folding('view, 50 events a row', { events: 200_000, eventsARow: 50 }),
  folding('view, a row an event', { events: 100_000, eventsARow: 1, goal: 0.5 }),
];
