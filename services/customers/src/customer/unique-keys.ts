import type { Email } from '@throughline/contracts';
import { normaliseEmail } from '@throughline/language';

/** The form in which numbers are compared: those that differ only by case or width are one. */
export const numberKey = (number: string): string => number.normalize('NFKC').toUpperCase();

/** The claim of a number as it is shown, and as it is compared. */
const numberClaims = (number: string): string[] =>
  [...new Set([number, numberKey(number)])].map((form) => `number:${form}`);

/** What is still to be claimed of a number that was given out before its comparable form was claimed as well. */
export const unclaimedNumber = ({
  number,
  numberKey: key,
}: {
  number: string;
  numberKey?: string | undefined;
}): string[] => (key === undefined && numberKey(number) !== number ? [`number:${numberKey(number)}`] : []);

/** The claims by one of which somebody holds what a claim says, the surest first. */
export const claimsMeant = (claim: string): string[] =>
  claim.startsWith('number:') ? numberClaims(claim.slice('number:'.length)) : [claim];

/** @param holders claim -> who holds it, of all that are meant */
export const holderAmong = (holders: ReadonlyMap<string, string>, claim: string): string | undefined =>
  claimsMeant(claim).flatMap((one) => holders.get(one) ?? [])[0];

const uniqueKeys: Record<string, (value: string) => string> = {
  number: (value) => `number:${value}`,
  email: (value) => `email:${normaliseEmail(value).key ?? value}`,
};

/** Claim, such as `email:a@example.com` -> the customers that it names, each by a record; never without any. */
export type Named = ReadonlyMap<string, readonly string[]>;

/** What the holder of a unique value claims; undefined where nothing is unique by that key. */
export const claimOf = (key: string, value: string): string | undefined =>
  Object.hasOwn(uniqueKeys, key) ? uniqueKeys[key]?.(value) : undefined;

/** The e-mail address that a claim is about, in the form in which addresses are compared. */
export const emailOf = (claim: string): string | undefined =>
  claim.startsWith('email:') ? claim.slice('email:'.length) : undefined;

/** The addresses with the one that the record is known by, which comes first where it was not among them. */
export const withEmail = (emails: readonly Email[] | null = [], value: string): Email[] =>
  emails?.some((email) => claimOf('email', email.value) === claimOf('email', value))
    ? [...emails]
    : [{ value, primary: !emails?.length }, ...(emails ?? [])];
