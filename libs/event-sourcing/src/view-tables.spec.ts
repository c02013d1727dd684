import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';
import type { Recorded } from '@throughline/contracts';
import { background } from '../test/background.ts';
import { freshDatabase } from '../test/database.ts';
import { feedOf, openCodec, recorded, until } from '../test/events.ts';
import { ViewRunner, checkpointOf, document, fold, migrateStore, newId, passed, touch } from './index.ts';

type Counted = { type: 'Counted' } | { type: 'Gone' };

/** A release of the service: its version of the fold, and of the document that the fold touches. */
function releaseOf(version: number) {
  @Entity()
  class Tally {
    @PrimaryColumn('uuid') id!: string;
    @Column('int') count!: number;
  }
  const tally = fold<Tally, Counted>(Tally, {
    name: 'tally',
    version,
    feed: 'sales',
    key: ({ stream }) => stream.id,
    on: {
      Counted: ([row], _, { stream }) => [{ id: stream.id, count: (row?.count ?? 0) + version }],
      Gone: () => [],
    },
  });
  const label = document<{ id: string; count: number }>({
    name: 'label',
    version: 1,
    touchedBy: [touch(tally, ({ id }) => id)],
    render: async (keys, read) => (await read(tally, 'id', keys)).map(({ id, count }) => ({ id, count })),
  });
  return { Tally, tally, label };
}
const releases = [1, 2, 3].map(releaseOf);
const [first, second, third] = releases as [Release, Release, Release];
type Release = ReturnType<typeof releaseOf>;

const beside = background();
let database: Awaited<ReturnType<typeof freshDatabase>>;
let dataSource: DataSource;
beforeEach(async () => {
  database = await freshDatabase();
  dataSource = new DataSource({
    type: 'postgres',
    url: database.url,
    entities: releases.map(({ Tally }) => Tally),
  });
  await dataSource.initialize();
  await migrateStore(database.pool);
});
afterEach(async () => {
  await dataSource.destroy();
  await database.drop();
});

const ids = Array.from({ length: 4 }, () => newId()).toSorted();
const counted = (ids as readonly string[]).map((id, index) => recorded(index + 1, 'Counted', id));

/** A process of a release, from its start. */
async function start({ tally, label }: Release) {
  const runner = new ViewRunner(dataSource, database.pool, openCodec, [tally], [label], beside.log);
  await runner.migrate();
  return {
    ready: () => runner.tables.ready(),
    mayTakeOver: () => runner.tables.mayTakeOver('shown'),
    forgetOld: () => runner.tables.forgetOld(),
    /** Keeps its views up to date with the log, until the test ends. */
    run: (log: readonly Recorded[]) =>
      runner.run((service) => feedOf(service as 'sales', [log]), runner.names, beside.signal),
  };
}
async function folded(release: Release, log: readonly Recorded[] = counted) {
  const process = await start(release);
  const running = process.run(log);
  await until(process.ready);
  expect(await passed(database.pool, [checkpointOf(release.tally)], 'sales', log.length, 15_000)).toBe(true);
  await until(async () => (await rows(checkpoint(release))).length === 1);
  await beside.end(running);
  return process;
}
const rows = async (sql: string) => (await database.pool.query<object>(sql)).rows;
const checkpoint = ({ label }: Release) => `select from checkpoints where subscription = '${checkpointOf(label)}'`;
const ago = (time: string, ...used: Release[]) =>
  database.pool.query(`update view_tables set used_at = now() - $1::interval where table_name = any($2)`, [
    time,
    used.flatMap(({ tally, label }) => [tally.table, label.table]),
  ]);
const tables = async () => {
  const found = await rows(
    `select relname as name from pg_class where relname ~ '^(tally|label)_v[0-9]+(_changes)?$' and relkind = 'r'`,
  );
  return (found as { name: string }[]).map(({ name }) => name).toSorted();
};
const documents = ({ label }: Release) =>
  rows(`select doc->>'id' as id, doc->'count' as count from ${label.table} order by 1`);

