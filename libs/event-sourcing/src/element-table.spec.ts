import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import { background } from '../test/background.ts';
import { freshDatabase } from '../test/database.ts';
import { feedOf, openCodec, recorded, testGeneration, until } from '../test/events.ts';
import { ViewRunner, checkpointOf, elementsOf, fold, migrateStore, newId, passed, takeCheckpoint } from './index.ts';

type Labelled = { type: 'Labelled'; labels: readonly number[] } | { type: 'Dropped' };

@Entity()
class Parcel {
  @PrimaryColumn('uuid') id!: string;
  @Column({ type: 'int', array: true }) labels!: number[];
  @Column('int') moves!: number;
}
const parcels = fold<Parcel, Labelled>(Parcel, {
  name: 'parcels',
  version: 1,
  feed: 'sales',
  key: ({ stream }) => stream.id,
  elements: 'labels',
  on: {
    Labelled: ([row], { labels }, { stream }) => [{ id: stream.id, labels: [...labels], moves: (row?.moves ?? 0) + 1 }],
    Dropped: () => [],
  },
});
const ids = Array.from({ length: 3 }, () => newId()).toSorted();
const [a, b, c] = ids as [string, string, string];
const history = [
  recorded(1, 'Labelled', a, { labels: [1, 2] }),
  recorded(2, 'Labelled', b, { labels: [2, 3] }),
  recorded(3, 'Labelled', c, { labels: [] }),
  recorded(4, 'Labelled', a, { labels: [2, 4] }),
  recorded(5, 'Labelled', b, { labels: [2, 3] }),
  recorded(6, 'Labelled', c, { labels: [3] }),
  recorded(7, 'Dropped', b),
];

const beside = background();
let database: Awaited<ReturnType<typeof freshDatabase>>;
let dataSource: DataSource;
beforeAll(async () => {
  database = await freshDatabase();
  dataSource = new DataSource({ type: 'postgres', url: database.url, entities: [Parcel] });
  await dataSource.initialize();
  await migrateStore(database.pool);
});
afterAll(async () => {
  await dataSource.destroy();
  await database.drop();
});

const rows = async <R extends object>(sql: string, values: unknown[] = []) =>
  (await database.pool.query<R>(sql, values)).rows;
const elements = () => rows(`select element, id from "${elementsOf(parcels)}" order by 1, 2`);
const asHeld = () => rows(`select unnest(labels) as element, id from "${parcels.table}" order by 1, 2`);

describe("the elements of a view's lists", () => {
  it('are those of its rows, after each batch', async () => {
    const runner = new ViewRunner(dataSource, database.pool, openCodec, [parcels], [], beside.log);
    await runner.migrate();
    const group = runner.foldsOf('sales');
    let checkpoints = [await takeCheckpoint(database.pool, checkpointOf(parcels), 'sales')];
    for (const batch of [history.slice(0, 3), history.slice(3, 6), history.slice(6)]) {
      checkpoints = await runner.apply(group, batch, testGeneration, checkpoints);
      expect(await elements()).toEqual(await asHeld());
    }
    expect(await elements()).toEqual([
      { element: 2, id: a },
      { element: 3, id: c },
      { element: 4, id: a },
    ]);
  });

  it('follow a rebuild, and those of a release that did not have them', async () => {
    await database.pool
      .query(`update "${parcels.table}" set labels = '{7}'; drop table "${elementsOf(parcels)}" cascade;
      drop function "${elementsOf(parcels)}" cascade`);
    await database.pool.query('delete from checkpoints');
    await database.pool.query(`delete from "${parcels.table}" where id = $1`, [a]);
    const runner = new ViewRunner(dataSource, database.pool, openCodec, [parcels], [], beside.log);
    await runner.migrate();
    expect(await elements()).toEqual([{ element: 7, id: c }]);
    await runner.migrate();
    const running = runner.run(() => feedOf('sales', [history]), runner.names, beside.signal);
    expect(await passed(database.pool, [checkpointOf(parcels)], 'sales', 7, 15_000)).toBe(true);
    await database.pool.query(`update "${parcels.table}" set labels = '{9}'`);
    await database.pool.query(`insert into view_jobs (table_name, kind, requested_by) values ($1, 'rebuild', 'test')`, [
      parcels.table,
    ]);
    await until(async () => (await rows(`select from view_jobs where state = 'done'`)).length === 1);
    await beside.end(running);
    expect(await elements()).toEqual([
      { element: 2, id: a },
      { element: 3, id: c },
      { element: 4, id: a },
    ]);
  });

  it('go with the view', async () => {
    const runner = new ViewRunner(dataSource, database.pool, openCodec, [], [], beside.log);
    await database.pool.query(`update view_tables set used_at = now() - interval '2 hours'`);
    await runner.tables.dropAbandoned();
    expect(await rows(`select from pg_class where relname like 'parcels%'`)).toEqual([]);
    expect(await rows(`select from pg_proc where proname like 'parcels%'`)).toEqual([]);
  });
});
