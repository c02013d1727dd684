import { setTimeout as sleep } from 'node:timers/promises';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { EmbeddedBus, HttpProblem, Service } from '@throughline/service';
import {
  ForeignLog,
  caller,
  dropDatabases,
  eventually,
  startTestService,
  testConfig,
  type Call,
  type TestService,
} from '@throughline/service/testing';
import { startGateway, type RunningGateway } from '../src/gateway.ts';

const nobody = 'http://127.0.0.1:9';
/** Where customers answers. */
let customersUrl = nobody;

// Each test is a visitor of its own: the limit counts by address.
const config = testConfig({ adminApiKey: 'preset-key', trustProxy: true });
let gateway: RunningGateway;
let call: Call;
let customersLog: ForeignLog;
beforeAll(async () => {
  const bus = new EmbeddedBus();
  customersLog = await ForeignLog.open('customers', config, bus);
  gateway = await startGateway({ config, bus, baseUrl: () => customersUrl });
  call = caller(gateway.url, () => 'preset-key');
});
afterAll(async () => {
  await gateway.stop();
  await customersLog.kernel.close();
  await dropDatabases(config);
});

const site = 'https://www.example.com';
const settings = {
  name: 'Tasting',
  title: { en: 'Taste our teas', zh: '春茶试饮' },
  fields: [
    { field: 'name', required: true },
    { field: 'email', help: { en: 'We write once.', zh: '只写一次。' } },
    { field: 'message' },
  ],
  consent: {
    text: { en: 'You may write to me.', zh: '可以给我写信。' },
    purposes: [{ purpose: 'newsletter', channel: 'email' }],
  },
  campaign: 'spring',
  origins: [site],
};
const make = async (more: object = {}) => (await call('POST', '/api/forms', { ...settings, ...more })).body;
let visitors = 0;
const visitor = () => ({ 'x-forwarded-for': `10.1.${(visitors += 1) >> 8}.${visitors & 255}` });
const send = async (key: string, body: object, headers: Record<string, string> = visitor()) => {
  const response = await fetch(`${gateway.url}/forms/${key}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
};
const sendPage = async (
  key: string,
  values: Record<string, string> | [string, string][],
  headers: Record<string, string> = visitor(),
) => {
  const response = await fetch(`${gateway.url}/forms/${key}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { accept: 'text/html', ...headers },
    body: new URLSearchParams(values),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const getPage = async (key: string, query = '', headers: Record<string, string> = {}) => {
  const response = await fetch(`${gateway.url}/forms/${key}${query}`, { headers: { accept: 'text/html', ...headers } });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const hiddenIn = (html: string): Record<string, string> =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(([, name = '', value = '']) => [
      name,
      value.replaceAll('&amp;', '&'),
    ]),
  );
const submitted = async (formId: string) =>
  (
    await gateway.kernel.pool.query(
      `select stream_id as id, data, personal::text, meta->'actor' as actor from events where type = 'FormSubmitted' and data->>'formId' = $1`,
      [formId],
    )
  ).rows;
const decoded = async (customerId: string) => {
  const stored = await gateway.kernel.store.load('form-submission', customerId);
  return (await gateway.kernel.codec.decode(stored))[0]?.data as any;
};

describe('forms', () => {
  it('are the administrators’: made, listed, read, changed and archived', async () => {
    const { status, headers, body: made } = await call('POST', '/api/forms', settings);
    expect([status, headers.get('location')]).toEqual([201, `/api/forms/${made.id}`]);
    expect(made).toMatchObject({
      url: `${gateway.url}/forms/${made.key}`,
      consent: { version: 1, required: false },
      active: true,
      submissions: 0,
      refused: 0,
    });
    const text = { en: 'You may write and call.', zh: '可以写信或打电话。' };
    const changed = await call('PATCH', `/api/forms/${made.id}`, {
      consent: { ...settings.consent, text },
      campaign: null,
    });
    expect(changed.body).toMatchObject({ version: 2, consent: { text, version: 2 }, campaign: null });
    const listed = await eventually(
      async () => (await call('GET', '/api/forms')).body.items,
      (items) => items.some(({ id }: any) => id === made.id),
    );
    expect(listed.find(({ id }: any) => id === made.id)).toMatchObject({ name: 'Tasting', submissions: 0 });
    expect((await call('POST', `/api/forms/${made.id}/archive`)).body.archived).toBe(true);
    expect((await getPage(made.key)).status).toBe(404);
    expect((await call('GET', `/api/forms/${made.id}`)).body).toMatchObject({ archived: true, version: 3 });
    const { body: reader } = await call('POST', '/api/api-keys', { name: 'R', roles: ['member'] });
    const asMember = caller(gateway.url, () => reader.key);
    for (const [method, path] of [
      ['GET', '/api/forms'],
      ['POST', '/api/forms'],
      ['GET', `/api/forms/${made.id}`],
    ] as const)
      expect((await asMember(method, path, method === 'POST' ? settings : undefined)).status).toBe(403);
    expect((await caller(gateway.url, () => '')('GET', '/api/forms')).status).toBe(401);
  });

  it('say everything that is wrong with them', async () => {
    const shape = await call('POST', '/api/forms', { ...settings, name: null, fields: [{}], redirect: 'x', colour: 1 });
    expect(shape.body.errors.map(({ path }: any) => path).toSorted()).toEqual([
      'colour',
      'fields.0.field',
      'name',
      'redirect',
    ]);
    const meaning = await call('POST', '/api/forms', { ...settings, title: {}, fields: [{ field: 'ownerId' }] });
    expect([meaning.status, meaning.body.errors.map(({ path }: any) => path)]).toEqual([
      422,
      ['title', 'fields.0.field', 'fields'],
    ]);
  });
});

describe('a form’s page', () => {
  it('is whole, in the language that is wanted, and loads nothing from elsewhere', async () => {
    const { key } = await make();
    const { status, headers, text } = await getPage(key, '?utm_campaign=a%22b', { 'accept-language': 'zh-CN' });
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'/,
    );
    expect(text).toContain('<html lang="zh-CN">');
    expect(text).toContain('春茶试饮');
    expect(text).toContain('<label for="field-name">姓名 (必填)</label>');
    expect(text).toContain('aria-describedby="field-email-help"');
    expect(text).not.toMatch(/<script|src=|https?:\/\/(?!127|localhost)/);
    expect(text).toContain('value="a&quot;b"');
    expect((await getPage(key, '?lang=en', { 'accept-language': 'zh' })).text).toContain('Taste our teas');
  });

  it('shows what is wrong and what was filled in, and thanks for what is right', async () => {
    const { id, key } = await make();
    const hidden = hiddenIn((await getPage(key, '?lang=en&utm_campaign=april&utm_source=wechat')).text);
    await new Promise((resolve) => setTimeout(resolve, 2_050));
    const wrong = await sendPage(key, { ...hidden, email: '"><b>nobody', message: 'hi' });
    expect(wrong.status).toBe(422);
    expect(wrong.text).toContain('role="alert"');
    expect(wrong.text).toContain('<p class="error" id="field-name-error">is required</p>');
    expect(wrong.text).toContain('value="&quot;&gt;&lt;b&gt;nobody"');
    expect(wrong.text).not.toContain('<b>');
    expect(hiddenIn(wrong.text)).toEqual(hidden);
    const right = { ...hidden, name: 'Ada', email: 'ada@form.example', consent: 'yes' };
    const thanks = await sendPage(key, right);
    expect([thanks.status, thanks.text.includes('Thank you')]).toEqual([200, true]);
    expect((await sendPage(key, right)).status).toBe(200);
    const again = await sendPage(key, { ...right, name: 'Eve' });
    expect(again.status).toBe(422);
    const [only, ...more] = await submitted(id);
    expect(more).toEqual([]);
    expect(await decoded(only.id)).toMatchObject({
      customerId: only.id,
      name: 'Ada',
      emails: [{ value: 'ada@form.example', primary: true }],
      source: 'web-form',
      channel: 'web',
      campaign: 'april',
      utm: { campaign: 'april', source: 'wechat' },
      page: `${gateway.url}/forms/${key}?lang=en&utm_campaign=april&utm_source=wechat`,
      consents: [{ purpose: 'newsletter', channel: 'email', textVersion: 1, language: 'en' }],
      addressHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(only.actor).toEqual({ type: 'system', id: `form:${id}` });
    await eventually(
      async () => (await call('GET', `/api/forms/${id}`)).body.submissions,
      (count) => count === 1,
    );
  }, 20_000);

  it('asks again who agreed to a text that was changed while they filled it in', async () => {
    const { id, key } = await make();
    const { consentVersion } = hiddenIn((await getPage(key, '?lang=en')).text);
    const text = { en: 'You may ring me up.', zh: '可以给我打电话。' };
    await call('PATCH', `/api/forms/${id}`, {
      consent: { text, purposes: [{ purpose: 'newsletter', channel: 'phone' }] },
    });
    const ada = { name: 'Ada', consent: 'yes', consentVersion: consentVersion as string };
    const page = await sendPage(key, { ...ada, lang: 'en' });
    expect(page.status).toBe(422);
    expect(page.text).toContain('You may ring me up.');
    expect(page.text).toContain('id="field-consent-error">has another text since it was shown');
    expect(page.text).not.toContain(' checked');
    expect(hiddenIn(page.text)).toMatchObject({ consentVersion: '2' });
    const { body } = await send(key, { ...ada, consentVersion: 1 });
    expect(body.errors).toMatchObject([{ path: 'consent', code: 'text-changed' }]);
    expect((await send(key, { ...ada, consent: false })).status).toBe(202);
    const { body: taken } = await send(key, { ...ada, consentVersion: 2 });
    expect((await decoded(taken.id)).consents).toMatchObject([{ channel: 'phone', textVersion: 2 }]);
  });

  it('sends people on where the form says so', async () => {
    const { key } = await make({ redirect: `${site}/谢谢`, source: 'fair' });
    const { status, headers } = await sendPage(key, { name: '李雷' });
    expect([status, headers.get('location')]).toEqual([303, `${site}/${encodeURIComponent('谢谢')}`]);
  });

  it('may stand in a site of another charset, named or not', async () => {
    const { key } = await make();
    const post = async (body: string) => {
      const headers = { 'content-type': 'application/x-www-form-urlencoded', ...visitor() };
      const response = await fetch(`${gateway.url}/forms/${key}`, { method: 'POST', headers, body });
      return (await response.json()) as any;
    };
    const nameOf = async ({ id }: { id: string }) => (await decoded(id)).name;
    expect(await nameOf(await post('name=%D5%C5%C8%FD'))).toBe('张三');
    expect(await nameOf(await post('name=%B1i%A4T&_charset_=big5'))).toBe('張三');
    expect(await nameOf(await post('name=Zo%C3%AB+L&_charset_=none'))).toBe('Zoë L');
    expect(await post('name=%FF%FF&_charset_=utf-8')).toMatchObject({ status: 400, code: 'unreadable-form' });
  });
});

describe('a submission', () => {
  it('as JSON is taken once, whoever repeats it', async () => {
    const { id, key } = await make();
    const headers = { ...visitor(), 'idempotency-key': 'visitor-1' };
    const replies = await Promise.all([1, 2, 3, 4].map(() => send(key, { name: 'Ada' }, headers)));
    expect(new Set(replies.map(({ status, body }) => `${status} ${body.id}`)).size).toBe(1);
    expect(replies[0]?.status).toBe(202);
    expect(await submitted(id)).toHaveLength(1);
    const other = await send(key, { name: 'Eve' }, headers);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    const elsewhere = await make();
    expect((await send(elsewhere.key, { name: 'Ada' }, headers)).body.id).not.toBe(replies[0]?.body.id);
  });

  it('names every failing field, and keeps nothing of it', async () => {
    const { id, key } = await make();
    const { status, body } = await send(
      key,
      { email: 'nobody', colour: 'red' },
      { ...visitor(), 'accept-language': 'zh' },
    );
    expect([status, body.code, body.title]).toEqual([422, 'invalid-submission', '请检查您填写的内容。']);
    expect(body.errors.map(({ path, code }: any) => `${path} ${code}`)).toEqual([
      'name required',
      'email wrong-type',
      'colour unknown-field',
    ]);
    expect((await send(key, { name: 5, email: ['x'] })).body.errors.map(({ path }: any) => path)).toEqual([
      'name',
      'email',
    ]);
    for (const [body, type, wanted] of [
      ['{', 'application/json', 400],
      ['[]', 'application/json', 400],
      ['name=x', 'text/plain', 415],
    ] as const) {
      const response = await fetch(`${gateway.url}/forms/${key}`, {
        method: 'POST',
        headers: { 'content-type': type, ...visitor() },
        body,
      });
      expect(response.status).toBe(wanted);
    }
    expect(await submitted(id)).toEqual([]);
    expect((await send('nothing', { name: 'x' })).body.code).toBe('form-not-found');
  });

  it('that looks like spam is taken to all appearances, kept with the reason, and makes nothing', async () => {
    const { id, key } = await make();
    const spam = { name: 'Buy', message: 'cheap https://a.example' };
    const headers = { ...visitor(), 'idempotency-key': 'spam-1' };
    for (let times = 0; times < 2; times += 1) expect((await send(key, spam, headers)).status).toBe(202);
    expect((await send(key, { name: 'Bot', homepage: 'x' })).status).toBe(202);
    const { body: definition } = await caller(gateway.url, () => '')('GET', `/forms/${key}`, undefined, {
      accept: 'application/json',
    });
    expect(definition).toMatchObject({
      title: 'Taste our teas',
      fields: [{ field: 'name', kind: 'text', required: true }, {}, {}],
    });
    const { submissionId, token } = definition;
    expect((await send(key, { name: 'Fast', submissionId, token })).status).toBe(202);
    const another = { ...visitor(), 'idempotency-key': newId() };
    expect((await send(key, { name: 'Other', submissionId: newId(), token }, another)).status).toBe(202);
    const letter = 'We offer the very best prices for all kinds of things';
    expect((await send(key, { name: 'First', message: letter })).status).toBe(202);
    expect((await send(key, { name: 'First, mended', message: letter })).status).toBe(202);
    expect((await send(key, { name: 'Third', message: letter })).status).toBe(202);
    expect(await submitted(id)).toHaveLength(2);
    const { body } = await call('GET', `/api/forms/${id}/refused?limit=2`);
    expect(body.items.map(({ reason }: any) => reason)).toEqual(['repeated', 'token']);
    const rest = (await call('GET', `/api/forms/${id}/refused?cursor=${body.nextCursor}`)).body;
    expect(rest.items.map(({ reason }: any) => reason)).toEqual(['too-fast', 'trap', 'links']);
    expect(rest.items[2].values).toEqual(spam);
    expect((await call('GET', `/api/forms/${id}`)).body).toMatchObject({ refused: 5 });
  });

  it('may come from the form’s sites and from no other', async () => {
    const { key } = await make();
    const preflight = await fetch(`${gateway.url}/forms/${key}`, {
      method: 'OPTIONS',
      headers: { origin: site, 'access-control-request-method': 'POST' },
    });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, site]);
    const allowed = await send(key, { colour: 'red' }, { ...visitor(), origin: site });
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([422, site]);
    const other = await send(key, { name: 'x' }, { ...visitor(), origin: 'https://elsewhere.example' });
    expect([other.status, other.body.code, other.headers.get('access-control-allow-origin')]).toEqual([
      403,
      'origin-not-allowed',
      null,
    ]);
    expect((await send(key, { name: 'x' }, { ...visitor(), origin: gateway.url })).status).toBe(202);
  });

  it('is one of twenty a minute, by address and form', async () => {
    const [first, second] = [await make(), await make()];
    const one = visitor();
    const statuses: number[] = [];
    for (let index = 0; index < 22; index += 1)
      statuses.push((await send(first.key, { name: `n${index}` }, one)).status);
    expect(statuses.filter((status) => status === 202)).toHaveLength(20);
    const written = `%${first.key.charCodeAt(0).toString(16)}${first.key.slice(1)}`;
    expect((await send(written, { name: 'x' }, one)).status).toBe(429);
    const refused = await send(first.key, { name: 'x' }, one);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, expect.stringMatching(/^\d+$/)]);
    expect((await send(second.key, { name: 'x' }, one)).status).toBe(202);
    expect((await send(first.key, { name: 'x' })).status).toBe(202);
  });

  it('is kept encrypted', async () => {
    const { key } = await make();
    await send(key, { name: 'Secret Person', message: 'private', page: 'https://page.example/?me=secret' });
    await send(key, { name: 'Secret Bot', homepage: 'x' });
    const { rows } = await gateway.kernel.pool.query(
      `select (select string_agg(e::text, '') from events e) || (select string_agg(r::text, '') from form_refusals r)
         || (select string_agg(c::text, '') from commands c) as dump`,
    );
    for (const secret of ['Secret Person', 'private', 'page.example', 'Secret Bot', '10.1.0.'])
      expect(rows[0].dump).not.toContain(secret);
  });
});

