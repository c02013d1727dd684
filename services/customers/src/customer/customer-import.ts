import {
  entryKey,
  isListField,
  type Address,
  type CustomerEvent,
  type CustomerFields,
  type ListField,
  type Reverted,
} from '@throughline/contracts';
import { conflict, type DecideContext } from '@throughline/event-sourcing';
import { cleanCustomer } from '../cleaning/clean-customer.ts';
import { saidOf } from '../cleaning/inferred.ts';
import { changeDetails } from './customer-change.ts';
import { inNormalForm, patchedFields, type CustomerInput } from './customer-fields.ts';
import type { CustomerRules } from './customer-rules.ts';
import type { Customer, ExternalId } from './customer-state.ts';
import { inEvents } from './field-names.ts';
import { withAddresses } from './imported-addresses.ts';

/**
 * What a value of a row does to a field that has one already: `overwrite` replaces it, `if-empty` and `never` keep it, `add`
 * puts the entries of a list to those that are there. `never` does not fill an empty one either. The parts of an address that
 * a row names only in part are fields of their own; `add` replaces them.
 */
export const importPolicies = ['overwrite', 'if-empty', 'never', 'add'] as const;
export type ImportPolicy = (typeof importPolicies)[number];
export type ImportPolicies = Readonly<Partial<Record<string, ImportPolicy>>>;

/** What a row may do: make a new record, change one that is there, or whichever it takes. */
export type ImportMode = 'create' | 'update' | 'both';

export type ImportCustomer = {
  type: 'ImportCustomer';
  number: string;
  externalId?: ExternalId;
  mode: ImportMode;
  row: CustomerInput;
  policies: ImportPolicies;
};

type Json = Readonly<Record<string, unknown>>;
/** What a record says, and the corrections on it that were taken back. */
type Known = { details: CustomerFields; reverted?: readonly Reverted[] };

/** An archived record comes back: somebody wants it in. */
export function importRow(
  state: Customer,
  { mode, row, policies }: ImportCustomer,
  context: DecideContext<CustomerRules>,
): CustomerEvent[] {
  const isArchived = state.status === 'archived';
  if (mode === 'create' && !isArchived) throw conflict('customer-exists');
  const changes = changesByPolicy(row, { ...state, details: saidOf(state) }, policies);
  return [
    ...(isArchived ? [{ type: 'CustomerRestored' as const }] : []),
    ...changeDetails({ ...state, status: 'active' }, changes, context),
  ];
}

/** What a row changes on a record that is there: empty cells say nothing. */
function changesByPolicy(row: CustomerInput, known: Known, policies: ImportPolicies): CustomerInput {
  const { details } = known;
  const normal = normalEntries(known);
  const changes = Object.entries(row).flatMap(([name, value]): [string, unknown][] => {
    if (value === undefined || value === null) return [];
    const field = inEvents(name);
    const before = details[field];
    if (patchedFields.includes(field))
      return [[name, byPolicy(name, value as Json, before as Json | undefined, policies)]];
    const isEmpty = before === undefined || (Array.isArray(before) && before.length === 0);
    const policy = policies[name] ?? (isListField(field) ? 'add' : 'overwrite');
    if (name === 'addresses' && policy !== 'never') {
      const there = details.addresses ?? [];
      const tidy = (all: readonly Address[]) => normal('addresses', all) as readonly Address[];
      const addresses = withAddresses(there, value as Address[], policy, tidy);
      return addresses === there ? [] : [[name, addresses]];
    }
    switch (policy) {
      case 'overwrite':
        return [[name, value]];
      case 'if-empty':
        return isEmpty ? [[name, value]] : [];
      case 'never':
        return [];
      case 'add':
        return [
          [
            name,
            isListField(field) ? withEntries(field, (before ?? []) as unknown[], value as unknown[], normal) : value,
          ],
        ];
    }
  });
  return Object.fromEntries(changes) as CustomerInput;
}

/** What is taken of several in one: the policy of `custom.tea` goes before that of all in `custom`. */
const byPolicy = (name: string, given: Json, before: Json | null | undefined, policies: ImportPolicies): Json =>
  Object.fromEntries(
    Object.entries(given).filter(([key]) => {
      const policy = policies[`${name}.${key}`] ?? policies[name];
      return policy !== 'never' && (policy !== 'if-empty' || before?.[key] === undefined);
    }),
  );

/** Entries as they will stand on a record, each in the place that it was given in. */
export const normalEntries =
  ({ details, reverted = [] }: Known) =>
  (field: ListField, entries: readonly unknown[]): readonly unknown[] => {
    const { fields } = cleanCustomer({ [field]: entries } as CustomerInput, { reverted });
    return (inNormalForm(fields, details)[field] ?? []) as readonly unknown[];
  };

/** Those that are there, then what is new in its normal form; one primary entry at most stays the primary one. */
export function withEntries(
  field: ListField,
  before: readonly unknown[],
  added: readonly unknown[],
  normal: (field: ListField, entries: readonly unknown[]) => readonly unknown[],
): unknown[] {
  const key = entryKey(field);
  const there = new Set(before.map(key));
  const isPrimary = (entry: unknown) => (entry as { primary?: boolean }).primary === true;
  const hasPrimary = before.some(isPrimary);
  const keys = normal(field, added).map(key);
  const fresh = added.filter((_, index) => !there.has(keys[index] ?? ''));
  return [...before, ...fresh.map((entry) => (hasPrimary && isPrimary(entry) ? withoutPrimary(entry) : entry))];
}

function withoutPrimary(entry: unknown): unknown {
  const { primary: _, ...rest } = entry as Record<string, unknown>;
  return rest;
}
