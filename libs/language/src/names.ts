import { pinyin } from 'pinyin-pro';
import { Converter } from 'opencc-js/t2cn';
import { closeHan, foldText, isHan, splitWords } from './text.ts';

const SYLLABLE = /^[a-z]+$/;
const LONGEST_PERSONAL_NAME = 4;
// By phrases here, unlike folding: 乾 reads qian in 乾隆, where a single 乾 would become 干 (gan).
const simplifyPhrases = Converter({ from: 't', to: 'cn' });

type Surname = 'head' | 'all' | 'off';

function read(han: string, surname: Surname): string[] {
  return pinyin(han, { toneType: 'none', type: 'array', v: true, surname }).map((s) => (SYLLABLE.test(s) ? s : ''));
}

/**
 * The readings of a Han name, the most likely first, each with one toneless syllable a character ('' for a character
 * without a known reading); ü is v. The surname is read as one (单田芳 shan tian fang, 曾 zeng, 尉迟 yu chi); the everyday
 * reading follows (dan tian fang), since people type that too. From five characters on it is a company, and the
 * everyday reading comes first. Traditional characters are read as simplified ones. `[]` when there is no Han at all.
 */
export function pinyinReadings(name: string): string[][] {
  const traditional =
    closeHan(name)
      .match(/\p{Script=Han}+/gu)
      ?.join('') ?? '';
  if (traditional === '') return [];
  const characters = [...traditional];
  const simplified = simplifyPhrases(traditional);
  const han = [...simplified].length === characters.length ? simplified : traditional;
  const order: Surname[] = characters.length <= LONGEST_PERSONAL_NAME ? ['head', 'off', 'all'] : ['off', 'head'];
  const readings = order.map((surname) => read(han, surname).join(' '));
  return [...new Set(readings)]
    .map((reading) => reading.split(' '))
    .filter(({ length }) => length === characters.length);
}

/** The initials of each reading of a Han name: 欧阳修 is `['oyx']`. */
export function pinyinInitials(name: string): string[] {
  return [...new Set(pinyinReadings(name).map(initialsOf))];
}

/** The first letters of syllables. */
export function initialsOf(syllables: readonly string[]): string {
  return syllables.map((syllable) => syllable.slice(0, 1)).join('');
}

/** Other spellings of ü in syllables, as passports and habit have them: lv, lyu; lve, lue. */
export function respellV(syllables: readonly string[]): string[] {
  return syllables.map((syllable) => syllable.replace('ve', 'ue').replace(/v$/, 'yu'));
}

/**
 * A key whose plain code point order (`COLLATE "C"`, a keyword field) is the order of a Chinese list: Han by its pinyin,
 * Latin names among it, homophones together by their characters. 张三 is `zhang-san 张三`, John Smith `john-smith`.
 */
export function nameSortKey(name: string): string {
  const words = splitWords(closeHan(name));
  const sounds = words.flatMap((word) => {
    if (!isHan(word)) return [word];
    const [reading] = pinyinReadings(word);
    return reading?.map((syllable, i) => syllable || [...word][i]!) ?? [word];
  });
  const key = sounds.join('-');
  return words.some(isHan) ? `${key} ${foldText(closeHan(name))}` : key;
}

/**
 * The same for a name however it is written: width, case, accents, traditional characters, blanks and punctuation do not
 * count. Legal forms and places do, so that another company's name is another key. `''` where there is no letter or digit.
 * @example nameKey('ACME, Inc.') === nameKey('Acme Inc') // not 'Acme'
 */
export function nameKey(name: string): string {
  return foldText(name).replace(/[^\p{L}\p{N}\p{M}&+]/gu, '');
}
