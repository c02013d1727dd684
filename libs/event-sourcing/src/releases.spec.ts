import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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

const sentInGrams = { grams: Type.Integer() };
const sent = event('parcel', sentInGrams);
const sentInKilograms = event(
  'parcel',
  { kilograms: Type.Number() },
  { schemaVersion: 2, earlier: [earlier(sentInGrams, ({ grams }) => ({ kilograms: grams / 1_000 }))] },
);
const lost = event('parcel', {});
const returned = event('parcel', {});
/** The prepared release reads `ParcelReturned` already; whether it writes it is up to what it is asked for. */
const oldEvents = { ParcelSent: sent, ParcelLost: lost };
const preparedEvents = { ...oldEvents, ParcelReturned: returned };
const newEvents = { ...preparedEvents, ParcelSent: sentInKilograms };

@Entity()
class OldParcel {
  @PrimaryColumn('uuid') id!: string;
  @Column('int') grams!: number;
}
@Entity()
class PreparedParcel {
  @PrimaryColumn('uuid') id!: string;
  @Column('int') grams!: number;
  @Column('boolean') returned!: boolean;
}
@Entity()
class NewParcel {
  @PrimaryColumn('uuid') id!: string;
  @Column('double precision') kilograms!: number;
  @Column('boolean') returned!: boolean;
}

const common = { name: 'parcels', feed: 'sales', key: ({ stream }: Recorded) => stream.id } as const;
const oldParcels = fold<OldParcel, EventOf<typeof oldEvents>>(OldParcel, {
  ...common,
  version: 1,
  on: { ParcelSent: (_, { grams }, { stream }) => [{ id: stream.id, grams }], ParcelLost: () => [] },
});
const preparedParcels = fold<PreparedParcel, EventOf<typeof preparedEvents>>(PreparedParcel, {
  ...common,
  version: 2,
  on: {
    ParcelSent: (_, { grams }, { stream }) => [{ id: stream.id, grams, returned: false }],
    ParcelLost: () => [],
    ParcelReturned: (rows) => rows.map((row) => ({ ...row, returned: true })),
  },
});
const newParcels = fold<NewParcel, EventOf<typeof newEvents>>(NewParcel, {
  ...common,
  version: 3,
  on: {
    ParcelSent: (_, { kilograms }, { stream }) => [{ id: stream.id, kilograms, returned: false }],
    ParcelLost: () => [],
    ParcelReturned: (rows) => rows.map((row) => ({ ...row, returned: true })),
  },
});

const beside = background();
let kernel: Awaited<ReturnType<typeof freshStore>>;
let dataSource: DataSource;
beforeEach(async () => {
  kernel = await freshStore({});
  dataSource = new DataSource({ type: 'postgres', url: kernel.url, entities: [OldParcel, PreparedParcel, NewParcel] });
  await dataSource.initialize();
});
afterEach(async () => {
  await dataSource.destroy();
  await kernel.drop();
});

const subscription = 'policy:tell';
type Release = { events: EventDefinitions; view: Fold };
const releases = {
  old: { events: oldEvents, view: oldParcels },
  prepared: { events: preparedEvents, view: preparedParcels },
  new: { events: newEvents, view: newParcels },
} as unknown as Record<'old' | 'prepared' | 'new', Release>;

/** A release of the service on the store: what it appends, and its views and its policy, where it leads them. */
function start({ events, view }: Release) {
  const codec = new Codec(events, kernel.keyring);
  const store = new EventStore(kernel.pool, codec, kernel.secrets.key('hash-chain'));
  const feed = new StoreFeed('sales', store);
  const told: { position: number; type: string }[] = [];
  const tell = ({ position, type }: Recorded) => Promise.resolve(void told.push({ position, type }));
  const handlers = new Map(Object.keys(events).map((type) => [type, tell]));
  const views = new ViewRunner(dataSource, kernel.pool, codec, [view], [], beside.log);
  const deps = { feed, codec, pool: kernel.pool, log: beside.log };
  return {
    told,
    write: async (id: string, ...news: (AnyEvent & EventData)[]) => {
      const last = (await store.load('parcel', id)).at(-1);
      const head = last && { version: last.stream.version, hash: last.hash, effectiveAt: last.effectiveAt };
      return (await store.append(appendOf([{ id, type: 'parcel', events: news, ...(head && { head }) }]))).position;
    },
    runViews: async () => {
      await views.migrate();
      await views.run(() => feed, views.names, beside.signal);
    },
    runPolicy: () => runPolicy({ name: 'tell', from: 'beginning', entry: 'policy', handlers }, deps, beside.signal),
    reached: (position: number) => passed(kernel.pool, [checkpointOf(view), subscription], 'sales', position, 15_000),
  };
}
const rows = async ({ table }: { table: string }) =>
  (await kernel.pool.query<object>(`select * from ${table} order by id`)).rows;
