import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newId, recordId } from '@throughline/event-sourcing';
import { EmbeddedBus, Tokens } from '@throughline/service';
import { caller, dropDatabases, eventually, testConfig, type Call } from '@throughline/service/testing';
import { signAuthorization, signShopify, signStandardWebhook, signWooCommerce } from '../src/connectors/signatures.ts';
import { startGateway, type RunningGateway } from '../src/gateway.ts';
import { startSapSystem } from './sap-system.ts';

const password = 'correct horse battery';
const config = testConfig({ adminEmail: 'Admin@Example.com', adminPassword: password, adminApiKey: 'preset-key' });
let gateway: RunningGateway;
let call: Call;
let anonymous: Call;

beforeAll(async () => {
  // No service stands behind the door here: what it hands on is the acceptance suite's business.
  gateway = await startGateway({ config, bus: new EmbeddedBus(), baseUrl: () => 'http://127.0.0.1:9' });
  anonymous = caller(gateway.url, () => '');
  const { body } = await anonymous('POST', '/api/sessions', { email: 'admin@example.com', password });
  call = caller(gateway.url, () => body.token);
});
afterAll(async () => {
  await gateway.stop();
  await dropDatabases(config);
});

const post = (path: string, body: string, headers: Record<string, string>) =>
  fetch(gateway.url + path, { method: 'POST', body, headers }).then(async (response) => ({
    status: response.status,
    headers: response.headers,
    text: await response.text(),
  }));
/** As `fetch` would not send it: it tidies the path before. */
const sentAsWritten = (method: string, path: string, key: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url);
    const headers = { authorization: `Bearer ${key}` };
    const sent = request({ hostname, port, method, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on('error', reject);
    sent.end();
  });
const connect = async (body: object) => (await call('POST', '/api/connections', { name: 'Shop', ...body })).body;
const deliveries = async (id: string, query = '') =>
  (await call('GET', `/api/connections/${id}/deliveries${query}`)).body.items;
const settled = (id: string, count: number) =>
  eventually(
    () => deliveries(id),
    (items) => items.length === count && items.every((item: any) => item.status !== 'received'),
  );
const recorded = async (type: string) =>
  (await gateway.kernel.pool.query(`select stream_id, version from events where type = $1 order by position`, [type]))
    .rows;

