import fc from 'fast-check';
import { cleanIdentityCard, identityCardCheck } from './id-cards.ts';

const identityCard = fc
  .tuple(
    fc.constantFrom('110105', '440524', '513436', '810000', '830000'),
    fc.date({ min: new Date('1900-01-01'), max: new Date('2024-12-31'), noInvalidDate: true }),
    fc.nat(999),
  )
  .map(([region, born, serial]) => {
    const first17 = region + born.toISOString().slice(0, 10).replaceAll('-', '') + String(serial).padStart(3, '0');
    return first17 + identityCardCheck(first17);
  });

describe('an identity card number', () => {
  it.each([
    ['11010519491231002X', '110105', '1949-12-31', 'female'],
    ['440524188001010014', '440524', '1880-01-01', 'male'],
    ['110105491231002', '110105', '1949-12-31', 'female'],
  ])('%s is of %s, born %s, %s', (number, regionCode, birthDate, gender) => {
    expect(cleanIdentityCard(number)).toMatchObject({ valid: true, problem: null, regionCode, birthDate, gender });
  });

  it('is written in one way', () => {
    const { value, corrections } = cleanIdentityCard(' １１０１０５ 19491231 002x');
    expect(value).toBe('11010519491231002X');
    expect(corrections.map(({ rule }) => rule)).toEqual(['full-width', 'spaces', 'separators', 'upper-case']);
  });

  it('of 15 digits has the one of 18 suggested, unless its century is open', () => {
    expect(cleanIdentityCard('110105491231002').suggestions).toEqual([
      { rule: 'identity-card-of-18', to: '11010519491231002X' },
    ]);
    expect(cleanIdentityCard('110105051231998')).toMatchObject({ valid: true, birthDate: null, suggestions: [] });
  });

  it.each([
    ['', 'empty'],
    ['1101051949123100', 'length'],
    ['1101051949123100XX', 'characters'],
    ['990105194912310028', 'region'],
    ['110105194902310024', 'birth-date'],
    ['110105491331002', 'birth-date'],
    ['110105000112310028', 'birth-date'],
    ['110105194912310021', 'check-character'],
  ])('%j is none by its %s, and says nothing', (number, problem) => {
    expect(cleanIdentityCard(number)).toMatchObject({
      value: number,
      valid: false,
      problem,
      regionCode: null,
      birthDate: null,
      gender: null,
    });
  });

  it('validates when its check digit is right, and is caught with any one character changed', () => {
    fc.assert(
      fc.property(identityCard, fc.nat(17), fc.constantFrom(...'0123456789X'), (number, at, character) => {
        const { valid, birthDate } = cleanIdentityCard(number);
        expect(valid).toBe(true);
        expect(birthDate?.replaceAll('-', '')).toBe(number.slice(6, 14));
        fc.pre(number[at] !== character);
        expect(cleanIdentityCard(number.slice(0, at) + character + number.slice(at + 1)).valid).toBe(false);
      }),
    );
  });

  it('is caught with two neighbours swapped', () => {
    fc.assert(
      fc.property(identityCard, fc.nat(16), (number, at) => {
        fc.pre(number[at] !== number[at + 1]);
        expect(cleanIdentityCard(number.slice(0, at) + number[at + 1] + number[at] + number.slice(at + 2)).valid).toBe(
          false,
        );
      }),
    );
  });

  it('is cleaned once and for all', () => {
    const text = fc.oneof(identityCard, fc.string({ unit: fc.constantFrom(...'0123456789xＸ０ -') }));
    fc.assert(
      fc.property(text, (raw) => {
        const { value } = cleanIdentityCard(raw);
        expect(cleanIdentityCard(value)).toMatchObject({ value, corrections: [] });
      }),
    );
  });
});
