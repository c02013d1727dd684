import { describe, expect, it } from '@jest/globals';
import type { FieldEvent } from '@throughline/contracts';
import { replay } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import { fieldSet, type FieldCommand } from './field-set.ts';
import { fieldTemplates } from './field-templates.ts';

const object = 'customer';
const key = 'level';
const gold = { value: 'gold', label: { en: 'Gold', zh: '金卡' } };
const silver = { value: 'silver', label: { zh: '银卡' } };
const facts = { label: { en: 'Level', zh: '等级' }, options: [gold, silver], required: ['person'] };
const define: FieldCommand = { type: 'DefineField', object, key, fieldType: 'choice', facts };
const defined: FieldEvent = { type: 'FieldDefined', object, key, fieldType: 'choice', ...facts, sensitivity: 'normal' };
const given = scenario(fieldSet);

describe('a field of the installation’s own', () => {
  it('is defined once', () => {
    given().when(define).then(defined);
    given(defined).when(define).thenRefused('field-exists');
  });

  it('holds free text for few eyes, unless it is said otherwise', () => {
    const text = { type: 'DefineField', object, key, fieldType: 'text', facts: { label: { en: 'x' } } } as const;
    const event = { type: 'FieldDefined', object, key, fieldType: 'text', label: { en: 'x' } } as const;
    given()
      .when(text)
      .then({ ...event, sensitivity: 'personal' });
    given()
      .when({ ...text, facts: { ...text.facts, sensitivity: 'normal' } })
      .then({ ...event, sensitivity: 'normal' });
  });

  it.each([
    { ...define, key: 'With Space' },
    { ...define, facts: { ...facts, label: { en: ' ' } } },
    { ...define, facts: { ...facts, options: [] } },
    { ...define, facts: { ...facts, options: [gold, gold] } },
    { ...define, facts: { ...facts, required: ['robot'] } },
    { ...define, fieldType: 'number' as const },
    { ...define, fieldType: 'reference' as const, facts: { label: facts.label } },
    { ...define, fieldType: 'reference' as const, facts: { label: facts.label, target: 'planet' } },
  ])('is refused where it makes no sense (%#)', (wrong) => {
    given().when(wrong).thenRefused('invalid-field');
  });

  it('gets the options that it lacks, and none that it has under another name', () => {
    const add = (...values: string[]): FieldCommand => ({ type: 'AddFieldOptions', object, key, values });
    const bronze = { value: '铜卡', label: { en: '铜卡', zh: '铜卡' } };
    const changed: FieldEvent = { type: 'FieldChanged', object, key, options: [gold, silver, bronze] };
    given(defined)
      .when(add('gold', '银卡', ' 铜卡', '铜卡', ' '))
      .then(changed);
    given(defined)
      .when(add('Gold', '金卡', 'x'.repeat(101)))
      .thenNothing();
    given(defined, { type: 'FieldRetired', object, key }).when(add('铜卡')).thenNothing();
    given().when(add('铜卡')).thenRefused('field-not-found');
  });

  it('keeps an option that is left out, as a retired one', () => {
    const command: FieldCommand = { type: 'ChangeField', object, key, changes: { [key]: { options: [gold] } } };
    const changed: FieldEvent = { type: 'FieldChanged', object, key, options: [gold, { ...silver, retired: true }] };
    given(defined).when(command).then(changed);
    given(defined, changed).when(command).thenNothing();
  });

  it('can be put away and taken back', () => {
    const retired: FieldEvent = { type: 'FieldRetired', object, key };
    given(defined).when({ type: 'RetireField', object, key }).then(retired);
    given(defined, retired).when({ type: 'RetireField', object, key }).thenNothing();
    given(defined, retired).when({ type: 'RestoreField', object, key }).then({ type: 'FieldRestored', object, key });
    given().when({ type: 'RetireField', object, key }).thenRefused('field-not-found');
  });
});

describe('a template of fields', () => {
  it.each(fieldTemplates)(
    'of $name is right in both languages, and applied once however often',
    ({ label, fields }) => {
      const apply: FieldCommand = { type: 'ApplyFieldTemplate', object, fields };
      const events = fieldSet.decide(fieldSet.initial, apply, { now: '', entry: 'person', rules: undefined });
      expect(events.map((event) => 'key' in event && event.key)).toEqual(fields.map((field) => field.key));
      given(...events)
        .when(apply)
        .thenNothing();
      const labels = Object.values(replay(fieldSet, events).fields).flatMap((field) => [
        field.label,
        ...(field.options ?? []).map((option) => option.label),
      ]);
      for (const one of [label, ...labels]) expect([one?.en, one?.zh].every(Boolean)).toBe(true);
    },
  );
});
