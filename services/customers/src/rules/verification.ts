import type { CustomerFields, Instant, UniqueValue, VerificationFailure } from '@throughline/contracts';
import type { FieldError } from '@throughline/event-sourcing';
import { normaliseEmail, normalisePhone } from '@throughline/language';
import type { CustomerRules } from '../customer/customer-rules.ts';
import type { Customer } from '../customer/customer-state.ts';
import { unclaimedNumber } from '../customer/unique-keys.ts';
import { customErrors } from '../field/custom-values.ts';
import { brokenRules, rulesInForce } from './broken-rules.ts';
import { dayOf, isDay } from './days.ts';
import { customKeyOf } from './rule-values.ts';
import { claimsOf, uniqueValues } from './unique-values.ts';

type Given = { rules: Pick<CustomerRules, 'ruleSet' | 'fieldSet'>; now: Instant };

/** What rules would have nobody but this customer have. */
export const valuesToHold = (
  fields: CustomerFields,
  { ruleSet, fieldSet }: Given['rules'],
): (UniqueValue & { claims: string[] })[] =>
  uniqueValues(rulesInForce(ruleSet, fieldSet), fields).map((one) => ({ ...one, claims: claimsOf(one, fields) }));

/**
 * What of customers' values nobody claims, for the record that holds it: of several the first one. What another record of the
 * customer overrides is not the customer's.
 *
 * @param holders claim -> the record that has it already
 * @returns record -> claims
 */
export function freeClaims(
  customers: readonly {
    records: readonly { id: string; state: Pick<Customer, 'details' | 'number' | 'numberKey'> }[];
    fields: CustomerFields;
  }[],
  rules: Given['rules'],
  holders: ReadonlyMap<string, string>,
): ReadonlyMap<string, readonly string[]> {
  const held = new Map(holders);
  const found = new Map<string, string[]>();
  for (const { records, fields } of customers) {
    const values = valuesToHold(fields, rules);
    const wanted = new Set(values.flatMap(({ claims }) => claims));
    for (const { id, state } of records) {
      const own = values.flatMap((one) => claimsOf(one, state.details));
      const kept = [...own.filter((claim) => wanted.has(claim)), ...unclaimedNumber(state)];
      const free = kept.filter((claim) => !held.has(claim));
      for (const claim of free) held.set(claim, id);
      if (free.length > 0) found.set(id, free);
    }
  }
  return found;
}

/**
 * What is wrong with a customer as it is recorded, also where nobody was refused for it: because a source said it, or because
 * the rule is a newer one. Each failure once, in an order that says nothing.
 *
 * @param isTaken whether another customer claims a value
 */
export function verificationOf(
  fields: CustomerFields,
  { rules, now }: Given,
  isTaken: (claim: string) => boolean,
): VerificationFailure[] {
  const { ruleSet, fieldSet } = rules;
  const custom = fields.custom ?? {};
  const kind = fields.kind ?? 'person';
  const taken = valuesToHold(fields, rules).filter(({ claims }) => claims.some(isTaken));
  const found = [
    ...contactErrors(fields),
    ...dayErrors(fields, now),
    ...customErrors(custom, custom, custom, { set: fieldSet, kinds: { before: kind, after: kind } })
      // A source may give any field.
      .filter(({ code }) => code !== 'unknown-field')
      .map(failureOf),
    ...brokenRules(rulesInForce(ruleSet, fieldSet), { before: undefined, after: fields, now }).map(failureOf),
    ...taken.map(({ rule, field }) => ({ field, code: 'value-taken', ruleId: rule })),
  ];
  const once = new Map(found.map((one) => [[one.field, one.code, one.ruleId ?? ''].join('\u0000'), one]));
  return [...once].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function failureOf({ path, code, params }: FieldError): VerificationFailure {
  const ruleId = params?.['ruleId'];
  const parts = path.split('.');
  return {
    field: parts.slice(0, customKeyOf(path) === undefined ? 1 : 2).join('.'),
    code,
    ...(typeof ruleId === 'string' && { ruleId }),
  };
}

function contactErrors({ emails, phones }: CustomerFields): VerificationFailure[] {
  const wrongEmails = (emails ?? []).flatMap(({ value }) => normaliseEmail(value).problem ?? []);
  const wrongPhones = (phones ?? []).filter(({ e164 }) => e164 === undefined);
  return [
    ...wrongEmails.map((problem) => ({ field: 'emails', code: `email-${problem}` })),
    ...wrongPhones.map(({ value }) => {
      const { problem } = normalisePhone(value, 'CN');
      return { field: 'phones', code: `phone-${problem ?? 'invalid'}` };
    }),
  ];
}

/** A source may have said any text. */
function dayErrors({ birthDate }: CustomerFields, now: Instant): VerificationFailure[] {
  if (!birthDate) return [];
  if (birthDate.startsWith('today') || !isDay(birthDate)) return [{ field: 'birthDate', code: 'impossible-date' }];
  return birthDate > dayOf('today', now, 'latest') ? [{ field: 'birthDate', code: 'in-the-future' }] : [];
}
