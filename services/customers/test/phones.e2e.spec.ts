import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const { byNumber, imported } = importing(() => service);
const create = async (body: object) => (await service.call('POST', '/api/customers', { name: '王伟', ...body })).body;
const change = async (id: string, body: object) => (await service.call('PATCH', `/api/customers/${id}`, body)).body;
const recorded = async (id: string) =>
  (
    await eventually(
      () => service.call('GET', `/api/customers/${id}`),
      ({ status }) => status === 200,
    )
  ).body;
const typesOf = async (id: string) =>
  (await service.call('GET', `/api/customers/${id}/history`)).body.items.map(({ type }: any) => type);

const e164 = '+8613800008201';
const spaced = { value: '138 0000 8201' };
const whole = { value: '+86 13800008201' };
const other = { value: '13800008202' };

describe('a phone in two spellings', () => {
  it('is one entry of a new customer: the first, with the labels of both, and primary if either is', async () => {
    const { phones } = await create({
      phones: [
        spaced,
        { ...whole, label: '公司', primary: true },
        { ...other, label: '家' },
        { ...whole, label: '手机' },
      ],
    });
    expect(phones).toEqual([
      { ...spaced, e164, label: '公司, 手机', primary: true },
      { ...other, e164: '+8613800008202', label: '家' },
    ]);
  });

  it('is one entry of a customer that is changed, and changes nothing where it is there already', async () => {
    const { id } = await create({ phones: [spaced] });
    expect(await change(id, { phones: [spaced, whole, other] })).toMatchObject({ version: 2, phones: [spaced, other] });
    expect(await change(id, { phones: [spaced, other, whole] })).toMatchObject({ version: 2 });
    expect(await change(id, { phones: [whole, spaced] })).toMatchObject({ version: 3, phones: [{ ...whole, e164 }] });
  });

  it('is told by its country, and two where it is not', async () => {
    const [local, international] = [{ value: '(212) 555-0123' }, { value: '+12125550123' }];
    const phones = [local, international];
    expect((await create({ phones, addresses: [{ country: 'US' }] })).phones).toMatchObject([local]);
    expect((await create({ phones })).phones).toHaveLength(2);
  });

  it('that nobody can read is one by its text; another extension is another phone', async () => {
    const [unread, desk, next] = [{ value: '12' }, { value: '010-65541234 转 801' }, { value: '(010)65541234转802' }];
    const again = { value: '+86 10 6554 1234 转 801', primary: true };
    const { phones } = await create({
      phones: [unread, desk, { ...unread, label: '?' }, next, again, { value: '1 2' }],
    });
    expect(phones.map(({ value, label, primary }: any) => [value, label, primary])).toEqual([
      ['12', '?', undefined],
      [desk.value, undefined, true],
      [next.value, undefined, undefined],
      ['1 2', undefined, undefined],
    ]);
  });

  it('is one entry of a row that is imported, now and again', async () => {
    const file = (title: string) =>
      `number,name,mobile,phone,title\nPH-1,李雷,138 0000 8201,+8613800008201,${title}\nPH-2,韩梅梅,138 0000 8203,13800008204,\n`;
    await imported(file('CEO'));
    expect((await byNumber('PH-1')).phones).toMatchObject([{ ...spaced, e164 }]);
    expect((await byNumber('PH-2')).phones).toHaveLength(2);
    expect((await imported(file('CTO'))).counts).toMatchObject({ updated: 1 });
    expect(await byNumber('PH-1')).toMatchObject({ title: 'CTO', phones: [{ ...spaced, e164 }] });
    const { id } = await byNumber('PH-1');
    const { items } = (await service.call('GET', `/api/customers/${id}/history`)).body;
    expect(Object.keys(items.at(-1).data)).not.toContain('phones');
  });

  it('is one entry of whom a form or a source brings', async () => {
    const phones = [whole, { ...spaced, primary: true }];
    const [formed, seen] = [newId(), newId()];
    const log = service.log('gateway');
    const submitted = { customerId: formed, formId: newId(), language: 'zh', name: '韩梅梅', phones };
    await log.append({ type: 'form-submission', id: formed }, { type: 'FormSubmitted', ...submitted } as never);
    expect((await recorded(formed)).phones).toEqual([{ ...whole, e164, primary: true }]);

    const see = (at: string, given: object[]) => {
      const said = { customerId: seen, name: '李娜', phones: given, stamp: { rank: 'profile', at, hash: at } };
      return log.append({ type: 'seen-customer', id: seen }, { type: 'CustomerSeen', ...said } as never);
    };
    await see('2026-01-01T00:00:00.000Z', phones);
    expect((await recorded(seen)).phones).toEqual([{ ...whole, e164, primary: true }]);
    await see('2026-01-02T00:00:00.000Z', phones);
    await see('2026-01-03T00:00:00.000Z', [...phones, other]);
    await eventually(
      async () => (await recorded(seen)).phones,
      (now) => now.length === 2,
    );
    expect(await typesOf(seen)).toEqual(['CustomerCreated', 'CustomerConfirmed', 'CustomerDetailsChanged']);
  });

  it('is one entry of customers that are merged', async () => {
    const called = { ...whole, label: '手机', primary: true };
    const [first, second] = [await create({ phones: [spaced] }), await create({ phones: [other, called] })];
    const body = { absorb: [second.id] };
    const preview = (await service.call('POST', `/api/customers/${first.id}/merge/preview`, body)).body;
    await service.call('POST', `/api/customers/${first.id}/merge`, body);
    const { phones } = await recorded(first.id);
    expect(phones).toEqual([
      { ...spaced, e164, label: '手机', primary: true },
      { ...other, e164: '+8613800008202' },
    ]);
    expect(preview.fields.find(({ field }: any) => field === 'phones').value).toEqual(phones);
    const changed = await change(first.id, { phones: [other, spaced, { ...whole, label: '公司' }] });
    expect(changed.phones).toMatchObject([other, { ...spaced, label: '公司' }]);
  });
});
