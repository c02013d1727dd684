import type { Email } from '@throughline/contracts';
import { normaliseEmail } from '@throughline/language';

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
