/**
 * One-letter typos without a check afterwards. A record's word stores each of its one-letter deletions together with the
 * place of the deletion; a query asks for
 * - a letter replaced: the same deletion at the same place,
 * - a letter left out: its own whole text as a deletion at any place,
 * - a letter too many: its deletions as whole words,
 * - two neighbours swapped: its swaps as whole words.
 * Each is an equality of terms, so an engine finds exactly the words within Damerau-Levenshtein distance 1, counts and pages
 * them as any others, and a collision of plain deletions (xabc, abcx) cannot happen. After SymSpell (W. Garbe, 2012).
 */
const LETTERS_ONLY = /^[\p{L}\p{M}]+$/u;
const SHORTEST = 4;
const LONGEST = 24;

const place = (i: number) => i.toString(36);
const without = (letters: readonly string[], i: number) => letters.toSpliced(i, 1).join('');

function lettersOf(word: string): string[] {
  const letters = LETTERS_ONLY.test(word) ? [...word] : [];
  return letters.length >= SHORTEST ? letters : [];
}

/** What a record stores for a folded word, so that its typos find it: `[]` unless it is 4 to 24 letters. */
export function typoDeletions(word: string): string[] {
  const letters = lettersOf(word);
  return letters.length > LONGEST ? [] : letters.map((_, i) => place(i) + without(letters, i));
}

/** What a query asks for: `deletions` among {@link typoDeletions}, `words` among the whole words. */
export function typoTerms(word: string): { deletions: string[]; words: string[] } {
  const letters = lettersOf(word);
  if (letters.length === 0 || letters.length > LONGEST + 1) return { deletions: [], words: [] };
  const removed = letters.map((_, i) => without(letters, i));
  const swapped = letters.slice(1).map((next, i) =>
    letters
      .with(i, next)
      .with(i + 1, letters[i]!)
      .join(''),
  );
  return {
    deletions: [...removed.map((rest, i) => place(i) + rest), ...[...letters, ''].map((_, i) => place(i) + word)],
    words: [...(letters.length > SHORTEST ? removed : []), ...swapped.filter((swap) => swap !== word)],
  };
}

/** Whether a query's word is a typo of a record's word (both folded), as the search has it: at most one edit, 4 letters or more. */
export function isTypoOf(word: string, recorded: string): boolean {
  const [a, b] = [lettersOf(word), lettersOf(recorded)];
  return (
    a.length > 0 &&
    b.length > 0 &&
    b.length <= LONGEST &&
    Math.abs(a.length - b.length) <= 1 &&
    editDistance(word, recorded) <= 1
  );
}

/** Damerau-Levenshtein distance in code points (optimal string alignment: a transposition of neighbours is one edit). */
export function editDistance(left: string, right: string): number {
  const [a, b] = [[...left], [...right]];
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(replaced, rows[i - 1]![j]! + 1, row[j - 1]! + 1, swap ? rows[i - 2]![j - 2]! + 1 : Infinity));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
