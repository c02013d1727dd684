import fc from 'fast-check';
import { foldText, foldWithOffsets, isHan, splitWords } from './text.ts';

const anything = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom(...'ＡßẞİΣσς臺ｶﾞ㈱ﬁ\u0301\u200d½ 　') }),
);

describe('folding', () => {
  it.each([
    ['ＡＢＣ　１２３', 'abc 123'],
    ['  Zoë \t Müller\n', 'zoe muller'],
    ['STRASSE Straße', 'strasse strasse'],
    ['Øre Łódź Đorđe Æon Œuvre ıİ', 'ore lodz dorde aeon oeuvre ii'],
    ['ΟΔΟΣ', 'οδοσ'],
    ['Ёлка', 'елка'],
    ['Việt Nam', 'viet nam'],
    ['臺灣 鐘樓 乾隆', '台湾 钟楼 干隆'],
    ['ｶﾞﾝﾀﾞﾑ', 'ガンダム'],
    ['한국', '한국'],
    ['㈱ ﬁ ① ㎏', '(株) fi 1 kg'],
    ['zero\u200bwidth so\u00adft', 'zerowidth soft'],
    ['👨‍👩‍👧 1️⃣', '👨👩👧 1'],
    ['葛\u{e0100}城', '葛城'],
  ])('turns %j into %j', (text, folded) => {
    expect(foldText(text)).toBe(folded);
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(foldText(foldText(text))).toBe(foldText(text));
      }),
      { numRuns: 3000 },
    );
  });

  it('changes no character of Unicode the second time', () => {
    const unstable: string[] = [];
    for (let point = 0; point <= 0x323af; point++) {
      const folded = foldText(String.fromCodePoint(point));
      if (foldText(folded) !== folded) unstable.push(point.toString(16));
    }
    expect(unstable).toEqual([]);
  });

  it('knows where each folded character stood', () => {
    expect(foldWithOffsets('ﬁ Zoë').map(({ character, start, end }) => [character, start, end])).toEqual([
      ['f', 0, 1],
      ['i', 0, 1],
      [' ', 1, 2],
      ['z', 2, 3],
      ['o', 3, 4],
      ['e', 4, 5],
    ]);
    fc.assert(
      fc.property(anything, (text) => {
        const characters = foldWithOffsets(text).map(({ character }) => character);
        expect(splitWords(characters.join(''))).toEqual(splitWords(text));
      }),
    );
  });
});

describe('words', () => {
  it.each([
    ['Zoë-Ann 住在北京3楼', ['zoe', 'ann', '住在北京', '3', '楼']],
    ['C-000123', ['c', '000123']],
    ['東京タワー', ['东京タワー']],
    ['हिन्दी', ['हिन्दी']],
    ['?! 😀', []],
  ])('of %j are %j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it('tell Han from other characters', () => {
    expect(['张', '𠮷', '々', 'か', 'a', ''].map(isHan)).toEqual([true, true, true, false, false, false]);
  });
});
