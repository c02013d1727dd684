import type { DealEvent, Recorded } from '@throughline/contracts';
import { newId, noStream, type EventStore, type Pool } from '@throughline/event-sourcing';
import { pipelineBoard } from '../services/sales/src/deal/pipeline-board.view.ts';
import { Random, appendOf, clerk } from './data.ts';
import { byWriters } from './harness.ts';

/** The largest batch that a view takes. */
export const dealBatchSize = 5_000;

/** Where a log of deals stands: what comes next follows from it. */
type Deals = { random: Random; generation: string; position: number };

const stages = ['qualification', 'proposal', 'negotiation', 'closing'];
const streamsAtOnce = 500;
const people = 200;

export const dealsFrom = (generation: string): Deals => ({ random: new Random('deals'), generation, position: 0 });

/** Deals that were not there before: each is opened, then moved on, turn by turn with the batch's others. */
export function dealBatch(from: Deals, eventsARow: number): Recorded[] {
  const { random, generation } = from;
  const deals = Array.from({ length: dealBatchSize / eventsARow }, () => ({ id: newId(), customerId: newId() }));
  return Array.from({ length: dealBatchSize }, (_, index): Recorded => {
    const deal = deals[index % deals.length] as (typeof deals)[number];
    const version = Math.floor(index / deals.length) + 1;
    from.position += 1;
    const { type, ...data } = version === 1 ? dealOpened(random, deal.customerId) : dealMoved(random);
    return {
      ...envelope,
      id: newId(),
      type,
      stream: { ...envelope.stream, id: deal.id, version },
      position: from.position,
      generation,
      data,
    };
  });
}

/** Fills a store with so many deals of 200 customers, one event each. */
export async function fillWithDeals(store: EventStore, events: number): Promise<void> {
  const random = new Random('stored deals');
  const customers = Array.from({ length: people }, () => newId());
  await byWriters(4, Math.ceil(events / streamsAtOnce), (index) => {
    const count = Math.min(streamsAtOnce, events - index * streamsAtOnce);
    const streams = Array.from({ length: count }, () => {
      const opened = dealOpened(random, random.pick(customers));
      return { type: 'deal', id: newId(), head: noStream, events: [opened] };
    });
    return store.append({ ...appendOf('deal', newId(), []), streams });
  });
}

export const dealOpened = (random: Random, customerId: string): DealEvent => ({
  type: 'DealOpened',
  customerId,
  title: `${random.int(1, 900)} boxes of green tea`,
  value: { amount: `${random.int(100, 99_999)}.${random.digits(2)}`, currency: 'CNY' },
  pipelineId: '00000000-0000-7000-8000-00000000000a',
  stage: 'qualification',
});
const dealMoved = (random: Random): DealEvent => ({
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

/** The rows of the pipeline's board in COPY's text format: those that a batch touched, or all. */
export async function boardLines(pool: Pool, batch?: readonly Recorded[]): Promise<Buffer> {
  const { rows } = await pool.query<{ line: string }>(
    `select (select string_agg(coalesce(value, '\\N'), e'\\t' order by place)
       from json_each_text(row_to_json(card)) with ordinality as cell(name, value, place)) as line
     from "${pipelineBoard.table}" card where $1::uuid[] is null or id = any($1)`,
    [batch ? [...new Set(batch.map(({ stream }) => stream.id))] : null],
  );
  return Buffer.from(rows.map(({ line }) => `${line}\n`).join(''));
}
