import fc from 'fast-check';
import { CODE_STEPS, correct, TEXT_STEPS } from './cleaning.ts';

describe('a text', () => {
  it.each([
    ['ＡＢＣ　１２３', 'ABC 123', ['full-width']],
    [' a \t b\n', 'a b', ['spaces']],
    ['a\u200bb\ufeff\u0000', 'ab', ['invisible-characters']],
    ['ﾔﾏﾀﾞ', 'ヤマダ', ['full-width']],
    ['Zoe\u0308', 'Zoë', ['full-width']],
    ['阿里巴巴（中国）有限公司', '阿里巴巴（中国）有限公司', []],
    ['Acme （China）', 'Acme (China)', ['full-width']],
    ['ＡＢＣ（中国）', 'ABC（中国）', ['full-width']],
    ['علی\u200cرضا', 'علی\u200cرضا', []],
    ['🧑\u200d💻', '🧑\u200d💻', []],
  ])('%j is %j', (raw, value, rules) => {
    const cleaned = correct(raw, TEXT_STEPS);
    expect(cleaned.value).toBe(value);
    expect(cleaned.corrections.map(({ rule }) => rule)).toEqual(rules);
  });

  it('keeps what it was before each correction', () => {
    expect(correct(' ａ  b', TEXT_STEPS).corrections).toEqual([
      { rule: 'full-width', from: ' ａ  b', to: ' a  b' },
      { rule: 'spaces', from: ' a  b', to: 'a b' },
    ]);
  });

  it('is corrected once and for all', () => {
    const odd = fc.string({ unit: fc.constantFrom(...'e\u0301- ﾊﾞ（：漢ΐßŉﬁ　ａ·\u200b\u0000\n'), maxLength: 8 });
    const any = fc.oneof(odd, fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(any, fc.constantFrom(TEXT_STEPS, CODE_STEPS), (raw, steps) => {
        const { value } = correct(raw, steps);
        expect(correct(value, steps)).toEqual({ value, corrections: [] });
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a code', () => {
  it('has capitals and no separators', () => {
    expect(correct('９１－44 a·b', CODE_STEPS).value).toBe('9144AB');
  });
});
