import fc from 'fast-check';
import { identityCardCheck } from './id-cards.ts';
import { businessLicenceCheck, creditCodeCheck } from './registration-numbers.ts';
import * as rules from './region-rules.ts';

const withCheck = (first17: string) => first17 + identityCardCheck(first17);
const of = (inferred: rules.InferredRegion | null) => inferred && [inferred.value.code, inferred.rule];

describe('a region is inferred', () => {
  it.each([
    ['+861065541234', '110000'],
    ['+862167890123', '310000'],
    ['+8675526770000', '440300'],
    ['+8657187654321', '330100'],
    ['+862483862222', '210000'],
    ['+8689868512345', '460000'],
    ['+867283251234', '420000'],
  ])('from the landline %s: %s', (phone, code) => {
    expect(of(rules.regionFromPhone(phone))).toEqual([code, 'region-from-area-code']);
  });

  it('not from a mobile, service or foreign number', () => {
    const phones = ['+8613800138000', '+864008208820', '+12015550123', '+85223456789', ''];
    expect(phones.map(rules.regionFromPhone)).toEqual(phones.map(() => null));
  });

  it.each([
    ['100000', '110000'],
    ['５１８０００', '440000'],
    ['400010', '500000'],
    ['610000', '510000'],
    ['850000', '540000'],
    ['999077', '810000'],
  ])('from the postcode %s: %s', (postcode, code) => {
    expect(of(rules.regionFromPostcode(postcode))).toEqual([code, 'region-from-postcode']);
  });

  it('not from what is no postcode of today', () => {
    expect(['630000', '51800', '5180001', '900000', 'SW1A 1AA', ''].map(rules.regionFromPostcode)).toEqual(
      Array(6).fill(null),
    );
  });

  it.each([
    ['44030519900101123', '440300'],
    ['11010519491231002', '110000'],
    ['44010619700101123', '440100'],
    ['44210119600101123', '460000'],
    ['51021219600101123', '500000'],
    ['33260119600101123', '330000'],
    ['83000019900101123', '710000'],
  ])('from the identity card %s…, to the city: %s', (first17, code) => {
    expect(of(rules.regionFromIdentityCard(withCheck(first17)))).toEqual([code, 'region-from-identity-card']);
  });

  it('not from an identity card that is not valid', () => {
    expect(rules.regionFromIdentityCard('440305199001011230')).toBeNull();
  });

  it('from a registration number, as far as its region still is', () => {
    const credit = (first17: string) => first17 + creditCodeCheck(first17)!;
    const licence = (first14: string) => first14 + businessLicenceCheck(first14);
    const numbers = [
      '91440300708461136T',
      credit('91110108551385082'),
      credit('91440399551385082'),
      credit('91100000551385082'),
      licence('44030510344866'),
      '91440300708461136A',
      'DE123456789',
    ];
    expect(numbers.map((number) => rules.regionFromRegistrationNumber(number)?.value.code ?? null)).toEqual([
      '440300',
      '110108',
      '440300',
      null,
      '440300',
      null,
      null,
    ]);
    expect(rules.regionFromRegistrationNumber(numbers[0]!)?.rule).toBe('region-from-registration-number');
  });

  it('from an address', () => {
    expect(of(rules.regionFromAddress('深圳南山区科技园'))).toEqual(['440305', 'region-from-address']);
    expect(rules.regionFromAddress('朝阳区')).toBeNull();
  });

  it('from whatever text there is without throwing', () => {
    const { regionFromPhone, regionFromPostcode, regionFromIdentityCard, regionFromRegistrationNumber } = rules;
    const infer = fc.constantFrom(
      regionFromPhone,
      regionFromPostcode,
      regionFromIdentityCard,
      regionFromRegistrationNumber,
    );
    fc.assert(fc.property(infer, fc.string({ unit: 'binary' }), (from, raw) => expect(from(raw)).toBeNull()));
  });
});
