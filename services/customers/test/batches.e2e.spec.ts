import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CustomerEvent } from '@throughline/contracts';
import { newId, runInContext, systemContext } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { batch } from '../src/batch/batch.ts';
import { customer, type CustomerCommand } from '../src/customer/customer.ts';
import { builtInRules } from '../src/customer/customer-rules.ts';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
const get = async (path: string) => (await service.call('GET', `/api/${path}`)).body;
const finished = (id: string) =>
  eventually(
    () => get(`batches/${id}`),
    ({ status, progress }) => status === 'done' && progress?.state === 'done',
  );

/** Commands as one batch, as an import or a bulk change sends them. */
async function inBatch(commands: readonly (CustomerCommand & { id: string })[]): Promise<string> {
  const batchId = newId();
  const { commands: executor } = service.kernel;
  await runInContext({ ...systemContext('test'), entry: 'import', batchId }, async () => {
    const items = commands.map(({ id, ...command }) => ({
      id,
      command: command as CustomerCommand,
      commandId: newId(),
    }));
    const outcomes = await executor.executeMany(customer, items, { rules: builtInRules });
    expect(outcomes.filter(({ status }) => status !== 'done')).toEqual([]);
    // Nothing runs it: it has done its work already.
    await executor.execute(batch, batchId, { type: 'StartBatch', kind: 'merge', title: '客户.csv' });
    await executor.execute(batch, batchId, { type: 'FinishBatch', counts: { changed: commands.length } });
  });
  return batchId;
}

