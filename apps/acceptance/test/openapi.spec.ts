import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, fresh } from '@throughline/service/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { startEmbedded, type Instance } from '../src/instance.ts';

type Operation = { parameters?: any[]; requestBody?: object; responses: Record<string, any> };

let crm: Instance;
let document: any;
let operations: { name: string; method: string; path: string; operation: Operation }[];
beforeAll(async () => {
  crm = await startEmbedded();
  document = (await crm.call('GET', '/api/openapi.json')).body;
  operations = Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ name: `${method} ${path}`, method, path, operation })),
  );
}, 60_000);
afterAll(() => crm?.stop(), 60_000);

/** Follows what refers to the components. */
const resolved = (value: any): any =>
  value?.$ref
    ? resolved(
        value.$ref
          .slice(2)
          .split('/')
          .reduce((at: any, key: string) => at[key], document),
      )
    : value;
const failing = (lacks: (operation: (typeof operations)[number]) => boolean) =>
  operations.filter(lacks).map(({ name }) => name);
const success = ({ responses }: Operation) => Object.entries(responses).filter(([status]) => status.startsWith('2'));
/** JSON, or the file that it answers instead. */
const contentOf = ({ content = {} }: any): any => content['application/json'] ?? Object.values(content)[0];
const isCommand = ({ method, path }: { method: string; path: string }) =>
  path.startsWith('/api/') && method !== 'get' && !/\/query$|^\/api\/sessions$/.test(path);

const customOf = ['CreateCustomerDto', 'ChangeCustomerDto', 'CreatedCustomer', 'Customer', 'CustomerItem', 'MatchDto'];
/** Objects whose members nobody can name beforehand. */
const holdingAnything = [
  // The installation's own fields.
  ...[...customOf, 'VcardDto'].map((name) => `${name}.custom`),
  // Conditions on whichever fields there are, as deep as wanted.
  ...['ListQueryBody', 'SelectionBody', 'ExportBody', 'BulkChangeDto'].map((name) => `${name}.filter`),
  // Where each field stands in what a source sends.
  ...['MakeConnectionDto', 'ChangeConnectionDto'].map((name) => `${name}.mapping`),
  // The body of another request.
  'OperationDto.data',
  'NewCustomerDto.fields',
  // What an event of any type says.
  ...['HistoryItem', 'TimelineItem', 'PersonalData.history'].map((name) => `${name}.data`),
  // Records of several types, and the values of some of their fields.
  'Hit.record',
  'PersonalData.orders',
  'PersonalData.deals',
  'PersonalData.interactions',
  'ReportResult.rows',
  'CheckedCustomer.fields',
  'UndoneRecord.fields',
  'UndoneRecord.before',
  'Suggestion.changes',
  'PreviewRow.values',
  // What stands in for the gaps of a message, and what a job came to.
  'FieldError.params',
  'FieldProblem.params',
  'ViewJob.result',
];

