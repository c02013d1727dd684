import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, fresh, startTestService, type TestService } from '@throughline/service/testing';
import { AnalyticsModule } from '../src/analytics.module.ts';
import { formSubmission } from '../src/privacy/form-submission.view.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(AnalyticsModule, {
    listensTo: ['customers', 'sales', 'interactions', 'gateway'],
    config: { keyCacheSeconds: 1 },
  });
});
afterAll(() => service.end());

type Name = 'customers' | 'sales' | 'interactions' | 'gateway';
const append = async (name: Name, type: string, id: string, ...events: { type: string; [key: string]: unknown }[]) =>
  `${name}@${await service.log(name).append({ type, id }, ...events)}`;
const ask = (id: string, path: string, after: readonly string[] = [], headers = {}) =>
  fresh(() =>
    service.call('GET', `/api/customers/${id}/${path}`, undefined, { 'x-after': after.join(','), ...headers }),
  );

/** A person of whom every service knows something. */
async function known() {
  const [id, connection] = [newId(), newId()];
  const customerId = id;
  const after = [
    await append('gateway', 'connection', connection, { type: 'ConnectionMade', name: '天猫店', kind: 'json' }),
    await append(
      'customers',
      'customer',
      id,
      {
        type: 'CustomerCreated',
        number: 'C-1',
        name: '张三',
        birthDate: '1990-01-01',
        custom: { 身份证号: '110101199001011234', tea: 'green' },
        externalId: { connectionId: connection, id: 'A-7' },
        emailsReserved: false,
      },
      {
        type: 'CustomerDetailsChanged',
        phones: [{ value: '138 0013 8000' }],
        custom: { 身份证号: '110101199001011234', tea: 'black' },
        emailsReserved: false,
      },
    ),
    await append('customers', 'field-classes', newId(), { type: 'FieldClassed', field: 'phones', class: 'sensitive' }),
    await append('customers', 'consent-text', newId(), {
      type: 'ConsentTextPublished',
      purpose: 'newsletter',
      textVersion: '1',
      language: 'zh-CN',
      text: '我同意接收新闻简报。',
    }),
    await append('customers', 'consent', newId(), {
      type: 'ConsentGiven',
      customerId,
      purpose: 'newsletter',
      channel: 'email',
      basis: 'consent',
      textVersion: '1',
      language: 'zh-CN',
      how: 'form',
      givenAt: '2026-01-01T00:00:00Z',
    }),
    await append('sales', 'deal', newId(), {
      type: 'DealOpened',
      customerId,
      title: '=1+1',
      value: { amount: '12.5', currency: 'CNY' },
      pipelineId: newId(),
      stage: 'lead',
    }),
    await append('sales', 'order', newId(), {
      type: 'OrderPlaced',
      customerId,
      number: 'SO-1',
      status: 'open',
      currency: 'CNY',
      lines: [],
      taxIncluded: true,
      subtotal: '25',
      discount: '0',
      tax: '0',
      shipping: '0',
      total: '25',
      paid: '0',
      placedAt: '2026-01-05T00:00:00Z',
      baseCurrency: 'CNY',
      rate: '1',
    }),
    await append('interactions', 'interaction', newId(), {
      type: 'InteractionLogged',
      customerId,
      kind: 'call',
      subject: 'Tea',
      content: 'wants a "discount", soon',
      followUp: { plan: 'call again', dueAt: '2099-01-01T00:00:00Z' },
      startedAt: '2026-02-01T00:00:00Z',
    }),
  ];
  // One position a service: the furthest.
  const furthest = new Map(after.map((position) => [position.split('@')[0], position]));
  return { id, connection, after: [...furthest.values()] };
}

