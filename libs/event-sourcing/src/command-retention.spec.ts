import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { account, accountEvents, person, type AccountCommand } from '../test/account.ts';
import { freshStore } from '../test/database.ts';
import { forgetCommands, newId, runInContext, type RequestContext } from './index.ts';

let kernel: Awaited<ReturnType<typeof freshStore>>;
beforeAll(async () => {
  kernel = await freshStore(accountEvents);
});
afterAll(() => kernel.drop());

const open: AccountCommand = { type: 'OpenAccount', holder: '王伟' };
const run = (id: string, commandId: string, type: RequestContext['actor']['type']) =>
  runInContext({ ...person, actor: { type, id: 'a1' }, commandId }, () => kernel.commands.execute(account, id, open));
const ageAll = (days: number) =>
  kernel.pool.query('update commands set recorded_at = now() - make_interval(days => $1)', [days]);

describe('the memory of commands', () => {
  it('goes after so many days for people and API keys, and stays for what may be delivered again', async () => {
    const types = ['user', 'api-key', 'policy', 'connection', 'system'] as const;
    const sent = types.map((type) => ({ type, id: newId(), commandId: newId() }));
    for (const { type, id, commandId } of sent) await run(id, commandId, type);
    await ageAll(89);
    expect(await forgetCommands(kernel.pool, 90)).toBe(0);
    await ageAll(91);
    const young = newId();
    await run(young, 'young', 'user');
    expect(await forgetCommands(kernel.pool, 90)).toBe(2);

    expect(await run(young, 'young', 'user')).toMatchObject({ repeated: true });
    for (const { type, id, commandId } of sent.slice(2)) {
      expect(await run(id, commandId, type)).toMatchObject({ repeated: true });
    }
    // Nothing is done twice all the same: the record says that it is there.
    for (const { type, id, commandId } of sent.slice(0, 2)) {
      await expect(run(id, commandId, type)).rejects.toMatchObject({ code: 'account-exists' });
    }
  });

  it('goes however much of it there is', async () => {
    await kernel.pool.query(`insert into commands (id, actor, body_hash, outcome, recorded_at)
      select 'user:a1/old ' || n, 'user:a1', '', '{"kind":"done","streams":[]}', now() - interval '1 year'
      from generate_series(1, 12000) n`);
    expect(await forgetCommands(kernel.pool, 90)).toBe(12_000);
  });
});