describe('the gateway', () => {
  it.each([
    ['POST', '/api/forms', null, ['fields', 'name', 'title']],
    ['POST', '/api/forms', {}, ['fields', 'name', 'title']],
    ['POST', '/api/forms', { name: 'F', title: { en: 'F', zh: null }, fields: [{ field: 'name' }] }, ['title.zh']],
    ['POST', '/api/connections', { kind: 'json' }, ['name']],
    ['POST', '/api/connections', { kind: 'json', name: 'x', secret: null }, ['secret']],
    ['PATCH', '/api/settings', { name: null, timeZone: null }, ['name', 'timeZone']],
    ['POST', '/api/users', { email: '\ud800', name: 'x', password, roles: ['member'] }, ['email']],
    ['POST', '/api/api-keys', { id: null, name: 'x', roles: ['member'] }, ['id']],
  ])('refuses a malformed body of %s %s, and names the fields: %j', async (method, path, body, fields) => {
    const refused = await call(method, path, body);
    expect([refused.status, refused.body.errors?.map((error: any) => error.path).toSorted()]).toEqual([400, fields]);
  });

  it.each([
    ['member', 'POST', 'customers/1/erase', 'plain'],
    ['member', 'POST', 'customers/1/%65rase', 'escaped'],
    ['member', 'POST', 'customers/1/./erase', 'with a dot'],
    ['member', 'POST', 'customers/1/%2e/erase/', 'with an escaped dot'],
    ['member', 'POST', 'customers/1\\erase', 'with a backslash'],
    ['member', 'POST', 'customers/1/erase#', 'with a fragment'],
    ['member', 'PUT', 'customers/./../lifecycle', 'out of another'],
  ])('lets a %s %s nothing that is not theirs, whatever way the path is written: %s', async (role, method, path) => {
    const { body: issued } = await call('POST', '/api/api-keys', { name: path, roles: [role] });
    expect(await sentAsWritten(method, `/api/${path}`, issued.key)).toBe(403);
  });

  it('signs in by password, and tells nobody whether the user or the password was wrong', async () => {
    expect((await call('GET', '/api/me')).body).toMatchObject({ email: 'admin@example.com', roles: ['administrator'] });
    const wrong = await anonymous('POST', '/api/sessions', { email: 'admin@example.com', password: 'guess' });
    const nobody = await anonymous('POST', '/api/sessions', { email: 'nobody@example.com', password: 'guess' });
    for (const { status, body } of [wrong, nobody]) expect([status, body.code]).toEqual([401, 'wrong-credentials']);
  });

  it('takes the preset API key and those it issues, until they are revoked', async () => {
    expect((await caller(gateway.url, () => 'preset-key')('GET', '/api/me')).body.roles).toEqual(['administrator']);
    const { body: issued } = await call('POST', '/api/api-keys', { name: 'ERP', roles: ['integration'] });
    const erp = caller(gateway.url, () => issued.key);
    expect((await erp('GET', '/api/me')).body).toMatchObject({ type: 'api-key', roles: ['integration'] });
    expect((await erp('POST', '/api/api-keys', { name: 'More', roles: ['administrator'] })).status).toBe(403);
    await call('DELETE', `/api/api-keys/${issued.id}`);
    expect((await erp('GET', '/api/me')).status).toBe(401);
  });

  it('asks for a token everywhere else, and leaves no secret in its events', async () => {
    for (const path of ['/api/connections', '/api/customers', '/api/nothing'])
      expect((await anonymous('GET', path)).status).toBe(401);
    const { rows } = await gateway.kernel.pool.query(`select string_agg(e::text, '') as dump from events e`);
    for (const secret of [password, 'preset-key', 'admin@example.com']) expect(rows[0].dump).not.toContain(secret);
  });

  it('answers 503 for a service that is away, and is not ready then', async () => {
    expect(await call('GET', '/api/customers')).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect((await anonymous('GET', '/readyz')).status).toBe(503);
    expect((await anonymous('GET', '/healthz')).status).toBe(200);
  });

  it('configures the organisation, and names what is wrong', async () => {
    const { body } = await call('PATCH', '/api/settings', { timeZone: 'Asia/Shanghai', baseCurrency: 'CNY' });
    expect(body).toMatchObject({ timeZone: 'Asia/Shanghai', baseCurrency: 'CNY' });
    const wrong = await call('PATCH', '/api/settings', { timeZone: 'Mars/Base', baseCurrency: 'XYZ' });
    expect([wrong.status, wrong.body.errors.length]).toEqual([422, 2]);
  });

  it('answers 405 with what an address knows, 404 for one that nobody has, and passes over a slash at its end', async () => {
    for (const [method, path, allow] of [
      ['GET', '/api/sessions', 'POST'],
      ['PUT', '/api/me/', 'GET, HEAD'],
      ['DELETE', '/api/connections', 'GET, HEAD, POST'],
    ] as const) {
      const { status, body, headers } = await call(method, path);
      expect([status, body.code, headers.get('allow')]).toEqual([405, 'method-not-allowed', allow]);
    }
    expect((await call('GET', '/api/nothing/')).status).toBe(404);
    expect((await call('GET', '/api/me/')).body.email).toBe('admin@example.com');
    expect((await anonymous('POST', '/api/sessions/', { email: 'admin@example.com' })).body.code).toBe(
      'invalid-request',
    );
    for (const path of ['/api/customers/by/email/%FF', '/api/customers?q=%FF']) {
      expect(await call('GET', path)).toMatchObject({ status: 400, body: { code: 'unreadable-url' } });
    }
  });
});

