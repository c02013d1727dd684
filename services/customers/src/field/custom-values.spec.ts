import { describe, expect, it } from '@jest/globals';
import type { FieldType } from '@throughline/contracts';
import { customErrors, fittingCustom } from './custom-values.ts';
import type { FieldDefinition, FieldSet } from './field-set.ts';

const options = [
  { value: 'gold', label: { en: 'Gold', zh: '金卡' } },
  { value: 'old', label: { en: 'Old' }, retired: true },
];
const field = (type: FieldType, facts: Partial<FieldDefinition> = {}): FieldDefinition => ({
  key: type.replace('-', '_'),
  type,
  sensitivity: 'normal',
  retired: false,
  ...(type.endsWith('choice') && { options }),
  ...facts,
});
const setOf = (...fields: FieldDefinition[]): FieldSet => ({
  fields: Object.fromEntries(fields.map((one) => [one.key, one])),
  refusesUnknown: false,
});
const everyType: FieldType[] = ['text', 'number', 'money', 'date', 'choice', 'multi-choice', 'reference', 'boolean'];
const set = setOf(...everyType.map((type) => field(type)));
const kinds = { before: 'person', after: 'person' };
const codes = (given: object, before?: object, of = set) =>
  customErrors({ ...given }, before && { ...before }, { ...before, ...given }, { set: of, kinds }).map(
    ({ path, code }) => `${path} ${code}`,
  );

describe('values of custom fields', () => {
  it('are taken where they are of their type', () => {
    const id = '0198b3a2-11f4-7d60-b5c8-9a3e7f10d2e1';
    const right = {
      text: '龙井',
      number: 3.5,
      money: { amount: '12.50', currency: 'CNY' },
      date: '2026-02-28',
      choice: 'gold',
      multi_choice: ['gold'],
      reference: id,
      boolean: false,
      unknown: { any: ['thing'] },
    };
    expect(codes(right)).toEqual([]);
  });

  it('are all named where they are not', () => {
    const wrong = {
      text: 5,
      number: '5',
      money: { amount: '1', currency: 'XXY' },
      date: '2026-02-30',
      choice: 'old',
      multi_choice: ['gold', 'gold'],
      reference: 'x',
      boolean: 'true',
    };
    expect(codes(wrong)).toEqual([
      'custom.text wrong-type',
      'custom.number wrong-type',
      'custom.money unknown-currency',
      'custom.date impossible-date',
      'custom.choice not-allowed',
      'custom.multi_choice repeated',
      'custom.reference wrong-type',
      'custom.boolean wrong-type',
    ]);
  });

  it('may stay what was an option once', () => {
    expect(codes({ choice: 'old', multi_choice: ['old', 'gold'] }, { choice: 'old', multi_choice: ['old'] })).toEqual(
      [],
    );
  });

  it('under names that nobody defined are refused where that was decided', () => {
    expect(codes({ colour: 'red' }, {}, { ...set, refusesUnknown: true })).toEqual(['custom.colour unknown-field']);
  });

  it('have to be there for a new record, and may not be taken from one that has them', () => {
    const needed = setOf(field('text', { required: ['person'] }));
    expect(codes({}, undefined, needed)).toEqual(['custom.text required']);
    expect(codes({ text: '' }, { text: 'x' }, needed)).toEqual(['custom.text required']);
    expect(codes({ other: 1 }, {}, needed)).toEqual([]);
    expect(codes({}, undefined, setOf(field('text', { required: ['person'], retired: true })))).toEqual([]);
    expect(
      customErrors({}, {}, {}, { set: needed, kinds: { before: 'company', after: 'person' } }).map(({ code }) => code),
    ).toEqual(['required']);
  });

  it('of a source are read in their types, and left out where they cannot be', () => {
    const said = { number: ' 12 ', boolean: '是', date: '2026-02-28T08:00:00Z', choice: '金卡', money: '5', x: 1 };
    expect(fittingCustom(said, set)).toEqual({
      custom: { number: 12, boolean: true, date: '2026-02-28', choice: 'gold', x: 1 },
      leftOut: ['money'],
    });
  });
});
