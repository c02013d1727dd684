import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { Type } from 'typebox';
import {
  earlier,
  event,
  type AnyEvent,
  type EventData,
  type EventDefinitions,
  type EventOf,
  type Recorded,
} from '@throughline/contracts';
import { appendOf } from '../test/appends.ts';
import { background } from '../test/background.ts';
import { freshStore } from '../test/database.ts';
import { until } from '../test/events.ts';
import {
  Codec,
  EventStore,
  StoreFeed,
  ViewRunner,
  checkpointOf,
  fold,
  newId,
  passed,
  runPolicy,
  type Fold,
} from './index.ts';

/** Three releases: the second one reads `ParcelReturned` and the new weight, the third one writes them. */
const sentInGrams = { grams: Type.Integer() };
const sentInKilograms = event(
  'parcel',
  { kilograms: Type.Number() },
  { schemaVersion: 2, earlier: [earlier(sentInGrams, ({ grams }) => ({ kilograms: grams / 1_000 }))] },
);
const lost = event('parcel', {});
const oldEvents = { ParcelSent: event('parcel', sentInGrams), ParcelLost: lost };
const newEvents = { ParcelSent: sentInKilograms, ParcelLost: lost, ParcelReturned: event('parcel', {}) };
type OldEvent = EventOf<typeof oldEvents>;
type NewEvent = EventOf<typeof newEvents>;

@Entity()
class OldParcel {
  @PrimaryColumn('uuid') id!: string;
  @Column('int') grams!: number;
}
@Entity()
class Parcel {
  @PrimaryColumn('uuid') id!: string;
  @Column('double precision') kilograms!: number;
  @Column('boolean') returned!: boolean;
}

const key = ({ stream }: Recorded) => stream.id;
const oldParcels = fold<OldParcel, OldEvent>(OldParcel, {
  name: 'parcels',
  version: 1,
  feed: 'sales',
  key,
  on: { ParcelSent: (_, { grams }, { stream }) => [{ id: stream.id, grams }], ParcelLost: () => [] },
});
const parcels = fold<Parcel, NewEvent>(Parcel, {
  name: 'parcels',
  version: 2,
  feed: 'sales',
  key,
  on: {
    ParcelSent: (_, { kilograms }, { stream }) => [{ id: stream.id, kilograms, returned: false }],
    ParcelLost: () => [],
    ParcelReturned: (rows) => rows.map((row) => ({ ...row, returned: true })),
  },
});

const beside = background();
let kernel: Awaited<ReturnType<typeof freshStore>>;
let dataSource: DataSource;
beforeAll(async () => {
  kernel = await freshStore({});
  dataSource = new DataSource({ type: 'postgres', url: kernel.url, entities: [OldParcel, Parcel] });
  await dataSource.initialize();
});
afterAll(async () => {
  await dataSource.destroy();
  await kernel.drop();
});

type Release = { events: EventDefinitions; writes: EventDefinitions; view: Fold };
const releases = {
  old: { events: oldEvents, writes: oldEvents, view: oldParcels },
  reading: { events: newEvents, writes: oldEvents, view: parcels },
  writing: { events: newEvents, writes: newEvents, view: parcels },
} as unknown as Record<'old' | 'reading' | 'writing', Release>;

/** A release of the service on the store: what it appends, and its views and its policy, where it leads them. */
function start({ events, writes, view }: Release, policy: string) {
  const store = (known: EventDefinitions) =>
    new EventStore(kernel.pool, new Codec(known, kernel.keyring), kernel.secrets.key('hash-chain'));
  const [reader, writer] = [store(events), store(writes)];
  const { codec } = reader;
  const feed = new StoreFeed('sales', reader);
  const told: { position: number; type: string }[] = [];
  const tell = ({ position, type }: Recorded) => Promise.resolve(void told.push({ position, type }));
  const handlers = new Map(Object.keys(events).map((type) => [type, tell]));
  const views = new ViewRunner(dataSource, kernel.pool, codec, [view], [], beside.log);
  const deps = { feed, codec, pool: kernel.pool, log: beside.log };
  return {
    told,
    write: async (id: string, ...news: (AnyEvent & EventData)[]) => {
      const last = (await writer.load('parcel', id)).at(-1);
      const head = last && { version: last.stream.version, hash: last.hash, effectiveAt: last.effectiveAt };
      return (await writer.append(appendOf([{ id, type: 'parcel', events: news, ...(head && { head }) }]))).position;
    },
    runViews: async () => {
      await views.migrate();
      await views.run([feed], beside.signal);
    },
    runPolicy: () => runPolicy({ name: policy, from: 'beginning', entry: 'policy', handlers }, deps, beside.signal),
    reached: (position: number) =>
      passed(kernel.pool, [checkpointOf(view), `policy:${policy}`], 'sales', position, 15_000),
  };
}
const rows = async (view: { table: string }, ...ids: string[]) =>
  (await kernel.pool.query<object>(`select * from ${view.table} where id = any($1) order by id`, [ids])).rows;
