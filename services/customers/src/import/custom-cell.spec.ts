import { describe, expect, it } from '@jest/globals';
import type { FieldType } from '@throughline/contracts';
import { customCell } from './custom-cell.ts';

describe('a cell of a field of the own', () => {
  it.each<[FieldType, string, unknown]>([
    ['number', '1,234.5', 1234.5],
    ['number', '１，２３４', 1234],
    ['number', '-3', -3],
    ['number', '1.5E+3', 1500],
    ['boolean', '是', true],
    ['boolean', 'No', false],
    ['date', '2024年1月5日', '2024-01-05'],
    ['date', '2024-01-05 13:30', '2024-01-05'],
    ['money', '￥1,234.50', { amount: '1234.50', currency: 'CNY' }],
    ['money', '20 元', { amount: '20', currency: 'CNY' }],
    ['money', 'usd 12.5', { amount: '12.5', currency: 'USD' }],
    ['money', '{"amount":"7","currency":"EUR"}', { amount: '7', currency: 'EUR' }],
    ['multi-choice', '["a","b"]', ['a', 'b']],
    ['multi-choice', '"a, b"; c', ['a, b', 'c']],
    ['money', '12.50 EUR', { amount: '12.50', currency: 'EUR' }],
    ['choice', '金卡', '金卡'],
    ['text', '001', '001'],
  ])('%s %s is %j', (type, text, value) => {
    expect(customCell({ type }, text)).toEqual({ value });
  });

  it.each<[FieldType, string, string]>([
    ['number', 'many', 'wrong-type'],
    ['number', '1,23', 'wrong-type'],
    ['number', '0x10', 'wrong-type'],
    ['boolean', 'perhaps', 'wrong-type'],
    ['date', '3/4/2024', 'ambiguous-date'],
    ['date', '2024-02-30', 'impossible-date'],
    ['money', '12', 'currency-missing'],
    ['money', 'USD 12 EUR', 'wrong-type'],
    ['money', '', 'wrong-type'],
  ])('%s %s is none: %s', (type, text, code) => {
    expect(customCell({ type }, text)).toEqual({ code });
  });

  it('is read by what the mapping says of it', () => {
    expect(customCell({ type: 'date' }, '3/4/2024', { dateOrder: 'dmy' })).toEqual({ value: '2024-04-03' });
    expect(customCell({ type: 'money' }, '12', { currency: 'HKD' })).toEqual({
      value: { amount: '12', currency: 'HKD' },
    });
  });
});
