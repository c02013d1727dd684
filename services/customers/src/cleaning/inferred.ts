import { isDeepStrictEqual } from 'node:util';
import type { CustomerEvent, CustomerField, CustomerFields, Inferred } from '@throughline/contracts';
import { inferFields, inferableFields, tellingFields } from './infer-fields.ts';

export type SayingEvent = Extract<CustomerEvent, { type: 'CustomerCreated' | 'CustomerDetailsChanged' }>;
type Known = {
  details: CustomerFields;
  /** Field -> the rule that its value follows from, where nobody said it. */
  inferred: Readonly<Record<string, string>>;
  cleared: readonly string[];
};

/** The rule where nothing tells the value of a field any more. */
export const nothingTells = 'none';

export const isInferable = (field: string): boolean => inferableFields.some((one) => one === field);

/** What people and sources said: without what follows from it. */
export const saidOf = ({ details, inferred }: Pick<Known, 'details' | 'inferred'>): CustomerFields =>
  Object.fromEntries(Object.entries(details).filter(([field]) => !(field in inferred)));

/**
 * An event with what follows from it, where a field is empty or was inferred before. What somebody said or cleared is left.
 *
 * @param after the record with the event
 */
export function withInferred(event: SayingEvent, after: Known): SayingEvent {
  if (!telling.some((field) => field in event)) return event;
  const told = inferFields(saidOf(after));
  const inferred = new Map(event.inferred?.map(({ field, rule }) => [field, rule]));
  const values: Record<string, unknown> = {};
  for (const field of inferableFields) {
    const isSaid = after.details[field] !== undefined && !(field in after.inferred);
    if (isSaid || after.cleared.includes(field)) continue;
    const { value = null, rule = nothingTells } = told.get(field) ?? {};
    const isSame = isDeepStrictEqual(value, after.details[field] ?? null);
    if (isSame && rule === (after.inferred[field] ?? nothingTells)) continue;
    values[field] = value;
    inferred.set(field, rule);
  }
  if (inferred.size === 0) return event;
  return { ...event, ...values, inferred: [...inferred].map(([field, rule]) => ({ field, rule })) };
}

const telling: readonly CustomerField[] = [...inferableFields, ...tellingFields];

/** Cleared without anybody's wish that nothing be inferred there. */
export function openAgain(fields: object): { inferred?: Inferred[] } {
  const open = Object.entries(fields).filter(([field, value]) => value === null && isInferable(field));
  return open.length > 0 ? { inferred: open.map(([field]) => ({ field, rule: nothingTells })) } : {};
}
