import { Type, type Static, type TObject, type TProperties, type TSchema, type TUnsafe } from 'typebox';

/** A point in time: RFC 3339 in UTC with milliseconds, for example `2026-03-31T08:15:00.000Z`. */
export type Instant = string;

/** What stands where a personal value stood after its subject's key was destroyed. */
export type Erased = { readonly erased: true };
export const erased: Erased = Object.freeze({ erased: true });

export const isErased = (value: unknown): value is Erased =>
  typeof value === 'object' && value !== null && (value as { erased?: unknown }).erased === true;

/** The value, or undefined where it was erased or never given. */
export const known = <T>(value: T | Erased | null | undefined): T | undefined =>
  value === null || value === undefined || isErased(value) ? undefined : value;

/** Keyword on a schema: this top-level property leaves `data` and is encrypted for its data subject. */
export type PersonalMark = { subject?: string };

/**
 * Marks a top-level property of an event as personal data.
 *
 * @param schema shape of the clear value
 * @param options.subject name of the property of the same event that holds the data subject's id; the event's stream
 *   is the subject where it is left out
 * @returns a schema whose static type is the value or `Erased`, so that every reader has to deal with both
 */
export function Personal<T extends TSchema>(schema: T, options: PersonalMark = {}): TUnsafe<Static<T> | Erased> {
  return Type.Unsafe<Static<T> | Erased>({ ...schema, personal: options });
}

/** Says what a property, a shape or an event means: for `docs/events.md` and the AsyncAPI document. */
export function described<T extends TSchema>(schema: T, description: string): T {
  // TypeBox keeps what it knows of a schema in properties that a spread would lose.
  const descriptors = Object.getOwnPropertyDescriptors(schema);
  return Object.defineProperties({}, { ...descriptors, description: { value: description, enumerable: true } }) as T;
}

export type EventData = Readonly<Record<string, unknown>>;

/** A version that is no longer written, and how its data becomes that of the next one. */
export type EarlierVersion = { data: TObject; upcast: (data: EventData) => EventData };

/**
 * An earlier version of an event.
 *
 * @param properties its schema as it was, personal marks included: they say what is erased with its subject's key
 * @param upcast pure: data of this version to data of the next. Never throws; hands an `Erased` value on as it is, and
 *   keeps a personal value a property of its own
 */
export function earlier<P extends TProperties>(
  properties: P,
  upcast: (data: Static<TObject<P>>) => EventData,
): EarlierVersion {
  return { data: dataOf(properties), upcast: upcast as EarlierVersion['upcast'] };
}

export type EventDefinition<P extends TProperties = TProperties> = {
  /** Type of the stream it is recorded in, for example `deal`. */
  stream: string;
  /** The version that is written, and the only one that readers see. */
  schemaVersion: number;
  data: TObject<P>;
  /** Versions 1 to `schemaVersion` - 1, in order. */
  earlier: readonly EarlierVersion[];
};

/**
 * Defines one event type. Properties may be added as optional ones later; anything else is a new version, and its
 * predecessor an `earlier` one. A changed meaning is a new type.
 */
export function event<P extends TProperties>(
  stream: string,
  properties: P,
  { description, schemaVersion = 1, earlier = [] }: EventOptions = {},
): EventDefinition<P> {
  return { stream, schemaVersion, data: dataOf(properties, description), earlier };
}

export type EventOptions = { description?: string; schemaVersion?: number; earlier?: readonly EarlierVersion[] };

const dataOf = <P extends TProperties>(properties: P, description?: string): TObject<P> =>
  Type.Object(properties, { additionalProperties: false, ...(description !== undefined && { description }) });

/** The schemas of all versions of an event, the first one first. */
export const versionsOf = ({ earlier, data }: EventDefinition): readonly TObject[] => [
  ...earlier.map((version) => version.data),
  data,
];

/** Property -> its mark, of those that are personal. */
export const personalOf = (data: TObject): ReadonlyMap<string, PersonalMark> =>
  new Map(
    Object.entries(data.properties as Record<string, { personal?: PersonalMark }>).flatMap(([name, { personal }]) =>
      personal ? [[name, personal] as const] : [],
    ),
  );

export type EventDefinitions = Readonly<Record<string, EventDefinition>>;

/** The tagged union `{ type, ...data }` of a dictionary of event definitions. */
export type EventOf<D extends EventDefinitions> = {
  [K in keyof D & string]: { type: K } & Static<D[K]['data']>;
}[keyof D & string];

export type AnyEvent = { type: string };

/** How a command came in. Duplicate rules and permissions may differ by it. */
export type Entry = 'person' | 'api' | 'import' | 'connector' | 'form' | 'policy';

export type Actor = { type: 'user' | 'api-key' | 'connection' | 'policy' | 'system'; id: string };

export type EventMeta = {
  actor: Actor;
  /** What the command came through: `web`, `api`, a connection's id, a policy's name. */
  source: string;
  correlationId: string;
  /** Id of the event that a policy reacted to. */
  causationId?: string;
  commandId: string;
  batchId?: string;
  rulesVersion?: string;
  traceparent?: string;
};

export type StreamRef = { type: string; id: string; version: number };

/** An event with everything that the store knows about it. */
export type Recorded<E extends AnyEvent = AnyEvent> = {
  id: string;
  type: E['type'];
  schemaVersion: number;
  stream: StreamRef;
  /** Place in the service's log; ascending, not dense. */
  position: number;
  /** Identity of the store's lifetime: a restored store gets a new one. */
  generation: string;
  data: Omit<E, 'type'>;
  meta: EventMeta;
  /** When it happened, as far as the source says; never in the future of `recordedAt`. */
  occurredAt: Instant;
  recordedAt: Instant;
  /** max(occurredAt, effectiveAt of the stream's event before): the time axis of `asOf`. */
  effectiveAt: Instant;
};

/** `Recorded` as a tagged union, so that `switch (event.type)` narrows `data`. */
export type RecordedOf<E extends AnyEvent> = E extends AnyEvent ? Recorded<E> : never;
