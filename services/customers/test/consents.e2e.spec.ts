import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const create = async () => (await service.call('POST', '/api/customers', { name: '张三' })).body.id as string;
const form = {
  purpose: 'newsletter',
  channel: 'email',
  basis: 'consent',
  textVersion: '1',
  language: 'zh-CN',
  proof: { how: 'form', reference: 'form 7', page: 'https://example.cn/n' },
};
const post = (id: string, path: string, body: object, headers?: Record<string, string>) =>
  service.call('POST', `/api/customers/${id}/${path}`, body, headers);
const read = async (id: string, query = '') =>
  (await service.call('GET', `/api/customers/${id}/consents${query}`)).body;
const newsletter = ({ consents }: any) =>
  consents.find(({ purpose, channel }: any) => purpose === 'newsletter' && channel === 'email');

describe('consents', () => {
  it('are none at first, for every purpose and channel', async () => {
    const body = await read(await create());
    expect(body).toMatchObject({ version: 0, doNotContact: null, history: [] });
    expect(new Set(body.consents.map(({ state }: any) => state))).toEqual(new Set(['none']));
    expect(body.consents.map(({ purpose }: any) => purpose)).toEqual(
      expect.arrayContaining(['marketing', 'profiling']),
    );
  });

  it('are given with a proof, shown at once, and withdrawn', async () => {
    const id = await create();
    const given = await post(id, 'consents', form);
    expect(given.status).toBe(200);
    expect(given.headers.get('x-position')).toMatch(/^customers@\d+$/);
    expect(newsletter(given.body)).toMatchObject({
      state: 'given',
      basis: 'consent',
      textVersion: '1',
      how: 'form',
      reference: 'form 7',
      page: 'https://example.cn/n',
    });
    const gone = await post(id, 'consents/withdraw', { purpose: 'newsletter', how: 'phone' });
    expect(newsletter(gone.body)).toMatchObject({ state: 'withdrawn', how: 'phone' });
    expect((await read(id)).history.map(({ kind }: any) => kind)).toEqual(['given', 'withdrawn']);
  });

  it('are settled by when they were given, and can be asked as of any moment', async () => {
    const id = await create();
    await post(id, 'consents/withdraw', { purpose: 'newsletter', how: 'phone', occurredAt: '2024-03-01T00:00:00Z' });
    const before = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await post(id, 'consents', { ...form, proof: { how: 'paper' }, occurredAt: '2019-06-01T08:00:00+08:00' });
    expect(newsletter(await read(id))).toMatchObject({ state: 'withdrawn' });
    expect(newsletter(await read(id, '?asOf=2020-01-01T00:00:00Z'))).toMatchObject({
      state: 'given',
      at: '2019-06-01T00:00:00.000Z',
    });
    expect(newsletter(await read(id, `?asOf=2020-01-01T00:00:00Z&knownAt=${before}`))).toMatchObject({ state: 'none' });
  });

  it('answer a repeated request as the first time', async () => {
    const id = await create();
    const key = { 'idempotency-key': newId() };
    const first = await post(id, 'consents', { ...form, text: `text ${id}`, textVersion: id }, key);
    await post(id, 'consents/withdraw', { purpose: 'newsletter', how: 'phone' });
    const again = await post(id, 'consents', { ...form, text: `text ${id}`, textVersion: id }, key);
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect((await read(id)).history).toHaveLength(2);
    expect((await post(id, 'consents', form, key)).body.code).toBe('idempotency-key-reused');
  });

  it('keep the text that was agreed to, which never changes', async () => {
    const id = await create();
    const text = '我同意接收新闻简报。';
    expect((await post(id, 'consents', { ...form, textVersion: '2026-01', text })).status).toBe(200);
    const { body } = await service.call('GET', '/api/consent-purposes/newsletter/texts?textVersion=2026-01');
    expect(body.items).toEqual([{ purpose: 'newsletter', textVersion: '2026-01', language: 'zh-CN', text }]);
    const other = await post(id, 'consents', { ...form, textVersion: '2026-01', text: 'something else' });
    expect([other.status, other.body.code]).toEqual([409, 'consent-text-differs']);
    const refused = await post(id, 'consents', { ...form, channel: 'phone', textVersion: '2026-02', text });
    expect([refused.status, refused.body.errors]).toEqual([422, [expect.objectContaining({ path: 'channel' })]]);
    expect(
      (await service.call('GET', '/api/consent-purposes/newsletter/texts?textVersion=2026-02')).body.items,
    ).toEqual([]);
  });

  it('name what is wrong', async () => {
    const id = await create();
    const shape = await post(id, 'consents', { ...form, basis: 'because', proof: { how: 'magic' }, expiresOn: 'soon' });
    expect(shape.status).toBe(400);
    expect(shape.body.errors.map(({ path }: any) => path).sort()).toEqual(['basis', 'expiresOn', 'proof.how']);
    const meaning = await post(id, 'consents', { purpose: 'newsletter', basis: 'consent', proof: { how: 'form' } });
    expect([meaning.status, meaning.body.errors[0].path]).toEqual([422, 'textVersion']);
    expect(await post(newId(), 'consents', form)).toMatchObject({ status: 404, body: { code: 'customer-not-found' } });
    expect((await service.call('GET', `/api/customers/${newId()}/consents`)).status).toBe(404);
  });

  it('are beaten by the wish not to be contacted', async () => {
    const id = await create();
    await post(id, 'consents', form);
    expect((await post(id, 'forbid-contact', { how: 'phone' })).body.doNotContact).toMatchObject({ how: 'phone' });
    expect((await post(id, 'allow-contact', { how: 'email' })).body.doNotContact).toBeNull();
  });

  it('lie in the log without what is personal in them, and are refused for who was erased', async () => {
    const id = await create();
    await post(id, 'consents', { ...form, proof: { how: 'form', reference: 'secret reference' } });
    const { rows } = await service.kernel.pool.query(`select string_agg(e::text, '') as dump from events e`);
    expect(rows[0].dump).not.toContain('secret reference');
    await service.call('POST', `/api/customers/${id}/erase`);
    expect(await post(id, 'consents', form)).toMatchObject({ status: 409, body: { code: 'customer-erased' } });
  });
});

