import { describe, expect, it } from '@jest/globals';
import type { RuleKind, ValidationRule } from '@throughline/contracts';
import { Refusal } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import { noFields, type FieldDefinition, type FieldSet } from '../field/field-set.ts';
import { ruleSet, uniqueSince } from './rule-set.ts';

const message = { zh: '不行', en: 'No.' };
const rule = (kind: RuleKind, field: string, more: Partial<ValidationRule> = {}): ValidationRule => ({
  id: 'one',
  kind,
  field,
  message,
  ...more,
});
const field = (key: string, type: FieldDefinition['type'], more: Partial<FieldDefinition> = {}) => ({
  [key]: { key, type, sensitivity: 'normal' as const, retired: false, ...more },
});
const fieldSet: FieldSet = {
  ...noFields,
  fields: {
    ...field('card', 'text'),
    ...field('credit', 'money'),
    ...field('age', 'number'),
    ...field('since', 'date'),
    ...field('old', 'text', { retired: true }),
    ...field('level', 'choice', { options: [{ value: 'gold', label: { en: 'Gold' } }] }),
  },
};
const define = (...rules: ValidationRule[]) => ({ type: 'DefineRuleSet', object: 'customer', rules }) as const;
const given = scenario(ruleSet, { rules: fieldSet });
const defined = (...rules: ValidationRule[]) => ({ type: 'RuleSetDefined', object: 'customer', rules }) as const;

/** The errors that rules are refused with. */
function wrong(...rules: ValidationRule[]): string[] {
  try {
    ruleSet.decide(ruleSet.initial, define(...rules), { now: '', entry: 'person', rules: fieldSet });
    return [];
  } catch (error) {
    return (error as Refusal).errors.map(({ path, code }) => `${path} ${code}`);
  }
}

describe('a rule set', () => {
  const rules = [
    rule('required', 'phones', { id: 'a', customerKind: 'company' }),
    rule('dependent', 'custom.card', { id: 'b', when: { field: 'custom.level', in: ['gold'] } }),
    rule('format', 'emails', { id: 'c', pattern: '.+@example\\.com' }),
    rule('range', 'custom.credit', { id: 'd', min: '0', max: '100000.50', currency: 'CNY' }),
    rule('range', 'birthDate', { id: 'e', min: '1900-01-01', max: 'today' }),
    rule('range', 'tags', { id: 'f', max: 5 }),
    rule('range', 'name', { id: 'g', min: 2 }),
    rule('unique', 'custom.card', { id: 'h' }),
  ];

  it('is defined as a whole', () => {
    given()
      .when(define(...rules))
      .then(defined(...rules));
    given(defined(...rules))
      .when(define(...rules))
      .thenNothing();
    given(defined(...rules))
      .when(define())
      .then(defined());
  });

  it.each<[string, ValidationRule, string[]]>([
    ['of a field that there is not', rule('required', 'custom.shoe'), ['field unknown-field']],
    ['of a field that nobody fills in any more', rule('required', 'custom.old'), ['field unknown-field']],
    ['of the number, which is allotted', rule('format', 'number', { pattern: 'A.*' }), ['field unknown-field']],
    ['of a form of what has no text', rule('format', 'custom.age', { pattern: '1' }), ['field not-allowed']],
    ['of a form without a pattern', rule('format', 'name'), ['pattern required']],
    ['of a form that looks ahead', rule('format', 'name', { pattern: '(?=a)' }), ['pattern wrong-pattern']],
    ['of a range without an end', rule('range', 'custom.age'), ['min required']],
    ['of a range of flags', rule('range', 'ownerId', { min: 1 }), ['field not-allowed']],
    ['of days by a number', rule('range', 'custom.since', { min: 18 }), ['min wrong-type']],
    ['of a day that is none', rule('range', 'custom.since', { max: '2026-02-30' }), ['max wrong-type']],
    ['of an amount by a number', rule('range', 'custom.credit', { min: 0 }), ['min wrong-type']],
    ['of a length that is negative', rule('range', 'tags', { min: -1 }), ['min wrong-type']],
    ['of a range that is empty', rule('range', 'custom.age', { min: 5, max: 3 }), ['max out-of-range']],
    ['of amounts likewise', rule('range', 'custom.credit', { min: '10', max: '9.99' }), ['max out-of-range']],
    [
      'of an unknown currency',
      rule('range', 'custom.credit', { min: '1', currency: 'XXZ' }),
      ['currency unknown-currency'],
    ],
    ['of one address alone', rule('unique', 'addresses'), ['field not-allowed']],
    ['that depends on nothing', rule('dependent', 'name'), ['when required']],
    [
      'that depends on a list',
      rule('dependent', 'name', { when: { field: 'emails', in: ['x'] } }),
      ['when.field not-allowed'],
    ],
    [
      'that depends on an option that there is not',
      rule('dependent', 'name', { when: { field: 'custom.level', in: ['gold', 'iron'] } }),
      ['when.in.1 not-allowed'],
    ],
    [
      'that says what is another kind’s',
      rule('required', 'name', { when: { field: 'type', in: ['vip'] }, pattern: 'a', min: 1 }),
      ['when not-allowed', 'pattern not-allowed', 'min not-allowed'],
    ],
    [
      'that tells people nothing',
      rule('required', 'name', { message: { zh: ' ', en: 'No.' } }),
      ['message.zh required'],
    ],
  ])('has none %s', (_, one, errors) => {
    expect(wrong(one)).toEqual(errors.map((error) => `rules.0.${error}`));
  });

  it('may be sent back as it is, with a rule of a field that nobody fills in any more', () => {
    const old = rule('required', 'custom.old', { id: 'old' });
    given(defined(old))
      .when(define(old, ...rules))
      .then(defined(old, ...rules));
    given(defined(old))
      .when(define({ ...old, message: { zh: '不', en: 'No' } }))
      .thenRefused('invalid-rule-set');
  });

  it('names all that is wrong at once', () => {
    expect(wrong(rule('required', 'name'), rule('format', 'shoe'), rule('range', 'name'))).toEqual([
      'rules.1.id repeated',
      'rules.1.field unknown-field',
      'rules.2.id repeated',
      'rules.2.min required',
    ]);
    given()
      .when(define(rule('required', 'shoe')))
      .thenRefused('invalid-rule-set');
  });
});

describe('a rule by which only one may have a value', () => {
  it('counts since it was first defined as it is, without a definition that lacks it', () => {
    const [kept, changed, back] = ['kept', 'changed', 'back'].map((id) => rule('unique', 'custom.card', { id }));
    const other = { ...changed, field: 'emails' } as ValidationRule;
    const definitions = [
      [kept, other, back],
      [kept, other],
      [kept, changed, back],
      [kept, changed, back],
    ].map((rules, index) => ({ index, data: { rules: rules as ValidationRule[] } }));
    const found = uniqueSince(definitions).map(({ rule, since }) => [rule.id, since.index]);
    expect(found).toEqual([
      ['kept', 0],
      ['changed', 2],
      ['back', 2],
    ]);
    expect(uniqueSince([])).toEqual([]);
  });
});
