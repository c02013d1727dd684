import { initialsOf } from './names.ts';
import { queryWords, type QueryWord } from './search-query.ts';
import { pinyinKeys, spellings } from './search-tokens.ts';
import { foldWithOffsets, isHan, isUnspaced, spellUmlauts, splitWords } from './text.ts';
import { isTypoOf } from './typos.ts';

/** A part of a string, as UTF-16 offsets: `start` is in it, `end` is not. */
export interface Range {
  start: number;
  end: number;
}

/** A letter or digit of the value; `begins` a word, or stands in an unspaced script, where any place will do. */
interface Letter extends Range {
  character: string;
  begins: boolean;
}

/**
 * The parts of `value` that the query's words are found in, in order and without overlaps, cut at whole graphemes. Follows
 * the search: prefixes of words, Han inside words, pinyin and initials (on the characters they spell), phone numbers and
 * e-mail addresses across their punctuation, typos where a word is not found otherwise.
 */
export function highlight(value: string, q: string): Range[] {
  const words = queryWords(q);
  if (words.length === 0 || value === '') return [];
  const long = spellUmlauts(value) === value.normalize('NFC') ? [] : [lettersOf(value, spellUmlauts)];
  const readings = [lettersOf(value), ...long];
  return merge(words.flatMap((word) => found(value, readings, word)));
}

function lettersOf(value: string, respell?: (grapheme: string) => string): Letter[] {
  let previous = '';
  return foldWithOffsets(value, respell).flatMap((folded) => {
    const before = previous;
    previous = folded.character;
    if (!/[\p{L}\p{N}\p{M}]/u.test(folded.character)) return [];
    const begins = isUnspaced(folded.character) || isUnspaced(before) || !/[\p{L}\p{N}\p{M}]/u.test(before);
    return [{ ...folded, begins }];
  });
}

function found(value: string, readings: Letter[][], { kind, text }: QueryWord): Range[] {
  const forms = [
    ...new Set(
      [...spellings(text), text.normalize('NFC').replace(/ü/gi, 'v')].map((form) => splitWords(form).join('')),
    ),
  ];
  if (kind === 'number') forms.push(...digitForms(text));
  const together = readings.flatMap((letters) => forms.flatMap((form) => occurrences(letters, form)));
  if (kind !== 'plain' && together.length === 0) {
    return splitWords(text).flatMap((word) => readings.flatMap((letters) => occurrences(letters, word)));
  }
  const spelt = forms.flatMap((form) => pinyin(value, readings[0]!, form));
  const all = [...together, ...spelt];
  return all.length > 0 || kind !== 'plain' ? all : readings.flatMap((letters) => typos(letters, forms[0]!));
}

const digitForms = (text: string) => {
  const digits = text.replace(/\(0\)/, '').replace(/\D/g, '');
  return [digits, digits.replace(/^0+/, '')].filter(({ length }) => length >= 4);
};

function occurrences(letters: Letter[], form: string): Range[] {
  const wanted = [...form];
  const numeric = /^\d{4,}$/.test(form);
  const ranges = letters.flatMap((letter, i) => {
    const here = letter.begins || (numeric && /\d/.test(letter.character));
    return here && wanted.every((character, j) => letters[i + j]?.character === character)
      ? [span(letters, i, wanted.length)]
      : [];
  });
  // The query has a country code that the value has not.
  const digits = letters.map(({ character }) => character).join('');
  const tail = numeric && ranges.length === 0 && /^\d{7,}$/.test(digits) && form.endsWith(digits.replace(/^0+/, ''));
  return tail ? [span(letters, 0, letters.length)] : ranges;
}

function pinyin(value: string, letters: Letter[], form: string): Range[] {
  if (!/^[a-z]+$/.test(form)) return [];
  return runs(
    letters,
    (letter) => isHan(letter.character),
    () => false,
  ).flatMap(([first, length]) => {
    const han = letters
      .slice(first, first + length)
      .map((letter) => asWritten(value, letter))
      .join('');
    return pinyinKeys(han).flatMap(({ start, syllables, sound, initials }) => {
      const ranges: Range[] = [];
      if (sound.startsWith(form)) {
        let spelt = 0;
        const covered = syllables.findIndex((syllable) => (spelt += syllable.length) >= form.length) + 1;
        ranges.push(span(letters, first + start, covered));
      }
      if (form.length > 1 && initials.startsWith(form)) {
        const covered = syllables.findIndex((_, i) => initialsOf(syllables.slice(0, i + 1)) === form) + 1;
        ranges.push(span(letters, first + start, covered));
      }
      return ranges;
    });
  });
}

// Readings want the traditional characters; a letter that is only a part of its grapheme (㍿) is taken as folded.
function asWritten(value: string, { character, start, end }: Letter): string {
  const written = [...value.slice(start, end).normalize('NFKC')];
  return written.length === 1 && isHan(written[0]!) ? written[0]! : character;
}

function typos(letters: Letter[], form: string): Range[] {
  return runs(
    letters,
    (letter) => !isUnspaced(letter.character),
    ({ begins }) => begins,
  )
    .filter(([first, length]) =>
      isTypoOf(
        form,
        letters
          .slice(first, first + length)
          .map(({ character }) => character)
          .join(''),
      ),
    )
    .map(([first, length]) => span(letters, first, length));
}

/** The runs `[first, length]` of letters that belong, cut where one starts anew. */
function runs(
  letters: Letter[],
  belongs: (letter: Letter) => boolean,
  cut: (letter: Letter) => boolean,
): [number, number][] {
  const result: [number, number][] = [];
  letters.forEach((letter, i) => {
    if (!belongs(letter)) return;
    const last = result.at(-1);
    if (last && last[0] + last[1] === i && !cut(letter)) last[1]++;
    else result.push([i, 1]);
  });
  return result;
}

const span = (letters: Letter[], first: number, length: number): Range => ({
  start: letters[first]!.start,
  end: letters[first + length - 1]!.end,
});

function merge(ranges: Range[]): Range[] {
  const merged: Range[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const last = merged.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}
