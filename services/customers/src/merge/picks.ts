import { isDeepStrictEqual } from 'node:util';
import { fieldsOf } from '@throughline/contracts';
import { invalid } from '@throughline/event-sourcing';
import { goldenOfGroup, groupOf, type Group } from '../customer/customer-group.ts';
import { inEvents } from '../customer/field-names.ts';
import { valueOf } from '../rules/rule-values.ts';

/**
 * Callers may name any record of a customer: what counts is the customer's own.
 *
 * @throws Refusal `invalid-merge` where the record says something else than its customer: nobody would get what they chose
 */
export function picksOf(
  fields: Readonly<Record<string, string>> = {},
  groups: readonly Group[],
): Record<string, string> {
  const named = new Map(groups.flatMap((group) => group.map(({ id }) => [id, group] as const)));
  const errors = Object.entries(fields).flatMap(([field, id]) => {
    const group = named.get(id);
    return group && !isItsOwn(field, id, group) ? [{ path: `fields.${field}`, code: 'of-merged-record' }] : [];
  });
  if (errors.length > 0) throw invalid('invalid-merge', errors);
  return Object.fromEntries(
    Object.entries(fields).map(([field, id]) => [inEvents(field), named.get(id)?.[0].id ?? String(id)]),
  );
}

/** Whether what a record of a customer says in a field is what the customer has there. */
function isItsOwn(field: string, id: string, group: Group): boolean {
  const record = group.find((part) => part.id === id);
  if (!record || record === group[0]) return true;
  const own = groupOf(record, new Map(group.map((part) => [part.id, part])));
  return isDeepStrictEqual(valueIn(own, field), valueIn(group, field));
}

const valueIn = (group: Group, field: string): unknown => valueOf(fieldsOf(goldenOfGroup(group)), field);
