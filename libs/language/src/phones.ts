import { isSupportedCountry, parsePhoneNumberFromString, type PhoneNumber } from 'libphonenumber-js/max';
import { correct, TEXT_STEPS, type Cleaned } from './cleaning.ts';

/** What a number is for, `unknown` when it is not valid. */
export type PhoneKind =
  | 'mobile'
  | 'fixed-line'
  | 'fixed-line-or-mobile'
  | 'toll-free'
  | 'shared-cost'
  | 'premium-rate'
  | 'voip'
  | 'personal-number'
  | 'pager'
  | 'uan'
  | 'voicemail'
  | 'unknown';

/** A phone number as understood. */
export interface NormalisedPhone {
  /** `+8613800138000`; null unless valid. */
  e164: string | null;
  valid: boolean;
  kind: PhoneKind;
  /** Half-width digits as entered, without the extension; of a valid number those of `e164`. */
  digits: string;
  /** The number without country code and trunk zero; null unless valid. */
  national: string | null;
  extension: string | null;
  /** Why it is not valid: `scientific` is a spreadsheet's 1.38E+10, whose digits are lost. */
  problem: 'empty' | 'scientific' | 'not-a-number' | 'no-country' | 'invalid' | null;
}

const EXTENSION = /[\s,;(]*(?:ext(?:ension|n)?\.?|分机号?|内线|转|轉|#|x)\s*[:.]?\s*(\d{1,7})\)?$/iu;
const HYPHENED_EXTENSION = /^(.*\d)-(\d{1,6})$/;
const NUMBER = /^[+\d\s().\-/]*$/;

function tidy(raw: string): string {
  return raw
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Cc}]/gu, '')
    .replace(/\p{Pd}|[−ー]/gu, '-')
    .replace(/^\s*tel:/iu, '')
    .trim();
}

const digitsOf = (text: string) => text.replace(/\D/g, '');

function valid(number: string, country: string | undefined): PhoneNumber | undefined {
  if (country !== undefined && isSupportedCountry(country)) {
    const national = parsePhoneNumberFromString(number, { defaultCountry: country, extract: false });
    if (national?.isValid()) return national;
  }
  const international = parsePhoneNumberFromString(number.replace(/^00/, '+'), { extract: false });
  return international?.isValid() ? international : undefined;
}

/** A number is read again at every step of its way, and reading it takes long. */
const lately = new Map<string, NormalisedPhone>();
const mostLately = 2_000;
const longestLately = 40;

/**
 * Reads a phone number as people and spreadsheets write it. Numbers without a country code are read as those of
 * `defaultCountry` (ISO 3166 alpha-2). Valid means that the number's range exists, not merely that it parses. Never throws.
 * @example normalisePhone('（０１０）６５５４１２３４ 转 801', 'CN') // e164 '+861065541234', fixed-line, extension '801'
 */
export function normalisePhone(raw: string, defaultCountry?: string): Readonly<NormalisedPhone> {
  if (raw.length > longestLately) return readPhone(raw, defaultCountry);
  const key = `${defaultCountry ?? ''} ${raw}`;
  const known = lately.get(key);
  if (known) return known;
  const phone = readPhone(raw, defaultCountry);
  if (lately.size >= mostLately) lately.clear();
  lately.set(key, phone);
  return phone;
}

function readPhone(raw: string, defaultCountry?: string): NormalisedPhone {
  const text = tidy(raw);
  const nothing = { e164: null, valid: false, kind: 'unknown', national: null, extension: null } as const;
  const invalid = (problem: NormalisedPhone['problem'], digits = digitsOf(text)) => ({ ...nothing, digits, problem });
  if (text === '') return invalid('empty');
  if (/^\d([.,]\d+)?e\+?\d+$/i.test(text)) return invalid('scientific');

  const marked = EXTENSION.exec(text);
  const number = marked ? text.slice(0, marked.index) : text;
  const digits = digitsOf(number);
  if (!NUMBER.test(number) || digits === '') return invalid('not-a-number', digits);

  let extension = marked?.[1] ?? null;
  let parsed = valid(number, defaultCountry);
  const hyphened = HYPHENED_EXTENSION.exec(number);
  if (!parsed && extension === null && hyphened) {
    parsed = valid(hyphened[1]!, defaultCountry);
    if (parsed) extension = hyphened[2]!;
  }
  if (!parsed) {
    const countryMissing = !/^(\+|00)/.test(number) && !(defaultCountry && isSupportedCountry(defaultCountry));
    return { ...invalid(countryMissing ? 'no-country' : 'invalid', digits), extension };
  }
  return {
    e164: parsed.number,
    valid: true,
    kind: (parsed.getType()?.toLowerCase().replaceAll('_', '-') ?? 'unknown') as PhoneKind,
    digits: parsed.number.slice(1),
    national: parsed.nationalNumber.replace(/^0+/, ''),
    extension,
    problem: null,
  };
}

/**
 * The area code of a Chinese landline with its trunk zero, by the lengths of the numbering plan: `010`, `02x`, or four digits;
 * null for any other number. `e164` as of a valid number.
 * @example landlineAreaCode('+8675526770000') // '0755'
 */
export function landlineAreaCode(e164: string): string | null {
  const { kind, national } = normalisePhone(e164);
  if (!e164.startsWith('+86') || kind !== 'fixed-line' || national === null) return null;
  return `0${national.slice(0, /^(10|2)/.test(national) ? 2 : 3)}`;
}

/**
 * A phone number written in one way: E.164, with its extension. What is not valid stays as entered but for width and blanks.
 * @example cleanPhone('＋86 138-0000-0000').value // '+8613800000000'
 * @example cleanPhone('010-65541234 转 801', 'CN').value // '+861065541234 ext. 801'
 */
export function cleanPhone(raw: string, defaultCountry?: string): Cleaned<NonNullable<NormalisedPhone['problem']>> {
  const tidied = correct(raw, TEXT_STEPS);
  const { e164, extension, problem } = normalisePhone(tidied.value, defaultCountry);
  const written = e164 !== null && extension !== null ? `${e164} ext. ${extension}` : e164;
  const formed = correct(tidied.value, written === null ? [] : [['phone-to-e164', () => written]]);
  return { value: formed.value, corrections: [...tidied.corrections, ...formed.corrections], suggestions: [], problem };
}

/**
 * The extension within what was entered, of a number that is known to be this one; null where it has none.
 * @example extensionOf('010-65541234-801', '+861065541234') // '801'
 */
export const extensionOf = (entered: string, e164: string): string | null =>
  normalisePhone(entered, parsePhoneNumberFromString(e164)?.country).extension;

/** The tails of a number, from the last four digits to all: what people remember of it. */
export function phoneTails(phone: string): string[] {
  const digits = digitsOf(phone.normalize('NFKC'));
  return Array.from({ length: Math.max(0, digits.length - 3) }, (_, i) => digits.slice(digits.length - 4 - i));
}
