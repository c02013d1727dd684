// What a spreadsheet takes for the beginning of a formula, or skips before one.
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
// People put one before digits as well, of phones and codes, so that they are no numbers.
const BEHIND_APOSTROPHE = /^'+(?:[=+\-@\t\r\n＝＋－＠]|\d[\d .:/()-]*X?$)/i;
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

/** An apostrophe before what a spreadsheet would run as a formula, and before one; numbers and E.164 phones stay as they are. */
export const withApostrophe = (text: string): string =>
  (FORMULA.test(text) && !NUMBER.test(text)) || BEHIND_APOSTROPHE.test(text) ? `'${text}` : text;

/** Takes the apostrophe away again. */
const withoutApostrophe = (text: string): string => (BEHIND_APOSTROPHE.test(text) ? text.slice(1) : text);

// How codes are written so that Excel keeps their zeros.
const TEXT_FORMULA = /^="((?:[^"]|"")*)"$/;

/** What a cell means to a spreadsheet: the text in `="0138"`, and of text behind an apostrophe. */
export const asText = (text: string): string =>
  TEXT_FORMULA.exec(text)?.[1]?.replaceAll('""', '"') ?? withoutApostrophe(text);
