import type { AnyEvent, DealEvent } from '@throughline/contracts';
import { newId, noStream, runInContext } from '@throughline/event-sourcing';
import pg from 'pg';
import { interaction } from '../services/interactions/src/interaction/interaction.ts';
import { Random, appendOf, clerk, customerCreated, interactionLogged } from './data.ts';
import { openEmmett, type Emmett } from './emmett.ts';
import { byWriters, sized, type Bench, type Peer } from './harness.ts';
import { openKernel, type OpenKernel } from './servers.ts';

type Sample = { stream: string; event: AnyEvent };
type State = OpenKernel & {
  /** How often the bench's one piece of work is done. */
  times: number;
  samples: readonly (readonly Sample[])[];
  /** The samples as the store wrote them, for the bare INSERT. */
  rows: readonly Row[][];
  bare: pg.Pool;
  emmett: Emmett | undefined;
};
type Row = readonly (string | null)[];
/** Carries out the samples once more, on new streams. */
type Append = (state: OpenKernel, samples: readonly Sample[]) => Promise<unknown>;

type Options = {
  writers: number;
  events: number;
  /** Events in one append, or in one list of commands; rows in one INSERT. */
  together?: number;
  sample: Sampler;
  append: Append;
  goal?: number;
  peer?: Peer<State>;
};

const sampleCount = 1_000;
const people = 200;

/** What the database does not fill in by itself; those first that differ from row to row. */
const columns = `id, stream_id, command_id, stream_type, version, type, schema_version, data, personal, meta, occurred_at,
  recorded_at, effective_at, hash`;
const columnCount = 14;

const bareInsert = (rows: number) => {
  const row = (_: unknown, index: number) =>
    `(${Array.from({ length: columnCount }, (__, column) => `$${index * columnCount + column + 1}`).join(', ')})`;
  const text = `insert into bare_events (${columns}) values ${Array.from({ length: rows }, row).join(', ')}`;
  return { name: 'bare-insert', text };
};

/** The same rows once more, under new ids. */
function anew(rows: readonly Row[]): Row {
  const command = `user:${clerk.actor.id}/${newId()}`;
  const streams = new Map(rows.map(([, stream]) => [stream, newId()]));
  return rows.flatMap(([, stream = null, , ...rest]) => [newId(), streams.get(stream) ?? null, command, ...rest]);
}

/** Events in a store, beside the same rows in a table with the same indexes. */
const appending = (
  name: string,
  { writers, events, together = 1, sample, append, ...besides }: Options,
): Bench<State> => ({
  name,
  needs: ['postgres'],
  unit: 'events/s',
  ...besides,
  async prepare(servers, size) {
    const opened = await openKernel(servers, { name: 'interactions' });
    const { pool, databaseUrl } = opened.kernel;
    const random = new Random('append');
    const customers = Array.from({ length: people }, () => newId());
    const all = Array.from({ length: sampleCount }, (_, index) => sample(random, customers, index));
    const samples = parts(all, together);
    await byWriters(together === 1 ? 16 : 1, samples.length, (index) => append(opened, at(samples, index)));
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
    const times = sized(events / together, size);
    const emmett = besides.peer && (await openEmmett(databaseUrl, writers));
    return { ...opened, times, samples, rows: parts(rows, together), bare, emmett };
  },
  ours: (state, perSecond) =>
    perSecond(state.times * together, () =>
      byWriters(writers, state.times, (index) => append(state, at(state.samples, index))),
    ),
  limit({ bare, rows, times }, perSecond) {
    const insert = bareInsert(together);
    return perSecond(times * together, () =>
      byWriters(writers, times, (index) => bare.query({ ...insert, values: [...anew(at(rows, index))] })),
    );
  },
  async cleanup({ bare, emmett, close }) {
    await bare.end();
    await emmett?.close();
    await close();
  },
});

/** Over and over again. */
const at = <T>(all: readonly T[], index: number): T => all[index % all.length] as T;

const parts = <T>(all: readonly T[], length: number): T[][] =>
  Array.from({ length: all.length / length }, (_, index) => all.slice(index * length, (index + 1) * length));

/** The same events and envelopes in Emmett's tables, nothing encrypted, by as many writers. */
const emmettAppend = (writers: number): Peer<State> => ({
  name: 'Emmett',
  run: ({ emmett, samples, times }, perSecond) =>
    perSecond(times, () =>
      byWriters(writers, times, (index) => {
        const [{ stream, event }] = at(samples, index) as [Sample];
        return (emmett as Emmett).append(stream, [event], appendOf(stream, newId(), []).meta);
      }),
    ),
});

type Sampler = (random: Random, customers: readonly string[], index: number) => Sample;

const call: Sampler = (random, customers) => ({
  stream: 'interaction',
  event: interactionLogged(random, random.pick(customers)),
});
const newPerson: Sampler = (random, _, index) => ({ stream: 'customer', event: customerCreated(random, index) });
const move: Sampler = () => {
  const event: DealEvent = { type: 'DealMoved', from: 'qualification', to: 'proposal' };
  return { stream: 'deal', event };
};

/** All events to one stream. */
const toOneStream: Append = ({ kernel }, samples) =>
  kernel.store.append(
    appendOf(
      (samples[0] as Sample).stream,
      newId(),
      samples.map(({ event }) => event),
    ),
  );
/** Each event to a stream of its own, all or nothing. */
const toManyStreams: Append = ({ kernel }, samples) => {
  const streams = samples.map(({ stream, event }) => ({ type: stream, id: newId(), head: noStream, events: [event] }));
  return kernel.store.append({ ...appendOf('interaction', newId(), []), streams });
};

const commandOf = ({ event }: Sample) => {
  const { type: _, ...details } = event as ReturnType<typeof interactionLogged>;
  return { type: 'LogInteraction' as const, ...details };
};
const byCommand: Append = ({ kernel }, [sample]) =>
  runInContext({ ...clerk }, () => kernel.commands.execute(interaction, newId(), commandOf(sample as Sample)));
const byManyCommands: Append = ({ kernel }, samples) => {
  const items = samples.map((sample) => ({ id: newId(), command: commandOf(sample), commandId: newId() }));
  return runInContext({ ...clerk }, async () => {
    const outcomes = await kernel.commands.executeMany(interaction, items);
    if (outcomes.some(({ status }) => status === 'refused')) throw new Error('a command was refused');
  });
};

const many = { writers: 1, events: 20_000, together: 500, sample: call };

export const benches: readonly Bench[] = [
  appending('append, 1 writer', { writers: 1, events: 3_000, sample: call, append: toOneStream, goal: 0.6 }),
  appending('append, 16 writers', {
    writers: 16,
    events: 20_000,
    sample: call,
    append: toOneStream,
    goal: 1,
    peer: emmettAppend(16),
  }),
  appending('append, 64 writers', { writers: 64, events: 30_000, sample: call, append: toOneStream, goal: 1.5 }),
  appending('append, 16 writers, nothing personal', {
    writers: 16,
    events: 20_000,
    sample: move,
    append: toOneStream,
    goal: 1,
  }),
  appending('append, 16 writers, a new person each', {
    writers: 16,
    events: 10_000,
    sample: newPerson,
    append: toOneStream,
  }),
  appending('command, 16 writers', { writers: 16, events: 15_000, sample: call, append: byCommand }),
  appending('append of 500 events, one stream', { ...many, append: toOneStream }),
  appending('append of 500 events, 500 streams', { ...many, append: toManyStreams }),
  appending('500 commands together', { ...many, append: byManyCommands }),
];
