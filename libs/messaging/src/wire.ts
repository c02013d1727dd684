import { cloudEventType, type EventMeta, type ServiceName } from '@throughline/contracts';
import { maxEventBytes, type Stored } from '@throughline/event-sourcing';
import type { Message } from './kafka-client.ts';

/** An event on a topic, and the position of the one before it in the owner's log (0 for the first one). */
export type Carried = { event: Stored; previous: number };

/** Not a message of ours, or a damaged one. Says what is wrong, and nothing of what is inside. */
export class MalformedMessage extends Error {}

const dataStart = '{"data":';
const personalStart = ',"personal":';

/**
 * A CloudEvent 1.0 in Kafka's binary mode. The value is `{"data": …, "personal": …}`, both as they are stored, to the
 * byte, because the hash chain covers their text: `data_length` says how many bytes `data` takes. Personal values are in
 * `personal` as ciphertext and nowhere else.
 */
export function toMessage(service: ServiceName, event: Stored, previous: number): Message {
  const { type, id, version } = event.stream;
  const { traceparent } = JSON.parse(event.meta) as EventMeta;
  const data = Buffer.from(event.data);
  const rest = Buffer.from(`${personalStart}${event.personal}}`);
  return {
    key: `${type}:${id}`,
    value: Buffer.concat([Buffer.from(dataStart), data, rest]),
    headers: {
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_type: cloudEventType(service, event.type, event.schemaVersion),
      ce_source: `/throughline/${service}`,
      ce_subject: `${type}:${id}`,
      ce_time: event.occurredAt,
      stream: type,
      version: String(version),
      position: String(event.position),
      previous: String(previous),
      generation: event.generation,
      hash: event.hash,
      recorded_at: event.recordedAt,
      effective_at: event.effectiveAt,
      meta: event.meta,
      data_length: String(data.length),
      ...(traceparent !== undefined && { traceparent }),
    },
  };
}

/** No event of ours takes more: twice what the store takes leaves room for how JSON writes it. */
const maxMessageBytes = 2 * maxEventBytes;

/** @throws MalformedMessage */
export function fromMessage(service: ServiceName, { key, value, headers }: Message): Carried {
  if (value.length > maxMessageBytes)
    throw new MalformedMessage(`it has ${value.length} bytes, at most ${maxMessageBytes} are taken`);
  const text = (name: string): string => {
    const header = headers[name];
    if (header === undefined) throw new MalformedMessage(`it has no header ${name}`);
    return header;
  };
  const count = (name: string): number => {
    const header = Number(text(name));
    if (!Number.isSafeInteger(header) || header < 0) throw new MalformedMessage(`its header ${name} is not a number`);
    return header;
  };
  const [, owner, type, schemaVersion] = /^crm\.([^.]+)\.(.+)\.v(\d+)$/.exec(text('ce_type')) ?? [];
  if (owner !== service || !type) throw new MalformedMessage(`its ce_type is not one of ${service}`);
  const streamType = text('stream');
  if (!key.startsWith(`${streamType}:`)) throw new MalformedMessage('its key is not of its stream');
  const { data, personal } = parts(value, count('data_length'));
  const meta = text('meta');
  if (!isJson(meta)) throw new MalformedMessage('its header meta is not JSON');
  return {
    previous: count('previous'),
    event: {
      id: text('ce_id'),
      type,
      schemaVersion: Number(schemaVersion),
      stream: { type: streamType, id: key.slice(streamType.length + 1), version: count('version') },
      position: count('position'),
      generation: text('generation'),
      data,
      personal,
      meta,
      occurredAt: text('ce_time'),
      recordedAt: text('recorded_at'),
      effectiveAt: text('effective_at'),
      hash: text('hash'),
    },
  };
}

function parts(value: Buffer, dataLength: number): { data: string; personal: string | null } {
  const dataEnd = dataStart.length + dataLength;
  const data = value.toString('utf8', dataStart.length, dataEnd);
  const rest = value.toString('utf8', dataEnd);
  const personal = rest.slice(personalStart.length, -1);
  const framed = value.toString('utf8', 0, dataStart.length) === dataStart && rest === `${personalStart}${personal}}`;
  if (!framed || !isJson(data) || !isJson(personal)) throw new MalformedMessage('its value is not what it should be');
  return { data, personal: personal === 'null' ? null : personal };
}

/** Never lets through what the parser says, because that quotes its input. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
