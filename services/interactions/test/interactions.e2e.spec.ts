import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { InteractionsModule } from '../src/interactions.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(InteractionsModule, { listensTo: ['customers'] });
});
afterAll(() => service.end());

const log = (body: object = {}) =>
  service.call('POST', '/api/interactions', { customerId: newId(), kind: 'call', ...body });

describe('the interactions service', () => {
  it('logs a call with all that was said, at the time when it was', async () => {
    const startedAt = '2025-06-01T10:00:00+08:00';
    const { status, body } = await log({
      startedAt,
      subject: '询价',
      content: '要三百件 📦',
      followUp: { plan: '报价' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ kind: 'call', subject: '询价', startedAt: '2025-06-01T02:00:00.000Z' });
    const { body: history } = await service.call('GET', `/api/interactions/${body.id}/history`);
    expect(history.items[0]).toMatchObject({ type: 'InteractionLogged', effectiveAt: '2025-06-01T02:00:00.000Z' });
  });

  it('tells ids in lower case', async () => {
    const [id, customerId] = [newId(), newId()];
    const { body } = await log({ id: id.toUpperCase(), customerId: customerId.toUpperCase() });
    expect(body).toMatchObject({ id, customerId });
  });

  it('names every wrong field', async () => {
    const { status, body } = await service.call('POST', '/api/interactions', {
      kind: 'fax',
      startedAt: '2025-02-30T10:00:00Z',
      mood: 1,
    });
    expect(status).toBe(400);
    expect(body.errors.map(({ path, code }: { path: string; code: string }) => `${path} ${code}`).sort()).toEqual([
      'customerId required',
      'kind not-allowed',
      'mood unknown-field',
      'startedAt impossible-date',
    ]);
  });

  it('keeps nothing of what was said in clear', async () => {
    await log({ content: 'very private words', participants: ['someone@example.com'] });
    const { rows } = await service.kernel.pool.query<{ dump: string }>(
      `select string_agg(e::text, '') || coalesce((select string_agg(c::text, '') from commands c), '') as dump from events e`,
    );
    expect(rows[0]?.dump).not.toMatch(/very private|someone@example/);
  });

  it('has a follow-up fall due when it is planned for, wherever it was moved to, and once', async () => {
    const inMilliseconds = (milliseconds: number) => new Date(Date.now() + milliseconds).toISOString();
    const planned = (dueAt: string) => ({ followUp: { plan: '寄样品', dueAt } });
    const { body: kept } = await log(planned(inMilliseconds(-1_000)));
    const { body: moved } = await log(planned(inMilliseconds(3_600_000)));
    const { body: putOff } = await log(planned(inMilliseconds(1_500)));
    const { body: archived } = await log(planned(inMilliseconds(1_500)));
    const dueAt = inMilliseconds(500);
    await service.call('PATCH', `/api/interactions/${moved.id}`, planned(dueAt));
    await service.call('PATCH', `/api/interactions/${putOff.id}`, { followUp: { plan: '寄样品' } });
    await service.call('DELETE', `/api/interactions/${archived.id}`);
    type Item = { type: string; effectiveAt: string; actor: object };
    const due = async ({ id }: { id: string }): Promise<Item[]> =>
      (await service.call('GET', `/api/interactions/${id}/history`)).body.items.filter(
        ({ type }: Item) => type === 'FollowUpDue',
      );
    await eventually(
      () => due(kept),
      (items) => items.length === 1,
    );
    const [item] = await eventually(
      () => due(moved),
      (items) => items.length === 1,
    );
    expect(item).toMatchObject({ effectiveAt: dueAt, actor: { type: 'policy', id: 'follow-up' } });
    const { rows } = await eventually(
      () => service.kernel.pool.query('select from timers.job'),
      ({ rowCount }) => rowCount === 0,
    );
    expect(rows).toEqual([]);
    expect([await due(putOff), await due(archived)]).toEqual([[], []]);
  });

  it('logs the encounter that a customer was entered with, once', async () => {
    const [customerId, interactionId] = [newId(), newId()];
    const startedAt = '2026-01-15T07:00:00.000Z';
    const met = { type: 'CustomerMet', interactionId, kind: 'visit', subject: '展会', startedAt };
    for (let times = 0; times < 2; times += 1) {
      await service.log('customers').append({ type: 'customer', id: customerId }, met);
    }
    const { body } = await eventually(
      () => service.call('GET', `/api/interactions/${interactionId}`),
      ({ status }) => status === 200,
    );
    expect(body).toMatchObject({ customerId, kind: 'visit', subject: '展会', startedAt, version: 1 });
    const { body: history } = await service.call('GET', `/api/interactions/${interactionId}/history`);
    // In the name of who entered the customer.
    expect(history.items[0]).toMatchObject({ actor: { type: 'system', id: 'test' }, effectiveAt: startedAt });
    const { rows } = await service.kernel.pool.query('select from dead_letters');
    expect(rows).toEqual([]);
  });

  it('changes and archives', async () => {
    const { body } = await log();
    const changed = await service.call('PATCH', `/api/interactions/${body.id}`, { outcome: 'agreed' });
    expect(changed.body).toMatchObject({ outcome: 'agreed', version: 2 });
    expect((await service.call('DELETE', `/api/interactions/${body.id}`)).body.archived).toBe(true);
    expect((await service.call('PATCH', `/api/interactions/${body.id}`, { outcome: 'no' })).status).toBe(409);
  });
});
