import type { Email } from '@throughline/contracts';
import { normaliseEmail } from '@throughline/language';

const uniqueKeys: Record<string, (value: string) => string> = {
  number: (value) => `number:${value}`,
  email: (value) => `email:${normaliseEmail(value).key ?? value}`,
};

/** What the holder of a unique value claims; undefined where nothing is unique by that key. */
export const claimOf = (key: string, value: string): string | undefined =>
  Object.hasOwn(uniqueKeys, key) ? uniqueKeys[key]?.(value) : undefined;

/** The addresses with the one that the record is known by, which comes first where it was not among them. */
export const withEmail = (emails: readonly Email[] | null = [], value: string): Email[] =>
  emails?.some((email) => claimOf('email', email.value) === claimOf('email', value))
    ? [...emails]
    : [{ value, primary: !emails?.length }, ...(emails ?? [])];
