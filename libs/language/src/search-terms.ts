/** The version of the analysis: part of every index's name. Raise it whenever {@link analyse} gives other tokens. */
export const ANALYSIS_VERSION = 1;

/**
 * The first character of a token says what it is. Folded text has no ASCII capitals, so tags (and the `A` and `X` inside
 * e-mail tokens) cannot be mistaken for text.
 */
export const TAGS = {
  /** a whole name, its words closed up: `Wjohnsmith`, `W欧阳修` */
  whole: 'W',
  /** a word of a name */
  name: 'N',
  /** a bigram of an unspaced name, and its last character alone: `H欧阳`, `H阳修`, `H修` */
  nameGram: 'H',
  /** pinyin from each syllable to the end: `Pouyangxiu`, `Pyangxiu`, `Pxiu` */
  pinyin: 'P',
  /** pinyin initials from each syllable to the end: `Ioyx`, `Iyx` */
  initials: 'I',
  /** a deletion of a name's word: `Y2jon` */
  typo: 'Y',
  /** a word of a text */
  text: 'T',
  /** a bigram of an unspaced text, and its last character alone */
  textGram: 'G',
  /** a whole e-mail address: `MbobXnormanAhostmailXcom` */
  email: 'M',
  /** an e-mail address from a later word on: `EhostmailXcom` */
  emailEnd: 'E',
  /** a phone number's digits, with and without the country code */
  phone: 'F',
  /** a phone number's digits backwards: a tail of the number is a prefix here */
  phoneTail: 'R',
  /** a code closed up, whole and from its later parts on: and without leading zeros: `Kc000123`, `K000123`, `Kc123`, `K123` */
  code: 'K',
} as const;

/** Longer terms are cut, in records and queries alike. */
export const LONGEST_TERM = 40;

/** A term of the index: a tag and letters, digits and marks, without blanks or punctuation, at most 41 characters long. */
export function term(tag: keyof typeof TAGS, text: string): string {
  const cut = text.slice(0, LONGEST_TERM);
  return TAGS[tag] + (cut.isWellFormed() ? cut : cut.slice(0, -1));
}

/** `欧阳修` is `欧阳`, `阳修`, `修`: a character inside is found as the beginning of a bigram. */
export function grams(word: string): string[] {
  const characters = [...word];
  return characters.map((character, i) => character + (characters[i + 1] ?? ''));
}

/** Digits from the last to the first. */
export function backwards(digits: string): string {
  return [...digits].reverse().join('');
}
