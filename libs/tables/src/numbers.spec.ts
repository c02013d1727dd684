import { isScientificNumber, readNumber } from './numbers.ts';

describe('a number', () => {
  it.each([
    ['1234.50', '1234.5'],
    ['1,234,567.8', '1234567.8'],
    ['１，２３４．５', '1234.5'],
    ['¥1 234', '1234'],
    ['￥-5', '-5'],
    ['-$5.00', '-5'],
    ['100元', '100'],
    ['(1,234.5)', '-1234.5'],
    ['−3', '-3'],
    ['+007', '7'],
    ['-0.00', '0'],
    ['123456789012345678901234.5', '123456789012345678901234.5'],
    ['', undefined],
    ['1,5', undefined],
    ['1,2345', undefined],
    ['1.2.3', undefined],
    ['1.', undefined],
    ['12%', undefined],
    ['1E5', undefined],
    ['twelve', undefined],
  ])('%j is %s', (text, number) => {
    expect(readNumber(text)).toBe(number);
  });

  it('may have a decimal comma', () => {
    expect(['1.234,50', '1,5', '1.5', '5'].map((text) => readNumber(text, ','))).toEqual([
      '1234.5',
      '1.5',
      undefined,
      '5',
    ]);
  });

  it('that a phone was turned into is known', () => {
    expect(['1.38E+10', '1.38001E+10', '1E+10', '8,6138E+12', '1.38e10'].map(isScientificNumber)).not.toContain(false);
    expect(['13800138000', '1.5', 'E10', '1E-5', '12.3E+4', ''].map(isScientificNumber)).not.toContain(true);
  });
});
