import { isDeepStrictEqual } from 'node:util';
import type { CustomerFields, UniqueValue, ValidationRule } from '@throughline/contracts';
import { emailKeys, phoneKeys, registrationKeys } from '../customer/customer-fields.ts';
import { appliesTo, entriesOf } from './rule-values.ts';

const keysOfField: Record<string, (fields: CustomerFields) => string[]> = {
  emails: emailKeys,
  phones: phoneKeys,
  registrationNumber: registrationKeys,
  socials: ({ socials }) => (socials ?? []).map(({ network, value }) => `${folded(network)}:${folded(value)}`),
};

const folded = (text: string) => text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();

/** The comparable forms of what a field holds. */
function keysOf(field: string, fields: CustomerFields): string[] {
  const own = Object.hasOwn(keysOfField, field) ? keysOfField[field] : undefined;
  const keys = own?.(fields) ?? entriesOf(field, fields).map(({ text }) => folded(text));
  return [...new Set(keys)].filter((key) => key !== '');
}

/** Begins the claims of rules. */
export const uniqueClaim = 'value:';

/** What nobody else may have, of one rule. */
export const claimsOf = ({ rule, field }: UniqueValue, fields: CustomerFields): string[] =>
  keysOf(field, fields).map((key) => `${uniqueClaim}${rule}:${field}:${key}`);

const isUnique = (fields: CustomerFields) => (rule: ValidationRule) =>
  rule.kind === 'unique' && appliesTo(fields, rule) && keysOf(rule.field, fields).length > 0;

/** What rules would have nobody else have, of a record as it is. */
export const uniqueValues = (rules: readonly ValidationRule[], fields: CustomerFields): UniqueValue[] =>
  rules.filter(isUnique(fields)).map(({ id, field }) => ({ rule: id, field }));

/** What is still claimed where nothing more is said of it: the values that are as they were. */
export const stillUnique = (
  unique: readonly UniqueValue[],
  before: CustomerFields,
  after: CustomerFields,
): readonly UniqueValue[] =>
  unique.filter(({ field }) => isDeepStrictEqual(keysOf(field, before), keysOf(field, after)));

/**
 * What a change claims: what it brings, besides what is claimed already. What an old record has had before a rule was made is
 * left alone, so that another change of it is not refused.
 */
export function uniqueAfter(
  state: { details: CustomerFields; unique: readonly UniqueValue[] },
  changes: CustomerFields,
  rules: readonly ValidationRule[],
): { unique?: UniqueValue[] } {
  const after = { ...state.details, ...changes };
  const kept = stillUnique(state.unique, state.details, after);
  const brought = uniqueValues(rules, after).filter(
    ({ rule, field }) =>
      !kept.some((one) => one.rule === rule) && !isDeepStrictEqual(keysOf(field, state.details), keysOf(field, after)),
  );
  return brought.length > 0 ? { unique: [...kept, ...brought] } : {};
}
