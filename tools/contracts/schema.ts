import { versionsOf, type EventDefinition, type EventDefinitions, type PersonalMark } from '@throughline/contracts';

/** A JSON schema, of the kind that the contracts are written in. */
export type Schema = {
  title?: string;
  description?: string;
  type?: string;
  const?: unknown;
  minimum?: number;
  maximum?: number;
  properties?: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  additionalProperties?: boolean;
  patternProperties?: Readonly<Record<string, Schema>>;
  items?: Schema;
  anyOf?: readonly Schema[];
  personal?: PersonalMark;
};

/** Service -> type -> definition. */
export type Dictionary = Readonly<Record<string, EventDefinitions>>;

/** The schemas of all versions as JSON, without what TypeBox keeps for itself. */
export const schemasOf = (definition: EventDefinition): readonly Schema[] =>
  JSON.parse(JSON.stringify(versionsOf(definition))) as Schema[];

/** The same schema with `change` applied to it and to all schemas within. */
export function mapSchema(schema: Schema, change: (schema: Schema) => Schema): Schema {
  const inner = (one: Schema) => mapSchema(one, change);
  const each = (schemas: Readonly<Record<string, Schema>>) =>
    Object.fromEntries(Object.entries(schemas).map(([name, one]) => [name, inner(one)]));
  const { properties, patternProperties, items, anyOf } = schema;
  return change({
    ...schema,
    ...(properties && { properties: each(properties) }),
    ...(patternProperties && { patternProperties: each(patternProperties) }),
    ...(items && { items: inner(items) }),
    ...(anyOf && { anyOf: anyOf.map(inner) }),
  });
}
