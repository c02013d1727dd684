import type { Address } from '@throughline/contracts';
import { countryCode, normalisePhone, type NormalisedPhone } from '@throughline/language';
import { isInChina } from './china.ts';

type Place = { [Part in keyof Address]?: Address[Part] | null | undefined };
type Places = readonly Place[] | null | undefined;

/**
 * The countries as whose numbers phones without a country code are read, the likeliest first: those that the addresses
 * name, the primary one before the others; none where what they name is no country that is known.
 *
 * @param otherwise that of addresses which name none
 */
export function phoneCountries(addresses: Places, otherwise = 'CN'): readonly string[] {
  const ordered = (addresses ?? []).toSorted((a, b) => Number(b.primary === true) - Number(a.primary === true));
  const found = ordered.flatMap((address) => {
    if (namesCountry([address])) return countryCode(address.country as string) ?? [];
    return isInChina(address as Address) ? otherwise : [];
  });
  return found.length > 0 || namesCountry(addresses) ? [...new Set(found)] : [otherwise];
}

export const namesCountry = (addresses: Places): boolean =>
  addresses?.some(({ country }) => (country ?? '').trim() !== '') ?? false;

/** A number as that of the first of some countries in which it is valid. */
export function phoneOf(raw: string, countries: readonly string[]): Readonly<NormalisedPhone> {
  const read = countries.map((country) => normalisePhone(raw, country));
  return read.find(({ valid }) => valid) ?? read[0] ?? normalisePhone(raw);
}