describe('a batch', () => {
  it('is previewed and undone record by record, but for what was changed since', async () => {
    const [wang, li] = [await create({ name: '王伟', title: '经理' }), await create({ name: '李娜' })];
    const made = newId();
    const batchId = await inBatch([
      { id: wang.id, type: 'ChangeCustomer', changes: { title: 'CEO', industry: '零售' } },
      { id: li.id, type: 'ChangeCustomer', changes: { title: '医生' } },
      { id: made, type: 'CreateCustomer', number: `I-${batchIdOf(made)}`, fields: { name: '新客户' } },
    ]);
    await service.call('PATCH', `/api/customers/${wang.id}`, { title: '总监' });

    const preview = await get(`batches/${batchId}/undo`);
    expect(preview.items).toEqual([
      {
        recordId: wang.id,
        number: wang.number,
        fields: { industry: null },
        before: { industry: '零售' },
        record: null,
        kept: ['title'],
      },
      {
        recordId: li.id,
        number: li.number,
        fields: { title: null },
        before: { title: '医生' },
        record: null,
        kept: [],
      },
      { recordId: made, number: `I-${batchIdOf(made)}`, fields: {}, before: {}, record: 'archive', kept: [] },
    ]);
    const key = { 'idempotency-key': newId() };
    const [undo, again] = [
      await service.call('POST', `/api/batches/${batchId}/undo`, {}, key),
      await service.call('POST', `/api/batches/${batchId}/undo`, {}, key),
    ];
    expect([undo.status, again.body.id]).toEqual([202, undo.body.id]);
    const twice = await service.call('POST', `/api/batches/${batchId}/undo`);
    expect(twice.body).toMatchObject({ status: 409, code: 'batch-undone', undoneBy: undo.body.id });
    expect(await finished(undo.body.id)).toMatchObject({
      kind: 'undo',
      undoes: batchId,
      counts: { changed: 2, archived: 1, failed: 0 },
      progress: { state: 'done', done: 3, total: 3 },
    });
    expect(await get(`customers/${wang.id}`)).toMatchObject({ title: '总监' });
    expect(await get(`customers/${wang.id}`)).not.toHaveProperty('industry');
    expect(await get(`customers/${li.id}`)).not.toHaveProperty('title');
    expect(await get(`customers/${made}`)).toMatchObject({ archived: true });

    const redo = await service.call('POST', `/api/batches/${undo.body.id}/undo`);
    await finished(redo.body.id);
    expect(await get(`customers/${wang.id}`)).toMatchObject({ title: '总监', industry: '零售' });
    expect(await get(`customers/${made}`)).toMatchObject({ archived: false });
    const listed = (await get('batches')).items.map(({ id, undoneBy }: any) => [id, undoneBy]);
    expect(listed).toEqual(
      expect.arrayContaining([
        [batchId, null],
        [undo.body.id, redo.body.id],
      ]),
    );

    const last = await service.call('POST', `/api/batches/${batchId}/undo`);
    expect((await service.call('POST', `/api/batches/${batchId}/undo`, {}, key)).body.id).toBe(undo.body.id);
    await finished(last.body.id);
    expect(await get(`customers/${li.id}`)).not.toHaveProperty('title');
  });

  it('of merges is undone by taking them apart', async () => {
    const [one, other] = [await create({ name: '张三' }), await create({ name: '张三', title: '经理' })];
    const batchId = newId();
    await runInContext({ ...systemContext('test'), batchId }, async () => {
      const mergeId = newId();
      await service.kernel.commands.executeAcross(
        customer,
        [one.id, other.id],
        { type: 'Merge' },
        (): CustomerEvent[][] => [
          [{ type: 'CustomersMerged', mergeId, absorbed: [other.id], rules: {} }],
          [{ type: 'CustomerAbsorbed', mergeId, into: one.id, goldenId: one.id }],
        ],
      );
      await service.kernel.commands.execute(batch, batchId, { type: 'StartBatch', kind: 'merge' });
      await service.kernel.commands.execute(batch, batchId, { type: 'FinishBatch', counts: {} });
    });
    expect((await get(`customers/${other.id}`)).id).toBe(one.id);
    const { items } = await get(`batches/${batchId}/undo`);
    expect(items).toEqual([
      {
        recordId: one.id,
        number: one.number,
        fields: { title: null },
        before: { title: '经理' },
        record: 'unmerge',
        kept: [],
        records: [one, other].map(({ id, number }) => ({ recordId: id, number })),
      },
    ]);
    const { counts } = await finished((await service.call('POST', `/api/batches/${batchId}/undo`)).body.id);
    expect(counts).toMatchObject({ unmerged: 1, kept: 0, failed: 0 });
    expect((await get(`customers/${other.id}`)).id).toBe(other.id);
  });

  it('is listed with who began it and what undid it, the latest first', async () => {
    const { items } = await eventually(
      () => get('batches'),
      ({ items: all }) => all.length >= 3,
    );
    const undone = items.find(({ undoneBy, title }: any) => title === '客户.csv' && undoneBy);
    expect(undone).toMatchObject({
      kind: 'merge',
      status: 'done',
      counts: { changed: 3 },
      startedBy: { type: 'system' },
    });
    expect(items.find(({ id }: any) => id === undone.undoneBy)).toMatchObject({ kind: 'undo', undoes: undone.id });
  });

  it('that is undone takes nothing away from what another record of the customer says', async () => {
    const one = await create({ name: '张三', title: '经理', tags: ['a'] });
    const says = { phones: [{ value: '13912345678' }], emails: [{ value: 'bob@ex.cn' }] };
    const other = await create({ name: '张三', industry: '零售', tags: ['b'], ...says });
    const mine = {
      phones: [{ value: '13911110000' }],
      emails: [{ value: 'ann@ex.cn' }],
      industry: '制造',
      title: 'CEO',
    };
    const before = await inBatch([
      { id: one.id, type: 'ChangeCustomer', changes: mine },
      { id: one.id, type: 'ChangeInBulk', change: { add: { tags: ['c'] } } },
    ]);
    await service.call('POST', `/api/customers/${one.id}/merge`, { absorb: [other.id] });
    expect(await get(`customers/${one.id}`)).toMatchObject({ tags: ['a', 'c', 'b'], industry: '制造' });
    const { body } = await service.call('POST', '/api/customers/bulk', {
      ids: [one.id],
      set: { tags: ['d'] },
    });
    await finished(body.id);
    const undone = async (id: string) => finished((await service.call('POST', `/api/batches/${id}/undo`)).body.id);
    await undone(body.id);
    expect(await get(`customers/${one.id}`)).toMatchObject({
      tags: ['a', 'c', 'b'],
    });
    await undone(before);
    const { title, industry, tags, phones, emails } = await get(`customers/${one.id}`);
    expect({ title, industry, tags }).toEqual({ title: '经理', industry: '零售', tags: ['a', 'b'] });
    expect([phones, emails]).toMatchObject([[{ e164: '+8613912345678' }], [{ value: 'bob@ex.cn' }]]);
  });

  it('that is undone after a later one brings back nothing that the other undid', async () => {
    const { id } = await create({ name: '李娜', title: '医生', tags: ['x'] });
    const said = (title: string, tags: string[]) => inBatch([{ id, type: 'ChangeCustomer', changes: { title, tags } }]);
    const [first, second] = [await said('A', ['x', 'a']), await said('B', ['x', 'a', 'b'])];
    for (const one of [first, second]) {
      await finished((await service.call('POST', `/api/batches/${one}/undo`)).body.id);
    }
    expect(await get(`customers/${id}`)).toMatchObject({ title: '医生', tags: ['x'] });
    expect((await get(`batches/${first}/undo`)).items).toMatchObject([{ fields: {}, kept: [] }]);
  });

  it('counts again once its undo is undone, also where a later one had hidden it from that', async () => {
    const { id } = await create({ name: '李娜', title: 'T0', tags: ['x'] });
    const said = (changes: object) => inBatch([{ id, type: 'ChangeCustomer', changes }]);
    const [first, second] = [await said({ title: 'T1', tags: ['x', 'a'] }), await said({ title: 'T2' })];
    const made = newId();
    const maker = await inBatch([{ id: made, type: 'CreateCustomer', number: 'A-1', fields: { name: '王伟' } }]);
    const toucher = await inBatch([{ id: made, type: 'ChangeCustomer', changes: { title: '经理' } }]);
    const undone = async (one: string) => {
      const { body } = await service.call('POST', `/api/batches/${one}/undo`);
      expect(await finished(body.id)).toMatchObject({ counts: { failed: 0 } });
      return body.id as string;
    };
    const shown = async () => {
      const { title, tags } = await get(`customers/${id}`);
      return [title, tags];
    };
    const undos = [await undone(first), await undone(second)];
    const undosOfMade = [await undone(maker), await undone(toucher)];
    expect([await shown(), (await get(`customers/${made}`)).archived]).toEqual([['T0', ['x']], true]);

    const { items } = await get(`batches/${undos[0]}/undo`);
    expect(items).toMatchObject([{ recordId: id, fields: { title: 'T1', tags: ['x', 'a'] }, kept: [] }]);
    const redone = await undone(undos[0] as string);
    expect(await shown()).toEqual(['T1', ['x', 'a']]);
    await undone(redone);
    expect(await shown()).toEqual(['T0', ['x']]);
    await undone(undos[1] as string);
    expect(await shown()).toEqual(['T2', ['x']]);

    await undone(undosOfMade[0] as string);
    expect(await get(`customers/${made}`)).toMatchObject({ archived: false });
    expect(await get(`customers/${made}`)).not.toHaveProperty('title');
  });

  it('that changed a record twice tells and counts it once, however much lies between', async () => {
    const [often, once] = [await create({ name: '王伟' }), await create({ name: '李娜' })];
    const change = (id: string, title: string) => ({ id, type: 'ChangeCustomer', changes: { title } }) as const;
    const many = Array.from({ length: 500 }, (_, index) => change(often.id, `T${index}`));
    const batchId = await inBatch([...many, change(once.id, 'A'), change(often.id, 'B')]);
    const { items, nextCursor } = await get(`batches/${batchId}/undo`);
    const { items: rest } = await get(`batches/${batchId}/undo?cursor=${nextCursor}`);
    expect([items, rest]).toMatchObject([[{ recordId: often.id }], [{ recordId: once.id }]]);
    const { body } = await service.call('POST', `/api/batches/${batchId}/undo`);
    expect(await finished(body.id)).toMatchObject({
      counts: { changed: 2, kept: 0 },
      progress: { done: 502, total: 502 },
    });
  });

  it('says why an undo could not change a record', async () => {
    const held = [{ value: 'held@ex.cn' }];
    const gone = await create({ name: '王伟', emails: held });
    const batchId = await inBatch([{ id: gone.id, type: 'ArchiveCustomer' }]);
    await create({ name: '王伟二', emails: held });
    const { body } = await service.call('POST', `/api/batches/${batchId}/undo`);
    expect(await finished(body.id)).toMatchObject({ counts: { restored: 0, failed: 1 } });
    const { items } = await get(`batches/${body.id}/failures`);
    expect(items).toMatchObject([{ recordId: gone.id, code: 'email-taken', message: expect.any(String) }]);
  });

  it('gives no value back that somebody else has by now', async () => {
    await service.call('POST', '/api/fields', { key: 'badge', type: 'text', label: { en: 'Badge' } });
    const rule = { id: 'badge', kind: 'unique', field: 'custom.badge', message: { zh: '不行', en: 'Taken' } };
    expect((await service.call('PUT', '/api/rules/customers', { rules: [rule] })).status).toBe(200);
    const emails = (value: string) => ({ emails: [{ value }] });
    const [byRule, byEmail, free, member] = [
      await create({ name: '王伟', custom: { badge: 'v1' } }),
      await create({ name: '李娜', ...emails('u1@ex.cn') }),
      await create({ name: '张三', ...emails('u3@ex.cn') }),
      await create({ name: '赵六', ...emails('u5@ex.cn') }),
    ];
    const { body } = await service.call('POST', '/api/customers/bulk', {
      ids: [byRule.id],
      set: { custom: { badge: 'v2' } },
    });
    await finished(body.id);
    const replaced = await inBatch([
      { id: byEmail.id, type: 'ChangeCustomer', changes: emails('u2@ex.cn') },
      { id: free.id, type: 'ChangeCustomer', changes: emails('u4@ex.cn') },
      { id: member.id, type: 'ChangeCustomer', changes: emails('u6@ex.cn') },
    ]);
    await create({ name: '王伟二', custom: { badge: 'v1' } });
    await create({ name: '李娜二', ...emails('u1@ex.cn') });
    const own = await create({ name: '赵六', ...emails('u5@ex.cn') });
    await service.call('POST', `/api/customers/${member.id}/merge`, { absorb: [own.id] });
    const reasons = async (id: string) => {
      const undo = (await service.call('POST', `/api/batches/${id}/undo`)).body.id;
      const { counts } = await finished(undo);
      const { items } = await get(`batches/${undo}/failures`);
      return [counts.changed, items.map(({ recordId, code }: any) => [recordId, code])];
    };
    expect(await reasons(body.id)).toEqual([0, [[byRule.id, 'value-taken']]]);
    expect(await reasons(replaced)).toEqual([2, [[byEmail.id, 'email-taken']]]);
    expect((await get(`customers/${byRule.id}`)).custom).toEqual({ badge: 'v2' });
    expect(await get(`customers/${byEmail.id}`)).toMatchObject(emails('u2@ex.cn'));
    expect(await get(`customers/${member.id}`)).toMatchObject(emails('u5@ex.cn'));
    expect((await service.call('POST', '/api/customers', { name: '张三二', ...emails('u3@ex.cn') })).body.code).toBe(
      'email-taken',
    );
  });

  it('that was stopped says so, with what it did by then, and does not go on once it is undone', async () => {
    const { id } = await create({ name: '王伟', title: '经理' });
    const batchId = newId();
    await runInContext({ ...systemContext('test'), entry: 'import', batchId }, async () => {
      const { commands } = service.kernel;
      const command: CustomerCommand = { type: 'ChangeCustomer', changes: { title: 'CEO' } };
      await commands.execute(customer, id, command, { rules: builtInRules });
      await commands.execute(batch, batchId, { type: 'StartBatch', kind: 'merge' });
    });
    await eventually(
      () => get(`batches/${batchId}`),
      ({ progress }) => progress !== null,
    );
    for (const state of ['failed', 'stopped']) {
      await service.kernel.pool.query(`update jobs set state = $2, counts = '{"changed": 1}' where id = $1`, [
        batchId,
        state,
      ]);
      const ended = { id: batchId, status: state, counts: { changed: 1 } };
      expect(await get(`batches/${batchId}`)).toMatchObject(ended);
      const { items } = await eventually(
        () => get('batches'),
        ({ items: all }) => all.some((one: any) => one.id === batchId),
      );
      expect(items).toContainEqual(expect.objectContaining(ended));
    }
    await finished((await service.call('POST', `/api/batches/${batchId}/undo`)).body.id);
    const retried = await service.call('POST', `/api/batches/${batchId}/retry`);
    expect([retried.status, retried.body.code]).toEqual([409, 'batch-undone']);
    expect(await get(`customers/${id}`)).toMatchObject({ title: '经理' });
  });

  it('that nobody knows is not found', async () => {
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/undo'],
      ['POST', '/undo'],
      ['POST', '/stop'],
    ] as const) {
      expect((await service.call(method, `/api/batches/${newId()}${path}`)).status).toBe(404);
    }
  });
});

const batchIdOf = (id: string) => id.slice(-12);