describe('what is known about a person', () => {
  it('is told whole, with where each field comes from and how sensitive it is', async () => {
    const { id, connection, after } = await known();
    const { status, body } = await ask(id, 'personal-data', after, { 'accept-language': 'zh-CN' });
    expect(status).toBe(200);
    const [record] = body.records;
    expect(record).toMatchObject({ id, number: 'C-1', sources: [{ connection: '天猫店', connectionId: connection }] });
    const field = (name: string) => record.fields.find((one: any) => one.field === name);
    expect(field('name')).toMatchObject({
      label: '名称',
      class: 'normal',
      personal: true,
      value: '张三',
      sourceLabel: 'test',
      actor: { type: 'system', id: 'test' },
    });
    expect(field('birthDate').class).toBe('sensitive');
    expect(field('phones').class).toBe('sensitive');
    expect(field('custom.身份证号').class).toBe('sensitive');
    expect(field('custom.tea')).toMatchObject({ value: 'black', class: 'normal' });
    expect(body.consents).toEqual([
      expect.objectContaining({
        purpose: 'newsletter',
        label: '新闻简报',
        channelLabel: '电子邮件',
        state: 'given',
        basisLabel: '本人同意',
        text: '我同意接收新闻简报。',
      }),
    ]);
    expect(body.orders).toEqual([expect.objectContaining({ number: 'SO-1' })]);
    expect(body.deals).toEqual([expect.objectContaining({ title: '=1+1' })]);
    expect(body.interactions).toEqual([expect.objectContaining({ kind: 'call', content: 'wants a "discount", soon' })]);
    expect(body.history.map(({ type }: any) => type).sort()).toEqual([
      'ConsentGiven',
      'CustomerCreated',
      'CustomerDetailsChanged',
    ]);
  });

  it('can be had as a table in the language asked, which no spreadsheet takes for formulas', async () => {
    const { id, after } = await known();
    const { status, headers, body } = await ask(id, 'personal-data?format=csv&language=zh', after);
    expect([status, headers.get('content-type'), headers.get('content-language')]).toEqual([
      200,
      'text/csv; charset=utf-8',
      'zh',
    ]);
    expect(headers.get('content-disposition')).toContain('attachment');
    const lines = (body as string).replace(/^\uFEFF/, '').split('\r\n');
    expect(lines[0]).toBe('类别,项目,内容,级别,来源,操作者,时间');
    expect(lines.find((line) => line.startsWith('个人,出生日期'))).toContain('1990-01-01,敏感');
    expect(lines.find((line) => line.startsWith('同意与用途'))).toContain('我同意接收新闻简报。');
    expect(body).toContain('"wants a ""discount"", soon');
    expect(lines.find((line) => line.startsWith('商机'))).toContain("商机,'=1+1,");
  });

  it('is handed out on the record', async () => {
    const { id, after } = await known();
    await ask(id, 'personal-data?format=csv', after);
    const { body, headers } = await ask(id, 'personal-data?language=en', after);
    expect(headers.get('x-position')).toMatch(/^analytics@\d+$/);
    expect(body.exports.map(({ format, actor }: any) => [format, actor.type])).toEqual([
      ['csv', 'user'],
      ['json', 'user'],
    ]);
  });

  it('names the installation’s own fields and what was chosen as they are called, retired ones as well', async () => {
    const gold = { value: 'gold', label: { en: 'Gold', zh: '金卡' } };
    const teas = ['green', 'black'].map((value) => ({ value, label: { zh: `${value}茶` } }));
    const define = (key: string, fieldType: string, more: object) =>
      append('customers', 'field-set', newId(), { type: 'FieldDefined', object: 'customer', key, fieldType, ...more });
    await define('level', 'choice', { label: { en: 'Level', zh: '级别' }, options: [{ value: 'gold', label: {} }] });
    const about = { object: 'customer', key: 'level' };
    const anew = { type: 'FieldChanged', ...about, label: { en: 'Level', zh: '等级' }, options: [gold] };
    await append('customers', 'field-set', newId(), anew, { type: 'FieldRetired', ...about });
    await define('teas', 'multi-choice', { label: { en: 'Teas' }, options: teas });
    await define('memo', 'text', {});
    const id = newId();
    const custom = { level: 'gold', teas: ['green', 'white'], memo: 'x', shoe: 42 };
    const created = { type: 'CustomerCreated', number: id, name: 'Anna', custom, emailsReserved: false };
    const after = await append('customers', 'customer', id, created);
    const told = async (language: string) =>
      (await ask(id, `personal-data?language=${language}`, [after])).body.records[0].fields.flatMap((one: any) =>
        one.group === 'custom' ? [[one.label, one.value, one.valueLabels]] : [],
      );
    expect(await told('zh')).toEqual([
      ['等级', 'gold', ['金卡']],
      ['Teas', ['green', 'white'], ['green茶', 'white']],
      ['memo', 'x', null],
      ['shoe', 42, null],
    ]);
    expect((await told('en'))[0]).toEqual(['Level', 'gold', ['Gold']]);
    const { body } = await ask(id, 'personal-data?format=csv&language=zh', [after]);
    expect(body).toContain('其他,等级,金卡,');
    expect(body).toContain('其他,Teas,"green茶\nwhite",');
  });

  it('is nothing of a person whom nobody knows', async () => {
    expect(await ask(newId(), 'personal-data')).toMatchObject({ status: 404, body: { code: 'customer-not-found' } });
    expect((await ask(newId(), 'personal-data?format=pdf')).status).toBe(400);
  });
});