describe('the OpenAPI document of all services', () => {
  it('refers to nothing that is not there', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
    expect(refs.filter((ref) => resolved({ $ref: ref }) === undefined)).toEqual([]);
  });

  it('says of every object what it holds, but for those that hold anything', () => {
    const properties: [path: string, schema: any][] = [];
    const walk = (schema: any, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return;
      properties.push([path, schema]);
      const { anyOf = [], oneOf = [], items, additionalProperties, patternProperties = {} } = schema;
      for (const [name, inner] of Object.entries(schema.properties ?? {})) walk(inner, `${path}.${name}`);
      for (const inner of [...anyOf, ...oneOf, items, additionalProperties, ...Object.values(patternProperties)])
        walk(inner, path);
    };
    for (const [name, schema] of Object.entries(document.components.schemas)) walk(schema, name);
    for (const { name, operation } of operations) {
      for (const { name: parameter, schema } of (operation.parameters ?? []).map(resolved))
        walk(schema, `${name} ${parameter}`);
      for (const part of [operation.requestBody, ...Object.values(operation.responses)].map(resolved))
        for (const { schema } of Object.values<any>(part?.content ?? {})) walk(schema, name);
    }
    const saysSomething = (schema: unknown) => Object.keys(Object(schema) as object).length > 0;
    const bare = properties.flatMap(([path, { type, properties: members, additionalProperties, patternProperties }]) =>
      [type].flat().includes('object') &&
      ![members, additionalProperties, ...Object.values(patternProperties ?? {})].some(saysSomething)
        ? [path]
        : [],
    );
    expect(new Set(bare)).toEqual(new Set(holdingAnything));
  });

  it('says of every operation what it answers', () => {
    expect(operations.length).toBeGreaterThan(50);
    // A greeting has no body.
    const lacking = failing(
      ({ method, operation }) =>
        method !== 'options' &&
        (success(operation).length === 0 ||
          success(operation).some(([, one]) => !resolved(contentOf(one)?.schema)?.type)),
    );
    expect(lacking).toEqual([]);
  });

  it('says of every operation how it fails', () => {
    const lacking = failing(({ method, path, operation }) => {
      const wanted = ['400', '401', '429', '503'];
      if (path.includes('{')) wanted.push('404');
      if (isCommand({ method, path })) wanted.push('403', '409', '422');
      if (operation.requestBody) wanted.push('413', '415', '422');
      return wanted.some((status) => {
        const schema = resolved(operation.responses[status])?.content?.['application/problem+json']?.schema;
        return resolved(schema)?.properties?.code === undefined;
      });
    });
    expect(lacking).toEqual([]);
  });

  it('says of every operation which headers it takes and gives', () => {
    const lacking = failing(({ method, path, operation }) => {
      const taken = (operation.parameters ?? []).map(resolved).filter((one) => one.in === 'header');
      const takes = (name: string) => taken.some((one) => one.name === name);
      const gives = (name: string) =>
        success(operation).every(([, one]) => resolved(one.headers?.[name]) !== undefined);
      if (isCommand({ method, path })) {
        const changes = method === 'patch' || method === 'delete';
        return !takes('Idempotency-Key') || !gives('X-Position') || (changes && !(takes('If-Match') && gives('ETag')));
      }
      return (method === 'get' || path.endsWith('/query')) && !(takes('X-After') && gives('X-Stale'));
    });
    expect(lacking).toEqual([]);
    expect(resolved(document.paths['/api/customers'].post.responses[201].headers.Location)).toBeDefined();
    expect(resolved(document.paths['/api/customers/{id}'].get.responses[200].headers.ETag)).toBeDefined();
    expect(resolved(resolved(document.paths['/api/me'].get.responses[429]).headers['Retry-After'])).toBeDefined();
  });

  it('is what the services really answer', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(document, 'api');
    const cny = (amount: string) => ({ amount, currency: 'CNY' });
    const wrong: unknown[] = [];
    const check = async (method: string, path: string, template: string, body?: object) => {
      const reply = await crm.call(method, path, body);
      const pointer = `/paths/${template.replaceAll('/', '~1')}/${method.toLowerCase()}/responses/${reply.status}`;
      const kind = reply.status < 300 ? '/content/application~1json/schema' : '';
      const validate = ajv.getSchema(reply.status < 300 ? `api#${pointer}${kind}` : 'api#/components/schemas/Problem');
      if (!validate?.(reply.body)) wrong.push([method, path, reply.status, reply.body.code, validate?.errors]);
      return reply.body;
    };
    const customer = await check('POST', '/api/customers', '/api/customers', {
      name: '王小明',
      type: 'new',
      phones: [{ value: '138 0013 8000' }],
    });
    const { id: customerId } = customer;
    await check('PATCH', `/api/customers/${customerId}`, '/api/customers/{id}', { title: 'CEO' });
    await check('GET', `/api/customers/${customerId}/history`, '/api/customers/{id}/history');
    const dirty = { name: ' JOHN SMITH', phones: [{ value: '0755-26770000' }], emails: [{ value: 'nobody' }] };
    await check('POST', '/api/customers/check', '/api/customers/check', dirty);
    const { id: john } = await check('POST', '/api/customers', '/api/customers', { ...dirty, emails: [] });
    for (const list of ['corrections', 'suggestions', 'provenance'])
      await check('GET', `/api/customers/${john}/${list}`, `/api/customers/{id}/${list}`);
    const line = { title: '茶', quantity: '2', unitPrice: cny('5') };
    const order = await check('POST', '/api/orders', '/api/orders', { customerId, lines: [line] });
    await check('POST', `/api/orders/${order.id}/refunds`, '/api/orders/{id}/refunds', { amount: '1' });
    const deal = await check('POST', '/api/deals', '/api/deals', { customerId, title: 'x', value: cny('9') });
    await check('GET', `/api/pipelines/${deal.pipelineId}/board`, '/api/pipelines/{id}/board');
    await check('GET', '/api/pipelines', '/api/pipelines');
    const rate = { currency: 'USD', base: 'CNY', rate: '7', date: '2026-01-01' };
    await check('PUT', '/api/exchange-rates', '/api/exchange-rates', rate);
    await check('GET', '/api/exchange-rates', '/api/exchange-rates');
    const talk = { customerId, kind: 'call', followUp: { plan: 'call again' } };
    const { headers } = await crm.call('POST', '/api/interactions', talk);
    const after = { 'x-after': headers.get('x-position') ?? '' };
    await fresh(() => crm.call('GET', '/api/interactions', undefined, after));
    const lists = ['customers', 'orders', 'deals', 'interactions', 'connections', 'reports'];
    for (const list of lists) await check('GET', `/api/${list}`, `/api/${list}`);
    await check('GET', '/api/search?q=wang', '/api/search');
    const one = '/api/customers/{id}';
    const newsletter = { purpose: 'newsletter', channel: 'email', textVersion: '1', language: 'zh', text: '我同意。' };
    const consent = { ...newsletter, basis: 'consent', proof: { how: 'form', page: 'https://example.cn' } };
    await check('POST', `/api/customers/${customerId}/consents`, `${one}/consents`, consent);
    await check('POST', `/api/customers/${customerId}/forbid-contact`, `${one}/forbid-contact`, { how: 'phone' });
    await check('GET', `/api/customers/${customerId}/consents`, `${one}/consents`);
    const link = 'consents/unsubscribe-link';
    await check('GET', `/api/customers/${customerId}/${link}?purpose=newsletter`, `${one}/${link}`);
    await check('GET', '/api/consent-purposes', '/api/consent-purposes');
    await check('GET', '/api/consent-purposes/newsletter/texts', '/api/consent-purposes/{key}/texts');
    await check('PUT', '/api/field-classes/phones', '/api/field-classes/{field}', { class: 'sensitive' });
    await check('GET', '/api/field-classes', '/api/field-classes');
    const rule = { ways: ['person'], operations: ['create'], band: 'review', action: 'warn' };
    await check('PUT', '/api/duplicate-rules', '/api/duplicate-rules', { rules: [rule] });
    await check('GET', '/api/duplicate-rules', '/api/duplicate-rules');
    const named = { kind: 'range', field: 'name', min: 2, message: { zh: '过短', en: 'Too short.' } };
    await check('PUT', '/api/rules/customers', '/api/rules/customers', { rules: [{ id: 'named', ...named }] });
    await check('GET', '/api/rules/customers', '/api/rules/customers');
    await check('POST', '/api/customers', '/api/customers', { name: '王' });
    await check('GET', `/api/customers/${customerId}/care`, `${one}/care`);
    const twin = { name: '王小明', phones: [{ value: '13800138000' }] };
    await check('POST', '/api/customers', '/api/customers', twin);
    await check('POST', '/api/customers/match', '/api/customers/match', twin);
    await check('GET', `/api/customers/${customerId}/duplicates`, `${one}/duplicates`);
    const { items: pairs } = await eventually(
      () => check('GET', '/api/duplicates', '/api/duplicates'),
      ({ items }: any) => items.length > 0,
    );
    await check('GET', `/api/duplicates/${pairs[0].id}`, '/api/duplicates/{id}');
    await check('POST', `/api/duplicates/${pairs[0].id}/dismiss`, '/api/duplicates/{id}/dismiss', {});
    await check('GET', `/api/customers/${customerId}/personal-data`, `${one}/personal-data`);
    await check('GET', `/api/customers/${customerId}/impact`, `${one}/impact`);
    await check('GET', `/api/customers/${customerId}/timeline`, '/api/customers/{id}/timeline');
    await check('GET', `/api/customers/${customerId}/first-contact`, '/api/customers/{id}/first-contact');
    await check('GET', '/api/reports/top-customers', '/api/reports/{name}');
    await check('POST', '/api/rules/customers/verification', '/api/rules/customers/verification');
    await check('GET', '/api/rules/customers/verification', '/api/rules/customers/verification');
    await check('GET', '/api/me', '/api/me');
    await check('PATCH', '/api/settings', '/api/settings', { timeZone: 'Asia/Shanghai' });
    await check('POST', '/api/api-keys', '/api/api-keys', { name: 'ERP', roles: ['integration'] });
    const made = { name: 'Shop', kind: 'shopify', secret: 'a long secret' };
    await check('POST', '/api/connections', '/api/connections', made);
    await check('POST', '/api/customers', '/api/customers', { colour: 'red' });
    expect(wrong).toEqual([]);
  });
});
