import type { CustomerFields, ValidationRule } from '@throughline/contracts';
import { inEvents } from '../customer/field-names.ts';

/** A text of a record, and where it stands. */
export type Entry = { path: string; text: string };

const custom = 'custom.';
export const customKeyOf = (field: string): string | undefined =>
  field.startsWith(custom) ? field.slice(custom.length) : undefined;

/** By the name that callers have for the field. */
export function valueOf(fields: CustomerFields, field: string): unknown {
  const key = customKeyOf(field);
  if (key === undefined) return fields[inEvents(field)];
  const own = fields.custom ?? {};
  return Object.hasOwn(own, key) ? own[key] : undefined;
}

export const isMissing = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (typeof value === 'string' && value.trim() === '') ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && Object.keys(value).length === 0);

/** The texts of a field: its own one, or of a list each one, or the `value` of each. */
export function entriesOf(field: string, fields: CustomerFields): Entry[] {
  const value = valueOf(fields, field);
  const entry = (path: string, text: unknown): Entry[] =>
    (typeof text === 'string' && text !== '') || typeof text === 'number' ? [{ path, text: String(text) }] : [];
  if (!Array.isArray(value)) return entry(field, value);
  return value.flatMap((one: unknown, index) => {
    const inner = (one as { value?: unknown } | null)?.value;
    return inner === undefined ? entry(`${field}.${index}`, one) : entry(`${field}.${index}.value`, inner);
  });
}

/** Whether a rule holds for such a record. */
export function appliesTo(fields: CustomerFields, { when, customerKind }: ValidationRule): boolean {
  if (customerKind !== undefined && customerKind !== (fields.kind ?? 'person')) return false;
  if (!when) return true;
  const value = when.field === 'kind' ? (fields.kind ?? 'person') : valueOf(fields, when.field);
  const values: unknown[] = Array.isArray(value) ? value : [value];
  return values.some((one) => when.in.includes(String(one)));
}
