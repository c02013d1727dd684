import { isDeepStrictEqual } from 'node:util';
import type { Correction, CustomerFields, Email, Phone } from '@throughline/contracts';
import { normaliseEmail } from '@throughline/language';
import type { CleanedFields } from './clean-customer.ts';
import { phoneCountries, phoneOf } from './phone-countries.ts';

type Once = (
  fields: CustomerFields,
  corrections: readonly Correction[],
  known?: CustomerFields,
) => CleanedFields<CustomerFields>;

/**
 * Each address once, however it is spelt: as it was first, with the labels of all its spellings, and the primary one where any
 * is said to be. A list that stands in `known` already stays as it is.
 */
export const emailsOnce: Once = (fields, corrections, { emails: before } = {}) => {
  const { emails } = fields;
  if (!emails || isDeepStrictEqual(emails, before)) return { fields, corrections };
  const { entries, placeOf } = once<Email>(emails, ({ value }) => normaliseEmail(value).key ?? value);
  return { fields: { ...fields, emails: entries }, corrections: moved(corrections, 'emails', placeOf) };
};

/** The same of phones: by what they are in E.164, each extension for itself, else by their text. */
export const phonesOnce: Once = (fields, corrections, known = {}) => {
  const { phones } = fields;
  if (!phones || isDeepStrictEqual(phones, known.phones)) return { fields, corrections };
  const countries = phoneCountries(fields.addresses ?? known.addresses);
  const { entries, placeOf } = once<Phone>(phones, ({ value }) => {
    const { e164, extension } = phoneOf(value, countries);
    return e164 ? `${e164} ${extension ?? ''}` : value;
  });
  return { fields: { ...fields, phones: entries }, corrections: moved(corrections, 'phones', placeOf) };
};

const longestLabel = 100;

/** `placeOf`: where an entry stands now; nothing of those that are gone. */
function once<E extends Email | Phone>(
  all: readonly E[],
  keyOf: (entry: E) => string,
): { entries: E[]; placeOf: ReadonlyMap<number, number> } {
  const same = [...Map.groupBy(all.entries(), ([, entry]) => keyOf(entry)).values()];
  const entries = same.map((spellings) => {
    const [[, first]] = spellings as [[number, E]];
    if (spellings.length === 1) return first;
    const labels = new Set(spellings.flatMap(([, { label }]) => label || []));
    const label = [...labels].join(', ');
    return {
      ...first,
      ...(label !== '' && { label: label.length > longestLabel ? ([...labels][0] as string) : label }),
      ...(spellings.some(([, { primary }]) => primary) && { primary: true }),
    };
  });
  return { entries, placeOf: new Map(same.map(([first], place) => [first![0], place])) };
}

/** Entries of the list stand elsewhere, or are gone. */
const moved = (
  corrections: readonly Correction[],
  list: string,
  placeOf: ReadonlyMap<number, number>,
): readonly Correction[] =>
  corrections.flatMap((correction) => {
    const [field, place, ...rest] = correction.path.split('.');
    if (field !== list) return [correction];
    const now = placeOf.get(Number(place));
    return now === undefined ? [] : [{ ...correction, path: [field, now, ...rest].join('.') }];
  });
