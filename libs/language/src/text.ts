import { Converter } from 'opencc-js/t2cn';

const ASCII = /^[\0-\x7f]*$/;
// Scripts written without spaces between words, which are searched by bigrams: Han and kana.
const GRAM = String.raw`[[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30fc]&&[\p{L}\p{N}]]`;
const WORDS = new RegExp(String.raw`${GRAM}+|(?:(?!${GRAM})[\p{L}\p{N}\p{M}])+`, 'gv');
const ANY_GRAM = new RegExp(GRAM, 'v');
const HAN = /^[\p{Script=Han}&&[\p{L}\p{N}]]/v;
const ANY_HAN = /\p{Script=Han}/u;
const SPACES_IN_HAN = new RegExp(String.raw`(?<=${GRAM})[\s·•・‧]+(?=${GRAM})`, 'gv');
// Accents, vocalisation marks, variation selectors and invisible format characters; the kana voicing marks are letters.
const MARKS = /[[\p{M}&&\p{Script=Inherited}]--[\u3099\u309a]]|\p{Cf}|\p{Variation_Selector}/gv;
const BLANKS = /[\s\p{Cc}]+/gu;
const LETTERS = new Map(
  Object.entries({
    ß: 'ss',
    ø: 'o',
    ł: 'l',
    đ: 'd',
    ð: 'd',
    þ: 'th',
    æ: 'ae',
    œ: 'oe',
    ı: 'i',
    ħ: 'h',
    ŧ: 't',
    ς: 'σ',
  }),
);
const SPECIAL = new RegExp(`[${[...LETTERS.keys()].join('')}]`, 'gu');
const UMLAUTS = new Map(Object.entries({ ä: 'ae', ö: 'oe', ü: 'ue', ø: 'oe', å: 'aa' }));

const convert = Converter({ from: 't', to: 'cn' });
const simplifiedOf = new Map<string, string>();

// A character at a time, so that a part of a text folds as it does within the whole, whatever stands beside it.
function simplify(han: string): string {
  const known = simplifiedOf.get(han);
  if (known !== undefined) return known;
  const simplified = convert(convert(han)); // twice: 薴 becomes 苧 becomes 苎
  simplifiedOf.set(han, simplified);
  return simplified;
}

function foldCharacters(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  const folded = text
    .toWellFormed()
    .normalize('NFKD')
    .toLowerCase()
    .replace(MARKS, '')
    .replace(SPECIAL, (letter) => LETTERS.get(letter)!)
    .normalize('NFC');
  return ANY_HAN.test(folded) ? folded.replace(/\p{Script=Han}/gu, simplify) : folded;
}

/**
 * The form in which texts are compared: full-width to half-width and other compatibility forms (NFKC), lower case, no
 * accents (ß ss, ø o, ł l, đ d, æ ae, œ oe), no invisible characters, traditional Chinese to simplified character by
 * character, blanks collapsed and trimmed. Idempotent, never throws.
 */
export function foldText(text: string): string {
  return foldCharacters(text).replace(BLANKS, ' ').trim();
}

/** A folded code point and the place of the original grapheme it came from, as UTF-16 offsets `[start, end)`. */
export interface FoldedCharacter {
  character: string;
  start: number;
  end: number;
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Folds like {@link foldText}, keeping for each folded character where it stood; `respell` may change a grapheme first. */
export function foldWithOffsets(text: string, respell = (grapheme: string) => grapheme): FoldedCharacter[] {
  const folded: FoldedCharacter[] = [];
  for (const { segment, index } of graphemes.segment(text)) {
    const end = index + segment.length;
    for (const character of foldCharacters(respell(segment))) {
      const last = folded.at(-1);
      // An invisible character kept apart what the whole text's fold composes (か, zero width, ﾞ).
      const composed = last && (last.character + character).normalize('NFC');
      if (composed && [...composed].length === 1) folded[folded.length - 1] = { ...last, character: composed, end };
      else folded.push({ character, start: index, end });
    }
  }
  return folded;
}

/** Whether the text begins with a Han character (々 and 〇 are; kana is not). */
export function isHan(text: string): boolean {
  return HAN.test(text);
}

/** Whether the text holds characters of a script without spaces (Han, kana), which is searched by bigrams. */
export function isUnspaced(text: string): boolean {
  return ANY_GRAM.test(text);
}

/**
 * The folded words of a text: runs of letters and digits; runs of Han or kana stand alone.
 * @example splitWords('Zoë-Ann 住在北京3楼') // ['zoe', 'ann', '住在北京', '3', '楼']
 */
export function splitWords(text: string): string[] {
  return foldText(text).match(WORDS) ?? [];
}

/** Closes the blanks and middle dots inside Han: 张 三 is 张三, 爱新觉罗·溥仪 one name. Width-folded (NFKC), not otherwise. */
export function closeHan(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/\p{Variation_Selector}/gu, '')
    .replace(SPACES_IN_HAN, '');
}

/** The long spelling of umlauts (Müller: Mueller, Åse: Aase); the text itself, composed, where there are none. */
export function spellUmlauts(text: string): string {
  if (ASCII.test(text)) return text;
  return text.normalize('NFC').replace(/[äöüøå]/giu, (letter) => UMLAUTS.get(letter.toLowerCase())!);
}
