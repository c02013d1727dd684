import fc from 'fast-check';
import { isWithinOneEdit, jaroWinkler, soundex } from './similarity.ts';
import { editDistance } from './typos.ts';

describe('Jaro-Winkler similarity', () => {
  // Winkler's own table.
  it.each([
    ['martha', 'marhta', 0.961],
    ['dwayne', 'duane', 0.84],
    ['dixon', 'dicksonx', 0.813],
    ['dunningham', 'cunnigham', 0.896],
    ['abroms', 'abrams', 0.922],
    ['shackleford', 'shackelford', 0.982],
    ['jon', 'jan', 0.8],
    ['', 'jan', 0],
    ['abc', 'xyz', 0],
    ['王小明', '王小民', 0.822],
  ])('of %s and %s is %d', (a, b, similarity) => {
    expect(jaroWinkler(a, b)).toBeCloseTo(similarity, 2);
  });

  it('is symmetric, between 0 and 1, and 1 of equal texts alone', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '王'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const similarity = jaroWinkler(a, b);
        expect(similarity).toBeCloseTo(jaroWinkler(b, a), 10);
        expect(similarity).toBeGreaterThanOrEqual(0);
        expect(similarity === 1).toBe(a === b);
      }),
    );
  });
});

describe('one edit', () => {
  it('is what the edit distance says', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(isWithinOneEdit(a, b)).toBe(editDistance(a, b) <= 1);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('soundex', () => {
  // The examples of the National Archives.
  it.each([
    ['washington', 'w252'],
    ['lee', 'l000'],
    ['gutierrez', 'g362'],
    ['pfister', 'p236'],
    ['jackson', 'j250'],
    ['tymczak', 't522'],
    ['ashcraft', 'a261'],
    ['robert', 'r163'],
    ['rupert', 'r163'],
    ['张', ''],
  ])('of %s is %s', (word, code) => {
    expect(soundex(word)).toBe(code);
  });
});