describe('forms that a person filled in', () => {
  const page = 'https://example.cn/试用?ref=王被忘';
  const utm = { source: '王被忘', campaign: 'spring' };

  /** A record, and the submission that made it. */
  async function submitted(formId: string, sent: object) {
    const id = newId();
    const who = { name: '王被忘', language: 'zh', addressHash: 'h' };
    const event = { type: 'FormSubmitted', customerId: id, formId, ...who, ...sent };
    const created = { type: 'CustomerCreated', number: id, name: '王被忘', emailsReserved: false };
    const after = [
      await append('gateway', 'form-submission', id, event),
      await append('customers', 'customer', id, created),
    ];
    return { id, after };
  }

  it('are told with page, parameters and language, by the names of the forms, for all records of the person', async () => {
    const [trial, unknown, mergeId] = [newId(), newId(), newId()];
    const made = { key: trial, title: {}, fields: [], origins: [], active: true };
    await append(
      'gateway',
      'form',
      trial,
      { type: 'FormMade', name: 'Trial', ...made },
      { type: 'FormChanged', name: '试用' },
      { type: 'FormChanged', active: false },
    );
    const { id } = await submitted(trial, { page, utm });
    const { id: other, after } = await submitted(unknown, { language: 'en' });
    await append('customers', 'customer', id, { type: 'CustomersMerged', mergeId, absorbed: [other], rules: {} });
    const absorbed = { type: 'CustomerAbsorbed', mergeId, into: id, goldenId: id };
    const merged = [after[0] ?? '', await append('customers', 'customer', other, absorbed)];
    const { body } = await ask(id, 'personal-data', merged);
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(body.forms).toEqual([
      { formId: trial, form: '试用', at, page, utm, language: 'zh' },
      { formId: unknown, form: unknown, at, page: null, utm: null, language: 'en' },
    ]);
    const rows = async (language: string) =>
      (await ask(id, `personal-data?format=csv&language=${language}`)).body.split('\r\n');
    const told = `${page} · 中文 · utm_source=王被忘 · utm_campaign=spring`;
    expect(await rows('zh')).toContainEqual(expect.stringContaining(`提交的表单,试用,${told},,,,2`));
    expect(await rows('en')).toContainEqual(expect.stringContaining(`Forms filled in,${unknown},English,,,,2`));
  });

  it('are forgotten with the person', async () => {
    const { id, after } = await submitted(newId(), { page, utm });
    expect((await ask(id, 'personal-data', after)).body.forms).toHaveLength(1);
    const rows = async () => (await service.kernel.pool.query(`select t::text from "${formSubmission.table}" t`)).rows;
    const ofPerson = async () => (await rows()).filter((row) => JSON.stringify(row).includes(id));
    expect(await ofPerson()).toHaveLength(1);
    await service.log('customers').kernel.keyring.destroy(id);
    await append('customers', 'erasure', newId(), { type: 'PersonErased', customerId: id });
    await eventually(ofPerson, ({ length }) => length === 0);
    expect((await ask(id, 'personal-data')).body.forms).toEqual([]);
  });
});

describe('what else is affected where a customer goes', () => {
  it('is counted over all services', async () => {
    const { id, after } = await known();
    expect((await ask(id, 'impact', after)).body).toEqual({
      customerId: id,
      records: 1,
      sources: 1,
      openDeals: { count: 1, value: [{ amount: '12.50', currency: 'CNY' }] },
      closedDeals: 0,
      orders: { count: 1, open: 1 },
      interactions: 1,
      plannedFollowUps: 1,
      consents: 1,
      staff: 0,
      subsidiaries: 0,
      referred: 0,
    });
  });

  it('counts the active customers that name it by any of its records, each once and not itself', async () => {
    const [company, absorbed, person] = [newId(), newId(), newId()];
    const merge = { mergeId: newId(), rules: {} };
    const create = (id: string, more: object, ...events: { type: string; [key: string]: unknown }[]) =>
      append(
        'customers',
        'customer',
        id,
        { type: 'CustomerCreated', number: id, name: id, emailsReserved: false, ...more },
        ...events,
      );
    await create(company, { referredBy: company }, { type: 'CustomersMerged', absorbed: [absorbed], ...merge });
    await create(absorbed, {}, { type: 'CustomerAbsorbed', mergeId: merge.mergeId, into: company, goldenId: company });
    await create(person, { employerId: absorbed, referredBy: company });
    await create(newId(), { employerId: company }, { type: 'CustomerArchived' });
    await create(
      newId(),
      { employerId: company },
      { type: 'CustomerDetailsChanged', emailsReserved: false, employerId: null },
    );
    await create(newId(), { employerId: newId(), parentId: person });
    const after = await create(newId(), { kind: 'company', parentId: company });
    const counts = { records: 2, staff: 1, subsidiaries: 1, referred: 1 };
    expect((await ask(company, 'impact', [after])).body).toMatchObject(counts);
    expect((await ask(absorbed, 'impact', [after])).body).toMatchObject(counts);
    expect((await ask(person, 'impact', [after])).body).toMatchObject({ staff: 0, subsidiaries: 1, referred: 0 });
  });

  it('is nothing for a customer alone, and unknown for nobody', async () => {
    const id = newId();
    const created = { type: 'CustomerCreated', number: 'C-9', name: 'Alone', emailsReserved: false };
    const after = await append('customers', 'customer', id, created);
    expect((await ask(id, 'impact', [after])).body).toMatchObject({
      openDeals: { count: 0, value: [] },
      orders: { count: 0, open: 0 },
      interactions: 0,
    });
    expect((await ask(newId(), 'impact')).status).toBe(404);
  });
});
