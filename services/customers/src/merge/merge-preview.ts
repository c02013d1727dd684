import { isDeepStrictEqual } from 'node:util';
import {
  ownKeyOf,
  customerFieldNames,
  fieldsOf,
  survivorshipOf,
  type ChosenField,
  type CustomerField,
  type Golden,
  type Origin,
  type SurvivorshipRules,
  type Words,
} from '@throughline/contracts';
import { isUnsayable } from '../customer/customer-change.ts';
import { patchBetween, patchedFields, type CustomerInput } from '../customer/customer-fields.ts';
import { changedSince, goldenOfGroup, groupBefore, type Group } from '../customer/customer-group.ts';
import { shown } from '../customer/field-names.ts';

export type MergedField = {
  field: string;
  value: unknown;
  /** The records that the value comes from. */
  from: readonly string[];
  rule: string;
  /** The sources whose word goes before that of others. */
  sources?: readonly string[];
  /** Whether the customers say different things. */
  differs: boolean;
  candidates: readonly { recordId: string; value: unknown }[];
};

type Json = Record<string, unknown>;
type Shown = { field: CustomerField; value: unknown; origins: readonly Origin[] };

/**
 * What merging would make of each field, and why; nothing is recorded.
 *
 * @param after the customer as it would be
 */
export function previewMerge(
  groups: readonly Group[],
  after: Group,
  picks: Readonly<Record<string, string>>,
  rules: SurvivorshipRules,
): MergedField[] {
  const golden = oneByOne(goldenOfGroup(after));
  const before = groups.map((group) => ({ id: group[0].id, golden: oneByOne(goldenOfGroup(group)) }));
  return [...golden].map(([name, { field, value, origins }]) => {
    const candidates = before.flatMap(({ id, golden: own }) => {
      const said = own.get(name);
      return said ? [{ recordId: id, value: said.value }] : [];
    });
    const isPicked = name in picks || field in picks;
    const { rule, sources } = survivorshipOf(rules, name as ChosenField);
    return {
      field: shown(name),
      value,
      from: [...new Set(origins.map(({ recordId }) => recordId))],
      rule: isPicked ? 'picked' : rule,
      ...(sources && !isPicked && { sources }),
      differs:
        candidates.length < before.length ||
        candidates.some(({ value }) => !isDeepStrictEqual(value, candidates[0]?.value)),
      candidates,
    };
  });
}

/** By name, the installation's own fields each for itself, as `custom.<key>`. */
const oneByOne = (golden: Golden): ReadonlyMap<string, Shown> =>
  new Map(
    (Object.entries(golden) as [CustomerField, readonly Origin[]][]).flatMap(([field, origins]): [string, Shown][] =>
      field === 'custom'
        ? origins.map((origin) => {
            const key = ownKeyOf(origin);
            const value = (origin.value as Json)[key];
            return [`custom.${key}`, { field, value, origins: [{ ...origin, value }] }];
          })
        : [[field, { field, value: valueOf(golden, field), origins }]],
    ),
  );

const valueOf = (golden: Golden, field: CustomerField): unknown =>
  golden[field] && fieldsOf({ [field]: golden[field] } as Golden)[field];

/** What was changed since a record joined, as its user would see it. */
export function previewUnmerge(group: Group, recordId: string) {
  const part = group.find(({ id }) => id === recordId);
  const parent = group.find(({ id }) => id === part?.state.into);
  if (!parent) return undefined;
  const changed = [...changedSince(parent, recordId)].map(([field, change]) => ({ field: shown(field), ...change }));
  return { record: recordId, changed, records: group.map(({ id }) => id) };
}

/** Where the value of each field comes from: the record, and the event that said it. */
export function provenanceOf(group: Group) {
  const events = new Map(group.flatMap((part) => part.events.map((event) => [event.position, event] as const)));
  const connections = new Map(group.map(({ id, state }) => [id, state.externalIds[0]?.connectionId]));
  const fields = [...oneByOne(goldenOfGroup(group))].map(([name, { origins }]) => [
    shown(name),
    origins.flatMap(({ value, recordId, position, inferred }) => {
      const event = events.get(position);
      if (!event) return [];
      const { id: eventId, effectiveAt: at, meta } = event;
      const connectionId = connections.get(recordId);
      return [
        {
          value,
          recordId,
          eventId,
          at,
          actor: meta.actor,
          source: meta.source,
          ...(connectionId && { connectionId }),
          ...(inferred !== undefined && { inferred }),
        },
      ];
    }),
  ]);
  return { fields: Object.fromEntries(fields) as Record<string, unknown[]> };
}

/** Field, as callers name it -> its value now, and the one that it is to get back; null where there is none. */
export type Reverted = Readonly<Record<string, { before: unknown; after: unknown }>>;

/** The values that fields had before the last change of each. */
export const valuesBefore = (group: Group, fields: readonly CustomerField[]): Reverted =>
  reverted(group, fields, (field) => beforeLast(group, field));

/** What the record that answers for a customer said by itself before the last change of each field. */
export const wordsBefore = (group: Group, fields: readonly CustomerField[]): Words =>
  Object.fromEntries(fields.map((field) => [field, beforeLast(group, field)?.[0].record.words[field]]));

function beforeLast(group: Group, field: CustomerField): Group | undefined {
  const last = Math.max(0, ...group.map(({ record }) => record.words[field]?.position ?? 0));
  return groupBefore(group, last);
}

/**
 * The values that fields had when the customer was as `then` says; without those that are the same, or that only follow from
 * others, now as then.
 */
export function valuesThen(group: Group, then: Group, fields: readonly CustomerField[] = customerFieldNames): Reverted {
  const [goldenNow, goldenThen] = [goldenOfGroup(group), goldenOfGroup(then)];
  const said = fields.filter((field) => isSaid(goldenNow, field) || isSaid(goldenThen, field));
  const values = reverted(group, said, () => then);
  return Object.fromEntries(
    Object.entries(values).filter(([, { before, after }]) => !isDeepStrictEqual(before, after)),
  );
}

const isSaid = (golden: Golden, field: CustomerField): boolean =>
  (golden[field] ?? []).some(({ inferred }) => inferred === undefined);

function reverted(
  group: Group,
  fields: readonly CustomerField[],
  pastOf: (field: CustomerField) => Group | undefined,
): Reverted {
  const valueIn = (one: Group | undefined, field: CustomerField) =>
    one ? (valueOf(goldenOfGroup(one), field) ?? null) : null;
  return Object.fromEntries(
    fields.flatMap((field) => {
      const after = valueIn(pastOf(field), field);
      return isUnsayable(field, after) ? [] : [[shown(field), { before: valueIn(group, field), after }]];
    }),
  );
}

/** What a change has to say for it, of some fields as a merge patch. */
export const changesOf = (values: Reverted): CustomerInput =>
  Object.fromEntries(
    Object.entries(values).map(([field, { before, after }]) => [
      field,
      patchedFields.some((one) => one === field) && before && after
        ? patchBetween(before as Json, after as Json)
        : after,
    ]),
  );
