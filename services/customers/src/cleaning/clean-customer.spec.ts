import { describe, expect, it } from '@jest/globals';
import type { Address } from '@throughline/contracts';
import fc from 'fast-check';
import { cleanCustomer } from './clean-customer.ts';

const addressOf = (address: Address, before: Address[] = []) =>
  cleanCustomer({ addresses: [address] }, { details: { addresses: before } }).fields.addresses[0];

describe('cleaning a customer', () => {
  it('brings every field into its normal form, and says what it changed step by step', () => {
    const { fields, corrections } = cleanCustomer({
      name: '　张\u200b三 ',
      companyName: '青禾（杭州）有限公司',
      registrationNumber: '９１４４０３００７０８４６１１３６ｔ',
      customerType: ' vip',
      gender: '女士',
      tags: ['ＶＩＰ'],
      emails: [{ value: 'Li <Li@EXAMPLE.cn>', label: ' work' }],
      socials: [{ network: '微信', value: '微信号：zhang_san' }],
    });
    expect(fields).toEqual({
      name: '张三',
      companyName: '青禾（杭州）有限公司',
      registrationNumber: '91440300708461136T',
      customerType: 'vip',
      gender: 'female',
      tags: ['VIP'],
      emails: [{ value: 'Li@example.cn', label: 'work' }],
      socials: [{ network: 'wechat', value: 'zhang_san' }],
    });
    expect(corrections.map(({ path, rule }) => `${path} ${rule}`)).toEqual([
      'name invisible-characters',
      'name full-width',
      'name spaces',
      'registrationNumber full-width',
      'registrationNumber upper-case',
      'type spaces',
      'gender gender',
      'tags.0 full-width',
      'emails.0.label spaces',
      'emails.0.value email-form',
      'socials.0.network social-network',
      'socials.0.value social-account',
    ]);
    expect(corrections[0]).toMatchObject({ from: '　张\u200b三 ', to: '　张三 ' });
  });

  it('leaves the numbers of phones, custom fields and what is clear as they were entered', () => {
    const given = {
      phones: [{ value: '＋86 138-0000-0000' }],
      custom: { note: ' x ' },
      name: null,
      birthDate: '1990-01-01',
    };
    expect(cleanCustomer(given)).toEqual({ fields: given, corrections: [] });
  });

  it('takes an address in one line apart where none of its parts was given', () => {
    const street = '广东省深圳市南山区科技园 1号 ';
    const parts = {
      province: '广东省',
      city: '深圳市',
      district: '南山区',
      regionCode: '440305',
      street: '科技园 1号',
    };
    const { fields, corrections } = cleanCustomer({ addresses: [{ street, label: '办公' }] });
    expect(fields.addresses).toEqual([{ ...parts, label: '办公' }]);
    expect(corrections).toEqual([{ path: 'addresses.0', rule: 'address-in-parts', from: { street }, to: parts }]);
    expect(addressOf({ street: '深圳市南山区科技园', city: '广州市' })).toMatchObject({ street: '深圳市南山区科技园' });
    expect(addressOf({ street: '北京路1号', country: 'JP' })).toEqual({ street: '北京路1号', country: 'JP' });
    expect(addressOf({ street: 'Nanjing Road, Shanghai' })).toEqual({ street: 'Nanjing Road, Shanghai' });
  });

  it('sets the code that the parts of an address have, and lets it follow them', () => {
    const nanshan = { province: '广东省', city: '深圳市', district: '南山区', regionCode: '440305' };
    expect(addressOf({ province: '广东省', city: '深圳市', district: '南山区' })).toEqual(nanshan);
    expect(addressOf({ ...nanshan, district: '福田区' }, [nanshan])).toMatchObject({ regionCode: '440304' });
    // Whoever gives another code means it.
    expect(addressOf({ ...nanshan, regionCode: '440300' }, [nanshan])).toMatchObject({ regionCode: '440300' });
    expect(addressOf({ city: 'Shenzhen' })).toEqual({ city: 'Shenzhen' });
  });

  it('leaves what is longer than any field as it came', () => {
    const given = { name: ` ${'x'.repeat(2_000)} `, addresses: [{ street: `北京市朝阳区${'号'.repeat(2_000)} ` }] };
    expect(cleanCustomer(given)).toEqual({ fields: given, corrections: [] });
  });

  it('leaves a value alone whose corrections were taken back, wherever in its list it stands', () => {
    const [raw, to] = ['ＶＩＰ ', 'VIP'];
    const reverted = [{ eventId: 'e', path: 'tags.3', rules: ['full-width', 'spaces'], from: raw, to }];
    expect(cleanCustomer({ tags: [raw, 'Ａ'] }, { reverted }).fields.tags).toEqual([raw, 'A']);
    expect(cleanCustomer({ name: raw }, { reverted }).fields.name).toBe(to);
  });

  it('does no more when done twice', () => {
    const odd = fc.string({
      unit: fc.constantFrom(...'aＡ１@.:：/ 　\u200b（省市区广东深圳南山北京路1号号微信'),
      maxLength: 14,
    });
    const text = fc.oneof(
      odd,
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'a@ＱＱ.com',
        '广东省 深圳市南山区',
        '北京朝阳',
        '９１４４０３００７０８４６１１３６ｔ',
        'https://x.com/Jack',
        '推特',
      ),
    );
    const entry = (...names: string[]) =>
      fc.array(fc.record(Object.fromEntries(names.map((name) => [name, text])), { requiredKeys: [] }), {
        maxLength: 2,
      });
    const given = fc.record(
      {
        name: text,
        registrationNumber: text,
        title: fc.option(text),
        tags: fc.array(text, { maxLength: 3 }),
        emails: entry('value', 'label'),
        phones: entry('value', 'label'),
        socials: entry('network', 'value'),
        addresses: entry('country', 'province', 'city', 'district', 'regionCode', 'street', 'postcode', 'label'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(given, (fields) => {
        const once = cleanCustomer(fields).fields;
        const details = once as object;
        expect(cleanCustomer(once)).toEqual({ fields: once, corrections: [] });
        expect(cleanCustomer(once, { details })).toEqual({ fields: once, corrections: [] });
      }),
      { numRuns: 300 },
    );
  });
});
