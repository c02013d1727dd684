import type { Address } from '@throughline/contracts';
import { countryCode, parseAddress } from '@throughline/language';

const han = /\p{Script=Han}/u;
const letters = /\p{L}/u;

/** Whether an address lies in China: it says so, or it is written in Chinese, or in no letters at all, and names no country. */
export function isInChina({ country, province, city, district, street }: Address): boolean {
  if ((country ?? '').trim() !== '') return countryCode(country as string) === 'CN';
  const text = [province, city, district, street].join('');
  return han.test(text) || !letters.test(text);
}

/** Code of GB/T 2260 of the smallest division that the parts of an address name for certain. */
export function regionCodeOf(address: Address): string | undefined {
  const { province, city, district } = address;
  const named = [province, city, district].filter(Boolean).join('');
  if (!han.test(named) || !isInChina(address)) return undefined;
  return parseAddress(named).regionCode ?? undefined;
}
