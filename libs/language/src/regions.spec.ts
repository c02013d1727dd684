import { divisions, regionAncestors, regionAround, regionByCode } from './regions.ts';

describe('a region', () => {
  it.each([
    ['440305', '广东省', '深圳市', '南山区'],
    ['440300', '广东省', '深圳市', null],
    ['440000', '广东省', null, null],
    ['110105', '北京市', '北京市', '朝阳区'],
    ['500235', '重庆市', '重庆市', '云阳县'],
    ['310000', '上海市', '上海市', null],
    ['441900', '广东省', '东莞市', null],
    ['429004', '湖北省', null, '仙桃市'],
    ['810000', '香港特别行政区', null, null],
  ])('%s is %s, %s, %s', (code, province, city, district) => {
    expect(regionByCode(code)).toEqual({ code, province, city, district });
  });

  it('is none for a code that has no place', () => {
    expect(['', '999999', '44', '429000', '4403050'].map(regionByCode)).toEqual([null, null, null, null, null]);
  });

  it('is the smallest around a code that has been given up', () => {
    expect(['440399', '449999', '110103', '999999'].map((code) => regionAround(code)?.code)).toEqual([
      '440300',
      '440000',
      '110000',
      undefined,
    ]);
  });

  it('lies in those above it', () => {
    expect(regionAncestors('440305')).toEqual(['440305', '440300', '440000']);
    expect(regionAncestors('110105')).toEqual(['110105', '110000']);
    expect(regionAncestors('429004')).toEqual(['429004', '420000']);
    expect(regionAncestors('123456')).toEqual([]);
  });

  it('always lies in a province', () => {
    expect(divisions().size).toBeGreaterThan(3000);
    for (const { code } of divisions().values()) expect(regionAncestors(code).at(-1)).toBe(`${code.slice(0, 2)}0000`);
  });
});
