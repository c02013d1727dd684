import type { KeyObject } from 'node:crypto';
import { Compile } from 'typebox/compile';
import {
  erased,
  personalOf,
  versionsOf,
  type AnyEvent,
  type EventData,
  type EventDefinition,
  type EventDefinitions,
  type EventMeta,
  type Instant,
  type PersonalMark,
  type Recorded,
  type StreamRef,
} from '@throughline/contracts';
import { open, seal } from './crypto.ts';
import type { Keyring } from './keyring.ts';
import { invalid, type FieldError } from './refusal.ts';

/** An event as it lies in the store and on a topic: personal values only as ciphertext, JSON still as text. */
export type Stored = {
  id: string;
  type: string;
  schemaVersion: number;
  stream: StreamRef;
  position: number;
  generation: string;
  /** JSON object. */
  data: string;
  /** JSON object, subject -> base64 ciphertext of a JSON object; null where nothing is personal. */
  personal: string | null;
  /** JSON of `EventMeta`. */
  meta: string;
  occurredAt: Instant;
  recordedAt: Instant;
  effectiveAt: Instant;
  /** Keyed chain over the stream, hex. */
  hash: string;
};

/** A type or version that this release does not know: the reader stops here until it is upgraded, and never skips. */
export class UnknownEvent extends Error {
  constructor(
    readonly type: string,
    readonly schemaVersion: number,
  ) {
    super(`unknown event ${type} v${schemaVersion}: this release is too old to read it`);
  }
}

/** The event does not have the shape that the contracts promise: a bug of the writer. */
export class MalformedEvent extends Error {}

type Marks = ReadonlyMap<string, PersonalMark>;
type Entry = {
  definition: EventDefinition;
  /** What is personal in the version that is written. */
  personal: Marks;
  /** The same in every version, the first one first. */
  versions: readonly Marks[];
  check: (data: unknown) => boolean;
  errors: (data: unknown) => string;
};

/** Stands where a blob would have been written, had its subject not been erased. */
const nothing = '';

export type Encoded = { schemaVersion: number; data: string; personal: string | null };

/** Turns events into what is stored and back. Personal values leave `data` here, and only here they come back. */
export class Codec {
  readonly #entries = new Map<string, Entry>();