describe('a release', () => {
  it('is ready at once where it is the first', async () => {
    expect(await (await start(first)).ready()).toBe(true);
  });

  it('that replaces another is ready once its views have seen what was there, and stays so', async () => {
    await folded(first);
    const upgraded = await start(second);
    expect(await upgraded.ready()).toBe(false);
    const running = upgraded.run(counted);
    await until(upgraded.ready);
    expect(await documents(second)).toEqual(ids.map((id) => ({ id, count: 2 })));
    await beside.end(running);
    await database.pool.query('delete from checkpoints');
    expect(await upgraded.ready()).toBe(true);
    expect(await (await start(second)).ready()).toBe(false);
  });

  it('is ready without the feed when it starts again after it has caught up', async () => {
    await folded(first);
    await folded(second);
    expect(await (await start(second)).ready()).toBe(true);
  });
});

describe('what others read in a schema', () => {
  const show = (release: Release) =>
    database.pool.query(`create schema if not exists shown;
      create or replace view shown.tallies as select id, count from ${release.tally.table}`);

  it('stands on the tables before until those of the new release are complete', async () => {
    await folded(first);
    await show(first);
    const upgraded = await start(second);
    expect(await upgraded.mayTakeOver()).toBe(false);
    const running = upgraded.run(counted);
    await until(upgraded.mayTakeOver);
    await show(second);
    expect(await rows('select count from shown.tallies')).toEqual(ids.map(() => ({ count: 2 })));
    await beside.end(running);
  });

  it('is not taken back by the older release while the newer one is at work', async () => {
    const older = await folded(first);
    await folded(second);
    await show(second);
    expect(await older.mayTakeOver()).toBe(false);
    await ago('10 minutes', second);
    expect(await older.mayTakeOver()).toBe(true);
  });
});

describe('what no release will need', () => {
  const ofRelease = ({ tally, label }: Release) => [label.table, `${label.table}_changes`, tally.table];
  const kept = (...some: Release[]) => some.flatMap(ofRelease).toSorted();

  it('is dropped: tables older than those before the newest', async () => {
    for (const release of releases) await folded(release);
    await ago('2 hours', first, second);
    const leader = await start(third);
    await leader.forgetOld();
    expect(await tables()).toEqual(kept(second, third));
    const left = await rows(
      `select subscription from checkpoints where subscription ~ '_v1$' union all
       select fold_table from view_touches where fold_table ~ '_v1$'`,
    );
    expect(left).toEqual([]);
    await leader.forgetOld();
    expect(await (await start(third)).ready()).toBe(true);
  });

  it('is not what is in use, nor what something stands on', async () => {
    for (const release of releases) await folded(release);
    await (await start(third)).forgetOld();
    expect(await tables()).toEqual(kept(first, second, third));
    await ago('2 hours', first, second);
    await database.pool.query(`create view mine as select * from ${first.tally.table}`);
    await (await start(third)).forgetOld();
    expect(await tables()).toContain(first.tally.table);
    expect(await tables()).not.toContain(first.label.table);
    await folded(first);
  });

  it('is no longer told to a release that is away, which renders its documents whole when it comes back', async () => {
    await folded(first);
    await folded(second);
    await ago('2 hours', first);
    await (await start(second)).forgetOld();
    expect(await rows(checkpoint(first))).toEqual([]);
    expect(await rows(`select from view_touches where document_table = '${first.label.table}'`)).toEqual([]);
    const [gone, changed] = ids as [string, string];
    await folded(second, [...counted, recorded(5, 'Gone', gone), recorded(6, 'Counted', changed)]);

    // Its fold was kept on by nobody, so what changed there is seen by its documents alone.
    await database.pool.query(`delete from ${first.tally.table} where id = $1`, [gone]);
    await database.pool.query(`update ${first.tally.table} set count = 7 where id = $1`, [changed]);
    await folded(first);
    expect(await documents(first)).toEqual(ids.slice(1).map((id) => ({ id, count: id === changed ? 7 : 1 })));
    expect(await rows(`select from view_touches where document_table = '${first.label.table}'`)).toHaveLength(1);
  });
});
