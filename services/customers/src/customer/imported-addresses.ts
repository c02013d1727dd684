import type { Address } from '@throughline/contracts';
import { foldText } from '@throughline/language';
import { isInChina } from '../cleaning/china.ts';

/** Addresses as they will stand on a record, each in the place that it was given in. */
type Normal = (addresses: readonly Address[]) => readonly Address[];

const divisions = ['province', 'city', 'district'] as const;
const parts = ['country', ...divisions, 'street', 'postcode'] as const;
type Part = (typeof parts)[number];

/**
 * The addresses of a record with those of a row. One that is named in part completes or changes the one that is meant: that
 * of its label, or without a label the primary one, or the first. So does one that is the same as another.
 *
 * @param policy `if-empty` changes no part that is there, and adds nothing to a record that has an address; `overwrite` replaces
 *   all that are there, unless the row names addresses only in part
 * @returns `before` itself where nothing changes
 */
export function withAddresses(
  before: readonly Address[],
  given: readonly Address[],
  policy: 'overwrite' | 'if-empty' | 'add',
  normal: Normal,
): readonly Address[] {
  const [known, said] = [normal(before), normal(given)];
  const after = [...before];
  const others: Address[] = [];
  said.forEach((one, index) => {
    const place = isNamedInPart(one) ? placeMeant(before, one) : known.findIndex((other) => isSame(one, other));
    const there = after[place];
    if (there) after[place] = changed(there, one, normal, policy === 'if-empty');
    else others.push(given[index] as Address);
  });
  if (policy === 'overwrite' && (others.length > 0 || !said.every(isNamedInPart))) return given;
  const added = policy === 'add' || before.length === 0 ? others : [];
  const isChanged = added.length > 0 || after.some((one, index) => one !== before[index]);
  return isChanged ? [...after, ...added] : before;
}

/** Without a street, or without saying where the street is. */
const isNamedInPart = (address: Address): boolean =>
  !address.street || !(address.regionCode || divisions.some((part) => address[part]));

const placeMeant = (addresses: readonly Address[], { label }: Address): number =>
  label === undefined
    ? Math.max(
        addresses.findIndex(({ primary }) => primary),
        0,
      )
    : addresses.findIndex((one) => one.label === label);

/** Blanks say nothing between Chinese characters. */
const folded = (text = ''): string => {
  const value = foldText(text);
  return /\p{Script=Han}/u.test(value) ? value.replace(/\s/g, '') : value;
};

const isSameText = (part: Part, one = '', other = ''): boolean =>
  folded(one) === folded(other) ||
  (part === 'country' && [one, other].every((country) => country !== '' && isInChina({ country })));

/** The street of the same division, or of one that is called the same as far as both say. */
function isSame(one: Address, other: Address): boolean {
  if (folded(one.street) !== folded(other.street)) return false;
  if (one.regionCode !== undefined && one.regionCode === other.regionCode) return true;
  const both = parts.filter((part) => part !== 'street' && one[part] && other[part]);
  return (
    both.some((part) => part !== 'country' && part !== 'postcode') &&
    both.every((part) => isSameText(part, one[part], other[part]))
  );
}

function changed(before: Address, said: Address, normal: Normal, isFilledOnly: boolean): Address {
  const given = parts.filter(
    (part) => said[part] && !(isFilledOnly && before[part]) && !isSameText(part, said[part], before[part]),
  );
  const values: Address = Object.fromEntries(given.map((part) => [part, said[part]]));
  const moved = divisions.filter((part) => values[part]);
  if (moved.length === 0) return given.length === 0 ? before : { ...before, ...values };
  // The code named the divisions that were there.
  const { regionCode, ...rest } = before;
  const after = { ...rest, ...values };
  if (regionCode === undefined || normal([after])[0]?.regionCode !== regionCode) return after;
  // 广东 is the 广东省 that was there.
  const kept = moved.filter((part) => before[part]?.startsWith(values[part] ?? '') === true);
  return { ...after, ...Object.fromEntries(kept.map((part) => [part, before[part]])), regionCode };
}
