import { isDeepStrictEqual } from 'node:util';
import {
  isCurrency,
  noRules,
  type FieldOption,
  type RuleKind,
  type RuleSet,
  type RuleSetEvent,
  type ValidationRule,
} from '@throughline/contracts';
import { derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';
import { customerFieldList, type BuiltInField } from '../field/built-in-fields.ts';
import type { FieldSet } from '../field/field-set.ts';
import { inMillionths } from './broken-rules.ts';
import { isDay } from './days.ts';
import { patternOf } from './pattern.ts';
import { customKeyOf } from './rule-values.ts';

export type RuleSetCommand = { type: 'DefineRuleSet'; object: string } & RuleSet;

/** One stream holds all rules for one kind of record. */
export const ruleSetId = (object: string): string => derivedId('rule-set', object);

type Type = BuiltInField['type'];
type Field = { type: Type; options?: readonly FieldOption[]; hasTexts: boolean };
type At = (path: string, code: string) => FieldError;

/** What the values of customers have to be like. What fields there are comes along. */
export const ruleSet: Decider<RuleSet, RuleSetCommand, RuleSetEvent, FieldSet> = {
  category: 'rule-set',
  initial: noRules,

  decide(state, { object, rules }, { rules: fieldSet }) {
    const ids = rules.map(({ id }) => id);
    const errors = rules.flatMap((rule, index) => {
      const at: At = (path, code) => ({ path: `rules.${index}.${path}`, code });
      // One that stands may stay, although its field is not filled in any more.
      const stands = state.rules.some((one) => isDeepStrictEqual(one, rule));
      return [
        ...(ids.indexOf(rule.id) < index ? [at('id', 'repeated')] : []),
        ...(stands ? [] : errorsOf(rule, fieldSet, at)),
      ];
    });
    if (errors.length > 0) throw invalid('invalid-rule-set', errors);
    return isDeepStrictEqual(state.rules, rules) ? [] : [{ type: 'RuleSetDefined', object, rules: [...rules] }];
  },

  evolve: (_, { rules }) => ({ rules }),
};

/** The rules by which only one may have a value, each with the definition since which it is as it is. */
export function uniqueSince<Definition extends { data: RuleSet }>(
  definitions: readonly Definition[],
): { rule: ValidationRule; since: Definition }[] {
  const now = definitions.at(-1)?.data.rules ?? [];
  return now
    .filter(({ kind }) => kind === 'unique')
    .flatMap((rule) => {
      const isWithout = ({ data }: Definition) => !data.rules.some((one) => isDeepStrictEqual(one, rule));
      const since = definitions[definitions.findLastIndex(isWithout) + 1];
      return since ? [{ rule, since }] : [];
    });
}

/** What each kind says besides what all do. */
const own: Record<RuleKind, readonly (keyof ValidationRule)[]> = {
  required: [],
  dependent: ['when'],
  format: ['when', 'pattern'],
  range: ['when', 'min', 'max', 'currency'],
  unique: ['when'],
};
const ofSome = ['when', 'pattern', 'min', 'max', 'currency'] as const;

function errorsOf(rule: ValidationRule, fieldSet: FieldSet, at: At): FieldError[] {
  const { kind, message, when } = rule;
  const field = fieldNamed(rule.field, fieldSet);
  return [
    ...ofSome
      .filter((fact) => rule[fact] !== undefined && !own[kind].includes(fact))
      .map((fact) => at(fact, 'not-allowed')),
    ...(field ? kindErrors(rule, field, at) : [at('field', 'unknown-field')]),
    ...(when ? whenErrors(when, fieldSet, at) : kind === 'dependent' ? [at('when', 'required')] : []),
    ...(['zh', 'en'] as const).flatMap((language) =>
      message[language].trim() ? [] : [at(`message.${language}`, 'required')],
    ),
  ];
}

/** Numbers of records are allotted, and never change. */
const builtIn = new Map(
  customerFieldList
    .filter(({ key }) => key !== 'number')
    .map(({ key, type, options, parts = [] }): [string, Field] => {
      const hasTexts = type === 'text' || type === 'texts' || parts.some((part) => part.key === 'value');
      return [key, { type, hasTexts, ...(options && { options }) }];
    }),
);

function fieldNamed(name: string, { fields }: FieldSet): Field | undefined {
  const key = customKeyOf(name);
  if (key === undefined) return builtIn.get(name);
  const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
  if (!field || field.retired) return undefined;
  return { type: field.type, hasTexts: field.type === 'text', ...(field.options && { options: field.options }) };
}

function kindErrors(rule: ValidationRule, { type, hasTexts }: Field, at: At): FieldError[] {
  switch (rule.kind) {
    case 'required':
    case 'dependent':
      return [];
    case 'format': {
      if (!hasTexts) return [at('field', 'not-allowed')];
      if (rule.pattern === undefined) return [at('pattern', 'required')];
      return patternOf(rule.pattern) ? [] : [at('pattern', 'wrong-pattern')];
    }
    case 'range':
      return rangeErrors(rule, type, at);
    case 'unique':
      return hasTexts || type === 'number' || type === 'reference' ? [] : [at('field', 'not-allowed')];
  }
}

const isCount = (bound: unknown) => Number.isInteger(bound) && (bound as number) >= 0;
const isAmount = (bound: unknown) => typeof bound === 'string' && inMillionths(bound) !== undefined;
const bounds: Partial<Record<Type, (bound: string | number) => boolean>> = {
  number: Number.isFinite,
  money: isAmount,
  date: (bound) => typeof bound === 'string' && isDay(bound),
  text: isCount,
  texts: isCount,
  list: isCount,
  'multi-choice': isCount,
};

function rangeErrors({ min, max, currency }: ValidationRule, type: Type, at: At): FieldError[] {
  const isBound = bounds[type];
  if (!isBound) return [at('field', 'not-allowed')];
  const given = Object.entries({ min, max }).filter((one): one is [string, string | number] => one[1] !== undefined);
  const wrong = given.filter(([, bound]) => !isBound(bound)).map(([path]) => at(path, 'wrong-type'));
  return [
    ...(given.length === 0 ? [at('min', 'required')] : wrong),
    ...(given.length === 2 && wrong.length === 0 && isReversed(min, max, type) ? [at('max', 'out-of-range')] : []),
    ...(currency === undefined || type === 'money' ? [] : [at('currency', 'not-allowed')]),
    ...(currency === undefined || isCurrency(currency) ? [] : [at('currency', 'unknown-currency')]),
  ];
}

/** Of days that move it may change with the day which one comes first. */
function isReversed(min: unknown, max: unknown, type: Type): boolean {
  if (type === 'money') return (inMillionths(min) as bigint) > (inMillionths(max) as bigint);
  const moves = [min, max].some((bound) => String(bound).startsWith('today'));
  return !moves && (min as number) > (max as number);
}

/** Whatever one of some words can be compared with. */
const comparable: readonly Type[] = ['text', 'texts', 'choice', 'multi-choice', 'boolean', 'number', 'reference'];

function whenErrors({ field: name, in: wanted }: NonNullable<ValidationRule['when']>, fieldSet: FieldSet, at: At) {
  const field = fieldNamed(name, fieldSet);
  if (!field) return [at('when.field', 'unknown-field')];
  if (!comparable.includes(field.type)) return [at('when.field', 'not-allowed')];
  const { options } = field;
  return wanted.flatMap((value, index) =>
    !options || options.some((option) => option.value === value) ? [] : [at(`when.in.${index}`, 'not-allowed')],
  );
}
