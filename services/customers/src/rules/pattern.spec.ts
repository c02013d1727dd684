import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { patternOf } from './pattern.ts';

describe('a pattern', () => {
  it.each([
    [String.raw`\d{3}-[A-Z]+`, '123-AB', '123-'],
    ['^(?:VIP|普通)级$', '普通级', 'VIP'],
    [String.raw`\p{Script=Han}{2,4}`, '欧阳娜娜', 'Wang'],
    ['(ab|c)*d?', 'abcabd', 'abdd'],
    ['a{2}b{1,}', 'aabbb', 'ab'],
    [String.raw`[^\s@]+@example\.com`, 'wang@example.com', 'wang@example.org'],
    [String.raw`\$[+\-]?5.`, '$-5😀', '$55\n'],
    ['(a|)(b?){3}', 'bbb', 'bbbb'],
    ['.+?', 'x', ''],
  ])('%s fits the whole of %s, not %s', (source, right, wrong) => {
    const fits = patternOf(source);
    expect([fits?.(right), fits?.(wrong)]).toEqual([true, false]);
  });

  it.each([
    '',
    '^$',
    '(',
    'a)',
    '[a',
    'a**',
    '*',
    'a{3,1}',
    'a$b',
    String.raw`(a)\1`,
    '(?=a)a',
    '(?<n>a)',
    String.raw`\ba`,
    String.raw`\p{No Such}`,
    '[z-a]',
    '(?:a{1,999}){1,999}',
    '(?:(?:){999}){999}',
    'a'.repeat(501),
  ])('may not be %s', (source) => {
    expect(patternOf(source)).toBeUndefined();
  });

  it('is matched in no time where a regular expression would not come back', () => {
    for (const source of ['(a+)+b', '(a|a)*b', '(a|aa)+b', 'a*a*a*a*a*a*b', String.raw`(?:\w*\w*)*b`]) {
      expect(patternOf(source)?.('a'.repeat(2_000))).toBe(false);
    }
  });

  it('fits what the same regular expression fits', () => {
    const atom = fc.constantFrom('a', 'b', '[ab]', '[^a]', '.', String.raw`\d`);
    const { node } = fc.letrec<{ node: string }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc.tuple(tie('node'), tie('node')).map(([one, other]) => one + other),
        fc.tuple(tie('node'), tie('node')).map(([one, other]) => `(?:${one}|${other})`),
        fc.tuple(tie('node'), fc.constantFrom('?', '{1,2}', '{2}')).map(([one, times]) => `(?:${one})${times}`),
      ),
    }));
    const text = fc.array(fc.constantFrom('a', 'b', '1'), { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(node, text, (source, given) => {
        const fits = patternOf(source);
        fc.pre(fits !== undefined);
        return fits?.(given) === new RegExp(`^(?:${source})$`, 'u').test(given);
      }),
    );
  });
});
