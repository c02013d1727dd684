import {
  fieldTypes,
  sensitivities,
  type FieldEvent,
  type FieldOption,
  type FieldType,
  type Sensitivity,
  type Translated,
} from '@throughline/contracts';
import { conflict, derivedId, invalid, notFound, type Decider, type FieldError } from '@throughline/event-sourcing';

export type FieldFacts = {
  label?: Translated;
  help?: Translated;
  /** The kinds of customers that have to have it. */
  required?: string[];
  options?: FieldOption[];
  group?: string;
  sensitivity?: Sensitivity;
  target?: string;
};
export type FieldDefinition = FieldFacts & {
  key: string;
  type: FieldType;
  sensitivity: Sensitivity;
  retired: boolean;
};

/** A field as it is to be defined. */
export type NewField = { key: string; type: FieldType; facts: FieldFacts };

export type FieldCommand =
  | { type: 'DefineField'; object: string; key: string; fieldType: FieldType; facts: FieldFacts }
  | { type: 'ChangeField'; object: string; key: string; changes: { [key: string]: FieldFacts } }
  | { type: 'AddFieldOptions'; object: string; key: string; values: readonly string[] }
  | { type: 'RetireField'; object: string; key: string }
  | { type: 'RestoreField'; object: string; key: string }
  | { type: 'ApplyFieldTemplate'; object: string; fields: readonly NewField[] }
  | { type: 'SettleUnknownFields'; object: string; refused: boolean };

/** The fields that an installation gives the records of one kind. */
export type FieldSet = {
  fields: { readonly [key: string]: FieldDefinition };
  /** Whether people and programs may give only fields that are defined. Sources may give anything. */
  refusesUnknown: boolean;
};
export const noFields: FieldSet = { fields: {}, refusesUnknown: false };

export const fieldSetId = (object: string): string => derivedId('field-set', object);
export const referenceTargets = ['customer', 'user', 'deal', 'order', 'product'] as const;
export const keyPattern = /^[a-z][a-z0-9_]{0,49}$/;
export const mostFields = 200;
const mostOptions = 200;
const longestOption = 100;

export const fieldSet: Decider<FieldSet, FieldCommand, FieldEvent> = {
  category: 'field-set',
  initial: noFields,

  decide(state, command) {
    const { object } = command;
    if (command.type === 'SettleUnknownFields') {
      const { refused } = command;
      return refused === state.refusesUnknown ? [] : [{ type: 'UnknownFieldsSettled', object, refused }];
    }
    if (command.type === 'ApplyFieldTemplate') {
      const missing = command.fields.filter(({ key }) => !Object.hasOwn(state.fields, key));
      return missing.map((field) => defined(state, object, field));
    }
    const { key } = command;
    const before = Object.hasOwn(state.fields, key) ? state.fields[key] : undefined;
    if (command.type === 'DefineField') {
      if (before) throw conflict('field-exists', { key });
      return [defined(state, object, { key, type: command.fieldType, facts: command.facts })];
    }
    if (!before) throw notFound('field-not-found');

    switch (command.type) {
      case 'ChangeField': {
        const { [key]: given = {} } = command.changes;
        const changes = changesOf(before, given);
        const errors = factErrors({ ...before, ...changes });
        if (errors.length > 0) throw invalid('invalid-field', errors);
        return Object.keys(changes).length === 0 ? [] : [{ type: 'FieldChanged', object, key, ...changes }];
      }
      case 'AddFieldOptions': {
        const options = withOptions(before, command.values);
        return options.length === (before.options ?? []).length ? [] : [{ type: 'FieldChanged', object, key, options }];
      }
      case 'RetireField':
        return before.retired ? [] : [{ type: 'FieldRetired', object, key }];
      case 'RestoreField':
        return before.retired ? [{ type: 'FieldRestored', object, key }] : [];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'FieldDefined': {
        const { type: _, object: __, fieldType, ...facts } = event;
        const { sensitivity = 'personal' } = facts;
        return withField(state, { ...facts, type: fieldType, sensitivity, retired: false });
      }
      case 'FieldChanged': {
        const { type: _, object: __, key, ...changes } = event;
        return withField(state, { ...state.fields[key], ...changes, key } as FieldDefinition);
      }
      case 'FieldRetired':
      case 'FieldRestored': {
        const retired = event.type === 'FieldRetired';
        return withField(state, { ...state.fields[event.key], key: event.key, retired } as FieldDefinition);
      }
      case 'UnknownFieldsSettled':
        return { ...state, refusesUnknown: event.refused };
    }
  },

  fields: ({ fields }) => fields,
};

