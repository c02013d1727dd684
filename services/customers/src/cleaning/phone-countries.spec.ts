import { describe, expect, it } from '@jest/globals';
import { phoneCountries, phoneOf } from './phone-countries.ts';

const e164 = (phone: string, addresses: Parameters<typeof phoneCountries>[0], otherwise?: string) =>
  phoneOf(phone, phoneCountries(addresses, otherwise)).e164;

describe('a phone without a country code', () => {
  it.each([
    ['+8613800238000', '138 0023 8000', { country: '中国', city: '深圳市' }],
    ['+8613800238000', '138 0023 8000', { country: 'China' }],
    ['+8613800238000', '138 0023 8000', {}],
    ['+14155552671', '415-555-2671', { country: 'United States' }],
    ['+14155552671', '415-555-2671', { country: '美国' }],
    ['+442079460958', '020 7946 0958', { country: 'United Kingdom' }],
    ['+442079460958', '020 7946 0958', { country: ' gb ' }],
    [null, '138 0023 8000', { country: 'Freedonia' }],
    ['+8613800238000', '+86 138 0023 8000', { country: 'Freedonia' }],
    ['+8613800238000', '138 0023 8000', { street: '221B Baker Street', city: 'London' }],
  ])('is %s where %s stands beside the address %j', (number, phone, address) => {
    expect(e164(phone, [address])).toBe(number);
  });

  it('is read as of the primary address first, and of the others where it is no number there', () => {
    const both = [{ country: 'US' }, { city: '深圳市', primary: true }];
    expect(phoneCountries(both)).toEqual(['CN', 'US']);
    expect(e164('13800238000', both)).toBe('+8613800238000');
    expect(e164('(989) 555-2671', [{ country: 'CN', primary: true }, { country: 'US' }])).toBe('+19895552671');
  });

  it('is that of a file’s country where the addresses name none', () => {
    expect(e164('030 901820', [{ city: 'Berlin' }], 'DE')).toBe('+4930901820');
    expect(e164('030 901820', undefined, 'DE')).toBe('+4930901820');
    expect(e164('020 7946 0958', [{ country: 'UK' }], 'DE')).toBe('+442079460958');
  });
});
