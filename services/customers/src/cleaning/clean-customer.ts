import { isDeepStrictEqual } from 'node:util';
import type { Address, Correction, CustomerFields, Reverted } from '@throughline/contracts';
import {
  cleanEmail,
  cleanGender,
  cleanRegistrationNumber,
  cleanSocialAccount,
  cleanText,
  parseAddress,
  socialNetwork,
  type Cleaned,
} from '@throughline/language';
import { shown } from '../customer/field-names.ts';
import { isInChina, regionCodeOf } from './china.ts';

/** What the record says already, and the corrections that somebody took back. */
export type CleaningContext = { details?: CustomerFields; reverted?: readonly Reverted[] };
export type CleanedFields<F> = { fields: F; corrections: readonly Correction[] };

type Entry = Readonly<Record<string, unknown>>;
/** Writes one value at a path in its normal form. */
type Correct = <T>(path: string, raw: T, to: T, rules: readonly string[], steps?: readonly Correction[]) => T;
type Clean = (raw: string) => Pick<Cleaned, 'value' | 'corrections'>;

/**
 * Brings what is given for a record into its normal form; it never says something else than before. Numbers of phones stay as
 * entered, since their E.164 form stands beside them; custom fields stay as they are. A value whose corrections were taken
 * back is left alone. Idempotent, never throws.
 *
 * @param given some or all fields, as callers or as events name them
 */
export function cleanCustomer<F extends object>(given: F, context: CleaningContext = {}): CleanedFields<F> {
  const corrections: Correction[] = [];
  const { details = {}, reverted = [] } = context;
  const correct: Correct = (path, raw, to, rules, steps) => {
    if (reverted.some((one) => isAbout(one, path, rules, raw, to))) return raw;
    corrections.push(...(steps ?? rules.map((rule) => ({ path, rule, from: raw, to }))));
    return to;
  };
  const fields = Object.entries(given).map(([field, value]: [string, unknown]) => {
    if (typeof value === 'string') {
      return [field, cleaned(correct, shown(field), value, textCleaners[field] ?? cleanText)];
    }
    if (!Array.isArray(value)) return [field, value];
    const entries = value.map((entry: unknown, index) => {
      const path = `${field}.${index}`;
      if (typeof entry === 'string') return cleaned(correct, path, entry, cleanText);
      return isEntry(entry) ? (entryCleaners[field] ?? cleanLabel)(correct, path, entry, details) : entry;
    });
    return [field, entries];
  });
  return { fields: Object.fromEntries(fields) as F, corrections };
}

const textCleaners: Readonly<Record<string, Clean>> = {
  registrationNumber: cleanRegistrationNumber,
  gender: cleanGender,
};

const entryCleaners: Readonly<
  Record<string, (correct: Correct, path: string, entry: Entry, before: CustomerFields) => Entry>
> = {
  emails: (correct, path, entry) => withClean(correct, path, cleanLabel(correct, path, entry), 'value', cleanEmail),
  socials: (correct, path, entry) => cleanSocial(correct, path, cleanLabel(correct, path, entry)),
  addresses: (correct, path, entry, { addresses }) => cleanAddress(correct, path, entry, addresses ?? []),
};

const isEntry = (entry: unknown): entry is Entry =>
  typeof entry === 'object' && entry !== null && !Array.isArray(entry);

/** Nobody enters more into a field; a source's whole letter stays as it came. */
const longest = 1_000;

/** Tidies one text; the steps are recorded one by one. */
function cleaned(correct: Correct, path: string, raw: string, clean: Clean): string {
  if (raw.length > longest) return raw;
  const { value, corrections } = clean(raw);
  if (corrections.length === 0) return raw;
  const steps = corrections.map((correction) => ({ path, ...correction }));
  return correct(
    path,
    raw,
    value,
    corrections.map(({ rule }) => rule),
    steps,
  );
}

function withClean(correct: Correct, path: string, entry: Entry, property: string, clean: Clean): Entry {
  const raw = entry[property];
  if (typeof raw !== 'string') return entry;
  return { ...entry, [property]: cleaned(correct, `${path}.${property}`, raw, clean) };
}

const cleanLabel = (correct: Correct, path: string, entry: Entry): Entry =>
  withClean(correct, path, entry, 'label', cleanText);

function cleanSocial(correct: Correct, path: string, entry: Entry): Entry {
  const { network } = entry;
  if (typeof network !== 'string') return entry;
  const to = socialNetwork(network);
  const known = to === network ? network : correct(`${path}.network`, network, to, ['social-network']);
  return withClean(correct, path, { ...entry, network: known }, 'value', (raw) => cleanSocialAccount(network, raw));
}

const addressTexts = ['country', 'province', 'city', 'district', 'regionCode', 'street', 'postcode', 'label'];

function cleanAddress(correct: Correct, path: string, entry: Entry, before: readonly Address[]): Entry {
  const parts: Entry | undefined = partsOfLine(plain(entry));
  if (parts) {
    const isPart = ([name]: [string, unknown]) => name === 'street' || name in parts;
    const from = Object.fromEntries(Object.entries(entry).filter(isPart));
    const others = Object.fromEntries(Object.entries(entry).filter((one) => !isPart(one)));
    // Taken back, the line stays as it was entered, its blanks included.
    const taken = correct<Entry>(path, from, parts, ['address-in-parts']);
    return { ...addressTexts.reduce((now, name) => withClean(correct, path, now, name, cleanText), others), ...taken };
  }
  const tidy = addressTexts.reduce((now, name) => withClean(correct, path, now, name, cleanText), entry);
  return withRegionCode(correct, path, tidy as Address, before);
}

const plain = (entry: Entry): Entry =>
  Object.fromEntries(
    Object.entries(entry).map(([name, value]) => [name, typeof value === 'string' ? cleanText(value).value : value]),
  );

/** The parts of an address that was entered as one line. */
function partsOfLine(address: Address): Address | undefined {
  const { province, city, district, regionCode, street } = address;
  if (province || city || district || regionCode || !street || street.length > longest) return undefined;
  if (!isInChina(address)) return undefined;
  const parsed = parseAddress(street);
  if (parsed.regionCode === null) return undefined;
  return {
    ...(parsed.province !== null && { province: parsed.province }),
    ...(parsed.city !== null && { city: parsed.city }),
    ...(parsed.district !== null && { district: parsed.district }),
    regionCode: parsed.regionCode,
    ...(parsed.rest !== '' && { street: parsed.rest }),
  };
}

/** With the code that its divisions have, where none was given, or the one given was that of the divisions before. */
function withRegionCode(correct: Correct, path: string, address: Address, before: readonly Address[]): Entry {
  const { regionCode: given } = address;
  const regionCode = regionCodeOf(address);
  if (regionCode === undefined || regionCode === given) return address;
  const isOld = before.some((old) => old.regionCode === given && regionCodeOf(old) === given);
  if (given && !isOld) return address;
  const from = given === undefined ? {} : { regionCode: given };
  return { ...address, ...correct<object>(path, from, { regionCode }, ['region-code']) };
}

const places = /(?<=\.)\d+(?=\.|$)/g;

/** Entries of a list may have changed places since. */
const isAbout = (reverted: Reverted, path: string, rules: readonly string[], from: unknown, to: unknown): boolean =>
  reverted.path.replace(places, '*') === path.replace(places, '*') &&
  rules.every((rule) => reverted.rules.includes(rule)) &&
  isDeepStrictEqual(reverted.from, from) &&
  isDeepStrictEqual(reverted.to, to);
