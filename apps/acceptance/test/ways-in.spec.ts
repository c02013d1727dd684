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
