import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const path = '/api/survivorship-rules';
const erp = newId();
const configure = (...fields: object[]) => service.call('PUT', path, { fields });
const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
const get = async (id: string) => (await service.call('GET', `/api/customers/${id}`)).body;
const post = async (id: string, verb: string, body: object) =>
  (await service.call('POST', `/api/customers/${id}/${verb}`, body)).body;
const fromErp = async (body: object) =>
  (await service.call('PUT', `/api/customers/by/external/${erp}/${newId()}`, body)).body;

describe('the survivorship rules', () => {
  it('are told for every field, and taken back as they were told', async () => {
    const { body } = await service.call('GET', path);
    expect(body.fields).toContainEqual({ field: 'emails', rule: 'all' });
    expect(body.fields).toContainEqual({ field: 'type', rule: 'survivor' });
    expect(await configure(...body.fields)).toMatchObject({ status: 200, body });
  });

  it('say what does not fit', async () => {
    const refused = await configure({ field: 'type', rule: 'all' }, { field: 'name', rule: 'longest' });
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'invalid-survivorship-rules', errors: [{ path: 'fields.type.rule', code: 'not-allowed' }] },
    });
    for (const wrong of [
      [{ field: 'colour', rule: 'latest' }],
      [{ field: '__proto__', rule: 'latest' }],
      [{ field: 'name', rule: 'newest' }],
      [{ field: 'name', rule: 'latest', sources: ['SAP'] }],
      [{ field: 'name', rule: 'latest', sources: [] }],
      [{ field: 'name', rule: 'latest', sources: [erp, erp] }],
      [
        { field: 'name', rule: 'latest' },
        { field: 'name', rule: 'longest' },
      ],
    ]) {
      expect((await configure(...wrong)).status).toBe(400);
    }
    expect((await service.call('PUT', path, {})).status).toBe(400);
  });

  it('leave the fields that they do not name as they come with the product', async () => {
    const { body: builtIn } = await service.call('GET', path);
    await configure({ field: 'title', rule: 'longest' });
    const one = await create({ name: '周敏', title: '经理', tags: ['vip'], emails: [{ value: 'min@one.example' }] });
    const other = await create({
      name: '周敏',
      title: '采购经理',
      tags: ['b2b'],
      emails: [{ value: 'min@two.example' }],
    });
    await post(one.id, 'merge', { absorb: [other.id] });
    expect(await get(one.id)).toMatchObject({
      title: '采购经理',
      tags: ['vip', 'b2b'],
      emails: [{ value: 'min@one.example' }, { value: 'min@two.example' }],
    });
    expect(await configure()).toMatchObject({ status: 200, body: builtIn });
  });

  it('may be of a single field of the installation’s own', async () => {
    for (const key of ['tea', 'cup'])
      await service.call('POST', '/api/fields', { key, type: 'text', label: { en: key } });
    const refused = await configure({ field: 'custom.tea', rule: 'longest' }, { field: 'custom.pot', rule: 'latest' });
    expect(refused).toMatchObject({
      status: 422,
      body: {
        code: 'invalid-survivorship-rules',
        errors: [
          { path: 'fields.custom.pot', code: 'unknown-field' },
          { path: 'fields.custom.tea.rule', code: 'not-allowed' },
        ],
      },
    });
    expect(await configure({ field: 'custom.', rule: 'latest' })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'fields.0.field', code: 'not-allowed' }] },
    });
    const { body } = await configure({ field: 'custom.tea', rule: 'latest' });
    expect(body.fields).toContainEqual({ field: 'custom.tea', rule: 'latest' });
    expect((await configure(...body.fields)).body).toEqual(body);
    const one = await create({ name: '周敏', custom: { tea: '龙井', cup: '大' } });
    const other = await create({ name: '周敏', custom: { tea: '普洱', cup: '小' } });
    const { fields } = await post(one.id, 'merge/preview', { absorb: [other.id] });
    expect(fields).toContainEqual(expect.objectContaining({ field: 'custom.tea', value: '普洱', rule: 'latest' }));
    expect(fields).toContainEqual(expect.objectContaining({ field: 'custom.cup', value: '大', rule: 'survivor' }));
    await post(one.id, 'merge', { absorb: [other.id] });
    expect((await get(one.id)).custom).toEqual({ tea: '普洱', cup: '大' });
    await configure({ field: 'custom', rule: 'latest' }, { field: 'custom.tea', rule: 'survivor' });
    const [third, fourth] = [
      await create({ name: '周敏', custom: { tea: 'a', cup: 'a' } }),
      await create({ name: '周敏', custom: { tea: 'b', cup: 'b' } }),
    ];
    await post(third.id, 'merge', { absorb: [fourth.id] });
    expect((await get(third.id)).custom).toEqual({ tea: 'a', cup: 'b' });
    await configure();
  });

  it('hold for merges from then on, as the preview says, and not for those before', async () => {
    const two = async () => ({
      entered: await create({ name: '王伟', title: '采购部经理', tags: ['vip'] }),
      told: await fromErp({ name: '王伟明', title: '总监', tags: ['b2b'] }),
    });
    await configure();
    const before = await two();
    await post(before.entered.id, 'merge', { absorb: [before.told.id] });
    await configure(
      { field: 'name', rule: 'survivor', sources: [erp, 'entered'] },
      { field: 'title', rule: 'longest' },
      { field: 'tags', rule: 'survivor' },
    );
    const after = await two();
    const { fields } = await post(after.entered.id, 'merge/preview', { absorb: [after.told.id] });
    expect(fields).toContainEqual(
      expect.objectContaining({ field: 'name', value: '王伟明', rule: 'survivor', sources: [erp, 'entered'] }),
    );
    expect(fields).toContainEqual(expect.objectContaining({ field: 'title', value: '采购部经理', rule: 'longest' }));
    await post(after.entered.id, 'merge', { absorb: [after.told.id] });
    expect(await get(after.told.id)).toMatchObject({ name: '王伟明', title: '采购部经理', tags: ['vip'] });
    expect(await get(before.told.id)).toMatchObject({ name: '王伟', title: '采购部经理', tags: ['vip', 'b2b'] });
    await configure({ field: 'name', rule: 'earliest' });
    expect(await get(after.told.id)).toMatchObject({ name: '王伟明' });
    const { items } = (await service.call('GET', `/api/customers/${after.entered.id}/history`)).body;
    const merged = items.find(({ type }: any) => type === 'CustomersMerged');
    expect(merged.data).toMatchObject({ rules: { title: 'longest' }, sources: { name: [erp, 'entered'] } });
  });
});
