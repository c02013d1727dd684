import { type Exact, parseExact } from './exact-json.ts';
import { Unmappable } from './connector.ts';
import { Place } from './place.ts';

export type CloudEvent = {
  id: string;
  source: string;
  type: string;
  subject?: string;
  /** As sent. */
  time?: string;
  data?: Exact;
};

type Headers = Readonly<Record<string, string>>;

const isJson = (contentType: string): boolean => /^[^;]*[/+]json\s*(;|$)/i.test(contentType.trim());

/**
 * Unwraps CloudEvents 1.0: structured JSON, a batch, or binary mode (`ce-` headers over HTTP, `ce_` ones from Kafka).
 * Many senders, SAP's among them, say `application/json` for structured events: the body tells then.
 *
 * @returns undefined when the message is none
 * @throws Unmappable when one lacks what it must have, or holds data that is not JSON
 */
export function cloudEvents(headers: Headers, body: string): CloudEvent[] | undefined {
  const contentType = headers['content-type']?.trim() ?? '';
  const binary = (name: string) => headers[`ce-${name}`] ?? headers[`ce_${name}`];
  const batched = /^application\/cloudevents-batch\b/i.test(contentType);
  const structured = batched || /^application\/cloudevents\b/i.test(contentType);
  if (structured && !isJson(contentType)) throw new Unmappable('CloudEvents in another format than JSON.');
  if (!structured && binary('specversion') !== undefined) return [fromHeaders(binary, contentType, body)];

  const root = new Place(parseExact(body));
  if (Array.isArray(root.value)) {
    const all = root.items();
    if (!batched && (all.length === 0 || !all.every((item) => item.get('specversion').present))) return undefined;
    return all.map((item) => fromObject(item));
  }
  return structured || root.get('specversion').present ? [fromObject(root)] : undefined;
}

function fromObject(event: Place): CloudEvent {
  const attribute = (name: string) => event.get(name).text();
  const data = dataOf(event.object());
  return checked(attribute, data, event.pointer);
}

function dataOf(event: Place): Exact | undefined {
  const contentType = event.get('datacontenttype').text() ?? 'application/json';
  const data = event.get('data');
  const base64 = event.get('data_base64');
  if (base64.present) {
    if (!isJson(contentType)) throw new Unmappable('Data that is not JSON.', base64.pointer);
    const encoded = base64.requiredText();
    if (!/^[A-Za-z0-9+/\s]*={0,2}$/.test(encoded)) throw new Unmappable('Not base64.', base64.pointer);
    return inside(Buffer.from(encoded, 'base64').toString('utf8'), base64.pointer);
  }
  if (data.present && !isJson(contentType)) throw new Unmappable('Data that is not JSON.', data.pointer);
  return data.present ? data.value : undefined;
}

/** What is wrong within the data, named from the root of the message. */
function inside(text: string, pointer: string): Exact {
  try {
    return parseExact(text);
  } catch (error) {
    throw error instanceof Unmappable ? new Unmappable(error.message, pointer) : error;
  }
}

function fromHeaders(binary: (name: string) => string | undefined, contentType: string, body: string): CloudEvent {
  const attribute = (name: string) => {
    const value = binary(name);
    if (value === undefined) return undefined;
    try {
      // Beyond ASCII they are percent-encoded UTF-8.
      return decodeURIComponent(value).trim() || undefined;
    } catch {
      return value;
    }
  };
  if (body.trim() === '') return checked(attribute, undefined, '');
  if (contentType !== '' && !isJson(contentType)) throw new Unmappable('Data that is not JSON.', '');
  return checked(attribute, parseExact(body), '');
}

function checked(
  attribute: (name: string) => string | undefined,
  data: Exact | undefined,
  pointer: string,
): CloudEvent {
  const required = (name: string): string => {
    const value = attribute(name);
    if (value === undefined) throw new Unmappable(`A CloudEvent without ${name}.`, `${pointer}/${name}`);
    return value;
  };
  if (!required('specversion').startsWith('1.')) {
    throw new Unmappable('Not CloudEvents 1.0.', `${pointer}/specversion`);
  }
  const subject = attribute('subject');
  const time = attribute('time');
  return {
    id: required('id'),
    source: required('source'),
    type: required('type'),
    ...(subject !== undefined && { subject }),
    ...(time !== undefined && { time }),
    ...(data !== undefined && { data }),
  };
}
