import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { builtInLifecycle, type AnyEvent } from '@throughline/contracts';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { placeOrder } from './placed-order.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway', 'sales', 'interactions'] });
});
afterAll(() => service.end());

const url = (id: string) => `/api/customers/${id}`;
const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
const get = async (id: string) => (await service.call('GET', url(id))).body;
const order = (customerId: string, placedAt = new Date().toISOString()) => placeOrder(service, customerId, placedAt);
const spoken = (customerId: string) =>
  service.log('interactions').append({ type: 'interaction', id: newId() }, {
    type: 'InteractionLogged',
    customerId,
    kind: 'call',
    direction: 'inbound',
    startedAt: new Date().toISOString(),
  } as AnyEvent);
const inStage = (id: string, stage: string) =>
  eventually(
    () => get(id),
    ({ lifecycle }) => lifecycle === stage,
  );

describe('the stage of a customer', () => {
  it('follows from conversations and orders, of all its records together', async () => {
    const { id } = await create({ name: '王伟' });
    expect(await get(id)).not.toHaveProperty('lifecycle');
    await spoken(id);
    expect(await inStage(id, 'intending')).toMatchObject({ lifecycleSetBy: 'automatic' });
    await order(id);
    const { lifecycleSince } = await inStage(id, 'closed');
    expect(Date.parse(lifecycleSince)).toBeLessThanOrEqual(Date.now());
    const other = await create({ name: 'Wang Wei' });
    await order(other.id);
    await order(other.id);
    await inStage(other.id, 'closed');
    await service.call('POST', `${url(id)}/merge`, { absorb: [other.id] });
    expect(await inStage(id, 'loyal')).toMatchObject({ lifecycleSetBy: 'automatic' });
  });

  it('goes on by itself once what somebody said of it is taken back', async () => {
    const { id } = await create({ name: '孙悟空' });
    await spoken(id);
    const before = await inStage(id, 'intending');
    const { body } = await service.call('POST', '/api/customers/bulk', { ids: [id], set: { lifecycle: 'potential' } });
    const ended = (batch: string) =>
      eventually(
        async () => (await service.call('GET', `/api/batches/${batch}`)).body,
        ({ status }) => status === 'done',
      );
    expect((await ended(body.id)).counts).toMatchObject({ changed: 1 });
    expect(await get(id)).toMatchObject({ lifecycle: 'potential', lifecycleSetBy: 'manual' });
    await ended((await service.call('POST', `/api/batches/${body.id}/undo`)).body.id);
    const { lifecycleSince, lifecycleSetBy } = before;
    expect(await get(id)).toMatchObject({ lifecycle: 'intending', lifecycleSince, lifecycleSetBy });
    expect(lifecycleSetBy).toBe('automatic');
    await order(id);
    await inStage(id, 'closed');
  });

  it('is found by orders that were heard of before the customer', async () => {
    const id = newId();
    await order(id);
    await create({ id, name: '李雷' });
    expect(await inStage(id, 'closed')).toMatchObject({ lifecycleSetBy: 'automatic' });
  });

  it('is kept where somebody said so later, and refused where the move is not allowed', async () => {
    const { id } = await create({ name: '韩梅梅', lifecycle: 'closed' });
    const refused = await service.call('PATCH', url(id), { lifecycle: 'potential' });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'lifecycle-move-not-allowed', allowed: ['loyal', 'lost'] },
    });
    const changed = await service.call('PATCH', url(id), { lifecycle: 'lost' });
    expect(changed).toMatchObject({ status: 200, body: { lifecycle: 'lost', lifecycleSetBy: 'manual' } });
    expect(await get(id)).toEqual(changed.body);
    // Placed before they were lost: the word of the person stands.
    await order(id, '2020-01-01T00:00:00.000Z');
    const another = await create({ name: '标记' });
    await order(another.id);
    await inStage(another.id, 'closed');
    expect(await get(id)).toMatchObject({ lifecycle: 'lost', lifecycleSetBy: 'manual' });
  });

  it('is given back by who reverts it, also where no such move is allowed', async () => {
    const { id } = await create({ name: '白素贞', lifecycle: 'potential' });
    await service.call('PATCH', url(id), { lifecycle: 'closed' });
    const { status, body } = await service.call('POST', `${url(id)}/revert`, { fields: ['lifecycle'] });
    expect([status, body.lifecycle]).toEqual([200, 'potential']);
  });

  it('has stages of the installation’s own', async () => {
    expect((await service.call('GET', '/api/lifecycle')).body).toEqual(builtInLifecycle);
    const stages = [...builtInLifecycle.stages, { key: 'partner', label: { zh: '伙伴', en: 'Partner' }, moves: [] }];
    const own = { ...builtInLifecycle, stages };
    expect(await service.call('PUT', '/api/lifecycle', own)).toMatchObject({ status: 200, body: own });
    const { id } = await create({ name: '张三', lifecycle: 'partner' });
    expect((await service.call('PATCH', url(id), { lifecycle: 'closed' })).body.code).toBe(
      'lifecycle-move-not-allowed',
    );
    const wrong = { stages: [{ key: 'a', label: { zh: ' ', en: 'A' }, moves: ['b'] }], automatic: {} };
    expect(await service.call('PUT', '/api/lifecycle', wrong)).toMatchObject({
      status: 422,
      body: { code: 'invalid-lifecycle', errors: [{ path: 'stages.0.label.zh' }, { path: 'stages.0.moves.0' }] },
    });
  });
});
