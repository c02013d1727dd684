import fc from 'fast-check';
import { businessLicenceCheck, cleanRegistrationNumber, creditCodeCheck } from './registration-numbers.ts';

const ALPHABET = [...'0123456789ABCDEFGHJKLMNPQRTUWXY'];
const creditCode = fc
  .tuple(
    fc.constantFrom('91', '92', '93', '12', '51', 'N2', 'Y1'),
    fc.constantFrom('440300', '110108', '310115', '100000', '659001'),
    fc.array(fc.constantFrom(...ALPHABET), { minLength: 9, maxLength: 9 }),
  )
  .map(([kind, region, body]) => {
    const first17 = kind + region + body.join('');
    return first17 + creditCodeCheck(first17)!;
  });

describe('a registration number', () => {
  it.each([
    ['91440300708461136T', '440300'],
    ['9144030071526726XG', '440300'],
    ['91330100799655058B', '330100'],
    ['91110108551385082Q', '110108'],
  ])('%s is a credit code of %s', (number, regionCode) => {
    expect(cleanRegistrationNumber(number)).toMatchObject({
      value: number,
      kind: 'credit-code',
      regionCode,
      problem: null,
    });
  });

  it.each([['440301103448669'], ['440301103097413'], ['110108000000016']])('%s is a business licence', (number) => {
    const regionCode = number.slice(0, 6);
    expect(cleanRegistrationNumber(number)).toMatchObject({ kind: 'business-licence', regionCode, problem: null });
  });

  it('is written in one way, and every change is told', () => {
    const { value, corrections } = cleanRegistrationNumber('９１44-0300 7084 6113 6t');
    expect(value).toBe('91440300708461136T');
    expect(corrections.map(({ rule }) => rule)).toEqual(['full-width', 'separators', 'upper-case']);
  });

  it.each([
    ['91440300708461136', 'length'],
    ['914403007084611360T', 'length'],
    ['91440300708461Z36T', 'characters'],
    ['91440300708461136O', 'characters'],
    ['91440300708461136A', 'check-character'],
    ['91990300708461136T', 'region'],
  ])('%s fails by its %s', (number, problem) => {
    expect(cleanRegistrationNumber(number)).toMatchObject({ kind: 'credit-code', regionCode: null, problem });
  });

  it('has its look-alike letters suggested, not changed', () => {
    expect(cleanRegistrationNumber('9I44O3OO708461136T')).toMatchObject({
      value: '9I44O3OO708461136T',
      problem: 'characters',
      suggestions: [{ rule: 'registration-number-look-alikes', to: '91440300708461136T' }],
    });
    expect(cleanRegistrationNumber('9I44O3OO708461137T').suggestions).toEqual([]);
  });

  it.each([
    ['DE 123 456 789'],
    ['HRB 86786 B'],
    ['Handelsregister 123'],
    ['440301103448660'],
    ['5493001KJTIIGC8Y1R12'],
    [''],
  ])('%j is a text and kept', (number) => {
    expect(cleanRegistrationNumber(number)).toMatchObject({
      value: number,
      kind: 'other',
      problem: null,
      regionCode: null,
    });
  });

  it('validates when its check character is right, and is caught with any one character changed', () => {
    fc.assert(
      fc.property(creditCode, fc.nat(17), fc.constantFrom(...ALPHABET), (code, at, character) => {
        expect(cleanRegistrationNumber(code)).toMatchObject({ value: code, problem: null, corrections: [] });
        fc.pre(code[at] !== character);
        const { kind, problem } = cleanRegistrationNumber(code.slice(0, at) + character + code.slice(at + 1));
        expect(kind === 'other' || problem !== null).toBe(true);
      }),
    );
  });

  it('is caught with two neighbours swapped', () => {
    fc.assert(
      fc.property(creditCode, fc.nat(16), (code, at) => {
        fc.pre(code[at] !== code[at + 1]);
        const { kind, problem } = cleanRegistrationNumber(
          code.slice(0, at) + code[at + 1] + code[at] + code.slice(at + 2),
        );
        expect(kind === 'other' || problem !== null).toBe(true);
      }),
    );
  });

  it('is caught as a business licence with any one digit changed', () => {
    fc.assert(
      fc.property(fc.nat(99_999_999), fc.nat(14), fc.nat(9), (serial, at, digit) => {
        const first14 = `440301${String(serial).padStart(8, '0')}`;
        const number = first14 + businessLicenceCheck(first14);
        expect(cleanRegistrationNumber(number).kind).toBe('business-licence');
        fc.pre(number[at] !== String(digit));
        expect(cleanRegistrationNumber(number.slice(0, at) + digit + number.slice(at + 1)).kind).toBe('other');
      }),
    );
  });

  it('is cleaned once and for all, whatever it is', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'9144030 -１Ｘio') }));
    fc.assert(
      fc.property(text, (raw) => {
        const { value, kind } = cleanRegistrationNumber(raw);
        expect(cleanRegistrationNumber(value)).toMatchObject({ value, kind, corrections: [] });
      }),
    );
  });
});
