import { entryKey, isListField, type CustomerField, type CustomerFields, type ListField } from '@throughline/contracts';
import type { CustomerInput } from './customer-fields.ts';

/**
 * What a value of a row does to a field that has one already: `overwrite` replaces it, `if-empty` and `never` keep it, `add`
 * puts the entries of a list to those that are there. `never` does not fill an empty one either.
 */
export const importPolicies = ['overwrite', 'if-empty', 'never', 'add'] as const;
export type ImportPolicy = (typeof importPolicies)[number];
export type ImportPolicies = Readonly<Partial<Record<string, ImportPolicy>>>;

/** What a row changes on a record that is there: empty cells say nothing. */
export function changesByPolicy(row: CustomerInput, details: CustomerFields, policies: ImportPolicies): CustomerInput {
  const changes = Object.entries(row).flatMap(([name, value]) => {
    if (value === undefined || value === null) return [];
    const field = (name === 'type' ? 'customerType' : name) as CustomerField;
    const before = details[field];
    const isEmpty = before === undefined || (Array.isArray(before) && before.length === 0);
    switch (policies[name] ?? (isListField(field) ? 'add' : 'overwrite')) {
      case 'overwrite':
        return [[name, value]];
      case 'if-empty':
        return isEmpty ? [[name, value]] : [];
      case 'never':
        return [];
      case 'add':
        return [
          [name, isListField(field) ? withEntries(field, (before ?? []) as unknown[], value as unknown[]) : value],
        ];
    }
  });
  return Object.fromEntries(changes) as CustomerInput;
}

/** Those that are there, then what is new; one primary entry at most stays the primary one. */
export function withEntries(field: ListField, before: readonly unknown[], added: readonly unknown[]): unknown[] {
  const key = entryKey(field);
  const there = new Set(before.map(key));
  const isPrimary = (entry: unknown) => (entry as { primary?: boolean }).primary === true;
  const hasPrimary = before.some(isPrimary);
  const fresh = added.filter((entry) => !there.has(key(entry)));
  return [...before, ...fresh.map((entry) => (hasPrimary && isPrimary(entry) ? withoutPrimary(entry) : entry))];
}

function withoutPrimary(entry: unknown): unknown {
  const { primary: _, ...rest } = entry as Record<string, unknown>;
  return rest;
}
