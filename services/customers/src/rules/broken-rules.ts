import { isDeepStrictEqual } from 'node:util';
import type { CustomerFields, Instant, RuleSet, ValidationRule } from '@throughline/contracts';
import type { FieldError } from '@throughline/event-sourcing';
import { inferFields } from '../cleaning/infer-fields.ts';
import type { FieldSet } from '../field/field-set.ts';
import { dayOf } from './days.ts';
import { patternOf, type Pattern } from './pattern.ts';
import { appliesTo, customKeyOf, entriesOf, isMissing, valueOf } from './rule-values.ts';

type Judged = {
  /** The record that is changed; undefined where it is new, or judged as it is. */
  before: CustomerFields | undefined;
  after: CustomerFields;
  now: Instant;
};

/** Without those about fields that nobody fills in any more. */
export const rulesInForce = ({ rules }: RuleSet, { fields }: FieldSet): readonly ValidationRule[] =>
  rules.filter(({ field }) => fields[customKeyOf(field) ?? '']?.retired !== true);

/**
 * What rules have against a record, as far as it is new: an entry of a list and a field that were there before, and a field
 * that was missing, may stay as they are. Whether a value is unique the store knows.
 */
export function brokenRules(rules: readonly ValidationRule[], judged: Judged): FieldError[] {
  return rules.flatMap((rule) => {
    const params = { ruleId: rule.id, ...rule.message };
    return brokenAt(rule, judged).map((path) => ({ path, code: 'rule-failed', params }));
  });
}

function brokenAt(rule: ValidationRule, { before, after, now }: Judged): string[] {
  if (!appliesTo(after, rule)) return [];
  const { field } = rule;
  switch (rule.kind) {
    case 'required':
    case 'dependent': {
      const lacks = (fields: CustomerFields) => appliesTo(fields, rule) && isMissing(valueOf(fields, field));
      if (!lacks(after) || (before && lacks(before))) return [];
      return lacks(withWhatFollows(after)) ? [field] : [];
    }
    case 'format': {
      const had = new Set(before && entriesOf(field, before).map(({ text }) => text));
      const fits = formOf(rule);
      return entriesOf(field, after).flatMap(({ path, text }) => (had.has(text) || fits(text) ? [] : [path]));
    }
    case 'range': {
      const value = valueOf(after, field);
      const isAsBefore = before !== undefined && isDeepStrictEqual(value, valueOf(before, field));
      return isMissing(value) || isAsBefore || isWithin(rule, value, now) ? [] : [field];
    }
    case 'unique':
      return [];
  }
}

/** What nobody said and nobody cleared may follow from other fields. */
const withWhatFollows = (fields: CustomerFields): CustomerFields => ({
  ...Object.fromEntries([...inferFields(fields)].map(([field, { value }]) => [field, value])),
  ...fields,
});

const forms = new WeakMap<ValidationRule, Pattern>();

function formOf(rule: ValidationRule): Pattern {
  let form = forms.get(rule);
  if (!form) forms.set(rule, (form = patternOf(rule.pattern ?? '') ?? (() => true)));
  return form;
}

function isWithin({ min, max, currency }: ValidationRule, value: unknown, now: Instant): boolean {
  const [least, most] = [min, max].map((bound) => (typeof bound === 'number' ? bound : undefined));
  if (Array.isArray(value)) return isBetween(value.length, least, most);
  if (typeof value === 'number') return isBetween(value, least, most);
  if (typeof value === 'string') {
    if (typeof (min ?? max) === 'number') return isBetween([...value].length, least, most);
    const first = min === undefined ? undefined : dayOf(String(min), now, 'earliest');
    const last = max === undefined ? undefined : dayOf(String(max), now, 'latest');
    return isBetween(value, first, last);
  }
  const { amount, currency: own } = Object(value) as { amount?: unknown; currency?: unknown };
  const exact = inMillionths(amount);
  if (exact === undefined || (currency !== undefined && currency !== own)) return true;
  return isBetween(exact, inMillionths(min), inMillionths(max));
}

const isBetween = <T extends number | string | bigint>(value: T, min: T | undefined, max: T | undefined): boolean =>
  !(min !== undefined && value < min) && !(max !== undefined && value > max);

/** Exact; undefined of what is no decimal. */
export function inMillionths(amount: unknown): bigint | undefined {
  const [, whole, fraction = ''] = /^(-?\d{1,15})(?:\.(\d{1,6}))?$/.exec(String(amount)) ?? [];
  return whole === undefined ? undefined : BigInt(whole + fraction.padEnd(6, '0'));
}
