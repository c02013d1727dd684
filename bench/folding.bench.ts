import type { DealEvent, Recorded } from '@throughline/contracts';
import { checkpointOf, newId, takeCheckpoint } from '@throughline/event-sourcing';
import { pipelineBoard } from '../services/sales/src/deal/pipeline-board.view.ts';
import { copyInto } from './copy.ts';
import { Random, clerk } from './data.ts';
import { sized, type Bench } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

type State = OpenKernel & {
  count: number;
  batches: readonly Recorded[][];
  /** Per batch, the rows it leaves behind, in COPY's text format. */
  copies: readonly Buffer[];
};

/** The largest batch that a view takes. */
const batchSize = 5_000;
const stages = ['qualification', 'proposal', 'negotiation', 'closing'];
const { table } = pipelineBoard;

/** The view of the pipeline's board, a durable table with two more indexes, beside COPY of its rows into one like it. */
const folding = (name: string, { events, eventsARow }: { events: number; eventsARow: number }): Bench<State> => ({
  name,
  needs: ['postgres'],
  unit: 'events/s',
  async prepare(servers, size) {
    const opened = await openKernel(servers, { name: 'sales', folds: [pipelineBoard] });
    const { pool, store } = opened.kernel;
    await pool.query(`create table bare_view (like "${table}" including all)`);
    const batches = dealBatches(sized(events / batchSize, size), eventsARow, await store.generation());
    const state = { ...opened, batches, count: batches.length * batchSize };
    await foldAll(state, await fromStart(state));
    return { ...state, copies: await Promise.all(batches.map((batch) => rowsOf(state, batch))) };
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

async function rowsOf({ kernel }: Folding, batch: readonly Recorded[]): Promise<Buffer> {
  const { rows } = await kernel.pool.query<{ line: string }>(
    `select (select string_agg(coalesce(value, '\\N'), e'\\t' order by place)
       from json_each_text(row_to_json(card)) with ordinality as cell(name, value, place)) as line
     from "${table}" card where id = any($1)`,
    [[...new Set(batch.map(({ stream }) => stream.id))]],
  );
  return Buffer.from(rows.map(({ line }) => `${line}\n`).join(''));
}

/** Batches of deals that were not there before: each is opened, then moved on, turn by turn with the batch's others. */
function dealBatches(count: number, eventsARow: number, generation: string): Recorded[][] {
  const random = new Random('deals');
  let position = 0;
  return Array.from({ length: count }, () => {
    const deals = Array.from({ length: batchSize / eventsARow }, () => ({ id: newId(), customerId: newId() }));
    return Array.from({ length: batchSize }, (_, index): Recorded => {
      const deal = deals[index % deals.length] as (typeof deals)[number];
      const version = Math.floor(index / deals.length) + 1;
      position += 1;
      const { type, ...data } = version === 1 ? opened(random, deal.customerId) : moved(random);
      return {
        ...envelope,
        id: newId(),
        type,
        stream: { ...envelope.stream, id: deal.id, version },
        position,
        generation,
        data,
      };
    });
  });
}

const opened = (random: Random, customerId: string): DealEvent => ({
  type: 'DealOpened',
  customerId,
  title: `${random.int(1, 900)} boxes of green tea`,
  value: { amount: `${random.int(100, 99_999)}.${random.digits(2)}`, currency: 'CNY' },
  pipelineId: '00000000-0000-7000-8000-00000000000a',
  stage: 'qualification',
});
const moved = (random: Random): DealEvent => ({
  type: 'DealMoved',
  from: random.pick(stages),
  to: random.pick(stages),
});

const envelope = {
  schemaVersion: 1,
  stream: { type: 'deal' },
  meta: { actor: clerk.actor, source: clerk.source, correlationId: clerk.correlationId, commandId: 'c' },
  occurredAt: '2026-01-05T09:30:00.000Z',
  recordedAt: '2026-01-05T09:30:00.000Z',
  effectiveAt: '2026-01-05T09:30:00.000Z',
};

export const benches: readonly Bench[] = [
  folding('view, 50 events a row', { events: 200_000, eventsARow: 50 }),
  folding('view, a row an event', { events: 100_000, eventsARow: 1 }),
];
