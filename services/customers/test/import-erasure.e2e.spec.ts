import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Log } from '@throughline/service';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { ImportedPeople } from '../src/import/imported-people.store.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, {
    listensTo: ['gateway', 'sales', 'interactions'],
    config: { keyCacheSeconds: 1 },
  });
});
afterAll(() => service.end());

const { get, byNumber, mapped, imported, checked, run, reasonsOf, undone } = importing(() => service);

describe('the erasure of somebody who came with a file', () => {
  it('takes along its cells and rows that were not taken, and leaves its counts, its undo and other files', async () => {
    const fileOf = (key: string) =>
      `number,name,email\n${key}-1,陈默,${key}-mo@example.cn\n${key}-2,周舟,\n${key}-3,陈默,chen-mo\n`;
    const ids = [await mapped(fileOf('E')), await mapped(fileOf('F'))];
    const [id, other] = ids as [string, string];
    for (const one of ids) {
      await checked(one);
      // Asked again, it is another check of the same rows.
      await checked(one);
      const { counts } = await run(one);
      expect(counts).toMatchObject({ read: 3, created: 2, failed: 1 });
      expect(await reasonsOf(one, 'errors.csv')).toHaveLength(1);
    }
    const before = await get(`imports/${id}`);
    expect(before.preview.map(({ cells }: any) => cells[1])).toEqual(['陈默', '周舟', '陈默']);
    const [person, companion] = [await byNumber('E-1'), await byNumber('E-2')];
    expect((await service.call('POST', `/api/customers/${person.id}/erase`)).status).toBe(202);
    const after = await eventually(
      () => get(`imports/${id}`),
      ({ preview, check }) => preview.length === 0 && check.errors.length === 0,
      30_000,
    );
    expect(after).toMatchObject({ status: 'done', counts: before.counts, check: { errors: [], warnings: [] } });
    for (const file of ['errors.csv', 'warnings.csv']) expect(await reasonsOf(id, file)).toEqual([]);
    const { rows } = await service.kernel.pool.query(
      `select (select count(*)::int from import_files) as files, (select count(distinct job_id)::int from import_errors) as jobs`,
    );
    // The other file, its two checks and its run.
    expect(rows).toEqual([{ files: 1, jobs: 3 }]);
    expect((await get(`imports/${other}`)).preview).toHaveLength(3);

    await undone(id);
    expect(await get(`customers/${companion.id}`)).toMatchObject({ archived: true });
  }, 60_000);

  it('waits without complaint for an import that is under way, which needs its file to the end', async () => {
    const { id } = await imported('number,name\nG-1,何静\n');
    const { id: personId } = await byNumber('G-1');
    const { pool } = service.kernel;
    const move = (kind: string, state: string) =>
      pool.query('update jobs set kind = $2, state = $3 where id = $1', [id, kind, state]);
    // Nobody carries out a job of this kind.
    await move('held', 'running');
    const [log, people] = [service.app.get(Log), service.app.get(ImportedPeople)];
    const [said, complained]: [string[], string[]] = [[], []];
    log.info = (line) => void said.push(line);
    log.error = (line) => void complained.push(line);
    let asked = 0;
    people.forget = (subject) => {
      asked += 1;
      return ImportedPeople.prototype.forget.call(people, subject);
    };
    await service.call('POST', `/api/customers/${personId}/erase`);
    await eventually(
      async () => asked,
      (times) => times > 2,
      30_000,
    );
    expect((await get(`imports/${id}`)).preview).toHaveLength(1);
    expect([said.filter((line) => line === 'an erasure waits'), complained]).toEqual([['an erasure waits'], []]);
    await move('import', 'done');
    await eventually(
      () => get(`imports/${id}`),
      ({ preview }) => preview.length === 0,
    );
  }, 60_000);
});