describe('custom fields', () => {
  const change = (event: object) =>
    customersLog.append({ type: 'field-set', id: fieldSet }, { object: 'customer', ...event } as never);
  const fieldSet = newId();
  const tea = { value: 'tea', label: { en: 'Tea', zh: '茶' } };
  const cups = { value: 'cups, pots', label: { zh: '茶具' } };
  const gone = { value: 'gone', label: { en: 'Gone' }, retired: true };
  const definitions = [
    {
      key: 'seats',
      fieldType: 'number',
      label: { en: 'Seats', zh: '座位数' },
      help: { zh: '几位？' },
      required: ['person'],
    },
    { key: 'budget', fieldType: 'money', label: { en: 'Budget', zh: '预算' }, help: { en: 'For a year.' } },
    { key: 'visit', fieldType: 'date', label: { zh: '到访' }, required: ['company'] },
    { key: 'level', fieldType: 'choice', label: { en: 'Level', zh: '等级' }, options: [tea, cups, gone] },
    { key: 'topics', fieldType: 'multi-choice', label: { en: 'Topics', zh: '主题' }, options: [tea, cups, gone] },
    { key: 'member', fieldType: 'boolean', label: { en: 'Member', zh: '会员' } },
    { key: 'note', fieldType: 'text', label: { en: 'Note "<b>"', zh: '备注' } },
  ];
  const names = [...definitions.map(({ key }) => `custom.${key}`), 'custom.unknown'];
  const fields = [{ field: 'name' }, ...names.map((field) => ({ field }))];
  let key: string;
  let formId: string;
  const shown = async (lang: string) =>
    (await call('GET', `/forms/${key}?lang=${lang}`, undefined, { accept: 'application/json' })).body.fields;
  const shownAs = (test: (fields: any[]) => boolean) => eventually(() => shown('en'), test);
  beforeAll(async () => {
    for (const definition of definitions) await change({ type: 'FieldDefined', ...definition });
    ({ key, id: formId } = await make({ fields }));
    await shownAs((found) => found.find(({ field }) => field === 'custom.note').label !== 'note');
  });

  it('are shown by their labels, in the language of the page, by inputs of their types', async () => {
    const { text, headers } = await getPage(key, '?lang=zh');
    expect(text).toContain('<label for="field-custom.seats">座位数 (必填)</label>');
    expect(text).toMatch(
      /<p class="help" id="field-custom.seats-help">几位？<\/p>\n<input type="text" id="field-custom.seats" name="custom.seats"[^>]* inputmode="decimal" required aria-describedby="field-custom.seats-help"/,
    );
    expect(text).toMatch(/<fieldset [^>]*aria-describedby="field-custom.budget-help">\n<legend>预算<\/legend>/);
    expect(text).toMatch(/<label for="field-custom.budget">金额<\/label>\n<input [^>]*name="custom.budget.amount"/);
    expect(text).toMatch(
      /<label for="field-custom.budget.currency">币种[^<]*<\/label>\n<input [^>]*name="custom.budget.currency"/,
    );
    expect(text).toMatch(/<label for="field-custom.visit">到访<\/label>\n\n<input type="date" id="field-custom.visit"/);
    expect(text).toMatch(
      /<select id="field-custom.level" name="custom.level">\n<option value="">请选择<\/option>\n<option value="tea">茶<\/option>\n<option value="cups, pots">茶具<\/option>\n<\/select>/,
    );
    expect(text).toContain(
      '<label for="field-custom.topics-1"><input type="checkbox" id="field-custom.topics-1" name="custom.topics" value="cups, pots">茶具</label>',
    );
    expect(text).toMatch(/<select id="field-custom.member"[^]*<option value="true">是<\/option>/);
    expect(text).toContain('<label for="field-custom.unknown">unknown</label>');
    expect(text).not.toContain('Gone');
    expect(text).not.toMatch(/<script| on\w+=| style=/);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);

    const english = (await getPage(key, '?lang=en')).text;
    expect(english).toContain('<label for="field-custom.note">Note &quot;&lt;b&gt;&quot;</label>');
    expect(english).toContain('<label for="field-custom.visit">到访</label>');
    expect(english).toContain('<option value="cups, pots">茶具</option>');
    expect(english).toContain('几位？');
  });

  it('are told alike to programs that show the form themselves', async () => {
    const found = await shown('zh');
    expect(found.map(({ field, kind, label, required }: any) => [field, kind, label, required])).toEqual([
      ['name', 'text', '姓名', false],
      ['custom.seats', 'number', '座位数', true],
      ['custom.budget', 'money', '预算', false],
      ['custom.visit', 'date', '到访', false],
      ['custom.level', 'choice', '等级', false],
      ['custom.topics', 'multi-choice', '主题', false],
      ['custom.member', 'boolean', '会员', false],
      ['custom.note', 'text', '备注', false],
      ['custom.unknown', 'text', 'unknown', false],
    ]);
    expect(found[4].options).toEqual([
      { value: 'tea', label: '茶' },
      { value: 'cups, pots', label: '茶具' },
    ]);
  });

  it('say what the form says of them, where it does', async () => {
    const own = { field: 'custom.seats', label: { en: 'How many are you?' }, help: { en: 'You too.' } };
    const { key: other } = await make({ fields: [{ field: 'name' }, own] });
    const { text } = await getPage(other, '?lang=zh');
    expect(text).toContain('<label for="field-custom.seats">How many are you? (必填)</label>');
    expect(text).toContain('You too.');
  });

  it('are sent as a page sends them, and by programs in their types', async () => {
    const filled: [string, string][] = [
      ['name', 'Ada'],
      ['custom.seats', '12'],
      ['custom.budget.amount', '1,234.50'],
      ['custom.budget.currency', 'CNY'],
      ['custom.visit', '2030-01-05'],
      ['custom.topics', 'tea'],
      ['custom.topics', 'cups, pots'],
      ['custom.level', ''],
    ];
    expect((await sendPage(key, filled)).status).toBe(200);
    const one = { name: 'Bob', 'custom.topics': ['cups, pots'], 'custom.seats': 3, 'custom.member': false };
    const typed = { ...one, 'custom.budget': { amount: '5', currency: 'EUR' }, 'custom.level': null };
    expect((await send(key, typed)).status).toBe(202);
    expect(
      (
        await sendPage(key, [
          ['name', 'Eve'],
          ['custom.topics', 'cups, pots'],
          ['custom.budget.currency', 'CNY'],
        ])
      ).status,
    ).toBe(200);
    const sent = await Promise.all((await submitted(formId)).map(({ id }: any) => decoded(id)));
    expect(Object.fromEntries(sent.map(({ name, custom }: any) => [name, custom]))).toEqual({
      Ada: { seats: '12', budget: '1,234.50 CNY', visit: '2030-01-05', topics: '["tea","cups, pots"]' },
      Bob: { topics: '["cups, pots"]', seats: '3', member: 'false', budget: '{"amount":"5","currency":"EUR"}' },
      Eve: { topics: '["cups, pots"]' },
    });
    const wrong = await send(key, { name: 'x', 'custom.seats': {}, 'custom.topics': [1], email: ['x'] });
    expect(wrong.body.errors.map(({ path, code }: any) => `${path} ${code}`)).toEqual([
      'custom.seats wrong-type',
      'custom.topics wrong-type',
      'email wrong-type',
    ]);
  });

  it('are chosen alike by many who are no spammers for that', async () => {
    const { key: other, id } = await make({ fields });
    const values = { 'custom.topics': ['tea', 'cups, pots', 'something that is called by a long name'] };
    for (const name of ['Ada', 'Bob']) expect((await send(other, { name, ...values })).status).toBe(202);
    expect(await submitted(id)).toHaveLength(2);
  });

  it('keep what was filled in where something is wrong', async () => {
    const filled: [string, string][] = [
      ['lang', 'zh'],
      ['custom.seats', 'many "of us"'],
      ['custom.budget.amount', 'lots'],
      ['custom.budget.currency', 'XX'],
      ['custom.visit', '2030-02-30'],
      ['custom.level', 'tea'],
      ['custom.topics', 'cups, pots'],
      ['custom.member', 'false'],
      ['custom.note', 'x'.repeat(1_001)],
    ];
    const { status, text } = await sendPage(key, filled);
    expect(status).toBe(422);
    expect(text).toMatch(/<a href="#field-custom.note">备注: /);
    expect(text).toMatch(/<p class="error" id="field-custom.note-error">/);
    expect(text).toMatch(/id="field-custom.seats" [^>]*value="many &quot;of us&quot;"/);
    expect(text).toMatch(/name="custom.budget.amount" [^>]*value="lots"/);
    expect(text).toMatch(/name="custom.budget.currency" [^>]*value="XX"/);
    expect(text).toMatch(/name="custom.visit" [^>]*value="2030-02-30"/);
    expect(text).toContain('<option value="tea" selected>茶</option>');
    expect(text).toContain('value="cups, pots" checked>');
    expect(text).toContain('<option value="false" selected>否</option>');
  });

  it('are shown as they are defined now', async () => {
    await change({
      type: 'FieldChanged',
      key: 'level',
      label: { en: 'Rank' },
      options: [tea, { ...cups, retired: true }],
    });
    await change({ type: 'FieldRetired', key: 'seats' });
    const found = await shownAs((now) => now.some(({ field, required }) => field === 'custom.seats' && !required));
    expect(found[4]).toMatchObject({ label: 'Rank', options: [{ value: 'tea' }] });
    await change({ type: 'FieldRestored', key: 'seats' });
    await shownAs((now) => now.some(({ field, required }) => field === 'custom.seats' && required));
  });
});