/** Keys do not wait for each other: only within one of them is the order in which a policy is told certain. */
const inOrder = (told: readonly { position: number; type: string }[]) =>
  told.toSorted((a, b) => a.position - b.position).map(({ position, type }) => `${position} ${type}`);
const words = () => new Set(beside.lines.map(({ level, details }) => `${level} ${String(details['error'])}`));

describe('two releases of a service on one store', () => {
  it('lose nothing where the older one does not know what the newer one writes: it stops, and goes on upgraded', async () => {
    const [old, writing] = [start(releases.old, 'unprepared'), start(releases.writing, 'unprepared')];
    const [a, b] = [newId(), newId()].toSorted() as [string, string];
    const first = await old.write(a, { type: 'ParcelSent', grams: 500 });
    const before = await old.write(b, { type: 'ParcelSent', grams: 1_500 });
    const returned = await writing.write(b, { type: 'ParcelReturned' });
    const late = await old.write(a, { type: 'ParcelLost' });

    const running = [old.runViews(), old.runPolicy(), writing.runViews()];
    expect(await old.reached(before)).toBe(true);
    await until(() => beside.lines.length === 2);
    expect(words()).toEqual(
      new Set(['error Error: unknown event ParcelReturned v1: this release is too old to read it']),
    );
    expect(await rows(oldParcels, a, b)).toEqual([
      { id: a, grams: 500 },
      { id: b, grams: 1_500 },
    ]);
    expect(await passed(kernel.pool, [checkpointOf(parcels)], 'sales', late, 15_000)).toBe(true);
    expect(await passed(kernel.pool, [checkpointOf(oldParcels), 'policy:unprepared'], 'sales', returned, 0)).toBe(
      false,
    );
    await beside.end(...running);
    expect(old.told).toHaveLength(2);

    const upgraded = [writing.runViews(), writing.runPolicy()];
    expect(await writing.reached(late)).toBe(true);
    await beside.end(...upgraded);
    expect(inOrder([...old.told, ...writing.told])).toEqual([
      `${first} ParcelSent`,
      `${before} ParcelSent`,
      `${returned} ParcelReturned`,
      `${late} ParcelLost`,
    ]);
    expect(await rows(parcels, a, b)).toEqual([{ id: b, kilograms: 1.5, returned: true }]);
  });

  it('go on side by side where the older one, which leads, reads already what the newer one writes', async () => {
    const [reading, writing] = [start(releases.reading, 'prepared'), start(releases.writing, 'prepared')];
    const [a, b] = [newId(), newId()].toSorted() as [string, string];
    const running = [reading.runViews(), reading.runPolicy()];
    const first = await reading.write(a, { type: 'ParcelSent', grams: 250 });
    const returned = await writing.write(b, { type: 'ParcelSent', kilograms: 3 } as AnyEvent, {
      type: 'ParcelReturned',
    });
    const last = await reading.write(a, { type: 'ParcelLost' });
    expect(await reading.reached(last)).toBe(true);
    await beside.end(...running);
    expect(beside.lines).toEqual([]);
    expect(inOrder(reading.told).slice(-4)).toEqual([
      `${first} ParcelSent`,
      `${returned - 1} ParcelSent`,
      `${returned} ParcelReturned`,
      `${last} ParcelLost`,
    ]);
    expect(await rows(parcels, a, b)).toEqual([{ id: b, kilograms: 3, returned: true }]);
  });
});
