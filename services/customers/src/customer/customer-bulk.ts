import { isDeepStrictEqual } from 'node:util';
import {
  entryKey,
  isListField,
  type CustomerEvent,
  type CustomerFields,
  type ListField,
  type Reverted,
} from '@throughline/contracts';
import { invalid, type DecideContext, type FieldError } from '@throughline/event-sourcing';
import { customKeyOf } from '../rules/rule-values.ts';
import { changeDetails, checkMoveOf } from './customer-change.ts';
import type { CustomerInput } from './customer-fields.ts';
import { normalEntries, withEntries } from './customer-import.ts';
import type { CustomerRules } from './customer-rules.ts';
import type { Customer } from './customer-state.ts';

/** `custom`: of own fields that are multi-choices, the chosen options. */
type Entries = Pick<CustomerFields, ListField> & { custom?: Readonly<Record<string, readonly string[]>> | undefined };

/** One change for many customers. No field is named twice, but that a list can lose entries and get others. */
export type BulkChange = {
  set?: CustomerInput | undefined;
  /** Entries that a list gets to those that are there. */
  add?: Entries | undefined;
  /** Entries that a list loses, wherever it has them. */
  remove?: Entries | undefined;
  /** Own ones as `custom.<key>`. */
  clear?: readonly string[] | undefined;
  /** Added tag -> all names that mean it: who has it by one of those has it. */
  tagNames?: Readonly<Record<string, readonly string[]>> | undefined;
  archive?: boolean | undefined;
  restore?: boolean | undefined;
};

const longest: Readonly<Record<ListField, number>> = {
  emails: 50,
  phones: 50,
  addresses: 50,
  socials: 50,
  tags: 200,
  productInterests: 200,
  hobbies: 200,
  competitors: 50,
};

type Known = {
  details: CustomerFields;
  inferred: Readonly<Record<string, string>>;
  reverted: readonly Reverted[];
};

/** Out of the archive, changed, into it: as far as that is anything new. */
export function changeInBulk(
  state: Customer,
  bulk: BulkChange,
  context: DecideContext<CustomerRules>,
): CustomerEvent[] {
  const isRestored = bulk.restore === true && state.status === 'archived';
  const current: Customer = isRestored ? { ...state, status: 'active' } : state;
  const changes = changesInBulk(bulk, state);
  checkMoveOf(current, changes, context);
  return [
    ...(isRestored ? [{ type: 'CustomerRestored' as const }] : []),
    ...(Object.keys(changes).length > 0 ? changeDetails(current, changes, context) : []),
    ...(bulk.archive && current.status === 'active' ? [{ type: 'CustomerArchived' as const }] : []),
  ];
}

/**
 * What it comes to on the fields that a record has now. Entries that were only inferred do not stay beside what is said.
 *
 * @throws Refusal `invalid-customer` where a list would have too many entries
 */
function changesInBulk(
  { set, add = {}, remove = {}, clear = [], tagNames = {} }: BulkChange,
  known: Known,
): CustomerInput {
  const names = namesIn(add, remove).filter(isListField);
  const normal = normalEntries(known);
  const errors: FieldError[] = [];
  const lists = names.flatMap((field) => {
    const key = entryKey(field);
    const before = (known.details[field] ?? []) as unknown[];
    const gone = new Set(normal(field, (remove[field] ?? []) as unknown[]).map(key));
    const left = before.filter((entry) => !gone.has(key(entry)));
    const said = field in known.inferred ? [] : left;
    const isHeld = (entry: unknown) => tagNames[entry as string]?.some((name) => said.includes(name));
    const fresh = ((add[field] ?? []) as unknown[]).filter((entry) => field !== 'tags' || !isHeld(entry));
    const after = withEntries(field, said, fresh, normal);
    if (after.length > Math.max(longest[field], before.length)) errors.push({ path: field, code: 'too-many' });
    const isSame = left.length === before.length && after.length === said.length;
    return isSame ? [] : [[field, after]];
  });
  const chosen = namesIn(add.custom, remove.custom).flatMap((key) => {
    const before = known.details.custom?.[key] ?? [];
    if (!Array.isArray(before)) {
      errors.push({ path: `custom.${key}`, code: 'wrong-type' });
      return [];
    }
    const left = before.filter((option) => !remove.custom?.[key]?.includes(option as string));
    const after = [...new Set([...left, ...(add.custom?.[key] ?? [])])];
    return isDeepStrictEqual(before, after) ? [] : [[key, after.length > 0 ? after : null]];
  });
  if (errors.length > 0) throw invalid('invalid-customer', errors);
  const ownCleared = clear.flatMap((field) => customKeyOf(field) ?? []).map((key) => [key, null]);
  const own = { ...set?.custom, ...Object.fromEntries([...chosen, ...ownCleared]) };
  const cleared = clear.filter((field) => customKeyOf(field) === undefined).map((field) => [field, null]);
  return {
    ...set,
    ...(Object.fromEntries([...lists, ...cleared]) as CustomerInput),
    ...(Object.keys(own).length > 0 && { custom: own }),
  };
}

const namesIn = (...some: readonly (object | undefined)[]): string[] => [
  ...new Set(some.flatMap((one) => Object.keys(one ?? {}))),
];

/** What is wrong with it, whichever record it is for. */
export function contradictionsOf({ set, add, remove, clear = [], archive, restore }: BulkChange): FieldError[] {
  const { custom: own, ...others } = set ?? {};
  const taken = new Set([...Object.keys(others), ...inCustom(own), ...clear]);
  const twice = [
    ...clear.flatMap((field, index) =>
      clear.indexOf(field) < index || field in others || inCustom(own).includes(field) ? [`clear.${index}`] : [],
    ),
    ...listedIn(add).flatMap((field) => (taken.has(field) ? [`add.${field}`] : [])),
    ...listedIn(remove).flatMap((field) => (taken.has(field) ? [`remove.${field}`] : [])),
    ...(archive && restore ? ['restore'] : []),
  ];
  const isEmpty = taken.size === 0 && !archive && !restore && [add, remove].every((lists) => isNothing(lists));
  return [
    ...twice.map((path) => ({ path, code: 'repeated' })),
    ...(isEmpty ? [{ path: 'set', code: 'required' }] : []),
  ];
}

const inCustom = (own: object | null | undefined): string[] => Object.keys(own ?? {}).map((key) => `custom.${key}`);

const listedIn = ({ custom, ...lists }: Entries = {}): string[] => [...Object.keys(lists), ...inCustom(custom)];

const isNothing = (lists: object = {}) => Object.keys(lists).length === 0;
