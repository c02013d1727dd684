import { CODE_STEPS, correct, type Cleaned } from './cleaning.ts';

export type IdentityCardProblem = 'empty' | 'length' | 'characters' | 'region' | 'birth-date' | 'check-character';

/** The number of a resident identity card, as understood; what it says is null unless it is valid. */
export interface IdentityCard extends Cleaned<IdentityCardProblem> {
  valid: boolean;
  /** Where it was first issued, by the GB/T 2260 of that time: districts have been renumbered since. */
  regionCode: string | null;
  /** `YYYY-MM-DD` */
  birthDate: string | null;
  gender: 'male' | 'female' | null;
}

const WEIGHTS = Array.from({ length: 17 }, (_, i) => 2 ** (17 - i) % 11);
// Provinces of GB/T 2260; 81 to 83 are the residence permits of people from Hong Kong, Macau and Taiwan.
const PROVINCE = /^(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])/;
const EARLIEST_YEAR = 1850;
// The last three digits of a 15-digit number that leaves a centenarian's century open.
const CENTENARIAN = /99[6-9]$/;

/** The 18th character by the first 17 digits (GB 11643-1999: ISO 7064 mod 11-2). */
export function identityCardCheck(first17: string): string {
  const sum = [...first17].reduce((total, digit, i) => total + Number(digit) * WEIGHTS[i]!, 0);
  return '10X98765432'[sum % 11]!;
}

function calendarDate(year: number, month: number, day: number): string | null {
  const date = new Date(Date.UTC(year, month - 1, day));
  const real = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return real && year >= EARLIEST_YEAR ? date.toISOString().slice(0, 10) : null;
}

/** A number of 15 digits (before 1999) in 18. */
function lengthened(old: string): string {
  const first17 = `${old.slice(0, 6)}19${old.slice(6)}`;
  return first17 + identityCardCheck(first17);
}

/**
 * Reads the number of a Chinese resident identity card: 18 characters (GB 11643-1999) or the 15 digits before, which have no
 * check digit. Says nothing about a number that is not valid, and never whose it is.
 */
export function cleanIdentityCard(raw: string): IdentityCard {
  const { value, corrections } = correct(raw, CODE_STEPS);
  const invalid = (problem: IdentityCardProblem): IdentityCard => {
    const nothing = { regionCode: null, birthDate: null, gender: null };
    return { value, corrections, suggestions: [], problem, valid: false, ...nothing };
  };
  if (value === '') return invalid('empty');
  if (value.length !== 18 && value.length !== 15) return invalid('length');
  if (!/^(\d{17}[\dX]|\d{15})$/.test(value)) return invalid('characters');
  if (!PROVINCE.test(value)) return invalid('region');

  const old = value.length === 15;
  const digits = old ? lengthened(value) : value;
  const birthDate = calendarDate(
    Number(digits.slice(6, 10)),
    Number(digits.slice(10, 12)),
    Number(digits.slice(12, 14)),
  );
  if (birthDate === null) return invalid('birth-date');
  if (digits[17] !== identityCardCheck(digits.slice(0, 17))) return invalid('check-character');

  const centuryOpen = old && CENTENARIAN.test(value);
  return {
    value,
    corrections,
    suggestions: old && !centuryOpen ? [{ rule: 'identity-card-of-18', to: digits }] : [],
    problem: null,
    valid: true,
    regionCode: value.slice(0, 6),
    birthDate: centuryOpen ? null : birthDate,
    gender: Number(digits[16]) % 2 === 1 ? 'male' : 'female',
  };
}
