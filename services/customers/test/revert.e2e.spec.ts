import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
const patch = (id: string, body: object) => service.call('PATCH', `/api/customers/${id}`, body);
const revert = (id: string, body: object) => service.call('POST', `/api/customers/${id}/revert`, body);
const get = async (path: string) => (await service.call('GET', `/api/customers/${path}`)).body;
/** A moment after everything that was recorded so far, and before what comes. */
const moment = async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  const now = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 5));
  return now;
};

describe('a customer', () => {
  it('leaves the kind as it is where nobody had said one: that cannot be taken back', async () => {
    const { id } = await create({ name: 'x' });
    const then = await moment();
    await patch(id, { kind: 'company', title: 'CEO' });
    expect(Object.keys((await get(`${id}/revert?to=${encodeURIComponent(then)}`)).fields)).toEqual(['title']);
    const { status, body } = await revert(id, { to: then });
    expect([status, body.kind, body.title]).toEqual([200, 'company', undefined]);
  });

  it('gets back every field as it was at a moment, by one event, and may be brought back from there', async () => {
    const before = { name: '王伟', type: 'new', tags: ['vip'], custom: { size: 'M', deep: { a: 1, b: 2 } } };
    const { id } = await create({ ...before, title: '经理' });
    await patch(id, { title: null });
    const then = await moment();
    await patch(id, { type: 'old', tags: ['x'], custom: { size: null, added: 1, deep: { b: 3 } } });
    await patch(id, { title: 'CEO', region: '华东' });
    const now = await moment();

    const { fields } = await get(`${id}/revert?to=${encodeURIComponent(then)}`);
    expect(Object.keys(fields).toSorted()).toEqual(['custom', 'region', 'tags', 'title', 'type']);
    expect(fields).toMatchObject({ title: { before: 'CEO', after: null }, custom: { after: before.custom } });

    const reverted = await revert(id, { to: then });
    expect([reverted.status, reverted.body.version]).toEqual([200, 5]);
    expect(reverted.body).toMatchObject(before);
    expect(reverted.body.custom).toEqual(before.custom);
    for (const field of ['title', 'region']) expect(reverted.body).not.toHaveProperty(field);
    expect((await revert(id, { to: then })).body.version).toBe(5);
    expect((await get(`${id}/revert?to=${encodeURIComponent(then)}`)).fields).toEqual({});

    const some = await revert(id, { to: now, fields: ['region', 'custom'] });
    expect(some.body).toMatchObject({ region: '华东', type: 'new', custom: { added: 1, deep: { a: 1, b: 3 } } });
    expect(some.body.custom).not.toHaveProperty('size');
  });

  it('gets back what all of its records said together', async () => {
    const [survivor, absorbed] = [
      await create({ name: '张三', tags: ['a'] }),
      await create({ name: '张三', tags: ['b'] }),
    ];
    await service.call('POST', `/api/customers/${survivor.id}/merge`, { absorb: [absorbed.id] });
    const then = await moment();
    await patch(survivor.id, { tags: ['c'] });
    expect((await revert(absorbed.id, { to: then })).body).toMatchObject({ id: survivor.id, tags: ['a', 'b'] });
  });

  it('of several records says no more by itself than it did', async () => {
    const other = { title: '医生', custom: { size: 'M' }, tags: ['b'] };
    const [survivor, absorbed] = [
      await create({ name: '张三', industry: '零售', tags: ['a'] }),
      await create({ name: '张三', ...other }),
    ];
    await service.call('POST', `/api/customers/${survivor.id}/merge`, { absorb: [absorbed.id] });
    const then = await moment();
    await patch(survivor.id, { title: 'CEO', industry: '制造', custom: { size: 'L' }, tags: ['c'] });
    const last = await revert(survivor.id, { fields: ['title', 'custom'] });
    expect(last.body).toMatchObject({ title: '医生', custom: { size: 'M' }, industry: '制造' });
    const all = await revert(survivor.id, { to: then });
    expect(all.body).toMatchObject({ title: '医生', custom: { size: 'M' }, industry: '零售', tags: ['a', 'b'] });
    const unmerged = `/api/customers/${survivor.id}/unmerge`;
    expect((await service.call('POST', `${unmerged}/preview`, { record: absorbed.id })).body.changed).toEqual([]);
    expect((await service.call('POST', unmerged, { record: absorbed.id })).status).toBe(200);
    const alone = await get(survivor.id);
    expect(alone).toMatchObject({ industry: '零售', tags: ['a'] });
    expect([alone.title, alone.custom?.size]).toEqual([undefined, undefined]);
    expect(await get(absorbed.id)).toMatchObject(other);
  });

  it('that did not exist then, or is named no moment and no field, is left as it is', async () => {
    const then = await moment();
    const { id } = await create({ name: '后来' });
    const early = await revert(id, { to: then });
    expect([early.status, early.body.code, early.body.errors[0].path]).toEqual([422, 'invalid-revert', 'to']);
    expect((await revert(id, {})).status).toBe(400);
    expect((await revert(id, { to: 'yesterday' })).status).toBe(400);
    expect((await revert(newId(), { to: then })).status).toBe(404);
    await service.call('POST', `/api/customers/${id}/archive`);
    expect((await revert(id, { to: await moment() })).status).toBe(409);
    expect((await get(id)).version).toBe(2);
  });
});
