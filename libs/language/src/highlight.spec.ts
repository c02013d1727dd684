import fc from 'fast-check';
import { highlight } from './highlight.ts';
import { splitWords } from './text.ts';

const marked = (value: string, q: string) => {
  let end = 0;
  const parts = highlight(value, q).map((range) => {
    const part = `${value.slice(end, range.start)}[${value.slice(range.start, range.end)}]`;
    end = range.end;
    return part;
  });
  return parts.join('') + value.slice(end);
};

describe('highlighting', () => {
  it.each([
    ['John Smith', 'smi jo', '[Jo]hn [Smi]th'],
    ['John Smith', 'Jonh', '[John] Smith'],
    ['Jonathan', 'Jonh', 'Jonathan'],
    ['Zoë Müller', 'zoe mueller', '[Zoë] [Müller]'],
    ['Zoe\u0308 M', 'zoe', '[Zoe\u0308] M'],
    ['Mueller', 'Müller', '[Mueller]'],
    ['ＡＢＣ公司', 'abc', '[ＡＢＣ]公司'],
    ['臺灣銀行', '台湾', '[臺灣]銀行'],
    ['张三丰', '张三', '[张三]丰'],
    ['张　三', '张三', '[张　三]'],
    ['张三', 'zhangs', '[张三]'],
    ['张三', 'zhang', '[张]三'],
    ['张三', 'zs', '[张三]'],
    ['张三', 'zhang s', '[张三]'],
    ['张小明', 'xm', '张[小明]'],
    ['张小明', 'zhangxm', '[张小明]'],
    ['欧阳修', 'ouyang', '[欧阳]修'],
    ['欧阳修', 'oyx', '[欧阳修]'],
    ['單田芳先生', 'shan', '[單]田芳先生'],
    ['乾隆', 'qian', '[乾]隆'],
    ['张㍿', 'zhangzhu', '[张㍿]'],
    ['吕布', 'lü', '[吕]布'],
    ['bob.norman@hostmail.com', 'norman', 'bob.[norman]@hostmail.com'],
    ['bob.norman@hostmail.com', 'bob.norman@host', '[bob.norman@host]mail.com'],
    ['bob.norman@hostmail.com', '@hostmail.com', 'bob.norman@[hostmail.com]'],
    ['+86 138-0013-1199', '1199', '+86 138-0013-[1199]'],
    ['+86 138-0013-1199', '13 1199', '+86 138-00[13-1199]'],
    ['+86 138-0013-1199', '13800131199', '+86 [138-0013-1199]'],
    ['138 0013 1199', '+8613800131199', '[138 0013 1199]'],
    ['030 123456', '+49 30 123456', '[030 123456]'],
    ['C-000123', 'c0001', '[C-0001]23'],
    ['C-000123', 'C-000123', '[C-000123]'],
    ['👨‍👩‍👧 Zoë 𠮷野家', 'zoe 野', '👨‍👩‍👧 [Zoë] 𠮷[野]家'],
    ['anything', '?! 😀', 'anything'],
    ['', 'a', ''],
  ])('marks %j, asked for %j, as %j', (value, q, expected) => {
    expect(marked(value, q)).toBe(expected);
  });

  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'ab 张三臺灣ü-ﬁ㈱12345@.') }),
  );

  it('stays within bounds, in order, apart and clear of the middle of a character', () => {
    fc.assert(
      fc.property(
        text.map((t) => t.toWellFormed()),
        text,
        (value, q) => {
          let end = -1;
          for (const range of highlight(value, q)) {
            expect(range.start).toBeGreaterThan(end);
            expect(range.end).toBeGreaterThan(range.start);
            end = range.end;
            expect(value.slice(range.start, range.end).isWellFormed()).toBe(true);
          }
          expect(end).toBeLessThanOrEqual(value.length);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('marks each of the own words of a value', () => {
    fc.assert(
      fc.property(text, (value) => {
        for (const word of splitWords(value)) expect([word, highlight(value, word).length]).not.toEqual([word, 0]);
      }),
      { numRuns: 1000 },
    );
  });
});
