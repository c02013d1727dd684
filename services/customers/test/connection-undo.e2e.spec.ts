import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { CustomerFields } from '@throughline/contracts';
import { newId, recordId, runInContext } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const get = async (path: string) => (await service.call('GET', `/api/${path}`)).body;
const patch = (id: string, body: object) => service.call('PATCH', `/api/customers/${id}`, body);
const finished = (id: string) =>
  eventually(
    () => get(`batches/${id}`),
    ({ status }) => status === 'done',
  );
const undone = async (connection: string) => {
  const { status, body } = await service.call('POST', `/api/connections/${connection}/undo`);
  expect(status).toBe(202);
  return finished(body.id);
};

let words = 0;
/** What a source says of one of its customers, as the gateway records it; answers once the record holds it. */
async function seen(connectionId: string, external: string, fields: CustomerFields): Promise<string> {
  const customerId = recordId(connectionId, external);
  const at = new Date(Date.UTC(2026, 0, 1) + ++words * 1_000).toISOString();
  const stamp = { rank: 'profile', at, hash: String(words) };
  const said = { type: 'CustomerSeen', customerId, externalId: { connectionId, id: external }, stamp, ...fields };
  const context = {
    actor: { type: 'connection', id: connectionId },
    entry: 'connector',
    source: 'shop',
    correlationId: newId(),
  } as const;
  const stream = { category: 'seen', initial: 0, evolve: () => 0, decide: () => [said] };
  await runInContext(context, () =>
    service.log('gateway').kernel.commands.execute(stream, newId(), { type: 'RecordSeen' }),
  );
  await eventually(
    () => get(`customers/${customerId}/history?limit=200`),
    ({ items }) => items?.some(({ data }: any) => data.stamp?.at === at),
  );
  return customerId;
}

