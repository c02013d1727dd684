import { emailParts, emailToken, emailTokenEnds } from './emails.ts';
import { initialsOf, pinyinReadings, respellV } from './names.ts';
import { normalisePhone } from './phones.ts';
import { backwards, grams, term } from './search-terms.ts';
import { closeHan, isUnspaced, spellUmlauts, splitWords } from './text.ts';
import { typoDeletions } from './typos.ts';

/** What of a record is searched. Several values each; empty ones are ignored. */
export interface SearchFields {
  /** people, companies, titles: pinyin, initials and typos find them */
  name?: readonly string[] | undefined;
  /** addresses, notes: words and bigrams, the first 300 of each value */
  text?: readonly string[] | undefined;
  email?: readonly string[] | undefined;
  /** E.164 where it is known, else as entered */
  phone?: readonly string[] | undefined;
  /** customer numbers, SKUs, register numbers */
  code?: readonly string[] | undefined;
}

/**
 * What an engine stores for a record: one set of terms, distinct and sorted by code unit. It needs equality and prefixes only.
 * Elasticsearch: a `keyword` field (or `text` with the `whitespace` analyser, joined by blanks). Postgres:
 * `array_to_tsvector($1::text[])` under a GIN index; a prefix is `'Nzh':*` (terms never hold quotes or backslashes).
 */
export type SearchTokens = readonly string[];

const MOST_PINYIN_STARTS = 12;
const MOST_WORDS_OF_A_TEXT = 300;

/**
 * The one analysis: the terms under which a record is found, see `TAGS`. Pure and deterministic; a query is analysed by
 * {@link analyseQuery} to match.
 * @param options.country ISO 3166 alpha-2, for phone numbers without a country code
 */
export function analyse(fields: SearchFields, options: { country?: string | undefined } = {}): SearchTokens {
  const terms = new Set<string>();
  const add = (tag: Parameters<typeof term>[0], text: string) => text !== '' && terms.add(term(tag, text));

  for (const name of fields.name ?? []) {
    for (const spelling of spellings(closeHan(name))) addName(spelling, add);
  }
  for (const text of fields.text ?? []) {
    for (const spelling of spellings(text)) {
      const words = splitWords(spelling).flatMap((word) => (isUnspaced(word) ? grams(word) : [word]));
      for (const word of words.slice(0, MOST_WORDS_OF_A_TEXT)) add(isUnspaced(word) ? 'textGram' : 'text', word);
    }
  }
  for (const email of fields.email ?? []) {
    const token = emailToken(emailParts(email).whole);
    add('email', token);
    for (const end of emailTokenEnds(token)) add('emailEnd', end);
  }
  for (const phone of fields.phone ?? []) {
    const { digits, national } = normalisePhone(phone, options.country);
    add('phone', digits.replace(/^0+(?=\d)/, ''));
    add('phone', national ?? '');
    add('phoneTail', backwards(digits));
  }
  for (const code of fields.code ?? []) {
    const parts = splitWords(code);
    parts.forEach((_, i) => add('code', parts.slice(i).join('')));
    const number = /^0+([1-9]\d*)$/.exec(parts.at(-1) ?? '')?.[1];
    if (number) for (const start of [0, -1]) add('code', [...parts.slice(0, -1), number].slice(start).join(''));
  }
  return [...terms].sort();
}

type Add = (tag: Parameters<typeof term>[0], text: string) => void;

function addName(name: string, add: Add): void {
  add('whole', splitWords(name).join(''));
  // Closed up (O'Brien, J.P., Smith-Jones) as well as apart.
  for (const chunk of name.split(/\s+/)) {
    const words = splitWords(chunk);
    const closed = words.some(isUnspaced) ? [] : [words.join('')];
    for (const word of new Set([...words, ...closed])) {
      add('name', word);
      if (isUnspaced(word)) for (const gram of grams(word)) add('nameGram', gram);
      else for (const deletion of typoDeletions(word)) add('typo', deletion);
    }
  }
  // From the name itself, not its fold: readings want whole traditional words.
  for (const han of name.match(/\p{Script=Han}+/gu) ?? []) {
    for (const { sound, initials } of pinyinKeys(han)) {
      add('pinyin', sound);
      add('initials', initials);
    }
  }
}

/** A way to type a Han name: `sound` (or, where there is one, `initials`) spells the characters from `start` on. */
export interface PinyinKey {
  start: number;
  /** the syllables that spell the characters from `start` on, `''` where unknown */
  syllables: string[];
  sound: string;
  initials: string;
}

/**
 * All ways to type a Han name: each reading from each of its first twelve characters on, in full and by initials, and
 * from the first also as surname and initials (zhangxm).
 */
export function pinyinKeys(han: string): PinyinKey[] {
  return pinyinReadings(han).flatMap((reading) => {
    const respelled = respellV(reading);
    const variants = respelled.join() === reading.join() ? [reading] : [reading, respelled];
    return variants.flatMap((variant) => {
      const keys = variant.slice(0, MOST_PINYIN_STARTS).flatMap((first, start) => {
        const syllables = variant.slice(start);
        const initials = initialsOf(syllables);
        return first === ''
          ? []
          : [{ start, syllables, sound: syllables.join(''), initials: initials.length > 1 ? initials : '' }];
      });
      const [surname = '', ...given] = variant;
      if (surname === '' || given.length < 2) return keys;
      const syllables = [surname, ...given.map((syllable) => syllable.slice(0, 1))];
      return [...keys, { start: 0, syllables, sound: syllables.join(''), initials: '' }];
    });
  });
}

/** A text and, where there are umlauts, its long spelling. */
export function spellings(text: string): string[] {
  return [...new Set([text.normalize('NFC'), spellUmlauts(text)])];
}