/** Keys do not wait for each other: only within one of them is the order in which a policy is told certain. */
const inOrder = (told: readonly { position: number; type: string }[]) =>
  told.toSorted((a, b) => a.position - b.position).map(({ position, type }) => `${position} ${type}`);
describe('two releases of a service on one store', () => {
  it.each([
    ['type', { type: 'ParcelReturned' }, 'ParcelReturned v1', { kilograms: 1.5, returned: true }],
    ['version', { type: 'ParcelSent', kilograms: 3 }, 'ParcelSent v2', { kilograms: 3, returned: false }],
  ])('lose nothing where the older one meets a new %s: it stops, and goes on upgraded', async (_, news, name, row) => {
    const [old, upgraded] = [start(releases.old), start(releases.new)];
    const [a, b] = [newId(), newId()].toSorted() as [string, string];
    const first = await old.write(a, { type: 'ParcelSent', grams: 500 });
    const before = await old.write(b, { type: 'ParcelSent', grams: 1_500 });
    const unknown = await upgraded.write(b, news);
    const late = await old.write(a, { type: 'ParcelLost' });

    const running = [old.runViews(), old.runPolicy(), upgraded.runViews()];
    expect(await old.reached(before)).toBe(true);
    await until(() => beside.lines.length === 2);
    const word = `Error: unknown event ${name}: this release is too old to read it`;
    expect(beside.lines.map(({ level, details }) => `${level} ${String(details['error'])}`)).toEqual(
      Array(2).fill(`error ${word}`),
    );
    expect(await rows(oldParcels)).toEqual([
      { id: a, grams: 500 },
      { id: b, grams: 1_500 },
    ]);
    expect(await passed(kernel.pool, [checkpointOf(newParcels)], 'sales', late, 15_000)).toBe(true);
    expect(await passed(kernel.pool, [checkpointOf(oldParcels), subscription], 'sales', unknown, 0)).toBe(false);
    await beside.end(...running);
    expect(old.told).toHaveLength(2);

    const again = [upgraded.runViews(), upgraded.runPolicy()];
    expect(await upgraded.reached(late)).toBe(true);
    await beside.end(...again);
    expect(inOrder([...old.told, ...upgraded.told])).toEqual([
      `${first} ParcelSent`,
      `${before} ParcelSent`,
      `${unknown} ${news.type}`,
      `${late} ParcelLost`,
    ]);
    expect(await rows(newParcels)).toEqual([{ id: b, ...row }]);
  });

  it('go on side by side where the older one, which leads, reads already what the newer one writes', async () => {
    const [older, newer] = [start(releases.prepared), start(releases.prepared)];
    const [a, b] = [newId(), newId()].toSorted() as [string, string];
    const running = [older.runViews(), older.runPolicy()];
    const first = await older.write(a, { type: 'ParcelSent', grams: 250 });
    const returned = await newer.write(b, { type: 'ParcelSent', grams: 3_000 }, { type: 'ParcelReturned' });
    const last = await older.write(a, { type: 'ParcelLost' });
    expect(await older.reached(last)).toBe(true);
    await beside.end(...running);
    expect(beside.lines).toEqual([]);
    expect(inOrder(older.told)).toEqual([
      `${first} ParcelSent`,
      `${returned - 1} ParcelSent`,
      `${returned} ParcelReturned`,
      `${last} ParcelLost`,
    ]);
    expect(await rows(preparedParcels)).toEqual([{ id: b, grams: 3_000, returned: true }]);
  });
});
