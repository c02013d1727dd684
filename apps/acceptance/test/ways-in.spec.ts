import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@throughline/service/testing';
import { adminEmail, adminPassword, startEmbedded, type Instance } from '../src/instance.ts';

let crm: Instance;
beforeAll(async () => {
  crm = await startEmbedded();
}, 60_000);
afterAll(() => crm?.stop(), 60_000);

const read = (path: string) =>
  eventually(
    () => crm.call('GET', path),
    ({ status }) => status === 200,
  );

describe('every way in', () => {
  it('makes customers who say where they came from, and the report counts them', async () => {
    const { body: form } = await crm.call('POST', '/api/forms', {
      name: 'Tasting',
      title: { zh: '试饮' },
      fields: [{ field: 'name', required: true }, { field: 'phone' }],
      campaign: 'spring',
    });
    const address = form.url.slice(form.url.indexOf('/forms/'));
    const sent = await crm.call('POST', address, { name: '韩梅梅', phone: '13800138000', utm_campaign: 'april' });
    expect(sent.status).toBe(202);
    const { body: visitor } = await read(`/api/customers/${sent.body.id}`);
    expect(visitor).toMatchObject({ name: '韩梅梅', source: 'web-form', channel: 'web', campaign: 'april' });

    const met = await crm.call('POST', '/api/customers', {
      name: '展会',
      interaction: { kind: 'event', subject: '展台' },
    });
    const { body: talk } = await read(`/api/interactions/${met.body.interactionId}`);
    expect(talk).toMatchObject({ customerId: met.body.id, subject: '展台' });

    const card = 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:名片\r\nEND:VCARD\r\n';
    const cards = await crm.call('POST', '/api/customers/vcard', card, { 'content-type': 'text/vcard' });
    expect(cards.body.items).toMatchObject([{ status: 201 }]);
    const vcard = await crm.call('GET', `/api/customers/${cards.body.items[0].id}/vcard`);
    expect(vcard.body).toContain('FN:名片');

    const operations = ['A', 'B'].map((name) => ({ op: 'create', data: { name, source: 'list' } }));
    const batch = await crm.call('POST', '/api/customers/batch', { operations, allOrNone: true });
    expect(batch.body.items.map(({ status }: any) => status)).toEqual([201, 201]);

    const counted = async () =>
      Object.fromEntries(
        (await crm.call('GET', '/api/reports/customers-by-source')).body.rows.map(
          ({ source, channel, customers }: any) => [`${source} ${channel}`, customers],
        ),
      );
    await eventually(counted, (counts) => counts['list null'] === 2);
    expect(await counted()).toEqual({
      'web-form web': 1,
      'quick-add null': 1,
      'business-card null': 1,
      'list null': 2,
    });
  }, 60_000);

  it('has the same rules for whoever fills in a form, who is told of all of them at once', async () => {
    const { body: form } = await crm.call('POST', '/api/forms', {
      name: 'Visit',
      title: { zh: '预约' },
      fields: [{ field: 'name' }, { field: 'email' }, { field: 'birthDate' }, { field: 'custom.room' }],
    });
    await crm.call('POST', '/api/fields', { key: 'room', type: 'number', label: { zh: '房间' } });
    const message = { zh: '不行', en: 'No.' };
    const rules = [
      { id: 'of-age', kind: 'range', field: 'birthDate', max: 'today-18y', message },
      { id: 'mail', kind: 'format', field: 'emails', pattern: '[^@]+@ours\\.example', message },
      { id: 'room', kind: 'range', field: 'custom.room', min: 100, message },
      { id: 'one', kind: 'unique', field: 'emails', message },
      { id: 'phone', kind: 'required', field: 'phones', message },
    ];
    expect((await crm.call('PUT', '/api/rules/customers', { rules })).status).toBe(200);
    const address = form.url.slice(form.url.indexOf('/forms/'));
    const visit = { name: '李雷', email: 'li@theirs.example', birthDate: '2025-01-01', 'custom.room': '9' };
    const refused = await crm.anonymous('POST', address, visit, { 'accept-language': 'zh' });
    expect([refused.status, refused.body.code]).toEqual([422, 'invalid-submission']);
    expect(refused.body.errors.map(({ path, message }: any) => `${path} ${message}`)).toEqual([
      'birthDate 不行',
      'email 不行',
      'custom.room 不行',
    ]);
    const right = { name: '李雷', email: 'li@ours.example', birthDate: '2000-01-01', 'custom.room': '101' };
    for (let times = 0; times < 2; times += 1) expect((await crm.anonymous('POST', address, right)).status).toBe(202);
    const { body: read } = await crm.call('GET', `/api/forms/${form.id}`);
    expect(read.warnings).toEqual([expect.objectContaining({ field: 'phones', ruleId: 'phone' })]);
    await crm.call('PUT', '/api/rules/customers', { rules: [] });
  }, 60_000);

  it('reads the page of a form in the types of custom fields, and says at its field what is of none', async () => {
    const tea = { value: 'tea', label: { en: 'Tea', zh: '茶' } };
    const pots = { value: 'pots, cups', label: { en: 'Pots', zh: '茶具' } };
    for (const field of [
      { key: 'seats', type: 'number', label: { en: 'Seats', zh: '座位数' } },
      { key: 'budget', type: 'money', label: { en: 'Budget', zh: '预算' } },
      { key: 'visit', type: 'date', label: { en: 'Visit', zh: '到访' }, required: ['person'] },
      { key: 'level', type: 'choice', label: { en: 'Level', zh: '等级' }, options: [tea, pots] },
      { key: 'topics', type: 'multi-choice', label: { en: 'Topics', zh: '主题' }, options: [tea, pots] },
      { key: 'member', type: 'boolean', label: { en: 'Member', zh: '会员' } },
    ])
      expect((await crm.call('POST', '/api/fields', field)).status).toBe(201);
    const custom = ['seats', 'budget', 'visit', 'level', 'topics', 'member'].map((key) => ({ field: `custom.${key}` }));
    const { body: form } = await crm.call('POST', '/api/forms', {
      name: 'Tasting',
      title: { zh: '试饮' },
      fields: [{ field: 'name' }, ...custom],
    });
    const address = form.url.slice(form.url.indexOf('/forms/'));
    await eventually(
      () => crm.anonymous('GET', `${address}?lang=zh`, undefined, { accept: 'text/html' }),
      ({ body }) => body.includes('会员') && body.includes('到访 (必填)'),
    );
    const headers = {
      accept: 'text/html',
      'content-type': 'application/x-www-form-urlencoded',
      'accept-language': 'zh',
    };
    const send = (values: [string, string][]) =>
      crm.anonymous('POST', address, new URLSearchParams(values).toString(), headers);
    const wrong = await send([
      ['name', '李雷'],
      ['custom.seats', '很多'],
      ['custom.budget.amount', '12'],
      ['custom.level', 'gold'],
    ]);
    expect(wrong.status).toBe(422);
    const told = [...wrong.body.matchAll(/<p class="error" id="([^"]*)-error">([^<]*)</g)].map(
      ([, id, text]) => `${id} ${text}`,
    );
    expect(told).toEqual([
      'field-custom.seats 类型或格式不正确',
      expect.stringMatching(/^field-custom.budget 未注明币种/),
      'field-custom.visit 必填',
      expect.stringMatching(/^field-custom.level ./),
    ]);
    const sent = await send([
      ['name', '茶友'],
      ['custom.seats', '12'],
      ['custom.budget.amount', '1,234.50'],
      ['custom.budget.currency', 'CNY'],
      ['custom.visit', '2030-01-05'],
      ['custom.level', 'pots, cups'],
      ['custom.topics', 'pots, cups'],
      ['custom.topics', 'tea'],
      ['custom.member', 'true'],
    ]);
    expect(sent.status).toBe(200);
    const { body: found } = await eventually(
      () => crm.call('POST', '/api/customers/query', { filter: { name: '茶友' } }),
      ({ body }) => body.items?.length === 1,
    );
    const { body: customer } = await crm.call('GET', `/api/customers/${found.items[0].id}`);
    expect(customer.custom).toEqual({
      seats: 12,
      budget: { amount: '1234.50', currency: 'CNY' },
      visit: '2030-01-05',
      level: 'pots, cups',
      topics: ['pots, cups', 'tea'],
      member: true,
    });
    await crm.call('POST', '/api/fields/visit/retire');
  }, 60_000);

  // curl and older programs do, where there is much to send.
  it('are open to programs that ask before they send, and say how they would go on with the connection', async () => {
    const { body: session } = await crm.anonymous('POST', '/api/sessions', {
      email: adminEmail,
      password: adminPassword,
    });
    const body = JSON.stringify({ name: '先问一声' });
    const asking = request(`${crm.url}/api/customers`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${session.token}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        expect: '100-continue',
        'keep-alive': '300',
      },
    });
    asking.flushHeaders();
    asking.once('continue', () => asking.end(body));
    const status = await new Promise((done, failed) => {
      asking.once('response', (response) => done(response.resume().statusCode)).once('error', failed);
    });
    expect(status).toBe(201);
  });
});
