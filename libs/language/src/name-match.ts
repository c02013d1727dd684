import { initialsOf, pinyinReadings } from './names.ts';
import { COMPOUND_SURNAMES } from './person-names.ts';
import { closeHan, foldText, isHan, spellUmlauts } from './text.ts';

/** A given or a family name in the forms that are compared. */
export interface NamePart {
  /** In lower case and half width, otherwise as entered: traditional characters and accents stay. */
  written: string;
  /** Simplified, without accents. */
  folded: string;
  /** How it may be spelt in a to z without blanks, the most likely first: pinyin readings, or the letters themselves. */
  sounds: readonly string[];
  initials: readonly string[];
}

export interface PersonName {
  given: NamePart | null;
  family: NamePart | null;
}

const HAN_TITLE = /(?<=.)(?:先生|女士|小姐|太太|夫人|老师|教授|博士|医生|经理|总监|主任)$/u;
const TITLE = /^(?:mr|mrs|ms|miss|mx|dr|prof|sir|herr|frau|monsieur|madame|señor|señora)\b\.?\s*/iu;
const SUFFIX = /[\s,]+(?:jr|sr|ii|iii|iv|phd|md|esq)\.?$/iu;
const PARTICLES = new Set('van von de der den del della di da dos du la le al el bin ibn ter ten zu'.split(' '));
const MIDDLE_DOT = /[·•・‧]/u;
const ANY_HAN = /\p{Script=Han}/u;

/**
 * Takes a person's name apart, whichever way it is known. A family name is the first of Han characters (the compound
 * ones known), the part before a comma, or the last word with its particles (van Beethoven). Titles are left out.
 * @returns the readings of it, the written order first: 张伟 David has two; `[]` where nothing is known
 */
export function personNames(known: { name?: string; givenName?: string; familyName?: string }): PersonName[] {
  const [given, family] = [known.givenName?.trim() ?? '', known.familyName?.trim() ?? ''];
  if (given !== '' || family !== '') return present([{ given: namePart(given), family: namePart(family) }]);
  return present(split(known.name ?? ''));
}

/** A given or family name in its forms; null when nothing is left of it. */
export function namePart(text: string): NamePart | null {
  const written = closeHan(text).toLowerCase().replace(/\s+/gu, ' ').trim();
  const folded = foldText(written);
  if (!/[\p{L}\p{N}]/u.test(folded)) return null;
  if (!isHan(folded)) {
    const sounds = [...new Set([folded, foldText(spellUmlauts(written))])].map(lettersOf);
    return { written, folded, sounds: sounds[0] === '' ? [folded] : sounds, initials: [initials(folded)] };
  }
  const readings = readingsOf(folded);
  return {
    written,
    folded,
    sounds: readings.length > 0 ? readings.map((reading) => reading.join('')) : [folded],
    initials: [...new Set(readings.map(initialsOf))],
  };
}

const lettersOf = (folded: string) => folded.replace(/[^\p{L}\p{N}]/gu, '');
const initials = (folded: string) => folded.replace(/([\p{L}\p{N}])[^\s-]*[\s-]*/gu, '$1');
const present = (names: readonly PersonName[]) =>
  names.filter(({ given, family }) => given !== null || family !== null);

function split(name: string): PersonName[] {
  const bare = name.normalize('NFKC').trim().replace(TITLE, '').replace(SUFFIX, '');
  if (!ANY_HAN.test(bare)) return [splitSpaced(bare)];
  const closed = closeHan(bare.replace(MIDDLE_DOT, '·')).replace(HAN_TITLE, '');
  const han = closed.match(/\p{Script=Han}+/gu)!.join('');
  const rest = bare
    .replace(/\p{Script=Han}+/gu, ' ')
    .replace(/[()\s·]+/gu, ' ')
    .trim();
  if (rest === '') return [MIDDLE_DOT.test(bare) ? splitForeign(bare) : splitHan(han)];
  if ([...han].length === 1) return [{ given: namePart(rest), family: namePart(han) }];
  return [splitHan(han), splitSpaced(rest)];
}

function splitHan(han: string): PersonName {
  const characters = [...han];
  if (characters.length === 1) return { given: null, family: namePart(han) };
  const length = characters.length > 2 && COMPOUND_SURNAMES.has(foldText(characters.slice(0, 2).join(''))) ? 2 : 1;
  return { given: namePart(characters.slice(length).join('')), family: namePart(characters.slice(0, length).join('')) };
}

/** 约翰·史密斯: a name from elsewhere, in its own order. */
function splitForeign(name: string): PersonName {
  const parts = name.split(MIDDLE_DOT);
  return { given: namePart(parts.slice(0, -1).join(' ')), family: namePart(parts.at(-1)!) };
}

function splitSpaced(name: string): PersonName {
  const [before, after] = name.split(',', 2);
  if (after !== undefined) return { given: namePart(after), family: namePart(before!) };
  const words = name.split(/\s+/u).filter(Boolean);
  let start = words.length - 1;
  while (start > 1 && PARTICLES.has(words[start - 1]!.toLowerCase())) start -= 1;
  return { given: namePart(words.slice(0, start).join(' ')), family: namePart(words.slice(start).join(' ')) };
}

const mostRemembered = 50_000;
const remembered = new Map<string, string[][]>();

/** Reading is slow, and a population has few different names. */
function readingsOf(folded: string): string[][] {
  const known = remembered.get(folded);
  if (known) return known;
  if (remembered.size >= mostRemembered) remembered.clear();
  const readings = pinyinReadings(folded).filter((reading) => reading.every((syllable) => syllable !== ''));
  remembered.set(folded, readings);
  return readings;
}
