import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const url = (id: string, rest = '') => `/api/customers/${id}${rest}`;
const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
const get = async (id: string, rest = '') => (await service.call('GET', url(id, rest))).body;
const post = (id: string, rest: string, body: object, headers = {}) =>
  service.call('POST', url(id, rest), body, headers);
const patch = (id: string, body: object) => service.call('PATCH', url(id), body);
const suggestion = async (id: string, rule: string) =>
  (await get(id, '/suggestions')).items.find((one: any) => one.rule === rule);

describe('a correction', () => {
  it('is recorded with what was entered, and taken back for good', async () => {
    const email = `Li@${newId()}.Example.CN`;
    const made = await create({ name: '　张三 ', emails: [{ value: email }] });
    expect(made).toMatchObject({ name: '张三', emails: [{ value: email.toLowerCase().replace('li@', 'Li@') }] });
    const { items } = await get(made.id, '/corrections');
    expect(items).toMatchObject([
      { path: 'name', rule: 'full-width', from: '　张三 ', reverted: false },
      { path: 'name', rule: 'spaces', to: '张三' },
      { path: 'emails.0.value', rule: 'email-form', from: email },
    ]);
    const { eventId } = items[2];
    const reverted = await post(made.id, '/corrections/revert', { eventId, path: 'emails.0.value' });
    expect(reverted).toMatchObject({ status: 200, body: { emails: [{ value: email }], version: 2 } });
    expect((await patch(made.id, { emails: [{ value: email }], title: ' CEO' })).body).toMatchObject({
      emails: [{ value: email }],
      title: 'CEO',
    });
    const after = (await get(made.id, '/corrections')).items;
    expect(after.map(({ path, reverted: is }: any) => `${path} ${is}`)).toEqual([
      'title false',
      'name false',
      'name false',
      'emails.0.value true',
    ]);
    // The address is still the only one of its kind.
    const other = await service.call('POST', '/api/customers', { name: 'x', emails: [{ value: email.toUpperCase() }] });
    expect(other).toMatchObject({ status: 409, body: { code: 'email-taken' } });
  });

  it('cannot be taken back where it is not, or was changed since', async () => {
    const { id } = await create({ name: ' Zoe' });
    const [{ eventId, path }] = (await get(id, '/corrections')).items;
    expect(await post(id, '/corrections/revert', { eventId, path: 'title' })).toMatchObject({
      status: 404,
      body: { code: 'correction-not-found' },
    });
    await patch(id, { name: 'Eva' });
    expect(await post(id, '/corrections/revert', { eventId, path })).toMatchObject({
      status: 409,
      body: { code: 'correction-overwritten' },
    });
  });

  it('can be taken back on a customer of several records, whichever of them it came with', async () => {
    const [a, b] = [await create({ name: 'A' }), await create({ name: 'B', department: ' 采购' })];
    await post(a.id, '/merge', { absorb: [b.id] });
    const [{ eventId, path, recordId }] = (await get(a.id, '/corrections')).items;
    expect(recordId).toBe(b.id);
    expect((await post(b.id, '/corrections/revert', { eventId, path })).body).toMatchObject({
      id: a.id,
      department: ' 采购',
    });
    expect((await get(a.id, '/corrections')).items).toMatchObject([{ reverted: true }]);
    // The record that it was made on says so, and no other.
    await post(a.id, '/unmerge', { record: b.id });
    expect([(await get(a.id)).department, (await get(b.id)).department]).toEqual([undefined, ' 采购']);
  });
});

describe('a suggestion', () => {
  it('is accepted by its id, and gone', async () => {
    const name = `a${newId()}`;
    const { id } = await create({ name: 'x', emails: [{ value: `${name}@gmial.com`, label: 'home' }] });
    const typo = await suggestion(id, 'email-domain-typo');
    expect(typo).toMatchObject({ path: 'emails.0.value', kind: 'change', to: `${name}@gmail.com` });
    const accepted = await post(id, '/suggestions/accept', { id: typo.id });
    expect(accepted).toMatchObject({ status: 200, body: { emails: [{ value: `${name}@gmail.com`, label: 'home' }] } });
    expect(await suggestion(id, 'email-domain-typo')).toBeUndefined();
    expect(await post(id, '/suggestions/accept', { id: typo.id })).toMatchObject({
      status: 404,
      body: { code: 'suggestion-not-found' },
    });
  });

  it('is accepted once, however often the request comes', async () => {
    const { id } = await create({ name: 'JOHN SMITH' });
    const key = { 'idempotency-key': newId() };
    const body = { id: (await suggestion(id, 'title-case')).id };
    const first = await post(id, '/suggestions/accept', body, key);
    expect(first.body).toMatchObject({ name: 'John Smith', version: 2 });
    expect(await post(id, '/suggestions/accept', body, key)).toMatchObject({ status: 200, body: first.body });
  });

  it('is dismissed for this value, also on a customer of several records', async () => {
    const { id } = await create({ name: 'JOHN SMITH' });
    const other = await create({ name: 'y' });
    await post(other.id, '/merge', { absorb: [id], fields: { name: id } });
    const dismissed = await post(id, '/suggestions/dismiss', await titleCase(other.id));
    expect(dismissed).toMatchObject({ status: 200, body: { id: other.id, name: 'JOHN SMITH' } });
    expect(await suggestion(other.id, 'title-case')).toBeUndefined();
    await patch(other.id, { name: 'JACK SMITH' });
    expect(await suggestion(other.id, 'title-case')).toMatchObject({ to: 'Jack Smith' });
  });
  const titleCase = async (id: string) => ({ id: (await suggestion(id, 'title-case')).id });

  it('says in the language of the caller what it is about, and warns of what nobody can accept', async () => {
    const { id } = await create({ name: 'x', phones: [{ value: '12' }] });
    const { body } = await service.call('GET', url(id, '/suggestions'), undefined, { 'accept-language': 'zh' });
    expect(body.items).toMatchObject([{ rule: 'phone-invalid', kind: 'warning', message: '是不存在的电话号码' }]);
    expect(await post(id, '/suggestions/accept', { id: body.items[0].id })).toMatchObject({
      status: 409,
      body: { code: 'suggestion-is-a-warning' },
    });
  });

  it('names the company whose e-mail domain it is', async () => {
    const domain = `${newId()}.com`;
    await create({ kind: 'company', name: '青禾茶业', emails: [{ value: `info@${domain}` }] });
    const { id } = await create({ name: '王伟', emails: [{ value: `wei@${domain}` }] });
    const company = await eventually(
      () => suggestion(id, 'company-from-email-domain'),
      (found) => found !== undefined,
    );
    expect((await post(id, '/suggestions/accept', { id: company.id })).body.companyName).toBe('青禾茶业');
  });
});

