import type { AnyEvent, DealEvent } from '@throughline/contracts';
import { newId, runInContext } from '@throughline/event-sourcing';
import pg from 'pg';
import { interaction } from '../services/interactions/src/interaction/interaction.ts';
import { Random, appendOf, clerk, customerCreated, interactionLogged } from './data.ts';
import { byWriters, sized, type Bench } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

type Sample = { stream: string; id: string; event: AnyEvent };
type State = OpenKernel & {
  count: number;
  samples: readonly Sample[];
  /** The samples as the store wrote them, for the bare INSERT. */
  rows: readonly (string | null)[][];
  bare: pg.Pool;
};
/** Carries out the sample once more, on a new stream. */
type Append = (state: State, sample: Sample) => Promise<unknown>;

const sampleCount = 1_000;
const people = 200;

/** What the database does not fill in by itself; those first that differ from row to row. */
const columns = `id, stream_id, command_id, stream_type, version, type, schema_version, data, personal, meta, occurred_at,
  recorded_at, effective_at, hash`;
const bareInsert = {
  name: 'bare-insert',
  text: `insert into bare_events (${columns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
};

/** Events in a store, of which each is a statement's whole work, beside the same rows in a table with the same indexes. */
const appending = (
  name: string,
  { writers, events, sample, append }: { writers: number; events: number; sample: Sampler; append: Append },
): Bench<State> => ({
  name,
  needs: ['postgres'],
  unit: 'events/s',
  async prepare(servers, size) {
    const opened = await openKernel(servers, { name: 'interactions' });
    const { pool, store, databaseUrl } = opened.kernel;
    const random = new Random('append');
    const customers = Array.from({ length: people }, () => newId());
    const samples = Array.from({ length: sampleCount }, (_, index) => sample(random, customers, index));
    await byWriters(16, samples.length, (index) => {
      const { stream, id, event } = samples[index] as Sample;
      return store.append(appendOf(stream, id, [event]));
    });
    await pool.query(`
      create table bare_events (like events including all);
      create sequence bare_position cache 1;
      alter table bare_events alter position set default nextval('bare_position')`);
    const { rows } = await pool.query<(string | null)[]>({
      text: `select ${columns} from events order by position`,
      rowMode: 'array',
      types: { getTypeParser: () => (text: string) => text },
    });
    const bare = new pg.Pool({ connectionString: databaseUrl, max: writers });
    bare.on('error', () => undefined);
    return { ...opened, count: sized(events, size), samples, rows, bare };
  },
  ours: (state, perSecond) =>
    perSecond(state.count, () =>
      byWriters(writers, state.count, (index) => append(state, state.samples[index % sampleCount] as Sample)),
    ),
  limit: ({ bare, rows, count }, perSecond) =>
    perSecond(count, () =>
      byWriters(writers, count, (index) => {
        const values = [...(rows[index % sampleCount] as (string | null)[])];
        values.splice(0, 3, newId(), newId(), `user:${clerk.actor.id}/${newId()}`);
        return bare.query({ ...bareInsert, values });
      }),
    ),
  async cleanup({ bare, close }) {
    await bare.end();
    await close();
  },
});

type Sampler = (random: Random, customers: readonly string[], index: number) => Sample;

const call: Sampler = (random, customers) => ({
  stream: 'interaction',
  id: newId(),
  event: interactionLogged(random, random.pick(customers)),
});
const newPerson: Sampler = (random, _, index) => ({
  stream: 'customer',
  id: newId(),
  event: customerCreated(random, index),
});
const move: Sampler = () => {
  const event: DealEvent = { type: 'DealMoved', from: 'qualification', to: 'proposal' };
  return { stream: 'deal', id: newId(), event };
};

const byStore: Append = ({ kernel }, { stream, event }) => kernel.store.append(appendOf(stream, newId(), [event]));
const byCommand: Append = ({ kernel }, { event }) => {
  const { type: _, ...details } = event as ReturnType<typeof interactionLogged>;
  return runInContext({ ...clerk }, () =>
    kernel.commands.execute(interaction, newId(), { type: 'LogInteraction', ...details }),
  );
};

export const benches: readonly Bench[] = [
  appending('append, 1 writer', { writers: 1, events: 3_000, sample: call, append: byStore }),
  appending('append, 16 writers', { writers: 16, events: 20_000, sample: call, append: byStore }),
  appending('append, 64 writers', { writers: 64, events: 30_000, sample: call, append: byStore }),
  appending('append, 16 writers, nothing personal', { writers: 16, events: 20_000, sample: move, append: byStore }),
  appending('append, 16 writers, a new person each', {
    writers: 16,
    events: 10_000,
    sample: newPerson,
    append: byStore,
  }),
  appending('command, 16 writers', { writers: 16, events: 15_000, sample: call, append: byCommand }),
];
