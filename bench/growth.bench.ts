import type { DealEvent, InteractionEvent } from '@throughline/contracts';
import { checkpointOf, newId, runInContext, takeCheckpoint } from '@throughline/event-sourcing';
import { interaction } from '../services/interactions/src/interaction/interaction.ts';
import { pipelineBoard } from '../services/sales/src/deal/pipeline-board.view.ts';
import { Random, appendOf, clerk, interactionLogged } from './data.ts';
import { dealBatch, dealBatchSize, dealOpened, dealsFrom, fillWithDeals } from './deals.ts';
import { byWriters, sized, type Observed, type PerSecond, type Watch } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

/** A store with so many events, and a view with as many rows. */
type Grown = OpenKernel & { events: number; deals: ReturnType<typeof dealsFrom>; checkpoint: Checkpoint };
type Checkpoint = Awaited<ReturnType<typeof takeCheckpoint>>;
type State = { size: number; stores: readonly Grown[] };
/** One time that is taken in every round; those of one group are held against its first. */
type Step = { group: string; name: string; unit: string; take: (perSecond: PerSecond) => Promise<number> };

const writersTried = [1, 4, 16, 64];
const lengthsTried = [1, 100, 1_000];
const streamsOfEach = 50;
const random = new Random('growth');

const growing: Watch<State> = {
  name: 'growth',
  needs: ['postgres'],
  async prepare(servers, size) {
    const sizes = [10_000, 100_000, ...(size >= 1 ? [1_000_000] : [])];
    const stores: Grown[] = [];
    for (const events of sizes) {
      const opened = await openKernel(servers, { name: 'sales', folds: [pipelineBoard] });
      const { store, pool } = opened.kernel;
      const deals = dealsFrom(await store.generation());
      const grown = {
        ...opened,
        events,
        deals,
        checkpoint: await takeCheckpoint(pool, checkpointOf(pipelineBoard), 'sales'),
      };
      await fillWithDeals(store, events);
      for (let rows = 0; rows < events; rows += dealBatchSize) await foldBatch(grown, dealBatch(deals, 1));
      await pool.query('analyze');
      stores.push(grown);
    }
    return { size, stores };
  },
  async observe({ size, stores }, rounds, perSecond) {
    const steps = stepsOf(stores, size);
    const samples = steps.map((): number[] => []);
    // The first round is the warm-up.
    for (let round = 0; round <= rounds; round += 1) {
      for (const [index, { take }] of steps.entries()) {
        const rate = await take(perSecond);
        if (round > 0) samples[index]?.push(rate);
      }
    }
    return steps.map(({ group, name, unit }, index): Observed => {
      const first = samples[steps.findIndex((step) => step.group === group)] ?? [];
      return { name: `${group}, ${name}`, unit, samples: samples[index] ?? [], against: first };
    });
  },
  async cleanup({ stores }) {
    for (const { close } of stores) await close();
  },
};

function stepsOf(stores: readonly Grown[], size: number): Step[] {
  const [smallest] = stores as readonly [Grown];
  const grown = (group: string, take: (store: Grown, size: number, perSecond: PerSecond) => Promise<number>) =>
    stores.map((store) => ({
      group,
      name: `${store.events.toLocaleString('en-US')} events there`,
      unit: 'events/s',
      take: (perSecond: PerSecond) => take(store, size, perSecond),
    }));
  return [
    ...grown('append by 16 writers', (store, factor, perSecond) => append(store, 16, sized(5_000, factor), perSecond)),
    ...grown('feed', readEnd),
    ...grown('view, a row an event', foldMore),
    ...writersTried.map((writers) => ({
      group: 'append',
      name: `${writers} writer${writers === 1 ? '' : 's'}`,
      unit: 'events/s',
      take: (perSecond: PerSecond) => append(smallest, writers, sized(2_000, size), perSecond),
    })),
    ...lengthsTried.map((length) => ({
      group: 'command, 1 writer',
      name: `a stream of ${length.toLocaleString('en-US')} event${length === 1 ? '' : 's'}`,
      unit: 'commands/s',
      take: (perSecond: PerSecond) => change(smallest, length, sized(streamsOfEach, size), perSecond),
    })),
  ];
}

function append({ kernel: { store } }: Grown, writers: number, count: number, perSecond: PerSecond): Promise<number> {
  const customer = newId();
  const events = Array.from({ length: count }, () => dealOpened(random, customer));
  return perSecond(count, () =>
    byWriters(writers, count, (index) => store.append(appendOf('deal', newId(), [events[index] as DealEvent]))),
  );
}

/** The newest pages of the log, as of a reader that was away for a moment. */
async function readEnd({ kernel, events }: Grown, size: number, perSecond: PerSecond): Promise<number> {
  const page = Math.min(dealBatchSize, events / 2);
  const [feed, times] = [kernel.feed(), sized(10, size)];
  const after = (await feed.head()) - page;
  return perSecond(page * times, async () => {
    for (let time = 0; time < times; time += 1) await kernel.codec.decode(await feed.next(after, page));
  });
}

function foldMore(store: Grown, size: number, perSecond: PerSecond): Promise<number> {
  const batches = Array.from({ length: sized(4, size) }, () => dealBatch(store.deals, 1));
  return perSecond(batches.length * dealBatchSize, async () => {
    for (const batch of batches) await foldBatch(store, batch);
  });
}

async function foldBatch(store: Grown, batch: ReturnType<typeof dealBatch>): Promise<void> {
  const { views } = store.kernel;
  const { generation } = store.deals;
  const [moved] = await views.apply(views.foldsOf('sales'), batch, generation, [store.checkpoint]);
  if (moved) store.checkpoint = moved;
}

/** One command on each of some streams that were made for it. */
async function change({ kernel }: Grown, length: number, count: number, perSecond: PerSecond): Promise<number> {
  const customerId = newId();
  const ids = Array.from({ length: count }, () => newId());
  for (const id of ids) {
    const changes = Array.from({ length: length - 1 }, (_, index): InteractionEvent => {
      return { type: 'InteractionDetailsChanged', customerId, subject: `Call ${index}` };
    });
    await kernel.store.append(appendOf('interaction', id, [interactionLogged(random, customerId), ...changes]));
  }
  const command = { type: 'ChangeInteraction' as const, changes: { subject: 'Wants to be called back' } };
  return perSecond(count, async () => {
    for (const id of ids) {
      await runInContext({ ...clerk }, () => kernel.commands.execute(interaction, id, command));
    }
  });
}

export const watches: readonly Watch[] = [growing];
