import { Type, type Static } from 'typebox';
import { described, event, type EventOf } from './event.ts';

const text = Type.String();

/** What a field of the installation’s own can hold. */
export const fieldTypes = [
  'text',
  'number',
  'money',
  'date',
  'choice',
  'multi-choice',
  'reference',
  'boolean',
] as const;
export type FieldType = (typeof fieldTypes)[number];
/** How closely a field’s values are kept: those that are not `normal` are for few eyes, in BI as well. */
export const sensitivities = ['normal', 'personal', 'sensitive'] as const;
export type Sensitivity = (typeof sensitivities)[number];

export const Translated = Type.Object(
  { en: Type.Optional(text), zh: Type.Optional(text) },
  { title: 'Translated', description: 'A text in each language.' },
);
export type Translated = Static<typeof Translated>;

export const FieldOption = Type.Object(
  {
    value: described(text, 'What records hold.'),
    label: Translated,
    retired: described(Type.Optional(Type.Boolean()), 'Nobody chooses it any more; records keep it.'),
  },
  { title: 'FieldOption' },
);
export type FieldOption = Static<typeof FieldOption>;

const object = described(text, 'Whose field it is: `customer`.');
const key = described(text, 'Its name in `custom`.');
const facts = {
  label: described(Type.Optional(Translated), 'What it is called.'),
  help: described(Type.Optional(Translated), 'What is to be filled in.'),
  required: described(Type.Optional(Type.Array(text)), 'The kinds that have to have it: `person`, `company`.'),
  options: described(Type.Optional(Type.Array(FieldOption)), 'What can be chosen.'),
  group: described(Type.Optional(text), 'The part of the screen that it stands in.'),
  sensitivity: described(Type.Optional(Type.Unsafe<Sensitivity>(text)), '`normal`, `personal` or `sensitive`.'),
  target: described(Type.Optional(text), 'What a reference leads to: `customer`, `user`.'),
};

/** The fields that an installation gives its records, one stream for all fields of an object. */
export const fieldEvents = {
  FieldDefined: event(
    'field-set',
    {
      object,
      key,
      fieldType: described(Type.Unsafe<FieldType>(text), 'What it holds. It never changes: `text`, `number`, …'),
      ...facts,
    },
    { description: 'Records can have one more field.' },
  ),
  FieldChanged: event(
    'field-set',
    { object, key, ...facts },
    { description: 'A field was described anew. Only what changed is given; options are given whole.' },
  ),
  FieldRetired: event('field-set', { object, key }, { description: 'Nobody fills the field in any more.' }),
  FieldRestored: event('field-set', { object, key }, { description: 'The field is filled in again.' }),
  UnknownFieldsSettled: event(
    'field-set',
    {
      object,
      refused: described(Type.Boolean(), 'Whether people and programs may give only fields that are defined.'),
    },
    { description: 'What becomes of values under names that nobody defined was decided.' },
  ),
};
export type FieldEvent = EventOf<typeof fieldEvents>;
