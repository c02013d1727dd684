import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const define = (body: object) => service.call('POST', '/api/fields', body);
const create = (body: object) => service.call('POST', '/api/customers', { name: 'x', ...body });
const codes = ({ body }: { body: any }) => body.errors.map(({ path, code }: any) => `${path} ${code}`);
const gold = { value: 'gold', label: { en: 'Gold', zh: '金卡' } };
const silver = { value: 'silver', label: { en: 'Silver', zh: '银卡' } };

describe('fields of the installation’s own', () => {
  it('count from the next request on, for the API, the upsert and the OpenAPI document', async () => {
    const level = { key: 'level', type: 'choice', label: { en: 'Level', zh: '等级' }, options: [gold, silver] };
    const made = await define(level);
    expect([made.status, made.body.path, made.body.builtIn]).toEqual([201, 'custom.level', false]);
    expect((await service.call('GET', made.headers.get('location') ?? '')).body.key).toBe('level');
    await define({ key: 'credit_days', type: 'number', label: { zh: '账期' }, required: ['company'] });

    expect(codes(await create({ custom: { level: 'bronze', credit_days: '30' } }))).toEqual([
      'custom.level not-allowed',
      'custom.credit_days wrong-type',
    ]);
    expect(codes(await create({ kind: 'company' }))).toEqual(['custom.credit_days required']);
    const upsert = await service.call('PUT', '/api/customers/by/number/F-1', { name: 'x', custom: { level: 1 } });
    expect(codes(upsert)).toEqual(['custom.level wrong-type']);
    const { body: customer } = await create({ kind: 'company', custom: { level: 'gold', credit_days: 30 } });
    const url = `/api/customers/${customer.id}`;
    expect(codes(await service.call('PATCH', url, { custom: { credit_days: null } }))).toEqual([
      'custom.credit_days required',
    ]);

    const document = (await service.call('GET', '/openapi.json')).body;
    const { custom } = document.components.schemas.CreateCustomerDto.properties;
    expect(custom.properties).toMatchObject({ level: { enum: ['gold', 'silver'] }, credit_days: { type: 'number' } });
    expect(custom.type).toEqual(['object', 'null']);

    await service.call('PATCH', '/api/fields/level', { options: [silver] });
    expect((await service.call('GET', url)).body.custom.level).toBe('gold');
    expect((await service.call('PATCH', url, { custom: { level: 'gold', credit_days: 60 } })).status).toBe(200);
    expect(codes(await create({ custom: { level: 'gold' } }))).toEqual(['custom.level not-allowed']);
    const { body: history } = await service.call('GET', '/api/fields/level/history');
    expect(history.items.map(({ type }: any) => type)).toEqual(['FieldDefined', 'FieldChanged']);
    const [created] = (await service.call('GET', `${url}/history`)).body.items;
    expect(created.type).toBe('CustomerCreated');
  });

  it('stand beside the built-in ones, with all that a form needs', async () => {
    const { body } = await service.call('GET', '/api/fields');
    const named = (path: string) => body.items.find((item: any) => item.path === path);
    expect(named('name')).toMatchObject({ builtIn: true, required: ['person', 'company'], label: { zh: '客户名称' } });
    expect(named('standing')).toMatchObject({ type: 'choice', sensitivity: 'personal', group: 'identity' });
    expect(named('custom.credit_days')).toMatchObject({ builtIn: false, type: 'number', retired: false });
    const schemas = (await service.call('GET', '/openapi.json')).body.components.schemas;
    const listed = body.items.filter(({ builtIn }: any) => builtIn).map(({ key }: any) => String(key));
    const others = ['id', 'custom', 'interaction'];
    const taken = Object.keys(schemas.CreateCustomerDto.properties).filter((key) => !others.includes(key));
    expect(new Set(listed)).toEqual(new Set(taken));
  });

  it('may be the only ones that people and programs give, never those that sources do', async () => {
    expect((await service.call('PATCH', '/api/fields', { unknownRefused: true })).body.unknownRefused).toBe(true);
    expect(codes(await create({ custom: { colour: 'red' } }))).toEqual(['custom.colour unknown-field']);
    const id = newId();
    await service.log('gateway').append({ type: 'seen-customer', id }, {
      type: 'CustomerSeen',
      customerId: id,
      name: '来源',
      custom: { colour: 'red', level: '银卡', credit_days: 'soon' },
      stamp: { rank: 'profile', at: '2026-01-01T00:00:00.000Z', hash: 'h' },
    } as never);
    const { body } = await eventually(
      () => service.call('GET', `/api/customers/${id}`),
      ({ status }) => status === 200,
    );
    expect(body.custom).toEqual({ colour: 'red', level: 'silver' });
    const { body: history } = await service.call('GET', `/api/customers/${id}/history`);
    expect(history.items[0].data.leftOut).toEqual(['custom.credit_days']);
    await service.call('PATCH', '/api/fields', { unknownRefused: false });
  });

  it('come in templates, without doubles', async () => {
    const { body: templates } = await service.call('GET', '/api/field-templates');
    expect(templates.items.map(({ name }: any) => name)).toContain('retail');
    const apply = () => service.call('POST', '/api/field-templates/retail/apply');
    await define({ key: 'member_since', type: 'text', label: { en: 'Since' } });
    const [first, second] = [(await apply()).body, (await apply()).body];
    expect(first).toMatchObject({ defined: expect.arrayContaining(['member_level']), present: ['member_since'] });
    expect(second.defined).toEqual([]);
    expect((await service.call('POST', '/api/field-templates/space/apply')).status).toBe(404);
  });

  it('are not changed unawares', async () => {
    const { headers } = await define({ key: 'note', type: 'text', label: { en: 'Note' } });
    const stale = { 'if-match': headers.get('etag') ?? '' };
    await service.call('PATCH', '/api/fields/note', { label: { en: 'Remark' } });
    const refused = await service.call('PATCH', '/api/fields/note', { label: { en: 'Hint' } }, stale);
    expect([refused.status, refused.body.conflicts[0].field]).toEqual([412, 'note']);
    expect((await define({ key: 'note', type: 'text', label: { en: 'Note' } })).body.code).toBe('field-exists');
  });
});
