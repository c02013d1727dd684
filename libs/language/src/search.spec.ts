import fc from 'fast-check';
import { analyse, type SearchFields } from './search-tokens.ts';
import { analyseQuery, SCORES } from './search-query.ts';
import { matches } from './search-match.ts';
import { splitWords } from './text.ts';

const found = (fields: SearchFields, q: string) => matches(analyse(fields), analyseQuery(q)).matched;
const score = (fields: SearchFields, q: string) => matches(analyse(fields), analyseQuery(q)).score;

const findable: [string, SearchFields, string[]][] = [
  [
    '张三',
    { name: ['张三'] },
    [
      '张',
      '三',
      '张三',
      '張三',
      '张 三',
      'zhang san',
      'zhangsan',
      'zs',
      'zhangs',
      'zhang s',
      'ZHANG',
      'san',
      'Ｚｈａｎｇ',
    ],
  ],
  ['张　三', { name: ['张　三'] }, ['张三', 'zhangsan', 'zs']],
  ['张小明', { name: ['张小明'] }, ['zhangxm', 'zxm', 'xm', 'xiaoming', 'xiao ming', 'zhang xm', '小明', '张小', '明']],
  ['欧阳修', { name: ['欧阳修'] }, ['ouyang', 'ouyangxiu', 'oyx', 'ou yang xiu', '欧阳', '阳修', '歐陽修']],
  ['單田芳', { name: ['單田芳'] }, ['shan', 'shantianfang', 'stf', 'dantianfang', '单田芳', '田芳']],
  ['曾国藩', { name: ['曾国藩'] }, ['zeng', 'ceng', 'zgf']],
  ['吕布', { name: ['吕布'] }, ['lv', 'lü', 'lvbu', 'lyubu', 'lb']],
  ['乾隆', { name: ['乾隆'] }, ['qianlong', '乾', '乾隆']],
  ['爱新觉罗·溥仪', { name: ['爱新觉罗·溥仪'] }, ['aixinjueluopuyi', '爱新觉罗溥仪', '爱新觉罗·溥仪', 'puyi', '溥仪']],
  [
    'a company',
    { name: ['北京字节跳动科技有限公司'] },
    ['字节跳动', 'zijietiaodong', 'zjtd', 'bjzj', '北京 科技', '北京字节跳动科技有限公司'],
  ],
  ['a bank, whatever its surname', { name: ['重庆银行股份'] }, ['chongqingyinhang', 'cqyh']],
  ['張三 (Sam)', { name: ['張三 (Sam)'] }, ['张三', 'sam', 'zhangsan sam']],
  ['Zoë', { name: ['Zoë'] }, ['zoe', 'ZOË', 'zo']],
  ['John', { name: ['John Smith'] }, ['Jonh', 'john', 'jo sm', 'smith john', 'johnsmith', 'Johnn Smtih']],
  ['Müller', { name: ['Müller'] }, ['muller', 'mueller', 'müller', 'MÜLLER', 'Mu\u0308ller', 'mulle']],
  ['Mueller', { name: ['Mueller'] }, ['müller', 'mueller', 'muller']],
  ['Ørsted', { name: ['Ørsted'] }, ['orsted', 'oersted']],
  ["O'Brien", { name: ["O'Brien-Jones"] }, ['obrien', "o'brien", 'brien', "O'Brien-Jones", 'jones', 'Jonse']],
  [
    'Łukasz Straße',
    { name: ['Łukasz'], text: ['Große Straße 5'] },
    ['lukasz', 'strasse', 'grosse 5', 'lukasz strasse'],
  ],
  ['Иван Ёлкин', { name: ['Иван Ёлкин'] }, ['иван', 'елкин', 'ёлкин', 'Ивна']],
  ['김철수', { name: ['김철수'] }, ['김', '김철수']],
  ['ガンダム 山田', { name: ['ｶﾞﾝﾀﾞﾑ 山田'] }, ['ガンダム', '山田', 'ダム']],
  ['full-width letters', { text: ['ＡＢＣ'] }, ['ABC', 'abc', 'ＡＢＣ']],
  ['half-width letters', { text: ['abc'] }, ['ＡＢＣ', 'ａｂ']],
  ['臺灣', { text: ['臺灣省臺北市'] }, ['台湾', '臺灣', '台', '北市', '台湾 台北']],
  ['台湾', { text: ['台湾'] }, ['臺灣', '臺']],
  [
    'an address',
    { text: ['北京市海淀区中关村大街27号100080'] },
    ['海淀', '中关村', '27', '100080', '27号', '北京市海淀区中关村大街27号'],
  ],
  [
    'an e-mail',
    { email: ['Bob.Norman@mail.hostmail.com'] },
    [
      'bob.norman',
      'norman',
      'hostmail',
      'bob.norman@mail',
      'bob',
      'bob norman',
      'mail.hostmail.com',
      '@hostmail.com',
      'hostmail.com',
      'BOB.NORMAN@MAIL.HOSTMAIL.COM',
      'ｎｏｒｍａｎ＠ｍａｉｌ',
      'bob.norman@',
    ],
  ],
  [
    'bob.norman@host',
    { email: ['bob.norman@hostmail.com'] },
    ['bob.norman@host', 'bob.norman@hostmail.com', 'norman@hostmail'],
  ],
  ['an address at a country', { email: ['info@bücher.de'] }, ['bücher', 'bucher.de', 'info@bücher.de']],
  [
    'a phone',
    { phone: ['+8613800131199'] },
    [
      '1199',
      '31199',
      '0013-1199',
      '138 0013 1199',
      '13800131199',
      '+86 138 0013 1199',
      '0086 138 0013 1199',
      '+8613800131199',
      '013800131199',
      '１３８００１３１１９９',
      '13800',
      '+86 138',
      '86 138-0013',
    ],
  ],
  [
    'a German phone',
    { phone: ['+4930123456'] },
    ['030 123456', '+49 (0)30 123456', '+49 30 12 34 56', '030/123456', '0049 30 123456', '030 1234', '3456'],
  ],
  [
    'an American phone',
    { phone: ['+12015550123'] },
    ['(201) 555-0123', '201-555-0123', '+1 201 555 0123', '201.555.0123', '0123', '1-201-555-0123'],
  ],
  ['a Russian phone', { phone: ['+74951234567'] }, ['8 495 123-45-67', '495 123 45 67', '+7 (495) 123-45-67']],
  ['a phone ending in zeros', { phone: ['+8613800000000'] }, ['0000', '00000000', '138-0000-0000']],
  ['an unreadable phone', { phone: ['12345678 (home)'] }, ['5678', '12345678', '1234']],
  [
    'a customer number',
    { code: ['C-000123'] },
    ['C-000123', 'c-000123', 'C-0001', 'C000123', '000123', '123', 'c', 'Ｃ－０００１２３', 'C 000123', 'C-123'],
  ],
  ['a register number', { code: ['91110108551385082Q'] }, ['91110108551385082Q', '9111 0108', '91110108551385082q']],
  [
    'things in several fields',
    { name: ['张三'], phone: ['+8613800131199'], code: ['C-000123'], text: ['上海'] },
    ['zhang 1199', '张三 上海', '000123 1199', '上海 C-000123', 'zs 138 0013 1199'],
  ],
  ['emoji and blanks', { name: ['😀 Zoë 👨‍👩‍👧‍👦 张三🎉'] }, ['zoe', '张三', '😀 zoe', 'zoe 👍🏽', 'zhangsan']],
];

