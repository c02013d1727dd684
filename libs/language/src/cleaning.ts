/**
 * What cleaning a value gives. Corrections change how the value is written, never what it says: they are made at once and
 * recorded. Suggestions are likely and no more: a person accepts them or not.
 */
export interface Cleaned<Problem extends string = string> {
  /** The value after its corrections, kept even where there is a problem. */
  value: string;
  corrections: Correction[];
  suggestions: Suggestion[];
  /** Why the value cannot be right; null where nothing speaks against it. */
  problem: Problem | null;
}

/** A change that was made: the whole value before and after. */
export interface Correction {
  rule: string;
  from: string;
  to: string;
}

/** A change to offer: the whole value that would take the place of the present one. */
export interface Suggestion {
  rule: string;
  to: string;
}

/** A correction by name. Doing it twice does no more than doing it once. */
export type Step = readonly [rule: string, apply: (text: string) => string];

const UNUSUAL_WIDTHS = /[\uff00-\uffef\u3000]+/g;
// Right in Chinese text, and in the registered names of companies: 阿里巴巴（中国）有限公司.
const CHINESE_PUNCTUATION = /[（），：；！？]/;
const CHINESE = /\p{Script=Han}/u;
// Not the joiners and variation selectors, which Persian, Indic and Japanese names need.
const INVISIBLE =
  /[\p{Cs}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]|[\p{Cc}--[\t\n\v\f\r]]/gv;

function foldWidth(text: string): string {
  const chinese = CHINESE.test(text);
  const folded = text.replace(UNUSUAL_WIDTHS, (run) =>
    run
      .split(/(?<=[（），：；！？])|(?=[（），：；！？])/)
      .map((part) => (chinese && CHINESE_PUNCTUATION.test(part) ? part : part.normalize('NFKC')))
      .join(''),
  );
  return folded.normalize('NFC');
}

/** Corrections of any text: invisible characters dropped, full-width letters and digits made half-width, blanks collapsed. */
export const TEXT_STEPS: readonly Step[] = [
  ['invisible-characters', (text) => text.replace(INVISIBLE, '')],
  ['full-width', foldWidth],
  ['spaces', (text) => text.trim().replace(/\s+/g, ' ')],
];

/** Corrections of a code of letters and digits: as for texts, then blanks and hyphens dropped and letters made capitals. */
export const CODE_STEPS: readonly Step[] = [
  ...TEXT_STEPS,
  ['separators', (text) => text.replace(/[\s\p{Pd}−._·]+/gu, '').normalize('NFC')],
  ['upper-case', (text) => text.toUpperCase().normalize('NFC')],
];

/** Takes the steps in turn and records those that changed something. */
export function correct(raw: string, steps: readonly Step[]): Pick<Cleaned, 'value' | 'corrections'> {
  const corrections: Correction[] = [];
  let value = raw;
  for (const [rule, apply] of steps) {
    const to = apply(value);
    if (to !== value) corrections.push({ rule, from: value, to });
    value = to;
  }
  return { value, corrections };
}

/** A text tidied and no more. */
export const cleanText = (raw: string): Cleaned<never> => ({
  ...correct(raw, TEXT_STEPS),
  suggestions: [],
  problem: null,
});