  /** @throws Error where an earlier version of an event cannot be read */
  constructor(
    definitions: EventDefinitions,
    private readonly keyring: Keyring,
  ) {
    for (const [type, definition] of Object.entries(definitions)) {
      const { schemaVersion, earlier } = definition;
      if (earlier.length !== schemaVersion - 1) {
        throw new Error(
          `${type} v${schemaVersion} needs an upcaster from each of its ${schemaVersion - 1} earlier versions, and has ${earlier.length}`,
        );
      }
      const compiled = Compile(definition.data);
      this.#entries.set(type, {
        definition,
        personal: personalOf(definition.data),
        versions: versionsOf(definition).map(personalOf),
        check: (data) => compiled.Check(data),
        errors: (data) =>
          compiled
            .Errors(data)
            .map(({ instancePath, message }) => `${instancePath} ${message}`)
            .join('; '),
      });
    }
  }

  /**
   * Whose keys `encode` needs for the events of a stream.
   *
   * @throws MalformedEvent
   */
  subjectsOf(events: readonly AnyEvent[], streamId: string): ReadonlySet<string> {
    const subjects = new Set<string>();
    for (const event of events) {
      for (const [name, { subject }] of this.#entry(event.type).personal) {
        const values = event as Record<string, unknown>;
        if (values[name] !== undefined) subjects.add(subjectOf(values, subject, streamId));
      }
    }
    return subjects;
  }

  /** The keys of data subjects, made where they never had one; with one round trip at most. */
  async keysToEncode(subjects: ReadonlySet<string>): Promise<ReadonlyMap<string, KeyObject>> {
    return subjects.size === 0 ? new Map() : this.keyring.keysFor([...subjects], true);
  }

  /**
   * @throws MalformedEvent where it does not fit its contract
   * @param ofErased what becomes of values whose subject's key was destroyed: `refuse`, or `drop` them so that they read
   *   as `Erased` and the facts stay
   * @throws ErasedSubject
   * @throws Refusal `invalid-text` where a text holds what no Postgres text can
   */
  encode(
    event: AnyEvent,
    eventId: string,
    streamId: string,
    keys: ReadonlyMap<string, KeyObject>,
    ofErased: 'refuse' | 'drop' = 'refuse',
  ): Encoded {
    const entry = this.#entry(event.type);
    const data: Record<string, unknown> = { ...event };
    delete data['type'];
    for (const name in data) if (data[name] === undefined) delete data[name];
    // Messages name paths and rules only, so they may be logged.
    if (!entry.check(data)) throw new MalformedEvent(`${event.type}: ${entry.errors(data)}`);
    const blobs = new Map<string, Record<string, unknown>>();
    for (const [name, { subject: subjectProperty }] of entry.personal) {
      if (!(name in data)) continue;
      const subject = subjectOf(data, subjectProperty, streamId);
      let blob = blobs.get(subject);
      if (!blob) blobs.set(subject, (blob = {}));
      blob[name] = data[name];
      delete data[name];
    }
    const personal: Record<string, string> = {};
    for (const [subject, blob] of blobs) {
      const key = keys.get(subject);
      if (!key && ofErased === 'refuse') throw new ErasedSubject(subject);
      personal[subject] = key ? seal(key, storableJson(blob), eventId).toString('base64') : nothing;
    }
    return {
      schemaVersion: entry.definition.schemaVersion,
      data: storableJson(data),
      personal: blobs.size === 0 ? null : JSON.stringify(personal),
    };
  }

  /** Whether this release can read it. */
  knows({ type, schemaVersion }: Pick<Stored, 'type' | 'schemaVersion'>): boolean {
    return this.#entries.get(type)?.versions[schemaVersion - 1] !== undefined;
  }

  /**
   * Decodes a batch; the keys of all its subjects are fetched in one go. Whatever version was stored, the newest one
   * comes out.
   *
   * @throws UnknownEvent
   */
  async decode(stored: readonly Stored[]): Promise<Recorded[]> {
    const blobs = stored.map((event) => (event.personal ? (JSON.parse(event.personal) as Record<string, string>) : {}));
    const subjects = blobs.flatMap((blob) => Object.keys(blob));
    const keys = subjects.length === 0 ? new Map<string, KeyObject>() : await this.keyring.keysFor(subjects);
    return stored.map((event, index) => this.#decodeOne(event, blobs[index] ?? {}, keys));
  }

  #decodeOne(stored: Stored, blobs: Record<string, string>, keys: ReadonlyMap<string, KeyObject>): Recorded {
    const entry = this.#entries.get(stored.type);
    const marks = entry?.versions[stored.schemaVersion - 1];
    if (!entry || !marks) throw new UnknownEvent(stored.type, stored.schemaVersion);
    const said = JSON.parse(stored.data) as Record<string, unknown>;
    for (const [subject, ciphertext] of Object.entries(blobs)) {
      const key = keys.get(subject);
      if (key) Object.assign(said, JSON.parse(open(key, Buffer.from(ciphertext, 'base64'), stored.id).toString()));
      else markErased(marks, said, subject, stored.stream.id);
    }
    const { schemaVersion, earlier } = entry.definition;
    const upcasters = earlier.slice(stored.schemaVersion - 1);
    const data = upcasters.reduce<EventData>((older, { upcast }) => upcast(older), said);
    const { id, type, stream, position, generation, occurredAt, recordedAt, effectiveAt } = stored;
    const meta = JSON.parse(stored.meta) as EventMeta;
    return { id, type, schemaVersion, stream, position, generation, data, meta, occurredAt, recordedAt, effectiveAt };
  }

  #entry(type: string): Entry {
    const entry = this.#entries.get(type);
    if (!entry) throw new MalformedEvent(`${type} is not in the contracts`);
    return entry;
  }
}

/** Which properties a destroyed blob held is gone with it, so all that may have been in it read as erased. */
function markErased(marks: Marks, data: Record<string, unknown>, subject: string, streamId: string): void {
  for (const [name, { subject: subjectProperty }] of marks) {
    const owner = subjectProperty ? data[subjectProperty] : streamId;
    if (owner === subject) data[name] = erased;
  }
}

/** @throws MalformedEvent where it is missing: what belongs to nobody could never be erased */
function subjectOf(data: Readonly<Record<string, unknown>>, property: string | undefined, streamId: string): string {
  const subject = property === undefined ? streamId : data[property];
  if (typeof subject !== 'string' || subject === '') throw new MalformedEvent(`no data subject in ${property}`);
  return subject;
}

/** How `JSON.stringify` writes U+0000 and halves of surrogate pairs, which are valid JSON but no valid text in Postgres. */
const unstorable = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/** @throws Refusal `invalid-text`, naming the places: later, in a view, it would break what has nothing to do with it */
function storableJson(data: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(data);
  if (!unstorable.test(json)) return json;
  const errors: FieldError[] = [];
  const look = (value: unknown, path: string): void => {
    if (typeof value === 'string') {
      if (value.includes('\0') || !value.isWellFormed()) errors.push({ path, code: 'invalid-text' });
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        const place = path === '' ? name : `${path}.${name}`;
        look(name, place);
        look(inner, place);
      }
    }
  };
  look(data, '');
  throw invalid('invalid-text', errors);
}

/** Nothing more can be recorded about a person whose key was destroyed. */
export class ErasedSubject extends Error {
  constructor(readonly subject: string) {
    super('the data subject was erased');
  }
}

/** `{ type, ...data }`, as deciders see it. */
export const eventOf = (recorded: Recorded): AnyEvent => ({ ...recorded.data, type: recorded.type });
