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
export const claimsOf = ({ rule, field, except = [] }: UniqueValue, fields: CustomerFields): string[] =>
  keysOf(field, fields)
    .filter((_, place) => !except.includes(place))
    .map((key) => `${uniqueClaim}${rule}:${field}:${key}`);

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

/** What a rule makes a record's own of what it holds; undefined where that is nothing. */
export function uniqueBut(
  { rule, field }: UniqueValue,
  fields: CustomerFields,
  isOwn: (claim: string) => boolean,
): UniqueValue | undefined {
  const claims = claimsOf({ rule, field }, fields);
  const except = claims.flatMap((claim, place) => (isOwn(claim) ? [] : [place]));
  if (except.length === claims.length) return undefined;
  return { rule, field, ...(except.length > 0 && { except }) };
}

const isOf =
  ({ rule, field }: UniqueValue) =>
  (other: UniqueValue) =>
    other.rule === rule && other.field === field;

/**
 * What a change claims: what it brings, besides what is claimed already. What an old record has had before a rule was made is
 * left alone, so that another change of it is not refused.
 */
export function uniqueAfter(
  { details: before, unique }: { details: CustomerFields; unique: readonly UniqueValue[] },
  changes: CustomerFields,
  rules: readonly ValidationRule[],
): { unique?: UniqueValue[] } {
  const after = { ...before, ...changes };
  const kept = stillUnique(unique, before, after);
  const own = new Set(unique.flatMap((one) => claimsOf(one, before)));
  const brought = uniqueValues(rules, after).flatMap((one) => {
    if (kept.some(isOf(one)) || isDeepStrictEqual(keysOf(one.field, before), keysOf(one.field, after))) return [];
    const had = new Set(claimsOf(one, before));
    return uniqueBut(one, after, (claim) => own.has(claim) || !had.has(claim)) ?? [];
  });
  return brought.length > 0 ? { unique: [...kept, ...brought] } : {};
}

/** What a record claims once some of what it holds becomes its own, besides what is. */
export function uniqueWith(
  { details, unique }: { details: CustomerFields; unique: readonly UniqueValue[] },
  free: readonly string[],
  rules: readonly ValidationRule[],
): UniqueValue[] {
  const own = new Set([...unique.flatMap((one) => claimsOf(one, details)), ...free]);
  const now = rules.flatMap(({ id: rule, kind, field }) =>
    kind === 'unique' ? (uniqueBut({ rule, field }, details, (claim) => own.has(claim)) ?? []) : [],
  );
  return [...unique.map((one) => now.find(isOf(one)) ?? one), ...now.filter((one) => !unique.some(isOf(one)))];
}
