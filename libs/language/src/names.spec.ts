import { nameKey, nameSortKey, pinyinInitials, pinyinReadings } from './names.ts';

const first = (name: string) => pinyinReadings(name)[0]?.join(' ');

describe('the pinyin of a name', () => {
  it.each([
    ['张三', 'zhang san'],
    ['单田芳', 'shan tian fang'],
    ['曾国藩', 'zeng guo fan'],
    ['吕布', 'lv bu'],
    ['欧阳修', 'ou yang xiu'],
    ['尉迟恭', 'yu chi gong'],
    ['解晓东', 'xie xiao dong'],
    ['單田芳', 'shan tian fang'],
    ['乾隆', 'qian long'],
    ['爱新觉罗·溥仪', 'ai xin jue luo pu yi'],
    ['重庆银行股份有限公司', 'chong qing yin hang gu fen you xian gong si'],
  ])('%s is read %s', (name, reading) => {
    expect(first(name)).toBe(reading);
  });

  it('has the everyday reading of a surname as well', () => {
    expect(pinyinReadings('单田芳')).toEqual([
      ['shan', 'tian', 'fang'],
      ['dan', 'tian', 'fang'],
    ]);
  });

  it('leaves a character that it cannot read silent', () => {
    expect(pinyinReadings('𠮷三')).toEqual([['', 'san']]);
  });

  it('is nothing for other scripts', () => {
    expect(pinyinReadings('John ひらがな 😀')).toEqual([]);
  });

  it('has initials', () => {
    expect(pinyinInitials('欧阳修')).toEqual(['oyx']);
    expect(pinyinInitials('单田芳')).toEqual(['stf', 'dtf']);
  });
});

describe('names in order', () => {
  it('go by pinyin, Latin names among them, homophones together', () => {
    const ordered = ['阿明', 'Bob', 'Zhang', '张三', '張三', '张三丰', 'Zhanna', '郑和', '周杰伦'];
    expect(
      ordered
        .toReversed()
        .sort((a, b) => (nameSortKey(a) < nameSortKey(b) ? -1 : 1))
        .map(nameSortKey),
    ).toEqual(ordered.map(nameSortKey));
  });

  it('have readable keys', () => {
    expect(nameSortKey('张三')).toBe('zhang-san 张三');
    expect(nameSortKey('John Smith')).toBe('john-smith');
    expect(nameSortKey('😀')).toBe('');
  });
});

describe('the key of a name', () => {
  it.each([
    ['ACME, Inc.', 'Acme Inc'],
    ['青禾茶业（杭州）有限公司', '青禾茶業 (杭州) 有限公司'],
    ['Ａ＆Ｂ', 'A & B'],
  ])('of %s is that of %s', (one, other) => {
    expect(nameKey(one)).toBe(nameKey(other));
  });
  it('is another one for another legal form, and none without a letter', () => {
    expect(nameKey('Acme Ltd')).not.toBe(nameKey('Acme Inc'));
    expect(nameKey('…')).toBe('');
  });
});
