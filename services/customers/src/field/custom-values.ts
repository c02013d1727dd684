import { isDeepStrictEqual } from 'node:util';
import { isCurrency } from '@throughline/contracts';
import type { FieldError } from '@throughline/event-sourcing';
import type { FieldDefinition, FieldSet } from './field-set.ts';

type Values = Readonly<Record<string, unknown>>;

const longestText = 2_000;
const decimal = /^-?\d{1,15}(\.\d{1,6})?$/;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * What is wrong with the custom fields of a record that is made or changed.
 *
 * @param given the fields that the command names
 * @param before those that the record had; undefined where it is new
 * @param after those that it has with them
 */
export function customErrors(
  given: Values,
  before: Values | undefined,
  after: Values,
  { set, kinds }: { set: FieldSet; kinds: { before: string; after: string } },
): FieldError[] {
  const wrong = Object.keys(given).flatMap((key): FieldError[] => {
    const value = after[key];
    if (value === undefined) return [];
    const field = fieldOf(set, key);
    const code = field ? wrongness(field, value, before?.[key]) : set.refusesUnknown ? 'unknown-field' : undefined;
    return code === undefined ? [] : [{ path: `custom.${key}`, code }];
  });
  // What was missing before may be missing still: a field that becomes required later locks no record.
  const missing = Object.values(set.fields).filter(({ key, required = [], retired }) => {
    const isMissing = (values: Values | undefined, kind: string) =>
      required.includes(kind) && isEmpty(values?.[key]) && !retired;
    const wasMissing = before && isMissing(before, kinds.before);
    return isMissing(after, kinds.after) && !wasMissing;
  });
  return [...wrong, ...missing.map(({ key }) => ({ path: `custom.${key}`, code: 'required' }))];
}

/** What a source says of custom fields, in their types; what cannot be brought into its field's type is left out. */
export function fittingCustom(given: Values, set: FieldSet): { custom: Values; leftOut: readonly string[] } {
  const read = Object.entries(given).map(([key, value]) => {
    const field = fieldOf(set, key);
    return [key, field && value !== null ? converted(field, value) : value] as const;
  });
  const isWrong = ([key, value]: readonly [string, unknown]) => {
    const field = fieldOf(set, key);
    return field !== undefined && value !== null && wrongness(field, value, value) !== undefined;
  };
  return {
    custom: Object.fromEntries(read.filter((one) => !isWrong(one))),
    leftOut: read.filter(isWrong).map(([key]) => key),
  };
}

const fieldOf = ({ fields }: FieldSet, key: string): FieldDefinition | undefined =>
  Object.hasOwn(fields, key) ? fields[key] : undefined;

const isEmpty = (value: unknown) =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);

/** The code of what is wrong with a value; an option that was retired may stay where it is. */
function wrongness({ type, options = [] }: FieldDefinition, value: unknown, before: unknown): string | undefined {
  const ofType = (isRight: boolean) => (isRight ? undefined : 'wrong-type');
  const isChosen = (one: unknown) => options.some((option) => option.value === one && !option.retired);
  switch (type) {
    case 'text':
      return typeof value === 'string' && value.length > longestText ? 'too-long' : ofType(typeof value === 'string');
    case 'number':
      return ofType(typeof value === 'number' && Number.isFinite(value) && Math.abs(value) < 1e15);
    case 'boolean':
      return ofType(typeof value === 'boolean');
    case 'date':
      if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return 'wrong-type';
      return isDay(value) ? undefined : 'impossible-date';
    case 'money': {
      const { amount, currency, ...rest } = Object(value) as Record<string, unknown>;
      const isAmount = typeof amount === 'string' && decimal.test(amount) && Object.keys(rest).length === 0;
      return isAmount && !isCurrency(currency) ? 'unknown-currency' : ofType(isAmount);
    }
    case 'reference':
      return ofType(typeof value === 'string' && uuid.test(value));
    case 'choice':
      if (typeof value !== 'string') return 'wrong-type';
      return isChosen(value) || isDeepStrictEqual(value, before) ? undefined : 'not-allowed';
    case 'multi-choice': {
      if (!Array.isArray(value) || value.some((one) => typeof one !== 'string')) return 'wrong-type';
      if (new Set(value).size < value.length) return 'repeated';
      const had: unknown[] = Array.isArray(before) ? before : [];
      return value.every((one) => isChosen(one) || had.includes(one)) ? undefined : 'not-allowed';
    }
  }
}

/** A text as sources and tables have it, in the field's type where it can be read so. */
export function converted(field: FieldDefinition, value: unknown): unknown {
  const { type, options = [] } = field;
  const optionOf = (one: unknown) => {
    const text = String(one).trim();
    return options.find(({ value: own, label }) => [own, label.en, label.zh].includes(text))?.value ?? one;
  };
  switch (type) {
    case 'text':
      return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
    case 'number':
      return typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
    case 'boolean':
      return value === 'true' || value === '是' ? true : value === 'false' || value === '否' ? false : value;
    case 'date':
      return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T/.test(value) ? value.slice(0, 10) : value;
    case 'choice':
      return optionOf(value);
    case 'multi-choice': {
      const several = Array.isArray(value) ? value : typeof value === 'string' ? value.split(/[,;，；、]/) : undefined;
      return several ? [...new Set(several.map(optionOf))] : value;
    }
    case 'money':
    case 'reference':
      return value;
  }
}

const isDay = (date: string): boolean => {
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
};