describe('the door', () => {
  it('tells a service where it was asked, whatever the caller says of it', async () => {
    const owner = createServer(({ headers }, response) => response.end(JSON.stringify(headers)));
    await new Promise<void>((resolve) => owner.listen(0, '127.0.0.1', resolve));
    const { port } = owner.address() as AddressInfo;
    const baseUrl = () => `http://127.0.0.1:${port}`;
    const other = await startGateway({ config: { ...config, port: 0 }, bus: new EmbeddedBus(), baseUrl });
    const said = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'ftp' };
    const { body } = await caller(other.url, () => 'preset-key')('GET', '/api/customers/1', undefined, said);
    expect(`${JSON.parse(body)['x-forwarded-proto']}://${JSON.parse(body)['x-forwarded-host']}`).toBe(other.url);
    await other.stop();
    owner.close();
  });

  it('is not forced by guessing passwords, whatever the address looks like', async () => {
    const guess = (index: number) =>
      anonymous(
        'POST',
        `/api/sessions?try=${index}`,
        { email: 'x@example.com', password: 'x' },
        { 'x-forwarded-for': `10.0.0.${index}` },
      );
    const replies = [];
    for (let index = 0; index < 25; index += 1) replies.push(await guess(index));
    expect(replies.at(-1)).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
    expect(replies.at(-1)?.headers.get('retry-after')).toMatch(/^\d+$/);
  });

  it('gives its public key, and its history to services only', async () => {
    expect((await anonymous('GET', '/.well-known/jwks.json')).body.keys[0]).toMatchObject({ kty: 'OKP', alg: 'EdDSA' });
    expect((await call('GET', '/internal/history?after=0&limit=10')).status).toBe(401);
    const tokens = new Tokens(gateway.kernel.secrets);
    const service = async (type: 'system' | 'user') =>
      (await tokens.issue({ id: 'customers', type, roles: [] }, 'internal', 60)).token;
    const history = async (type: 'system' | 'user') =>
      (await caller(gateway.url, () => service(type))('GET', '/internal/history?after=0&limit=10')).status;
    expect([await history('system'), await history('user')]).toEqual([200, 403]);
  });

  it('takes another preset key in place of the one before', async () => {
    const other = await startGateway({
      config: { ...config, port: 0, adminApiKey: 'another-key' },
      bus: new EmbeddedBus(),
      baseUrl: () => 'http://127.0.0.1:9',
    });
    const status = async (key: string) => (await caller(other.url, () => key)('GET', '/api/me')).status;
    expect([await status('another-key'), await status('preset-key')]).toEqual([200, 401]);
    await other.stop();
  });

  it('is not forced by guessing tokens and keys, and stays open for those who have one', async () => {
    const { key } = (await call('POST', '/api/api-keys', { name: 'ERP', roles: ['reader'] })).body;
    const replies = [];
    for (let index = 0; index < 65; index += 1) {
      replies.push(await caller(gateway.url, () => `guess-${index}`)('GET', '/api/me'));
    }
    expect(replies[0]?.status).toBe(401);
    expect(replies.at(-1)).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
    expect(replies.at(-1)?.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect((await call('GET', '/api/me')).status).toBe(200);
    expect((await caller(gateway.url, () => key)('GET', '/api/me')).status).toBe(200);
    expect((await anonymous('GET', '/api/me')).status).toBe(401);
  });
});

