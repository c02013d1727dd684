import { cloudEventType, topicOf, type EventDefinition, type ServiceName } from '@throughline/contracts';
import { mapSchema, schemasOf, type Dictionary, type Schema } from './schema.ts';

const text = (description: string, more: object = {}) => ({ type: 'string', description, ...more });
const number = (description: string) => text(description, { pattern: '^\\d+$' });
const instant = (description: string) => text(description, { format: 'date-time' });

/** The headers of every message, as `libs/messaging/src/wire.ts` writes them: text, all of them. */
const headers = {
  'content-type': text('Of the value.', { const: 'application/json' }),
  ce_specversion: text('CloudEvents, binary mode.', { const: '1.0' }),
  ce_id: text('Id of the event: the same however often it is delivered.', { format: 'uuid' }),
  ce_type: text('`crm.<service>.<Event>.v<schemaVersion>`.'),
  ce_source: text('`/throughline/<service>`.'),
  ce_subject: text('The stream, as in the key.'),
  ce_time: instant('When it happened, as far as the source says.'),
  stream: text('Type of the stream.'),
  version: number('Version of the stream with this event.'),
  position: number('Place in the log of the service: ascending. Drop what is at or below the last one.'),
  previous: number('Position of the event before; 0 for the first one. Tells whether something is missing.'),
  generation: text('Identity of the store’s lifetime: a restored store has a new one.', { format: 'uuid' }),
  hash: text('Keyed chain over the stream.', { pattern: '^[0-9a-f]{64}$' }),
  recorded_at: instant('When it was stored.'),
  effective_at: instant('The later one of when it happened and the stream’s event before.'),
  meta: text('JSON: actor, source, correlationId, commandId and more.', { contentMediaType: 'application/json' }),
  data_length: number('How many bytes of the value `data` takes.'),
  traceparent: text('W3C trace context, where there was one.'),
};

const key = text('`<type of the stream>:<its id>`.', { pattern: '^[^:]+:.+$' });

/** `docs/asyncapi.json`: the topics, for programs. */
export function asyncApi(dictionary: Dictionary, version: string) {
  const services = Object.entries(dictionary).filter(([, events]) => Object.keys(events).length > 0) as [
    ServiceName,
    Dictionary[string],
  ][];
  const messages = services.map(
    ([service, events]) =>
      [service, Object.entries(events).flatMap(([type, definition]) => messagesOf(service, type, definition))] as const,
  );
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Throughline CRM',
      version,
      description:
        'The log of each service, event for event and in order, as CloudEvents 1.0 in Kafka’s binary mode. At least once: drop what is at or below the last position. Properties may be added; ignore those that you do not know. Stop at a type or version that you do not know. An installation may put a prefix before the addresses.',
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      messages.map(([service, list]) => [
        service,
        {
          address: topicOf(service),
          description: `A copy of the log of ${service}. One partition, so that there is one order.`,
          messages: Object.fromEntries(list.map(([name]) => [name, { $ref: `#/components/messages/${name}` }])),
          bindings: { kafka: { partitions: 1, bindingVersion: '0.5.0' } },
        },
      ]),
    ),
    operations: Object.fromEntries(
      messages.map(([service]) => [
        `publish-${service}`,
        {
          action: 'send',
          channel: { $ref: `#/channels/${service}` },
          summary: `Relays what ${service} recorded.`,
        },
      ]),
    ),
    components: {
      messages: Object.fromEntries(messages.flatMap(([, list]) => list)),
      messageTraits: {
        event: {
          contentType: 'application/json',
          headers: {
            type: 'object',
            properties: headers,
            required: Object.keys(headers).filter((name) => name !== 'traceparent'),
          },
          bindings: { kafka: { key, bindingVersion: '0.5.0' } },
        },
      },
    },
  };
}

/** One message a version: a topic and the history bring old ones, too. */
function messagesOf(service: ServiceName, type: string, definition: EventDefinition) {
  const schemas = schemasOf(definition);
  const summary = schemas.at(-1)?.description;
  return schemas.map((schema, index) => {
    const name = cloudEventType(service, type, index + 1);
    const personal = Object.entries(schema.properties ?? {}).filter(([, property]) => property.personal);
    const message = {
      name,
      title: type,
      ...(summary !== undefined && { summary }),
      traits: [{ $ref: '#/components/messageTraits/event' }],
      headers: {
        type: 'object',
        properties: {
          ce_type: { const: name },
          ce_source: { const: `/throughline/${service}` },
          stream: { const: definition.stream },
        },
      },
      payload: {
        type: 'object',
        required: ['data', 'personal'],
        properties: { data: withoutPersonal(schema), personal: ciphertext(personal.map(([property]) => property)) },
      },
      ...(personal.length > 0 && {
        'x-personal': Object.fromEntries(
          personal.map(([property, clear]) => [
            property,
            { subject: clear.personal?.subject ?? 'the id of the stream', schema: open(clear) },
          ]),
        ),
      }),
    };
    return [name, message] as const;
  });
}

/** Others must let pass what later releases add. */
const open = (schema: Schema): Schema =>
  mapSchema(schema, ({ additionalProperties: _, personal: __, ...rest }) => rest);

function withoutPersonal(schema: Schema): Schema {
  const plain = Object.entries(schema.properties ?? {}).filter(([, { personal }]) => !personal);
  const names = new Set(plain.map(([name]) => name));
  const { description: _, ...rest } = open({ ...schema, properties: Object.fromEntries(plain) });
  return { ...rest, required: (schema.required ?? []).filter((name) => names.has(name)) };
}

function ciphertext(names: readonly string[]): object {
  if (names.length === 0) return { type: 'null', description: 'Nothing of it is personal.' };
  return {
    description: `By data subject, JSON of what is personal of it (${names.join(', ')}), encrypted with AES-256-GCM.`,
    anyOf: [
      { type: 'null' },
      { type: 'object', additionalProperties: { type: 'string', contentEncoding: 'base64' }, minProperties: 1 },
    ],
  };
}
