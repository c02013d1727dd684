import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule);
});
afterAll(() => service.end());

const card = (...lines: string[]) => ['BEGIN:VCARD', 'VERSION:3.0', ...lines, 'END:VCARD', ''].join('\r\n');
const send = (body: unknown, headers: Record<string, string> = { 'content-type': 'text/vcard' }) =>
  service.call('POST', '/api/customers/vcard', body, headers);
const json = { 'content-type': 'application/json' };
const read = async (id: string) => (await service.call('GET', `/api/customers/${id}`)).body;

describe('business cards', () => {
  it('become customers, each with an outcome of its own', async () => {
    const cards = [
      card('FN:张三', 'TEL;TYPE=CELL:138 0013 8000', 'EMAIL:zhang@card.example'),
      card('FN:Wrong', 'EMAIL:nobody'),
      card(`FN:${'x'.repeat(501)}`),
      card('FN:Same', 'EMAIL:ZHANG@card.example'),
      'BEGIN:VCARD\r\nFN:Cut off',
    ];
    const { status, body } = await send(cards.join(''));
    expect([status, body.items.map(({ status: own }: any) => own)]).toEqual([200, [201, 422, 400, 409, 400]]);
    expect(body.items[4].problem.errors).toMatchObject([{ path: 'vcard', code: 'unreadable-vcard' }]);
    expect(await read(body.items[0].id)).toMatchObject({
      name: '张三',
      source: 'business-card',
      phones: [{ value: '138 0013 8000', e164: '+8613800138000', label: 'mobile' }],
    });
  });

  it('may come within JSON, with what holds for all of them', async () => {
    const key = { ...json, 'idempotency-key': 'cards-1' };
    const sent = { vcard: card('FN:One') + card('FN:Two'), source: 'fair', campaign: '广交会', tags: ['fair'] };
    const { body } = await send(sent, key);
    for (const { id } of body.items)
      expect(await read(id)).toMatchObject({ source: 'fair', campaign: '广交会', tags: ['fair'] });
    expect((await send(sent, key)).body).toEqual(body);
    expect((await send({ ...sent, source: 'other' }, key)).body.code).toBe('idempotency-key-reused');
  });

  it('have to be there', async () => {
    for (const [body, headers] of [
      ['hello', undefined],
      [{ vcard: 'hello' }, json],
      [{ vcard: '' }, json],
      [{ name: 'x' }, json],
    ] as const)
      expect(await send(body, headers)).toMatchObject({ status: 400, body: { errors: [{ path: 'vcard' }] } });
    expect((await send(card('FN:x').repeat(201))).body.errors).toMatchObject([{ path: 'vcard', code: 'too-many' }]);
    expect((await send('x', { 'content-type': 'text/plain' })).status).toBe(415);
    const elsewhere = await service.call('POST', '/api/customers', card('FN:x'), { 'content-type': 'text/vcard' });
    expect(elsewhere.status).toBe(415);
  });

  it('are made of customers as well', async () => {
    const { body } = await service.call('POST', '/api/customers', {
      name: '王伟',
      companyName: '青禾',
      number: '甲/1',
    });
    const { status, headers, body: text } = await service.call('GET', `/api/customers/${body.id}/vcard`);
    expect([status, headers.get('content-type'), headers.get('etag')]).toEqual([
      200,
      'text/vcard; charset=utf-8',
      '"1"',
    ]);
    expect(text).toMatch(/^BEGIN:VCARD\r\nVERSION:4\.0\r\n[^]*\r\nFN:王伟\r\n[^]*END:VCARD\r\n$/);
    const caller = { name: '林悦', phones: [{ value: '010-88886666 转 123' }] };
    const { id } = (await service.call('POST', '/api/customers', caller)).body;
    expect((await read(id)).inferred).toHaveProperty('addresses');
    const told = (await service.call('GET', `/api/customers/${id}/vcard`)).body;
    expect(told).toContain('\r\nTEL;VALUE=uri:tel:+861088886666;ext=123\r\n');
    expect(told).not.toContain('ADR');
    expect((await service.call('GET', '/api/customers/0190a1b2-0000-7000-8000-000000000001/vcard')).status).toBe(404);
  });
});