describe('what follows from other fields', () => {
  it('is shown as inferred until somebody says it', async () => {
    const made = await create({ name: 'x', phones: [{ value: '0755-26770000' }] });
    const rule = 'region-from-area-code';
    expect(made).toMatchObject({ region: '广东省', inferred: { region: rule, addresses: rule } });
    expect(made.addresses).toMatchObject([{ province: '广东省', city: '深圳市' }]);
    const origin = async () => (await get(made.id, '/provenance')).fields.region;
    expect(await origin()).toMatchObject([{ value: '广东省', inferred: rule }]);
    const said = await patch(made.id, { region: '广东省' });
    expect(said.body).toMatchObject({ region: '广东省', version: 2, inferred: { addresses: rule } });
    expect(said.body.inferred.region).toBeUndefined();
    expect((await origin())[0].inferred).toBeUndefined();
    await patch(made.id, { phones: [{ value: '010-65541234' }] });
    expect(await get(made.id)).toMatchObject({ region: '广东省', addresses: [{ city: '北京市' }] });
  });

  it('gives way to what another record of the customer says', async () => {
    const told = await create({ name: 'x', phones: [{ value: '0755-26770000' }] });
    const said = await create({ name: 'y', region: '华南', addresses: [{ city: '深圳市', street: '科技园' }] });
    const merged = (await post(told.id, '/merge', { absorb: [said.id] })).body;
    expect(merged).toMatchObject({ region: '华南', addresses: [{ street: '科技园' }] });
    expect(merged.inferred).toBeUndefined();
    const { body } = await post(told.id, '/unmerge', { record: said.id });
    expect(body).toMatchObject({ region: '广东省', inferred: { region: 'region-from-area-code' } });
  });
});

describe('a source', () => {
  it('is never refused: its words are cleaned, and flagged where they are wrong', async () => {
    const customerId = newId();
    const at = '2026-01-01T00:00:00.000Z';
    await service.log('gateway').append({ type: 'seen-customer', id: customerId }, {
      type: 'CustomerSeen',
      customerId,
      stamp: { rank: 'profile', at, hash: '0' },
      name: ' 张三',
      emails: [{ value: 'nobody' }],
      phones: [{ value: '0755-26770000' }],
    } as never);
    const { body: record } = await eventually(
      () => service.call('GET', url(customerId)),
      ({ status }) => status === 200,
    );
    expect(record).toMatchObject({ name: '张三', emails: [{ value: 'nobody' }], region: '广东省' });
    expect((await get(customerId, '/corrections')).items).toMatchObject([{ path: 'name', from: ' 张三' }]);
    expect(await suggestion(customerId, 'email-no-at')).toMatchObject({ kind: 'warning', path: 'emails.0.value' });
  });
});

describe('a check', () => {
  const check = (body: object, headers = {}) => service.call('POST', '/api/customers/check', body, headers);

  it('says all that would happen, and records nothing', async () => {
    const id = newId();
    const { status, body } = await check(
      {
        id,
        name: ' JOHN SMITH',
        type: 'vip ',
        phones: [{ value: '0755-26770000' }],
        emails: [{ value: 'nobody' }],
        birthDate: '2025-02-30',
      },
      { 'accept-language': 'zh' },
    );
    expect(status).toBe(200);
    expect(body.fields).toMatchObject({ name: 'JOHN SMITH', type: 'vip', region: '广东省' });
    expect(body.corrections.map(({ path }: any) => path)).toEqual(['name', 'type']);
    expect(body.suggestions.map(({ rule }: any) => rule)).toEqual(['title-case', 'name-in-parts']);
    expect(body.inferred).toMatchObject({ region: 'region-from-area-code' });
    expect(body.errors).toEqual([
      { path: 'emails.0.value', code: 'wrong-type', message: '类型或格式不正确' },
      { path: 'birthDate', code: 'impossible-date', message: '不是存在的日期' },
    ]);
    expect((await service.call('GET', url(id))).status).toBe(404);
  });

  it('tells values that another customer has, and not those of the customer itself', async () => {
    const email = `a@${newId()}.cn`;
    const { id, number } = await create({ name: 'x', emails: [{ value: email }], title: 'CEO' });
    const taken = await check({ name: 'y', number, emails: [{ value: email }] });
    expect(taken.body.errors.map(({ path, code }: any) => `${path} ${code}`)).toEqual([
      'number number-taken',
      'emails.0.value email-taken',
    ]);
    const own = await check({ id, emails: [{ value: email, label: 'work' }], department: ' 采购' });
    expect(own.body).toMatchObject({ errors: [], fields: { name: 'x', title: 'CEO', department: '采购' } });
  });
});
