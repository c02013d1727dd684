/**
 * A number as decimal text without an exponent: what `String` gives, written out.
 * @throws RangeError for what is not finite: no table can hold it
 */
export function plainDecimal(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError('not a finite number');
  const [digits, exponent] = String(value).split('e');
  if (exponent === undefined) return digits!;
  const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(digits!) ?? [];
  const point = whole.length + Number(exponent);
  const all = whole + fraction;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${all}`;
  return sign + all.padEnd(point, '0');
}

/**
 * The number of an XLSX cell as Excel shows it in full: 15 digits, so 0.3 for 0.30000000000000004. Whole numbers written
 * out keep all their digits: long ids of other programs are not rounded. Nothing for what is no number.
 */
export function cellNumber(stored: string): string | undefined {
  const text = stored.trim();
  if (/^-?(0|[1-9]\d{0,307})$/.test(text)) return text === '-0' ? '0' : text;
  const value = text === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) return undefined;
  return plainDecimal(Number.isSafeInteger(value) ? value : Number(value.toPrecision(15)));
}

/**
 * A phone or an id that a spreadsheet has turned into `1.38E+10`: the digits are gone, and are not to be guessed.
 */
export const isScientificNumber = (text: string): boolean => /^[+-]?\d(?:[.,]\d+)?E\+?\d+$/i.test(text.trim());

/**
 * A number as people write it, as decimal text: `1234.5` for `1,234.50`, `１，２３４．５`, `¥1 234.5`, `(1,234.5)` (negative).
 * Thousands must be grouped by three (by four never), else it is not one: `1,5` is nothing unless the comma is the decimal
 * point. Exponents and percent signs are not read.
 * @param decimal the decimal point
 */
export function readNumber(text: string, decimal: '.' | ',' = '.'): string | undefined {
  const bare = text
    .normalize('NFKC')
    .replace(/[\s']|^([+-]?)[¥$€£]|元$/g, '$1')
    .replace(/[\u2212\u2013]/, '-');
  const [, inParentheses] = /^\((\d.*)\)$/.exec(bare) ?? [];
  const [whole = '', fraction, ...more] = (inParentheses ?? bare).split(decimal);
  const [, sign = '', digits = ''] = /^([+-]?)(\d+|\d{1,3}(?:[,.]\d{3})+)$/.exec(whole) ?? [];
  if (digits === '' || more.length > 0 || (fraction !== undefined && !/^\d+$/.test(fraction))) return undefined;
  const negative = inParentheses !== undefined || sign === '-';
  const integer = digits.replace(/[,.]/g, '').replace(/^0+(?=\d)/, '');
  const decimals = (fraction ?? '').replace(/0+$/, '');
  const value = decimals === '' ? integer : `${integer}.${decimals}`;
  return negative && /[1-9]/.test(value) ? `-${value}` : value;
}