describe('the rules for customers', () => {
  const rule = (path: string, zh: string, en: string) => ({
    path,
    code: 'rule-failed',
    params: { ruleId: 'r-1', zh, en },
  });
  const noMail = rule('emails.0.value', '请填写公司邮箱', 'Use the address of your company.');
  const noTitle = rule('title', '请填写职位', 'Say what you do.');
  const tooLong = rule('title', '职位太长', 'Too long.');
  const unasked = rule('industry', '请填写行业', 'Say your trade.');

  let answer: (fields: Record<string, unknown>) => object[] | Promise<object[]>;
  const asked: Record<string, unknown>[] = [];
  @Controller('internal/customers/broken-rules')
  class Rules {
    @Post()
    @HttpCode(200)
    async check(@Body() { fields }: any) {
      asked.push(fields);
      return { errors: await answer(fields) };
    }
  }
  @Service({ name: 'customers', controllers: [Rules] })
  class CustomersModule {}

  let customers: TestService;
  beforeAll(async () => {
    customers = await startTestService(CustomersModule);
  });
  afterAll(() => customers.end());
  afterEach(() => {
    customersUrl = nobody;
    asked.length = 0;
  });
  const given = (...errors: object[]) => {
    customersUrl = customers.url;
    answer = () => errors;
  };
  const fields = [{ field: 'name', required: true }, { field: 'email' }, { field: 'title' }];
  const values = { name: 'Ada', email: 'ada@mail.example', title: '' };

  it('are told with whatever else is wrong, by the form’s fields, and nothing is kept', async () => {
    const { id, key } = await make({ fields });
    given(noMail, noTitle, unasked);
    const wrong = { email: values.email, colour: 'red' };
    const zh = await send(key, wrong, { ...visitor(), 'accept-language': 'zh-CN' });
    expect([zh.status, zh.body.code, zh.headers.get('content-type')]).toEqual([
      422,
      'invalid-submission',
      'application/problem+json; charset=utf-8',
    ]);
    expect(zh.body.errors.map(({ path, code, message }: any) => `${path} ${code} ${message}`)).toEqual([
      expect.stringMatching(/^name required/),
      expect.stringMatching(/^colour unknown-field/),
      'email rule-failed 请填写公司邮箱',
      'title rule-failed 请填写职位',
    ]);
    const en = await send(key, { ...values, lang: 'en' }, { ...visitor(), 'accept-language': 'zh' });
    expect(en.body.errors.map(({ message }: any) => message)).toEqual([
      'Use the address of your company.',
      'Say what you do.',
    ]);
    expect(asked[1]).toMatchObject({ name: 'Ada', emails: [{ value: values.email }], source: 'web-form' });
    expect(await submitted(id)).toEqual([]);
    given(unasked);
    expect((await send(key, values)).status).toBe(202);
    expect(await submitted(id)).toHaveLength(1);
  });

  it.each([
    ['zh', '请填写公司邮箱', '请填写职位 职位太长', '邮箱'],
    ['en', 'Use the address of your company.', 'Say what you do. Too long.', 'E-mail'],
  ])('are shown beside their fields, with what was entered, in %s', async (lang, mail, title, label) => {
    const { key } = await make({ fields });
    given(noMail, noTitle, tooLong);
    const { status, text } = await sendPage(key, { ...values, lang });
    expect(status).toBe(422);
    expect(text).toContain(`<p class="error" id="field-email-error">${mail}</p>`);
    expect(text).toContain(`<p class="error" id="field-title-error">${title}</p>`);
    expect(text).toMatch(
      /<input type="email" id="field-email"[^>]* aria-describedby="field-email-error" aria-invalid="true" value="ada@mail.example">/,
    );
    expect(text).toContain(`<a href="#field-email">${label}: ${mail}</a>`);
    expect(text).toContain('value="Ada"');
    given();
    expect((await sendPage(key, { ...hiddenIn(text), ...values })).status).toBe(200);
  });

  it.each([
    ['zh', '类型或格式不正确', '未注明币种'],
    ['en', 'has the wrong type or form', 'names no currency'],
  ])('are told with what is none of its field’s type, in %s', async (lang, number, amount) => {
    const { id, key } = await make({ fields: [...fields, { field: 'custom.plot' }, { field: 'custom.budget' }] });
    given({ path: 'custom.plot', code: 'wrong-type' }, { path: 'custom.budget', code: 'currency-missing' }, noTitle);
    const filled = { ...values, 'custom.plot': 'large', 'custom.budget': '12', lang };
    const { status, body } = await send(key, filled);
    expect([status, ...body.errors.map(({ path, code }: any) => `${path} ${code}`)]).toEqual([
      422,
      'custom.plot wrong-type',
      'custom.budget currency-missing',
      'title rule-failed',
    ]);
    expect(body.errors[0].message).toBe(number);
    expect(body.errors[1].message).toContain(amount);
    const { text } = await sendPage(key, filled);
    expect(text).toContain(`<p class="error" id="field-custom.plot-error">${number}</p>`);
    expect(await submitted(id)).toEqual([]);
  });

  it('change nothing about what was taken before', async () => {
    const { id, key } = await make({ fields });
    const headers = { ...visitor(), 'idempotency-key': newId() };
    given();
    const first = await send(key, values, headers);
    given(noMail);
    const again = await send(key, values, headers);
    expect([first.status, again.status, again.body.id]).toEqual([202, 202, first.body.id]);
    const other = await send(key, { ...values, name: 'Eve' }, headers);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-key-reused']);
    expect((await send(key, values)).status).toBe(422);
    expect(await submitted(id)).toHaveLength(1);
  });

  it('hold nobody up where customers cannot be asked', async () => {
    const { id, key } = await make({ fields });
    given(noMail);
    const failing = {
      slow: () => sleep(5_000, [noMail]),
      broken: () => Promise.reject(new HttpProblem(503, 'unavailable')),
    };
    for (const unable of Object.values(failing)) {
      answer = unable;
      expect((await send(key, values)).status).toBe(202);
    }
    customersUrl = nobody;
    expect((await sendPage(key, values)).status).toBe(200);
    expect(await submitted(id)).toHaveLength(3);
  }, 20_000);

  it('that ask for what the form does not are told to whoever edits it', async () => {
    const { id } = await make({ fields });
    given(noTitle, unasked, { path: 'custom.club', code: 'required' });
    const { body } = await call('GET', `/api/forms/${id}`, undefined, { 'accept-language': 'zh' });
    expect(body.warnings).toEqual([
      { field: 'industry', ruleId: 'r-1', message: '请填写行业' },
      { field: 'custom.club', message: '必填' },
    ]);
    customersUrl = nobody;
    expect((await call('GET', `/api/forms/${id}`)).body.warnings).toEqual([]);
  });
});
