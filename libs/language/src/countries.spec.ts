import { describe, expect, it } from '@jest/globals';
import { countryCode } from './index.ts';

describe('a country', () => {
  it.each([
    ['CN', '中国'],
    ['CN', ' cn '],
    ['CN', 'ＣＮ'],
    ['CN', 'People’s Republic of China'],
    ['US', '美国'],
    ['US', 'U.S.A.'],
    ['US', 'United States'],
    ['GB', 'United  Kingdom'],
    ['GB', 'UK'],
    ['HK', '香港'],
    ['TW', '台灣'],
    ['DE', '德国'],
    ['KR', '韩国'],
  ])('is %s where it is called %s', (code, name) => {
    expect(countryCode(name)).toBe(code);
  });

  it.each(['', 'Freedonia', '广东', 'XX', '12'])('is not meant by %j', (name) => {
    expect(countryCode(name)).toBeUndefined();
  });
});
