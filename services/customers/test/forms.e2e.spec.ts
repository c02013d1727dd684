import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const submit = async (fields: object) => {
  const customerId = newId();
  const event = { type: 'FormSubmitted', customerId, formId: newId(), language: 'zh', ...fields };
  await service.log('gateway').append({ type: 'form-submission', id: customerId }, event);
  return customerId;
};
const made = async (id: string) =>
  (
    await eventually(
      () => service.call('GET', `/api/customers/${id}`),
      ({ status }) => status === 200,
    )
  ).body;

describe('a form that somebody filled in', () => {
  it('makes a customer with its source, channel and campaign, in the name of the form', async () => {
    const given = { source: 'fair', channel: 'web', campaign: 'spring', phones: [{ value: '138 0013 8000' }] };
    const id = await submit({ name: '李雷', ...given });
    expect(await made(id)).toMatchObject({ name: '李雷', ...given, phones: [{ e164: '+8613800138000' }], version: 1 });
    const { body } = await service.call('GET', `/api/customers/${id}/history`);
    expect(body.items[0]).toMatchObject({ type: 'CustomerCreated', actor: { type: 'system', id: 'test' } });
    expect((await made(await submit({ name: '韩梅梅' }))).source).toBe('web-form');
  });

  it('fills fields of the own in their types; what is of none stays in the submission, and is named', async () => {
    const options = [{ value: 'tea', label: { en: 'Tea', zh: '茶' } }];
    for (const field of [
      { key: 'area', type: 'number' },
      { key: 'since', type: 'date' },
      { key: 'likes', type: 'multi-choice', options },
      { key: 'rooms', type: 'number' },
    ])
      await service.call('POST', '/api/fields', { ...field, label: { en: field.key } });
    const custom = { area: '1,200.50', since: '2026年5月3日', likes: '茶', rooms: 'many', message: '你好' };
    const id = await submit({ name: '李雷', custom });
    expect((await made(id)).custom).toEqual({ area: 1200.5, since: '2026-05-03', likes: ['tea'], message: '你好' });
    const { body } = await service.call('GET', `/api/customers/${id}/history`);
    expect(body.items[0].data.leftOut).toEqual(['custom.rooms']);
    expect((await service.kernel.pool.query('select from dead_letters')).rows).toEqual([]);
  });

  it('gives the consents that it says, but for those that nobody knows, which stop nothing', async () => {
    const agreed = { textVersion: 2, language: 'zh' };
    const id = await submit({
      name: '李雷',
      page: 'https://shop.example/join',
      consents: [
        { purpose: 'moonlight', ...agreed },
        { purpose: 'newsletter', channel: 'fax', ...agreed },
        { purpose: 'newsletter', channel: 'email', ...agreed },
      ],
    });
    await made(id);
    const { body } = await eventually(
      () => service.call('GET', `/api/customers/${id}/consents`),
      (reply) => reply.body.history?.length > 0,
    );
    expect(body.history).toEqual([
      expect.objectContaining({
        kind: 'given',
        purpose: 'newsletter',
        channel: 'email',
        basis: 'consent',
        how: 'form',
        page: 'https://shop.example/join',
        textVersion: expect.stringMatching(/^[\da-f-]{36}\/2$/),
      }),
    ]);
    expect((await service.kernel.pool.query('select from dead_letters')).rows).toEqual([]);
  });

  it('is never refused for an e-mail that a customer has, and reserves none', async () => {
    const emails = [{ value: 'known@form.example' }];
    const { body: known } = await service.call('POST', '/api/customers', { name: 'Known', emails });
    const stranger = await made(await submit({ name: 'Stranger', emails }));
    expect(stranger).toMatchObject({ name: 'Stranger', emails });
    const { body: holder } = await service.call('GET', '/api/customers/by/email/known@form.example');
    expect(holder.id).toBe(known.id);
    const fresh = [{ value: 'fresh@form.example' }];
    await made(await submit({ name: 'First', emails: fresh }));
    expect((await service.call('POST', '/api/customers', { name: 'Owner', emails: fresh })).status).toBe(201);
    expect((await service.kernel.pool.query('select from dead_letters')).rows).toEqual([]);
  });

  it('that the duplicate rules would block is kept, and queued with whom it may be', async () => {
    const rule = { ways: ['form'], operations: ['create'], fields: ['phone'], action: 'block' };
    const phones = [{ value: '139 1234 5678' }];
    const { body: known } = await service.call('POST', '/api/customers', { name: '欧阳锋', phones });
    await service.call('PUT', '/api/duplicate-rules', { rules: [rule] });
    await eventually(
      () => service.call('POST', '/api/customers/match', { name: '欧阳锋', phones }),
      ({ body }) => body.matches.length > 0,
    );
    const id = await submit({ name: 'Ottilie Brandstätter', phones });
    expect(await made(id)).toMatchObject({ name: 'Ottilie Brandstätter', phones });
    const { body } = await eventually(
      () => service.call('GET', '/api/duplicates'),
      (reply) => reply.body.items.length > 0,
    );
    expect(body.items).toEqual([expect.objectContaining({ by: 'create', status: 'open' })]);
    const pair = body.items[0].records.map(({ recordId }: any) => recordId);
    expect(new Set(pair)).toEqual(new Set([id, known.id]));
    expect((await service.kernel.pool.query('select from dead_letters')).rows).toEqual([]);
  });
});
