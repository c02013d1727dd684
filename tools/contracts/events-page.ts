import * as contracts from '@throughline/contracts';
import type { EventDefinition } from '@throughline/contracts';
import { schemasOf, type Dictionary, type Schema } from './schema.ts';

/** The shapes that have a name of their own: name -> schema. */
export const shapes: ReadonlyMap<string, Schema> = new Map(
  Object.values(contracts as Record<string, unknown>)
    .filter((value): value is Schema => typeof (value as Partial<Schema> | undefined)?.title === 'string')
    .map((schema) => [schema.title as string, schema]),
);

/** `docs/events.md`: every event that the services publish. */
export function eventsPage(dictionary: Dictionary): string {
  const services = Object.entries(dictionary).filter(([, events]) => Object.keys(events).length > 0);
  return [
    '# Events',
    'What the services publish, written from `libs/contracts` by `npm run contracts -- docs`: edit the schemas, not this page. How it travels says [asyncapi.json](asyncapi.json); how it may change, [ADR 0016](adr/0016-events-only-grow.md).',
    'A `?` marks what may be missing. What is personal leaves the event for a blob that is encrypted for its data subject, and reads as erased once the subject’s key is destroyed; the column says who that is: the stream, or whom a property names.',
    services.map(([service]) => `- [${service}](#${service})`).join('\n'),
    ...services.flatMap(([service, events]) => [
      `## ${service}`,
      `Topic \`crm.${service}.v1\`.`,
      ...Object.entries(events).flatMap(([type, definition]) => eventSection(type, definition)),
    ]),
    '## Shapes',
    ...[...shapes].flatMap(([name, schema]) => [
      `### ${name}`,
      ...(schema.description ? [schema.description] : []),
      ...(schema.properties ? [table(schema, false)] : []),
    ]),
  ]
    .join('\n\n')
    .concat('\n');
}

function eventSection(type: string, definition: EventDefinition): string[] {
  const [newest, ...before] = schemasOf(definition).toReversed();
  const { schemaVersion, stream } = definition;
  return [
    `### ${type}`,
    `${newest?.description ?? ''} Version ${schemaVersion}, stream \`${stream}\`.`.trim(),
    ...(newest ? [table(newest, true)] : []),
    ...before.flatMap((schema, index) => [
      `Version ${schemaVersion - index - 1}, no longer written:`,
      table(schema, true),
    ]),
  ];
}

function table({ properties = {}, required = [] }: Schema, marks: boolean): string {
  const rows = Object.entries(properties).map(([name, schema]) => [
    `\`${name}${required.includes(name) ? '' : '?'}\``,
    typeOf(schema),
    ...(marks
      ? [schema.personal ? (schema.personal.subject ? `\`${schema.personal.subject}\`` : 'the stream') : '']
      : []),
    meaningOf(schema),
  ]);
  if (rows.length === 0) return 'It carries nothing.';
  const head = ['Property', 'Type', ...(marks ? ['Personal of'] : []), 'Meaning'];
  return [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

/** A shape says of itself what it is, where it is described. */
const meaningOf = ({ title, description = '' }: Schema): string =>
  description === shapes.get(title ?? '')?.description ? '' : description;

function typeOf(schema: Schema): string {
  const { title, type, items, anyOf, properties, patternProperties, minimum, maximum } = schema;
  if (title !== undefined && shapes.has(title)) return `[${title}](#${title.toLowerCase()})`;
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (anyOf) return anyOf.map(typeOf).join(' or ');
  if (items) return `list of ${typeOf(items)}`;
  if (properties) {
    return `{ ${Object.entries(properties)
      .map(([name, inner]) => `${name}: ${typeOf(inner)}`)
      .join(', ')} }`;
  }
  if (patternProperties) return 'JSON object';
  if (type === 'integer') return minimum === undefined ? 'integer' : `integer, ${minimum} to ${maximum}`;
  if (type === 'string') return 'text';
  return type ?? 'any JSON';
}