const hidden: [string, SearchFields, string[]][] = [
  ['Jonathan', { name: ['Jonathan'] }, ['Jonh', 'john']],
  ['words two typos away', { name: ['John Smith'] }, ['jhno', 'smiht jonx']],
  ['a collision of deletions', { name: ['xabc'] }, ['abcx', 'bxca']],
  ['short words with typos', { name: ['Ann'] }, ['anm', 'annn', 'nan']],
  ['typos in texts', { text: ['John'] }, ['jonh']],
  ['张三', { name: ['张三'] }, ['李', '三张', '张三丰', 'zhangsanf', 'ang', 'zsf', 'li san', '张三 李四']],
  ['a word inside a word', { name: ['Norman'], text: ['Norman'] }, ['rman', 'man']],
  ['an inner part of a phone number', { phone: ['+8613800131199'] }, ['0131', '119', '1198']],
  [
    'another e-mail',
    { email: ['bobnorman@hostmail.com'] },
    ['bob.norman@hostmail.com', 'norman', 'com', 'hostmail.org'],
  ],
  ['a code by its middle', { code: ['C-000123'] }, ['0123', 'C-000124', 'C-124']],
];

describe('the search', () => {
  it.each(findable.flatMap(([title, fields, queries]) => queries.map((q) => [title, q, fields] as const)))(
    'finds %s by %s',
    (_, q, fields) => {
      expect(found(fields, q)).toBe(true);
    },
  );

  it.each(hidden.flatMap(([title, fields, queries]) => queries.map((q) => [title, q, fields] as const)))(
    'does not find %s by %s',
    (_, q, fields) => {
      expect(found(fields, q)).toBe(false);
    },
  );

  it.each(['', '   ', '?!…', '😀', '\u200b', '-', '（）', '\ud800'])('calls the query %j empty', (q) => {
    expect(analyseQuery(q)).toEqual({ empty: true, clauses: [] });
  });

  it('adds up the best alternative of each word', () => {
    const person = { name: ['John Smith'], email: ['john@hostmail.com'] };
    expect(score(person, 'john')).toBe(SCORES.name.exact);
    expect(score(person, 'joh')).toBe(SCORES.whole.prefix);
    expect(score(person, 'smi')).toBe(SCORES.name.prefix);
    expect(score(person, 'hostm')).toBe(SCORES.email.prefix);
    expect(score(person, 'smith hostm')).toBe(SCORES.name.exact + SCORES.email.prefix);
    expect(score(person, 'jonh')).toBe(SCORES.name.typo);
    expect(score(person, 'smith john')).toBe(2 * SCORES.name.exact);
    expect(score(person, 'john smith')).toBe(2 * SCORES.name.exact + SCORES.whole.exact);
  });

  it('puts whole names before longer ones, names before texts and typos last', () => {
    const ranking = (q: string, ...records: SearchFields[]) => records.map((record) => score(record, q));
    const descends = (scores: number[]) => expect(scores).toEqual([...new Set(scores)].sort((a, b) => b - a));
    descends(ranking('张三', { name: ['张三'] }, { name: ['张三丰'] }, { name: ['小张三'] }, { text: ['张三路'] }));
    descends(ranking('zhangsan', { name: ['Zhangsan'] }, { name: ['张三'] }, { name: ['张三丰'] }));
    descends(ranking('zhang san', { name: ['张三'] }, { name: ['张三丰'] }));
    descends(ranking('bob@x.org', { email: ['bob@x.org'] }, { email: ['bob@x.org.uk'] }));
    descends(
      ranking(
        'john',
        { name: ['John'] },
        { name: ['John Smith'] },
        { name: ['Johnson'] },
        { text: ['John'] },
        { name: ['Joan'] },
      ).filter((s) => s > 0),
    );
  });

  it('finds any record by any of its own words and by all of them', () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.lorem({ maxCount: 5 }),
      fc.string({ unit: fc.constantFrom(...'张三臺灣かナü ß-ё9aé😀'), maxLength: 12 }),
    );
    fc.assert(
      fc.property(fc.constantFrom('name' as const, 'text' as const), value, (field, text) => {
        const tokens = analyse({ [field]: [text] });
        for (const word of splitWords(text))
          expect([word, matches(tokens, analyseQuery(word)).matched]).toEqual([word, true]);
        expect([text, matches(tokens, analyseQuery(text)).matched]).toEqual([text, true]);
      }),
      { numRuns: 2000 },
    );
  });

  it('finds e-mail addresses, codes and phones by themselves and by their beginnings', () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.nat(), (address, cut) => {
        const query = address.slice(0, (cut % address.length) + 1);
        const tokens = analyse({ email: [address] });
        fc.pre(splitWords(query).every(({ length }) => length > 1));
        expect([query, matches(tokens, analyseQuery(query)).matched]).toEqual([query, true]);
        expect(matches(tokens, analyseQuery(address)).score).toBeGreaterThanOrEqual(SCORES.email.exact);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999 }), fc.integer({ min: 3, max: 6 }), (n, length) => {
        const code = `C-${String(n).padStart(6, '0')}`;
        expect(found({ code: [code] }, code.slice(0, length))).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 10_000_000, max: 99_999_999 }), fc.integer({ min: 4, max: 11 }), (n, length) => {
        const phone = `138${n}`;
        expect(found({ phone: [`+86${phone}`] }, phone.slice(-length))).toBe(true);
        expect(found({ phone: [`+86${phone}`] }, phone.slice(0, length))).toBe(true);
      }),
    );
  });

  it('stores terms of letters and digits only, at most 41 characters long, sorted and distinct', () => {
    const values = fc.array(fc.string({ unit: 'binary', maxLength: 60 }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.record({ name: values, text: values, email: values, phone: values, code: values }), (fields) => {
        const tokens = analyse(fields);
        expect(tokens.filter((token) => !/^[A-Z][\p{L}\p{N}\p{M}]+$/u.test(token) || token.length > 41)).toEqual([]);
        expect(tokens).toEqual([...new Set(tokens)].sort());
      }),
    );
  });

  it('keeps a usual customer well below 150 terms', () => {
    const address = '北京市海淀区中关村大街27号中关村大厦1201室';
    const both = {
      email: ['bob.norman@mail.hostmail.com', 'zhangsan@qq.com'],
      phone: ['+8613800138000', '+861065541234'],
      code: ['C-000123'],
    };
    expect(analyse({ ...both, name: ['张小明', '北京字节跳动科技有限公司'], text: [address] }).length).toBeLessThan(
      120,
    );
    expect(
      analyse({
        ...both,
        name: ['Maximilian Bartholomew-Jones', 'Hostmail Technologies Incorporated'],
        text: ['1600 Amphitheatre Parkway, Mountain View, CA 94043'],
      }).length,
    ).toBeLessThan(120);
  });

  it('asks for no more than twelve words', () => {
    expect(analyseQuery('a b c d e f g h i j k l m n o p').clauses.filter(({ required }) => required)).toHaveLength(12);
  });
});
