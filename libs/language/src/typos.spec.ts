import fc from 'fast-check';
import { editDistance, isTypoOf, typoDeletions, typoTerms } from './typos.ts';

function equalTerms(query: string, word: string): boolean {
  const { deletions, words } = typoTerms(query);
  const stored = new Set(typoDeletions(word));
  return query === word || words.includes(word) || deletions.some((deletion) => stored.has(deletion));
}

describe('a typo', () => {
  it.each([
    ['jonh', 'john', 1],
    ['john', 'jonathan', 4],
    ['abcx', 'xabc', 2],
    ['ca', 'abc', 3],
    ['', 'abc', 3],
    ['𠮷a', '𠮷b', 1],
  ])('of %j for %j is %d edits away', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
  });

  it('is found by equal terms exactly when it is one edit away', () => {
    const word = fc.string({ unit: fc.constantFrom(...'abcé'), minLength: 4, maxLength: 8 });
    const edited = word.chain((w) =>
      fc
        .tuple(fc.constant(w), fc.nat(w.length), fc.nat(2), fc.constantFrom('', 'a', 'b', 'ab', 'ba'))
        .map(([, i, cut, text]) => [w, w.slice(0, i) + text + w.slice(i + cut)] as const),
    );
    fc.assert(
      fc.property(fc.oneof(edited, fc.tuple(word, word)), ([a, b]) => {
        const near = Math.min(a.length, b.length) >= 4 && editDistance(a, b) <= 1;
        expect([a, b, isTypoOf(b, a)]).toEqual([a, b, near]);
        expect([a, b, equalTerms(b, a)]).toEqual([a, b, near]);
      }),
      { numRuns: 5000 },
    );
  });

  it('is not looked for in short words, numbers and very long words', () => {
    expect(['abc', 'ab12', 'a'.repeat(25)].flatMap(typoDeletions)).toEqual([]);
    expect(typoTerms('abc')).toEqual({ deletions: [], words: [] });
  });
});
