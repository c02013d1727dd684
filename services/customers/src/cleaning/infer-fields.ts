import type { Address, CustomerField, CustomerFields } from '@throughline/contracts';
import {
  cleanIdentityCard,
  foldText,
  regionAround,
  regionFromAddress,
  regionFromIdentityCard,
  regionFromPhone,
  regionFromPostcode,
  regionFromRegistrationNumber,
  type InferredRegion,
  type Region,
} from '@throughline/language';
import { isInChina, regionCodeOf } from './china.ts';

type InferredValue = { value: unknown; rule: string };

/** What can follow from other fields. */
export const inferableFields = ['region', 'addresses', 'birthDate', 'gender'] as const satisfies CustomerField[];
type InferableField = (typeof inferableFields)[number];
/** What it follows from. */
export const tellingFields: readonly CustomerField[] = ['kind', 'phones', 'addresses', 'registrationNumber', 'custom'];

/** Names of custom fields, folded, that hold the number of an identity card. */
const cardNames = new Set([
  'idcard',
  'idcardnumber',
  'identitycard',
  'identitycardnumber',
  'idnumber',
  '身份证',
  '身份证号',
  '身份证号码',
]);

/**
 * What follows from the fields that somebody said, by the first rule that tells it. The region is a province: as an address says
 * it, its postcode, the area code of a phone, the registration number, at last the identity card, which names where its
 * holder lived once. Where there is no address, the place of an area code or a registration number is one.
 */
export function inferFields(said: CustomerFields): ReadonlyMap<InferableField, InferredValue> {
  const addresses = (said.addresses ?? []).filter(isInChina).toSorted((a, b) => rank(a) - rank(b));
  const card = identityCardOf(said);
  const seats = [
    ...(said.phones ?? []).map(({ e164 }) => (e164 === undefined ? null : regionFromPhone(e164))),
    said.registrationNumber ? regionFromRegistrationNumber(said.registrationNumber) : null,
  ];
  const regions = [
    ...addresses.map(regionOfAddress),
    ...addresses.map(({ postcode }) => (postcode ? regionFromPostcode(postcode) : null)),
    ...seats,
    card === undefined ? null : regionFromIdentityCard(card),
  ];
  const inferred = new Map<InferableField, InferredValue>();
  const region = first(regions);
  if (region) inferred.set('region', { value: region.value.province, rule: region.rule });
  const seat = first(seats);
  if (seat) inferred.set('addresses', { value: [addressOf(seat.value)], rule: seat.rule });
  const { birthDate = null, gender = null } = card === undefined ? {} : cleanIdentityCard(card);
  if (birthDate !== null) inferred.set('birthDate', { value: birthDate, rule: 'birth-date-from-identity-card' });
  if (gender !== null) inferred.set('gender', { value: gender, rule: 'gender-from-identity-card' });
  return inferred;
}

const first = (found: readonly (InferredRegion | null)[]) => found.find((one) => one !== null);
const rank = ({ primary }: Address) => (primary ? 0 : 1);

function regionOfAddress(address: Address): InferredRegion | null {
  const code = address.regionCode || regionCodeOf(address);
  const value = code !== undefined && /^\d{6}$/.test(code) ? regionAround(code) : null;
  if (value) return { value, rule: 'region-from-address' };
  return address.street ? regionFromAddress(address.street) : null;
}

const addressOf = ({ code, province, city, district }: Region): Address => ({
  country: 'CN',
  province,
  ...(city !== null && { city }),
  ...(district !== null && { district }),
  regionCode: code,
});

/** The number of an identity card in a custom field that is named for it; a company has none. */
function identityCardOf({ kind, custom }: CustomerFields): string | undefined {
  if (kind === 'company') return undefined;
  const named = Object.entries(custom ?? {}).filter(([name]) => cardNames.has(foldText(name).replace(/[\s_-]/g, '')));
  const numbers = named.flatMap(([, value]) =>
    typeof value === 'string' && cleanIdentityCard(value).valid ? [value] : [],
  );
  return numbers[0];
}
