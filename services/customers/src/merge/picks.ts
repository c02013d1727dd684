import type { Group } from '../customer/customer-group.ts';
import { inEvents } from '../customer/field-names.ts';

/** Callers may name any record of a customer: what counts is the customer's own. */
export function picksOf(
  fields: Readonly<Record<string, string>> = {},
  groups: readonly Group[],
): Record<string, string> {
  const topOf = new Map(groups.flatMap((group) => group.map(({ id }) => [id, group[0].id] as const)));
  return Object.fromEntries(
    Object.entries(fields).map(([field, id]) => [inEvents(field), topOf.get(id) ?? String(id)]),
  );
}