/** @throws Refusal `invalid-field` */
function defined(state: FieldSet, object: string, { key, type, facts }: NewField): FieldEvent {
  const errors = [...keyErrors(key), ...factErrors({ ...facts, type })];
  if (Object.keys(state.fields).length >= mostFields) errors.push({ path: 'key', code: 'too-many' });
  if (errors.length > 0) throw invalid('invalid-field', errors);
  const { sensitivity = usualSensitivity(type) } = facts;
  return { type: 'FieldDefined', object, key, fieldType: type, ...facts, sensitivity };
}

/** Free text may say anything of anybody; the rest says what its definition says. */
const usualSensitivity = (type: FieldType): Sensitivity => (type === 'text' ? 'personal' : 'normal');

const withField = (state: FieldSet, field: FieldDefinition): FieldSet => ({
  ...state,
  fields: { ...state.fields, [field.key]: field },
});

/** Only what differs. Records may hold any option that there ever was: one that is left out is retired. */
function changesOf(before: FieldDefinition, given: FieldFacts): FieldFacts {
  const left = (before.options ?? [])
    .filter(({ value }) => !given.options?.some((option) => option.value === value))
    .map((option) => ({ ...option, retired: true }));
  const wanted = given.options ? { ...given, options: [...given.options, ...left] } : given;
  return Object.fromEntries(
    Object.entries(wanted).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof FieldFacts]),
    ),
  );
}

/** Those that there are, then what is no name of one yet: each is called what it is. */
function withOptions({ type, options = [], retired }: FieldDefinition, values: readonly string[]): FieldOption[] {
  const isChoice = type === 'choice' || type === 'multi-choice';
  if (!isChoice || retired) return [...options];
  const known = new Set(options.flatMap(({ value, label }) => [value, label.en, label.zh]));
  const fresh = new Set(values.map((value) => value.trim()).filter((value) => value !== '' && !known.has(value)));
  const added = [...fresh]
    .filter((value) => value.length <= longestOption)
    .map((value) => ({ value, label: { en: value, zh: value } }));
  return [...options, ...added.slice(0, Math.max(0, mostOptions - options.length))];
}

function keyErrors(key: string): FieldError[] {
  if (!keyPattern.test(key)) return [{ path: 'key', code: 'wrong-type' }];
  // No request could give it a value.
  return key === 'constructor' || key === 'prototype' ? [{ path: 'key', code: 'not-allowed' }] : [];
}

function factErrors(facts: FieldFacts & { type: FieldType }): FieldError[] {
  const { type, label, options = [], required = [], target, sensitivity } = facts;
  const errors: FieldError[] = [];
  const isNamed = (one: Translated | undefined) => Boolean(one?.en?.trim() || one?.zh?.trim());
  if (!fieldTypes.includes(type)) errors.push({ path: 'type', code: 'not-allowed' });
  if (!isNamed(label)) errors.push({ path: 'label', code: 'required' });
  if (required.some((kind) => kind !== 'person' && kind !== 'company'))
    errors.push({ path: 'required', code: 'not-allowed' });
  if (sensitivity !== undefined && !sensitivities.includes(sensitivity))
    errors.push({ path: 'sensitivity', code: 'not-allowed' });
  const isChoice = type === 'choice' || type === 'multi-choice';
  if (isChoice && options.length === 0) errors.push({ path: 'options', code: 'required' });
  if (!isChoice && options.length > 0) errors.push({ path: 'options', code: 'not-allowed' });
  options.forEach(({ value, label: called }, index) => {
    if (!value.trim()) errors.push({ path: `options.${index}.value`, code: 'required' });
    if (!isNamed(called)) errors.push({ path: `options.${index}.label`, code: 'required' });
    if (options.findIndex((other) => other.value === value) < index)
      errors.push({ path: `options.${index}.value`, code: 'repeated' });
  });
  const isTarget = referenceTargets.some((one) => one === target);
  if (type === 'reference' && target === undefined) errors.push({ path: 'target', code: 'required' });
  else if (target !== undefined && (type !== 'reference' || !isTarget))
    errors.push({ path: 'target', code: 'not-allowed' });
  return errors;
}