describe('an unsubscribe link', () => {
  const linkOf = async (id: string, query = 'purpose=newsletter&channel=email', headers = {}) =>
    (await service.call('GET', `/api/customers/${id}/consents/unsubscribe-link?${query}`, undefined, headers)).body;
  const visit = (url: string, init: RequestInit = {}) =>
    fetch(new URL(url, service.url), init).then(async (response) => ({
      status: response.status,
      headers: response.headers,
      text: await response.text(),
    }));

  it('asks whoever follows it, and takes the consent back when they say so, without any token but its own', async () => {
    const id = await create();
    await post(id, 'consents', form);
    const { url, headers } = await linkOf(id);
    expect(url).not.toContain(id);
    expect(headers).toEqual({ 'List-Unsubscribe': `<${url}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' });
    const asked = await visit(url, { headers: { 'accept-language': 'zh-CN' } });
    expect([asked.status, asked.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(asked.text).toContain('新闻简报（电子邮件）');
    expect(newsletter(await read(id))).toMatchObject({ state: 'given' });
    for (let i = 0; i < 2; i++) {
      const done = await visit(url, { method: 'POST' });
      expect([done.status, done.text]).toEqual([200, expect.stringContaining('You are unsubscribed from “Newsletter')]);
    }
    const ledger = await read(id);
    expect(newsletter(ledger)).toMatchObject({ state: 'withdrawn', how: 'link' });
    expect(ledger.history.map(({ kind }: any) => kind)).toEqual(['given', 'withdrawn', 'withdrawn']);
  });

  it('leads to where the gateway was asked', async () => {
    const through = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'crm.example.cn:8443' };
    const { url, headers } = await linkOf(await create(), 'purpose=newsletter', through);
    expect(url).toMatch(/^https:\/\/crm\.example\.cn:8443\/unsubscribe\/[\w-]+$/);
    expect(headers['List-Unsubscribe']).toBe(`<${url}>`);
  });

  it('does nothing for a token that is none of ours', async () => {
    const { url } = await linkOf(await create());
    for (const [method, path] of [
      ['GET', '/unsubscribe/nonsense'],
      ['POST', `${url}x`],
      ['POST', `/unsubscribe/${'A'.repeat(400)}`],
    ] as const) {
      expect([path, (await visit(path, { method })).status]).toEqual([path, 404]);
    }
  });

  it('is quiet towards who was erased meanwhile, and is made for known purposes of known people only', async () => {
    const id = await create();
    const { url } = await linkOf(id);
    await service.call('POST', `/api/customers/${id}/erase`);
    expect((await visit(url, { method: 'POST' })).status).toBe(200);
    const other = await create();
    expect(await linkOf(other, 'purpose=unheard-of')).toMatchObject({ status: 422, code: 'invalid-consent' });
    expect(await linkOf(newId())).toMatchObject({ status: 404 });
  });
});

describe('the purposes of consents', () => {
  it('can be defined, and are the ones that consents are checked against', async () => {
    const id = await create();
    const definition = { label: { zh: '抽奖', en: 'Raffle' }, channels: ['sms'], marketing: true };
    const raffle = { ...form, purpose: 'raffle', channel: 'sms' };
    expect((await post(id, 'consents', raffle)).status).toBe(422);
    const defined = await service.call('PUT', '/api/consent-purposes/raffle', definition);
    expect([defined.status, defined.body]).toEqual([200, { key: 'raffle', ...definition }]);
    expect((await post(id, 'consents', raffle)).status).toBe(200);
    const { items } = (await service.call('GET', '/api/consent-purposes')).body;
    expect(items).toContainEqual({ key: 'raffle', ...definition });
    expect((await service.call('PUT', '/api/consent-purposes/No%20key', definition)).status).toBe(400);
  });
});

describe('the consents of a merged customer', () => {
  const merged = async () => {
    const [top, below] = [await create(), await create()];
    await post(below, 'consents', form);
    await post(below, 'forbid-contact', { how: 'phone' });
    const before = new Date().toISOString();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await post(top, 'merge', { absorb: [below] });
    return { top, below, before };
  };

  it('are what all of its records say, whichever of them is asked', async () => {
    const { top, below, before } = await merged();
    const body = await read(top);
    expect(body).toMatchObject({ customerId: top, doNotContact: { how: 'phone' }, history: [{ kind: 'given' }] });
    expect(newsletter(body)).toMatchObject({ state: 'given', reference: 'form 7' });
    expect(await read(below)).toEqual(body);
    expect(await read(top, `?knownAt=${before}`)).toMatchObject({ doNotContact: null, history: [] });
    await post(top, 'unmerge', { record: below });
    expect(await read(top)).toMatchObject({ customerId: top, doNotContact: null, history: [] });
    expect(await read(below)).toMatchObject({ customerId: below, doNotContact: { how: 'phone' } });
  });

  it('end with the last word, about whichever record it is said', async () => {
    const { top, below } = await merged();
    expect(await post(top, 'allow-contact', { how: 'email' })).toMatchObject({
      status: 200,
      body: { doNotContact: null },
    });
    await post(below, 'forbid-contact', { how: 'email' });
    expect((await post(top, 'allow-contact', { how: 'email' })).body.doNotContact).toBeNull();
    const withdrawal = { purpose: 'newsletter', how: 'link' };
    await post(top, 'consents/withdraw', withdrawal);
    await post(below, 'consents', form);
    const gone = await post(top, 'consents/withdraw', withdrawal);
    expect(newsletter(gone.body)).toMatchObject({ state: 'withdrawn', how: 'link' });
    // Said again, it also beats what is heard of the time in between later on.
    const between = new Date().toISOString();
    await post(top, 'consents/withdraw', withdrawal);
    await post(below, 'consents', { ...form, occurredAt: between });
    expect(newsletter(await read(top)).state).toBe('withdrawn');
    await post(below, 'consents/withdraw', withdrawal);
    await post(top, 'unmerge', { record: below });
    expect(newsletter(await read(below)).state).toBe('withdrawn');
  });

  it('are objected to for each of them, should they be taken apart, and shown once', async () => {
    const { top, below } = await merged();
    const third = await create();
    await post(third, 'consents', form);
    await post(top, 'merge', { absorb: [third] });
    const key = { 'idempotency-key': newId() };
    const said = await post(top, 'consents/withdraw', { purpose: 'newsletter', how: 'link' }, key);
    expect(said.body.history.map(({ kind }: any) => kind).toSorted()).toEqual(['given', 'given', 'withdrawn']);
    expect((await post(top, 'consents/withdraw', { purpose: 'newsletter', how: 'link' }, key)).body).toEqual(said.body);
    await post(top, 'forbid-contact', { how: 'email' });
    for (const record of [below, third]) await post(top, 'unmerge', { record });
    for (const record of [top, below, third]) {
      const alone = await read(record);
      expect(newsletter(alone)).toMatchObject({ state: 'withdrawn', how: 'link' });
      expect(alone.doNotContact).toMatchObject({ how: 'email' });
    }
  });

  it('are changed under the ETag of all of them only', async () => {
    const { top, below } = await merged();
    const etagOf = async () =>
      (await service.call('GET', `/api/customers/${top}/consents`)).headers.get('etag') as string;
    const seen = await etagOf();
    await post(below, 'allow-contact', { how: 'email' });
    const late = await post(top, 'forbid-contact', { how: 'email' }, { 'if-match': seen });
    expect([late.status, late.body.code]).toEqual([412, 'record-changed']);
    const headers = { 'if-match': await etagOf(), 'idempotency-key': newId() };
    const first = await post(top, 'forbid-contact', { how: 'email' }, headers);
    expect([first.status, first.body.doNotContact.how]).toEqual([200, 'email']);
    expect((await post(top, 'forbid-contact', { how: 'email' }, headers)).body).toEqual(first.body);
  });
});
