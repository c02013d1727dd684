import { isDeepStrictEqual } from 'node:util';
import {
  reservable,
  type CustomerEvent,
  type CustomerFields,
  type Reservable,
  type UniqueValue,
} from '@throughline/contracts';
import { rulesInForce } from '../rules/broken-rules.ts';
import { claimsOf, uniqueAfter, uniqueWith } from '../rules/unique-values.ts';
import { emailKeys, phoneKeys, registrationKeys } from './customer-fields.ts';
import type { CustomerRules, ReservedField } from './customer-rules.ts';
import type { Customer } from './customer-state.ts';
import { numberKey, unclaimedNumber } from './unique-keys.ts';

/** A customer's values, and which of them nobody else may have. */
type Reserving = {
  details: CustomerFields;
  emailsReserved: boolean;
  /** Places in `emails` of those that another record of the customer holds. */
  unreserved: readonly number[];
  reserved: readonly Reservable[];
  unique: readonly UniqueValue[];
};

/** What of given values becomes this customer's alone. */
export function reservations(
  fields: CustomerFields,
  reserves: readonly ReservedField[],
): { emailsReserved: boolean; reserved?: Reservable[] } {
  const reserved = reservable.filter((field) => reserves.includes(field) && valuesOf(field, fields).length > 0);
  return {
    emailsReserved: reserves.includes('emails') && hasEmails(fields),
    ...(reserved.length > 0 && { reserved }),
  };
}

const valuesOf = (field: Reservable, fields: CustomerFields): string[] =>
  field === 'phones' ? phoneKeys(fields) : registrationKeys(fields);

const claimNames: Record<Reservable, string> = { phones: 'phone', registrationNumber: 'registration-number' };

export const reservedValues = ({ details, reserved }: Reserving): string[] =>
  reserved.flatMap((field) => valuesOf(field, details).map((value) => `${claimNames[field]}:${value}`));

/** The rules by which a change makes values its customer's alone. */
export const claimed = (state: Reserving, changes: CustomerFields, { ruleSet, fieldSet }: CustomerRules) =>
  uniqueAfter(state, changes, rulesInForce(ruleSet, fieldSet));

/** What it has had since before a rule made it unique, or by a source's word, becomes its own where it is free. */
export function claimValues(
  state: Reserving & Pick<Customer, 'status' | 'number' | 'numberKey'>,
  free: readonly string[],
  { ruleSet, fieldSet }: CustomerRules,
): CustomerEvent[] {
  if (state.status === 'archived') return [];
  const unique = uniqueWith(state, free, rulesInForce(ruleSet, fieldSet));
  const isKeyFree = unclaimedNumber(state).some((claim) => free.includes(claim));
  if (isDeepStrictEqual(unique, state.unique) && !isKeyFree) return [];
  return [{ type: 'CustomerValuesClaimed', unique, ...(isKeyFree && { numberKey: numberKey(state.number) }) }];
}

/** What rules have nobody else have. */
export const claimedByRules = ({ details, unique }: Reserving): string[] =>
  unique.flatMap((one) => claimsOf(one, details));

/** The addresses that nobody else may have. */
export const reservedEmails = ({ details, emailsReserved, unreserved }: Reserving): string[] =>
  emailsReserved ? emailKeys({ emails: (details.emails ?? []).filter((_, index) => !unreserved.includes(index)) }) : [];

const hasEmails = ({ emails }: CustomerFields) => (emails?.length ?? 0) > 0;
