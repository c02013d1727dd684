import { describe, expect, it } from '@jest/globals';
import { addUp } from '@throughline/contracts';
import fc from 'fast-check';
import { fits, hundredths, minus, sum, times } from './amounts.ts';

const amount = fc
  .tuple(fc.bigInt({ min: -(10n ** 14n), max: 10n ** 14n }), fc.integer({ min: 0, max: 6 }))
  .map(([units, places]) => {
    const digits = (units < 0n ? -units : units).toString().padStart(places + 1, '0');
    const whole = digits.slice(0, digits.length - places);
    return `${units < 0n ? '-' : ''}${whole}${places > 0 ? `.${digits.slice(-places)}` : ''}`;
  });
const millionths = (text: string): bigint => {
  const [whole = '0', part = ''] = text.replace('-', '').split('.');
  const value = BigInt(whole + part.padEnd(6, '0'));
  return text.startsWith('-') ? -value : value;
};

describe('amounts', () => {
  it('add up exactly, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 12 }), (amounts) => {
        expect(millionths(sum(amounts))).toBe(amounts.reduce((total, one) => total + millionths(one), 0n));
        expect(addUp(amounts)).toBe(sum(amounts));
      }),
    );
  });

  it('come back after what was added is taken off again', () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        expect(millionths(minus(sum([a, b]), b))).toBe(millionths(a));
      }),
    );
  });

  it('keep the places that people wrote', () => {
    expect([sum(['12.50', '0.5']), sum([]), times('2', '12.50'), times('1.5', '0.333')]).toEqual([
      '13.00',
      '0',
      '25.00',
      '0.4995',
    ]);
    expect(hundredths('1000.01', 25)).toBe('250.0025');
  });

  it('are known to be too large for the contracts', () => {
    expect([fits('999999999999999.999999'), fits(times('999999999999999', '10'))]).toEqual([true, false]);
  });
});