describe('a connection', () => {
  it('needs what its source proves itself with, and a mapping that holds', async () => {
    const failing = async (body: object) => {
      const { status, body: problem } = await call('POST', '/api/connections', { name: 'x', ...body });
      return [status, ...problem.errors.map(({ path }: any) => path)];
    };
    expect(await failing({ kind: 'shopify' })).toEqual([422, 'secret']);
    expect(await failing({ kind: 'sap', auth: { type: 'bearer', token: 't' } })).toEqual([422, 'readBack']);
    const [status, first] = await failing({ kind: 'json', secret: 'whsec_c2VjcmV0', mapping: { object: 'ship' } });
    expect([status, String(first).startsWith('mapping')]).toEqual([422, true]);
  });

  it('says of a short secret that it is short, and takes an id in any case', async () => {
    const { body } = await call('POST', '/api/connections', { name: 'x', kind: 'shopify', secret: 'short' });
    expect(body.errors).toMatchObject([{ path: 'secret', code: 'too-short' }]);
    const id = newId();
    expect((await connect({ id: id.toUpperCase(), kind: 'shopify', secret: 'long enough' })).id).toBe(id);
  });

  it('shows where to post, never its secret', async () => {
    const made = await connect({ kind: 'shopify', secret: 'shpss_secret' });
    expect(made.hookUrl).toBe(`${gateway.url}/hooks/${made.id}`);
    const { body } = await call('GET', `/api/connections/${made.id}`);
    expect(JSON.stringify(body)).not.toContain('shpss_secret');
  });
});

