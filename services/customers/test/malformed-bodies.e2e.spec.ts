import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { importing } from './importing.ts';

let service: TestService;
let id: string;
let importId: string;
const { upload } = importing(() => service);

beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
  ({ id } = (await service.call('POST', '/api/customers', { name: '王伟' })).body);
  await service.call('POST', '/api/fields', { key: 'card', type: 'text', label: { en: 'Card' } });
  ({ id: importId } = (await upload('姓名\n甲\n')).body);
});
afterAll(() => service.end());

const other = '11111111-1111-4111-8111-111111111111';
const mapping = { columns: [{ column: '姓名', field: 'name' }], matchBy: 'none', mode: 'create' };
const consent = { purpose: 'newsletter', basis: 'consent', proof: { how: 'form' } };
const rule = { ways: ['person'], operations: ['create'], fields: ['email'], action: 'warn' };

const malformed: [method: string, path: string, body: unknown, field: string][] = [
  ['POST', 'customers', { name: 'x', kind: null }, 'kind'],
  ['POST', 'customers', { name: 'x', number: null }, 'number'],
  ['POST', 'customers', { name: 'x', interaction: null }, 'interaction'],
  ['POST', 'customers', { name: 'x', emails: [{ value: 'a@b.cn', label: null }] }, 'emails.0.label'],
  ['POST', 'customers', { name: 'x', phones: [{ value: '1', primary: null }] }, 'phones.0.primary'],
  ['POST', 'customers', { name: 'x', competitors: [{ name: 'y', price: null }] }, 'competitors.0.price'],
  ['POST', 'customers', { name: 'a\0b' }, 'name'],
  ['POST', 'customers', { name: 'x', addresses: [{ city: '\ud800' }] }, 'addresses.0.city'],
  ['POST', 'customers', { name: 'x', custom: { ok: true, constructor: 'ACME' } }, 'custom.constructor'],
  ['PATCH', 'customers/:id', { custom: { deep: [{ prototype: 1 }] } }, 'custom.deep.0.prototype'],
  ['PATCH', 'customers/:id', { custom: { toString: 'a' } }, 'custom.toString'],
  ['PATCH', 'customers/:id', { constructor: 'ACME' }, 'constructor'],
  ['PATCH', 'customers/:id', JSON.parse('{ "custom": { "__proto__": 1 } }'), 'custom.__proto__'],
  ['POST', 'customers/match', { name: 'x', limit: null }, 'limit'],
  ['PATCH', 'customers/:id', { kind: null }, 'kind'],
  ['PATCH', 'customers/:id', { addresses: [{ street: null }] }, 'addresses.0.street'],
  ['PATCH', 'customers/:id', { socials: [{ network: 'wechat', value: 'x', label: null }] }, 'socials.0.label'],
  ['PUT', 'customers/by/number/N-1', { kind: null }, 'kind'],
  ['POST', 'customers/batch', { operations: [{ op: 'create', data: { name: 'x' } }], allOrNone: null }, 'allOrNone'],
  ['POST', 'customers/batch', { operations: [{ op: 'create', data: null }] }, 'operations.0.data'],
  ['POST', 'customers/:id/confirm', { how: null }, 'how'],
  ['POST', 'customers/:id/emails/bounced', { address: 'a@b.cn', reason: null }, 'reason'],
  ['POST', 'customers/:id/revert', { fields: {} }, 'fields'],
  ['POST', 'customers/:id/revert', { fields: {}, to: '2026-01-01T00:00:00Z' }, 'fields'],
  ['POST', 'customers/:id/revert', { fields: null, to: '2026-01-01T00:00:00Z' }, 'fields'],
  ['POST', 'customers/:id/revert', { fields: ['name'], to: null }, 'to'],
  ['POST', 'customers/:id/merge', { absorb: [other], reason: null }, 'reason'],
  ['POST', 'customers/:id/consents', { ...consent, channel: null }, 'channel'],
  ['POST', 'customers/:id/consents', { ...consent, proof: { how: 'form', page: null } }, 'proof.page'],
  ['POST', 'customers/:id/consents/withdraw', { purpose: 'newsletter', how: 'form', channel: null }, 'channel'],
  ['POST', 'fields', { key: 'k', type: 'text', label: { en: 'K' }, help: null }, 'help'],
  ['PATCH', 'fields/card', { help: null }, 'help'],
  ['PATCH', 'fields/card', { label: { en: 'x', zh: null } }, 'label.zh'],
  ['POST', 'imports/:import/reading', { encoding: null }, 'encoding'],
  ['POST', 'imports/:import/mapping', { ...mapping, defaults: null }, 'defaults'],
  [
    'POST',
    'imports/:import/mapping',
    { ...mapping, columns: [{ ...mapping.columns[0], values: null }] },
    'columns.0.values',
  ],
  ['POST', 'imports/:import/mapping', { ...mapping, defaults: { title: null } }, 'defaults'],
  ['POST', 'imports/:import/mapping', { ...mapping, defaults: { title: 1 } }, 'defaults'],
  [
    'POST',
    'imports/:import/mapping',
    { ...mapping, columns: [{ ...mapping.columns[0], values: { a: null } }] },
    'columns.0.values',
  ],
  ['POST', 'customers/:id/merge', { absorb: [other], fields: { name: null } }, 'fields'],
  ['PUT', 'duplicate-rules', { rules: [{ ...rule, bypass: null }] }, 'rules.0.bypass'],
  ['PUT', 'duplicate-rules', { rules: [], scanNightly: null }, 'scanNightly'],
];

describe('a body', () => {
  it.each(malformed)(
    'of %s %s that is malformed is refused, and the field named: %j',
    async (method, path, body, field) => {
      const at = `/api/${path.replace(':id', id).replace(':import', importId)}`;
      const { status, body: problem } = await service.call(method, at, body);
      expect([status, problem.errors?.map((error: any) => error.path)]).toEqual([400, [field]]);
    },
  );

  it.each(['imports', 'batches', 'duplicates'])(
    'is no page of %s where the cursor is none of that list',
    async (list) => {
      for (const cursor of ['zzz', Buffer.from(`soon ${id}`).toString('base64url')]) {
        const { status, body: problem } = await service.call('GET', `/api/${list}?cursor=${cursor}`);
        expect([status, problem.errors]).toMatchObject([400, [{ path: 'cursor', code: 'wrong-cursor' }]]);
      }
    },
  );

  it('names custom fields as it likes, but as no object has them already', async () => {
    const custom = { then: 'a', length: 1, '': 'b', get: { set: 'c' } };
    const { status, body } = await service.call('POST', '/api/customers', { name: 'x', custom });
    expect([status, body.custom]).toEqual([201, custom]);
    const field = { key: 'constructor', type: 'text', label: { en: 'C' } };
    const refused = await service.call('POST', '/api/fields', field);
    expect([refused.status, refused.body.errors]).toMatchObject([422, [{ path: 'key', code: 'not-allowed' }]]);
  });

  it('of one operation of a batch leaves the others alone', async () => {
    const operations = [
      { op: 'create', data: { name: 'x', kind: null } },
      { op: 'update', id, data: { emails: [{ value: 'a@b.cn', label: null }] } },
      { op: 'create', data: { name: '\ud800' } },
      { op: 'create', data: { name: 'y' } },
    ];
    const { items } = (await service.call('POST', '/api/customers/batch', { operations })).body;
    expect(items.map(({ status, problem }: any) => [status, problem?.errors[0].path])).toEqual([
      [400, 'kind'],
      [400, 'emails.0.label'],
      [400, 'name'],
      [201, undefined],
    ]);
  });
});
