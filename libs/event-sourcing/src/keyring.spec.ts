import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freshDatabase, testMasterKey } from '../test/database.ts';
import { PostgresKeyring, newId, secretsFrom } from './index.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let keyring: PostgresKeyring;
beforeEach(async () => {
  database = await freshDatabase();
  keyring = new PostgresKeyring(database.pool, secretsFrom(testMasterKey));
});
afterEach(() => database.drop());

const subjectsAbove = async (above: number, limit = 10) =>
  (await keyring.destroyed(above, limit)).map(({ subject }) => subject);

describe('destroyed keys', () => {
  it('are told in the order of their destruction, each once, in pages', async () => {
    await keyring.migrate();
    const subjects = [newId(), newId(), newId()];
    await keyring.keysFor([...subjects, newId()], true);
    const [first = '', second = '', third = ''] = subjects;
    for (const subject of [third, first, third, second]) await keyring.destroy(subject);
    expect(await subjectsAbove(0)).toEqual([third, first, second]);
    const [page] = await keyring.destroyed(0, 1);
    expect(await subjectsAbove(page?.number ?? 0, 1)).toEqual([first]);
    expect(await keyring.destroyedOf([first, newId()])).toEqual(new Set([first]));
  });

  it('of releases that gave no numbers get some, from before as from beside this one', async () => {
    await database.pool.query(
      'create table keys (subject text primary key, wrapped bytea, created_at timestamptz not null default now(), destroyed_at timestamptz)',
    );
    const destroy = (subject: string) =>
      database.pool.query(
        `insert into keys (subject, destroyed_at) values ($1, now())
         on conflict (subject) do update set wrapped = null, destroyed_at = now()`,
        [subject],
      );
    const [before, beside, living] = [newId(), newId(), newId()];
    await destroy(before);
    await Promise.all([keyring.migrate(), keyring.migrate()]);
    await keyring.keysFor([beside, living], true);
    await destroy(beside);
    expect(await subjectsAbove(0)).toEqual([before, beside]);
  });
});
