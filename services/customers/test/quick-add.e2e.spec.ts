import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule);
});
afterAll(() => service.end());

const add = (body: object, headers: Record<string, string> = {}) =>
  service.call('POST', '/api/customers', { name: '展会客户', ...body }, headers);

describe('a customer with an encounter', () => {
  it('is one command, whose answer names the interaction', async () => {
    const interaction = { kind: 'event', subject: '广交会', followUp: { plan: '寄样品' } };
    const key = { 'idempotency-key': 'fair-1' };
    const { status, body } = await add({ interaction }, key);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      source: 'quick-add',
      version: 2,
      interactionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect((await add({ interaction }, key)).body).toEqual(body);
    const { body: history } = await service.call('GET', `/api/customers/${body.id}/history`);
    const [created, met] = history.items;
    expect([created.type, met.type, created.commandId]).toEqual(['CustomerCreated', 'CustomerMet', met.commandId]);
    expect(met.data).toMatchObject({ interactionId: body.interactionId, ...interaction });
  });

  it('is not recorded where anything of it is wrong', async () => {
    const count = async () => (await service.kernel.pool.query('select from events')).rowCount;
    const before = await count();
    const failing = async (interaction: unknown, more: object = {}) => {
      const { status, body } = await add({ interaction, ...more });
      return [status, ...body.errors.map(({ path, code }: any) => `${path} ${code}`).toSorted()];
    };
    expect(await failing({ kind: 'fax', mood: 1, followUp: {} })).toEqual([
      400,
      'interaction.followUp.plan required',
      'interaction.kind not-allowed',
      'interaction.mood unknown-field',
    ]);
    expect(await failing('call')).toEqual([400, 'interaction wrong-type']);
    expect(await failing({ kind: 'call', startedAt: '2999-01-01T00:00:00Z' }, { birthDate: '2999-01-01' })).toEqual([
      422,
      'birthDate in-the-future',
      'interaction.startedAt in-the-future',
    ]);
    expect(await count()).toBe(before);
  });

  it('can stand in a batch', async () => {
    const data = { name: '批量', interaction: { kind: 'call' } };
    const { body } = await service.call('POST', '/api/customers/batch', { operations: [{ op: 'create', data }] });
    expect(body.items).toEqual([{ status: 201, id: expect.any(String), version: 2 }]);
  });

  it('keeps nothing of what was said in clear', async () => {
    await add({ interaction: { kind: 'note', content: 'very private words', participants: ['Somebody Else'] } });
    const { rows } = await service.kernel.pool.query(`select string_agg(e::text, '') as dump from events e`);
    expect(rows[0].dump).not.toMatch(/very private|Somebody Else/);
  });
});
