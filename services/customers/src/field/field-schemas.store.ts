import { Injectable } from '@nestjs/common';
import type { FieldType } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import type { Describes } from '@throughline/service';
import { fieldSet, fieldSetId, type FieldDefinition } from './field-set.ts';

type Schema = Record<string, unknown>;

const typeOf: Record<FieldType, (field: FieldDefinition) => Schema> = {
  text: () => ({ type: 'string' }),
  number: () => ({ type: 'number' }),
  boolean: () => ({ type: 'boolean' }),
  date: () => ({ type: 'string', format: 'date' }),
  money: () => ({
    type: 'object',
    properties: { amount: { type: 'string' }, currency: { type: 'string' } },
    required: ['amount', 'currency'],
  }),
  reference: () => ({ type: 'string', format: 'uuid' }),
  choice: (field) => ({ enum: valuesOf(field) }),
  'multi-choice': (field) => ({ type: 'array', items: { enum: valuesOf(field) }, uniqueItems: true }),
};

const valuesOf = ({ options = [] }: FieldDefinition): string[] =>
  options.filter(({ retired }) => !retired).map(({ value }) => value);

const schemaOf = (field: FieldDefinition): Schema => ({
  ...typeOf[field.type](field),
  ...(field.label && { title: field.label.en ?? field.label.zh }),
  ...(field.help && { description: field.help.en ?? field.help.zh }),
});

/** Says in the OpenAPI document which custom fields there are, as of the moment when it is asked for. */
@Injectable()
export class FieldSchemas implements Describes {
  constructor(private readonly commands: Commands) {}

  async describe(schemas: Readonly<Record<string, Schema>>): Promise<Record<string, Schema>> {
    const { state } = await this.commands.load(fieldSet, fieldSetId('customer'));
    const fields = Object.values(state.fields).filter(({ retired }) => !retired);
    if (fields.length === 0 && !state.refusesUnknown) return {};
    const properties = Object.fromEntries(fields.map((field) => [field.key, schemaOf(field)]));
    const bodies = ['CreateCustomerDto', 'ChangeCustomerDto'].map((name) => {
      const schema = schemas[name] ?? {};
      const known = (schema['properties'] ?? {}) as Record<string, Schema>;
      const custom = { ...known['custom'], properties, additionalProperties: !state.refusesUnknown };
      return [name, { ...schema, properties: { ...known, custom } }] as const;
    });
    return Object.fromEntries(bodies);
  }
}