describe('what a connection said', () => {
  it('is taken back wherever it still stands, and nothing else is', async () => {
    const [vendor, shop] = [newId(), newId()];
    const only = await seen(vendor, '1', { name: '只有来源', title: '经理' });
    const worked = await seen(vendor, '2', { name: '有人用过', industry: '零售' });
    await patch(worked, { title: '总监' });
    const other = await seen(shop, '1', { name: '别的来源' });
    // Entered here, under the id that the connection knows it by.
    const ours = (
      await service.call('PUT', `/api/customers/by/external/${vendor}/3`, {
        name: '我们的',
        title: '经理',
        tags: ['vip'],
      })
    ).body.id as string;
    await seen(vendor, '3', { title: 'CEO', industry: '制造', region: '华东' });
    await patch(ours, { industry: '零售' });

    const preview = await get(`connections/${vendor}/undo`);
    const byId = new Map(preview.items.map(({ recordId: id, ...rest }: any) => [id, rest]));
    expect([byId.size, preview.nextCursor]).toEqual([3, null]);
    expect(byId.get(only)).toMatchObject({ record: 'archive', fields: {} });
    expect(byId.get(worked)).toMatchObject({ record: null, kept: ['record'] });
    expect(byId.get(ours)).toMatchObject({ fields: { title: '经理', region: null }, kept: ['industry'], record: null });

    expect(await undone(vendor)).toMatchObject({
      kind: 'undo',
      undoesConnection: vendor,
      counts: { archived: 1, changed: 1, kept: 1, failed: 0 },
      progress: { done: 3, total: 3 },
    });
    expect(await get(`customers/${only}`)).toMatchObject({ archived: true });
    expect(await get(`customers/${worked}`)).toMatchObject({ archived: false, industry: '零售', title: '总监' });
    expect(await get(`customers/${ours}`)).toMatchObject({ title: '经理', industry: '零售', tags: ['vip'] });
    expect(await get(`customers/${ours}`)).not.toHaveProperty('region');
    expect(await get(`customers/${other}`)).toMatchObject({ archived: false, name: '别的来源' });

    const { items } = await eventually(
      () => get('batches'),
      ({ items: all }) => all.length > 0,
    );
    expect(items[0]).toMatchObject({ undoesConnection: vendor });
  });

  it('afterwards counts as always', async () => {
    const vendor = newId();
    const id = (await service.call('PUT', `/api/customers/by/external/${vendor}/9`, { name: '以后', title: '经理' }))
      .body.id as string;
    await seen(vendor, '9', { title: 'CEO' });
    await undone(vendor);
    expect(await get(`customers/${id}`)).toMatchObject({ title: '经理' });
    await seen(vendor, '9', { title: 'CTO' });
    expect(await get(`customers/${id}`)).toMatchObject({ title: 'CTO' });
  });

  it('can be brought back as any batch', async () => {
    const vendor = newId();
    const id = await seen(vendor, '7', { name: '回来' });
    const { id: undo } = await undone(vendor);
    expect(await get(`customers/${id}`)).toMatchObject({ archived: true });
    await finished((await service.call('POST', `/api/batches/${undo}/undo`)).body.id);
    expect(await get(`customers/${id}`)).toMatchObject({ archived: false });
  });

  it('counts again once its undo is undone, also where a bulk change had hidden it from that', async () => {
    const vendor = newId();
    const id = (await service.call('PUT', `/api/customers/by/external/${vendor}/8`, { name: '盖住', title: 'T0' })).body
      .id as string;
    await seen(vendor, '8', { title: 'T1' });
    const { body } = await service.call('POST', '/api/customers/bulk', { ids: [id], set: { title: 'T2' } });
    await finished(body.id);
    const undo = await undone(vendor);
    await finished((await service.call('POST', `/api/batches/${body.id}/undo`)).body.id);
    expect(await get(`customers/${id}`)).toMatchObject({ title: 'T0' });
    const { nextCursor } = await get(`batches/${undo.id}/undo`);
    expect((await get(`batches/${undo.id}/undo?cursor=${nextCursor}`)).items).toMatchObject([
      { fields: { title: 'T1' } },
    ]);
    await finished((await service.call('POST', `/api/batches/${undo.id}/undo`)).body.id);
    expect(await get(`customers/${id}`)).toMatchObject({ title: 'T1' });
  });

  it('is taken out of a customer that others speak of as well, but for a name', async () => {
    const vendor = newId();
    const create = async (fields: object) => (await service.call('POST', '/api/customers', fields)).body.id as string;
    const merge = (id: string, absorbed: string) =>
      service.call('POST', `/api/customers/${id}/merge`, { absorb: [absorbed] });
    const [first, second, alone] = [
      await seen(vendor, '1', {
        name: '供应商说',
        title: '经理',
        industry: '零售',
        tags: ['vendor'],
        emails: [{ value: 'v@ex.cn' }],
      }),
      await seen(vendor, '2', { name: '供应商二', title: '总监', region: '华东' }),
      await seen(vendor, '3', { name: '供应商三', title: '总监' }),
    ];
    await patch(alone, { industry: '制造' });
    const ours = await create({ name: '我们说', title: '医生', tags: ['ours'] });
    const absorbed = await create({ name: '我们的', title: '教师' });
    await merge(ours, first);
    await merge(second, absorbed);
    await patch(second, { region: '华南' });
    await seen(vendor, '1', { industry: '电商', department: '采购' });
    const before = [await get(`customers/${ours}`), await get(`customers/${second}`)];
    expect(before).toMatchObject([
      { title: '医生', industry: '电商', department: '采购', tags: ['ours', 'vendor'] },
      { title: '总监', region: '华南' },
    ]);

    const { items } = await get(`connections/${vendor}/undo`);
    const told = new Map<string, any>(items.map(({ recordId: id, ...rest }: any) => [id, rest]));
    expect([...told.keys()].toSorted()).toEqual([ours, second, alone].toSorted());
    expect(told.get(ours)).toMatchObject({
      fields: { industry: null, department: null, tags: ['ours'], emails: null },
      before: { industry: '电商', department: '采购', tags: ['ours', 'vendor'], emails: [{ value: 'v@ex.cn' }] },
      kept: [],
      record: null,
      records: [{ recordId: first }],
    });
    const { fields, kept, records } = told.get(second);
    expect({ fields, kept, records: records.length }).toEqual({
      fields: { title: '教师' },
      kept: ['name', 'region'],
      records: 1,
    });
    expect(told.get(alone)).toMatchObject({ fields: {}, kept: ['record'], record: null });
    const undo = await undone(vendor);
    expect(undo.counts).toMatchObject({ changed: 2, archived: 0, kept: 1, failed: 0 });

    expect(await get(`customers/${ours}`)).toMatchObject({ name: '我们说', title: '医生', tags: ['ours'] });
    for (const field of ['industry', 'department', 'emails'])
      expect(await get(`customers/${ours}`)).not.toHaveProperty(field);
    expect(await get(`customers/${second}`)).toMatchObject({ name: '供应商二', title: '教师', region: '华南' });
    expect(await get(`customers/${alone}`)).toMatchObject({ title: '总监', industry: '制造' });

    await finished((await service.call('POST', `/api/batches/${undo.id}/undo`)).body.id);
    const shown = ({ version: _, ...fields }: any) => fields;
    expect([await get(`customers/${ours}`), await get(`customers/${second}`)].map(shown)).toEqual(before.map(shown));

    await undone(vendor);
    await service.call('POST', `/api/customers/${ours}/unmerge`, { record: first });
    expect(await get(`customers/${ours}`)).toMatchObject({ name: '我们说', title: '医生', tags: ['ours'] });
    const { name, title, industry, tags, archived } = await get(`customers/${first}`);
    expect({ name, title, industry, tags, archived }).toEqual({ name: '供应商说', archived: false });
  });

  it('goes to the archive with a customer of whom nobody else says anything', async () => {
    const vendor = newId();
    const said = (external: string) => seen(vendor, external, { name: `供应商${external}`, title: external });
    const merged = async (one: string, other: string) => {
      const ids = [await said(one), await said(other)];
      await service.call('POST', `/api/customers/${ids[0]}/merge`, { absorb: [ids[1]] });
      return ids as [string, string];
    };
    const [[gone], [kept, confirmed]] = [await merged('1', '2'), await merged('3', '4')];
    await service.call('POST', `/api/customers/${confirmed}/confirm`, { how: 'customer' });

    const { items } = await get(`connections/${vendor}/undo`);
    const told = new Map<string, any>(items.map(({ recordId: id, ...rest }: any) => [id, rest]));
    expect(told.get(gone)).toMatchObject({ record: 'archive', fields: {}, kept: [] });
    expect(told.get(kept)).toMatchObject({ record: null, fields: { title: null }, kept: ['name'] });
    const { id: undo, counts } = await undone(vendor);
    expect(counts).toMatchObject({ archived: 2, changed: 2, failed: 0 });
    expect(await get(`customers/${gone}`)).toMatchObject({ archived: true });
    expect(await get(`customers/${kept}`)).toMatchObject({ archived: false, name: '供应商3' });
    expect(await get(`customers/${kept}`)).not.toHaveProperty('title');

    await finished((await service.call('POST', `/api/batches/${undo}/undo`)).body.id);
    expect(await get(`customers/${gone}`)).toMatchObject({ archived: false, title: '1' });
    expect(await get(`customers/${kept}`)).toMatchObject({ archived: false, title: '3' });
  });

  it('is nothing where it never said anything', async () => {
    const nobody = newId();
    expect(await get(`connections/${nobody}/undo`)).toEqual({ items: [], nextCursor: null });
    expect(await undone(nobody)).toMatchObject({ counts: { changed: 0 }, progress: { done: 0 } });
  });
});
