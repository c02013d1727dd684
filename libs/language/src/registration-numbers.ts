import { CODE_STEPS, correct, TEXT_STEPS, type Cleaned, type Suggestion } from './cleaning.ts';

/** The part of a credit code that fails. */
export type RegistrationNumberProblem = 'length' | 'characters' | 'department' | 'region' | 'check-character';

/** The number of a company in a register, as understood. */
export interface RegistrationNumber extends Cleaned<RegistrationNumberProblem> {
  /** `other` is whatever the rules of China do not explain, and kept as text: a VAT number, a foreign register's. */
  kind: 'credit-code' | 'business-licence' | 'other';
  /** Where it was registered, a code of GB/T 2260; null unless the number is valid. */
  regionCode: string | null;
}

const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const WEIGHTS = Array.from({ length: 17 }, (_, i) => 3 ** i % 31);
// Registering departments by GB 32100-2015 with its amendment 1 of 2016.
const DEPARTMENT = /^[1-9ANY]/;
const LOOK_ALIKES: Record<string, string> = { O: '0', I: '1', Z: '2', S: '5' };
const CREDIT_CODE_LIKE = /^[1-9ANY][0-9A-Z][\dOI]{6}[0-9A-Z]{10}$/;
const MISCOUNTED_CREDIT_CODE_LIKE = /^9[1-3]\d{6}[0-9A-Z]{8,12}$/;

/** The 18th character of a credit code by its first 17 (GB 32100-2015: mod 31); null where one is not of the alphabet. */
export function creditCodeCheck(first17: string): string | null {
  const values = [...first17].map((character) => ALPHABET.indexOf(character));
  if (values.length !== 17 || values.includes(-1)) return null;
  const sum = values.reduce((total, value, i) => total + value * WEIGHTS[i]!, 0);
  return ALPHABET[(31 - (sum % 31)) % 31]!;
}

/** The 15th digit of a business licence number by its first 14 (GS 15-2006: ISO 7064 mod 11,10). */
export function businessLicenceCheck(first14: string): string {
  const product = [...first14].reduce((left, digit) => (((left + Number(digit)) % 10 || 10) * 2) % 11, 10);
  return String((11 - product) % 10);
}

// A national authority registers under 100000.
const isRegion = (code: string) => /^(10|1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])\d{4}$/.test(code);

function creditCodeProblem(code: string): RegistrationNumberProblem | null {
  if (code.length !== 18) return 'length';
  const check = creditCodeCheck(code.slice(0, 17));
  if (check === null || !ALPHABET.includes(code[17]!)) return 'characters';
  if (!DEPARTMENT.test(code)) return 'department';
  if (!isRegion(code.slice(2, 8))) return 'region';
  return check === code[17] ? null : 'check-character';
}

function lookAlikes(code: string): Suggestion[] {
  const to = code.replace(/[OIZS]/g, (letter) => LOOK_ALIKES[letter]!);
  return to !== code && creditCodeProblem(to) === null ? [{ rule: 'registration-number-look-alikes', to }] : [];
}

/** The form in which numbers of registers are compared: what people put between their characters does not count. */
export const registrationNumberKey = (raw: string): string =>
  raw
    .normalize('NFKC')
    .replace(/[^\p{L}\p{N}]/gu, '')
    .toUpperCase();

/**
 * Reads the registration number of a company: a Chinese unified social credit code (GB 32100-2015), the 15-digit business
 * licence number before it (GS 15-2006), or a text. Fifteen digits whose check digit fails are a text as well: tax numbers
 * were that long. Letters that a credit code does not have (O I Z S) give a suggestion where their look-alikes fit.
 * @example cleanRegistrationNumber('９１４４０３００７０８４６１１３６ｔ').value // '91440300708461136T'
 */
export function cleanRegistrationNumber(raw: string): RegistrationNumber {
  const code = correct(raw, CODE_STEPS);
  if (CREDIT_CODE_LIKE.test(code.value) || MISCOUNTED_CREDIT_CODE_LIKE.test(code.value)) {
    const problem = creditCodeProblem(code.value);
    const regionCode = problem === null ? code.value.slice(2, 8) : null;
    return { ...code, kind: 'credit-code', regionCode, suggestions: lookAlikes(code.value), problem };
  }
  if (
    /^\d{15}$/.test(code.value) &&
    isRegion(code.value.slice(0, 6)) &&
    businessLicenceCheck(code.value.slice(0, 14)) === code.value[14]
  ) {
    const regionCode = code.value.slice(0, 6);
    return { ...code, kind: 'business-licence', regionCode, suggestions: [], problem: null };
  }
  return { ...correct(raw, TEXT_STEPS), kind: 'other', regionCode: null, suggestions: [], problem: null };
}
