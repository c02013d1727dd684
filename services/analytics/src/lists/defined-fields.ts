import type { FieldType as DefinedType } from '@throughline/contracts';
import { openKey } from '../search/condition.ts';
import type { RecordType } from '../search/record-type.ts';
import type { Field, Fields } from '../search/search-index.ts';

/** A field that the installation gave its records. */
export type DefinedField = { key: string; type: DefinedType };

/** A kind of record with the fields that are defined now, as `custom.<key>`. */
export const withDefined = (type: RecordType, defined: readonly DefinedField[]): RecordType => ({
  ...type,
  fields: { ...(type.fields as Fields), ...Object.fromEntries(defined.flatMap(listed)) },
});

/** A kind of record whose tags are found by their former names as well: given name -> the one that it has now. */
export const withTagNames = (type: RecordType, names: ReadonlyMap<string, string>): RecordType => {
  const { tags } = type.fields as Fields;
  return tags
    ? { ...type, fields: { ...(type.fields as Fields), tags: { ...tags, now: (tag) => names.get(tag) ?? tag } } }
    : type;
};

/** The same with the fields under their keys, as engines know them. */
export const keyed = (type: RecordType): RecordType => ({
  ...type,
  fields: Object.fromEntries(
    Object.entries(type.fields as Fields).map(([name, field]) => [field.at ?? name, field]),
  ) as Fields,
});

function listed({ key, type }: DefinedField): [string, Field<never>][] {
  const name = `custom.${key}`;
  const text = openKey('open', key);
  const number = openKey('open_number', key);
  switch (type) {
    case 'text':
      return [[name, { type: 'text', at: text, facet: true }]];
    case 'reference':
      return [[name, { type: 'keyword', at: text, customer: true, facet: true }]];
    case 'choice':
      return [[name, { type: 'keyword', at: text, facet: true }]];
    case 'multi-choice':
      return [[name, { type: 'tags', at: text, facet: true }]];
    case 'boolean':
      return [[name, { type: 'boolean', at: text, facet: true }]];
    case 'date':
      return [[name, { type: 'date', at: text }]];
    case 'number':
      return [[name, { type: 'number', at: number }]];
    case 'money':
      return [
        [name, { type: 'money', at: number }],
        [`${name}Currency`, { type: 'keyword', at: text, facet: true }],
      ];
  }
}