describe('a hook', () => {
  const shopifyCustomer = (id: string, name = 'Ada') =>
    `{"id":${id},"first_name":"${name}","last_name":"Lovelace","email":"ada@example.com","updated_at":"2026-01-02T03:04:05-05:00"}`;
  const shopify = (secret: string, body: string, id: string) => ({
    'content-type': 'application/json',
    'x-shopify-topic': 'customers/update',
    'x-shopify-webhook-id': id,
    ...signShopify(secret, body),
  });

  it('takes a signed message and sees the customer under an exact id', async () => {
    const { id } = await connect({ kind: 'shopify', secret: 'secret-1' });
    const body = shopifyCustomer('9007199254740993');
    expect((await post(`/hooks/${id}`, body, shopify('secret-1', body, 'd1'))).status).toBe(202);
    await settled(id, 1);
    expect((await recorded('CustomerSeen')).map(({ stream_id }) => stream_id)).toContain(
      recordId(id, '9007199254740993'),
    );
  });

  it('records the same word once: the same delivery again, and the same content under a new delivery id', async () => {
    const { id } = await connect({ kind: 'shopify', secret: 'secret-2' });
    const body = shopifyCustomer('42');
    for (const delivery of ['d1', 'd1', 'd2']) await post(`/hooks/${id}`, body, shopify('secret-2', body, delivery));
    await settled(id, 2);
    expect((await recorded('CustomerSeen')).filter(({ stream_id }) => stream_id === recordId(id, '42'))).toHaveLength(
      1,
    );
  });

  it('lists as ignored what is in order and says nothing that is recorded', async () => {
    const shop = await connect({ kind: 'shopify', secret: 'secret-6' });
    const product = { 'x-shopify-topic': 'products/update' };
    await post(`/hooks/${shop.id}`, '{"id":1}', { ...shopify('secret-6', '{"id":1}', 'd1'), ...product });
    const woo = await connect({ kind: 'woocommerce', secret: 'secret-7' });
    const topic = { 'content-type': 'application/json', 'x-wc-webhook-topic': 'coupon.created' };
    await post(`/hooks/${woo.id}`, '{"id":1}', { ...topic, ...signWooCommerce('secret-7', '{"id":1}') });
    const readBack = { url: 'https://sap.example.com', user: 'crm', password: 'pw' };
    const sap = await connect({ kind: 'sap', auth: { type: 'bearer', token: 'sap-token' }, readBack });
    const event = { specversion: '1.0', id: '1', source: '/1', type: 'sap.s4.beh.product.v1.Product.Changed.v1' };
    const structured = {
      'content-type': 'application/cloudevents+json',
      ...signAuthorization({ bearer: 'sap-token' }),
    };
    await post(`/hooks/${sap.id}`, JSON.stringify(event), structured);
    for (const [{ id }, named] of [
      [shop, ' (products/update)'],
      [woo, ' (coupon.created)'],
      [sap, ''],
    ]) {
      const [delivery] = await settled(id, 1);
      expect(delivery).toMatchObject({ status: 'ignored', reason: `It says nothing that is recorded here${named}.` });
    }
  });

  it('refuses a wrong signature with 401, unreadable JSON with 400, what is too large with 413, and keeps nothing', async () => {
    const { id } = await connect({ kind: 'shopify', secret: 'secret-3' });
    const body = shopifyCustomer('1');
    expect((await post(`/hooks/${id}`, body, shopify('wrong', body, 'd1'))).status).toBe(401);
    expect((await post(`/hooks/${id}`, body, { 'content-type': 'application/json' })).status).toBe(401);
    expect((await post(`/hooks/${id}`, '{"id":', shopify('secret-3', '{"id":', 'd1'))).status).toBe(400);
    const large = JSON.stringify({ id: 1, note: 'x'.repeat(1_100_000) });
    expect((await post(`/hooks/${id}`, large, shopify('secret-3', large, 'd1'))).status).toBe(413);
    expect((await post(`/hooks/${newId()}`, body, shopify('secret-3', body, 'd1'))).status).toBe(404);
    expect(await deliveries(id)).toEqual([]);
  });

  it('answers the greetings that systems begin with', async () => {
    const woo = await connect({ kind: 'woocommerce', secret: 'secret-4' });
    const ping = await post(`/hooks/${woo.id}`, 'webhook_id=7', {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(ping.status).toBe(200);
    const events = await connect({ kind: 'cloudevents', auth: { type: 'bearer', token: 'token-token' } });
    const greeting = await fetch(`${gateway.url}/hooks/${events.id}`, {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': 'eventgrid.example.com' },
    });
    expect([greeting.status, greeting.headers.get('webhook-allowed-origin')]).toEqual([200, 'eventgrid.example.com']);
  });

  it('makes one guest of two orders with one e-mail', async () => {
    const { id } = await connect({ kind: 'woocommerce', secret: 'secret-5' });
    for (const order of ['801', '802']) {
      const body = JSON.stringify({
        id: Number(order),
        number: order,
        status: 'processing',
        currency: 'CNY',
        customer_id: 0,
        total: '10.00',
        total_tax: '0',
        shipping_total: '0',
        discount_total: '0',
        date_created_gmt: '2026-02-01T00:00:00',
        date_modified_gmt: '2026-02-01T00:00:00',
        date_paid_gmt: null,
        billing: { first_name: '小明', last_name: '王', email: 'Guest@Example.com' },
        shipping: {},
        line_items: [],
        refunds: [],
        fee_lines: [],
        shipping_lines: [],
      });
      const headers = {
        'content-type': 'application/json',
        'x-wc-webhook-topic': 'order.updated',
        'x-wc-webhook-id': '1',
        'x-wc-webhook-delivery-id': order,
        ...signWooCommerce('secret-5', body),
      };
      expect((await post(`/hooks/${id}`, body, headers)).status).toBe(202);
    }
    await settled(id, 2);
    const { rows } = await gateway.kernel.pool.query(
      `select distinct data->>'customerId' as customer from events where type = 'OrderSeen' and data->'externalId'->>'connectionId' = $1`,
      [id],
    );
    expect(rows).toHaveLength(1);
  });

  it('shows what could not be mapped, with the reason, and applies it once the mapping is mended', async () => {
    const mapping = (name: string) => ({
      object: 'customer',
      fields: { externalId: '/key', name, updatedAt: '/changed' },
    });
    const secret = `whsec_${Buffer.from('a long enough secret').toString('base64')}`;
    const { id } = await connect({ kind: 'json', secret, mapping: mapping('/nested/name') });
    const body = JSON.stringify({ changed: '2026-01-01T00:00:00Z', nested: { name: '李雷' } });
    const keyed = JSON.stringify({ key: 'k', changed: '2026-01-01T00:00:00Z', nested: { name: '李雷' } });
    const send = (text: string, message: string) =>
      post(`/hooks/${id}`, text, {
        'content-type': 'application/json',
        ...signStandardWebhook(secret, message, text, new Date()),
      });
    await send(body, 'm1');
    await send(keyed, 'm2');
    await settled(id, 2);
    const [failed] = await deliveries(id, '?status=failed');
    expect(failed.reason).toContain('/key');
    const mended = {
      ...mapping('/nested/name'),
      fields: { ...mapping('/nested/name').fields, externalId: '/nested/name' },
    };
    await call('PATCH', `/api/connections/${id}`, { mapping: mended });
    expect((await call('POST', `/api/connections/${id}/deliveries/${failed.id}/retry`)).status).toBe(202);
    await eventually(
      () => deliveries(id, '?status=applied'),
      (items) => items.length === 2,
    );
  });

  it('keeps an order in a currency that nobody has as failed, and takes it once the source is mended', async () => {
    const mapping = {
      object: 'order',
      fields: { externalId: '/no', total: '/sum', placedAt: '/at', currency: '/money' },
    };
    const secret = `whsec_${Buffer.from('a long enough secret').toString('base64')}`;
    const wrong = { ...mapping, fields: { ...mapping.fields, currency: { const: 'ZZZ' } } };
    expect((await call('POST', '/api/connections', { name: 'x', kind: 'json', secret, mapping: wrong })).status).toBe(
      422,
    );
    const { id } = await connect({ kind: 'json', secret, mapping });
    const send = (currency: string, message: string) => {
      const text = JSON.stringify({ no: '1', sum: '5.00', at: '2026-01-01T00:00:00Z', money: currency });
      const signed = signStandardWebhook(secret, message, text, new Date());
      return post(`/hooks/${id}`, text, { 'content-type': 'application/json', ...signed });
    };
    await send('ZZZ', 'c1');
    await send('CNY', 'c2');
    await settled(id, 2);
    const [failed, ...more] = await deliveries(id, '?status=failed');
    expect([failed.reason, more]).toEqual(['Not a currency of ISO 4217. (/money)', []]);
    expect((await recorded('OrderSeen')).filter(({ stream_id }) => stream_id === recordId(id, 'order:1'))).toHaveLength(
      1,
    );
  });

  it('reads SAP objects back, and waits for a system that is away', async () => {
    const sap = await startSapSystem({ user: 'crm', password: 'pw' });
    try {
      const auth = { type: 'bearer', token: 'sap-token' };
      const { id } = await connect({ kind: 'sap', auth, readBack: { url: sap.url, user: 'crm', password: 'pw' } });
      sap.putBusinessPartner({
        BusinessPartner: '1000992',
        BusinessPartnerCategory: '2',
        OrganizationBPName1: '上海贸易有限公司',
      });
      sap.failNext(1, 503);
      const body = JSON.stringify({
        specversion: '1.0',
        id: newId(),
        source: '/default/sap.s4.beh/1',
        type: 'sap.s4.beh.businesspartner.v1.BusinessPartner.Created.v1',
        time: '2026-03-03T13:29:05Z',
        datacontenttype: 'application/json',
        data: { BusinessPartner: '1000992' },
      });
      const headers = { 'content-type': 'application/cloudevents+json', ...signAuthorization({ bearer: 'sap-token' }) };
      expect((await post(`/hooks/${id}`, body, headers)).status).toBe(202);
      const [delivery] = await settled(id, 1);
      expect(delivery.status).toBe('applied');
      expect((await recorded('CustomerSeen')).map(({ stream_id }) => stream_id)).toContain(recordId(id, '1000992'));
    } finally {
      await sap.stop();
    }
  });

  it('keeps raw messages and what they said encrypted', async () => {
    const { rows } = await gateway.kernel.pool.query(
      `select (select string_agg(d::text, '') from deliveries d) || (select string_agg(e::text, '') from events e)
         || (select string_agg(c::text, '') from commands c) as dump`,
    );
    for (const secret of ['Lovelace', 'ada@example.com', '小明', 'Guest@Example', '李雷', '上海贸易']) {
      expect(rows[0].dump).not.toContain(secret);
    }
  });
});
