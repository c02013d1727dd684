import type { KeyObject } from 'node:crypto';
import type { AnyEvent, EventMeta, Instant } from '@throughline/contracts';
import type { Prepared, PreparedCommand, PreparedStream } from './append-statements.ts';
import type { Codec } from './codec.ts';
import { chainHash, type Chained } from './hash-chain.ts';
import { newId } from './ids.ts';
import { invalid } from './refusal.ts';

/** Largest event, in bytes of JSON as stored. Files and bodies belong to the blob port. */
export const maxEventBytes = 256 * 1024;

export type StreamHead = { version: number; hash: string; effectiveAt: Instant | undefined };
export const noStream: StreamHead = { version: 0, hash: '', effectiveAt: undefined };

type Stream = {
  type: string;
  id: string;
  /** The stream as the caller loaded it; another head now is a conflict. */
  head: StreamHead;
  /** HMACed claim keys to give up and to take. */
  release?: readonly string[];
  take?: readonly string[];
};
export type StreamAppend = Stream & { events: readonly AnyEvent[] };

/** What is remembered of a command, so that a repeat gets the first outcome. Nothing personal. */
export type Outcome =
  | { kind: 'done'; streams: readonly { type: string; id: string; version: number }[]; answer?: unknown }
  | { kind: 'refused'; refusal: { kind: string; code: string; params: unknown; errors: unknown } };

/** `answer` is told to a repeat where the streams alone do not say it. */
export const done = (streams: Appended['streams'], answer?: unknown): Outcome => ({
  kind: 'done',
  streams,
  ...(answer !== undefined && { answer }),
});

export type CommandKey = { id: string; actor: string; bodyHash: Buffer };

type Envelope = { meta: EventMeta; occurredAt: Instant; recordedAt: Instant; command: CommandKey };
/** What of people who were erased meanwhile: see `Codec.encode`. */
type OfErased = { ofErased?: 'refuse' | 'drop' };

/** One command to one or several streams. */
export type Append = Envelope &
  OfErased & {
    streams: readonly StreamAppend[];
    /** JSON that a repeat is answered with, where the streams alone do not say it. Nothing personal. */
    answer?: unknown;
  };
/** Several commands to one stream, each upon the one before, with what they change about its claims all in all. */
export type Succession = OfErased & { stream: Stream; steps: readonly Step[] };
type Step = Envelope & { events: readonly AnyEvent[] };

export type Appended = { position: number; streams: readonly { type: string; id: string; version: number }[] };

/** A stream moved on since it was loaded. */
export class VersionConflict extends Error {}
/** Another stream holds a claim: `key` is the HMACed key. */
export class ClaimTaken extends Error {}
/** The command id was carried out meanwhile: ask `recall` for the outcome. */
export class CommandRepeated extends Error {}

/** What appends are encrypted and chained with. */
export type Sealing = { codec: Codec; chainKey: KeyObject };

/** @throws MalformedEvent */
export const subjectsOf = (codec: Codec, streams: readonly Pick<StreamAppend, 'id' | 'events'>[]): Set<string> =>
  new Set(streams.flatMap(({ id, events }) => [...codec.subjectsOf(events, id.toLowerCase())]));

/** @throws as `EventStore.append` does */
export function prepareAppend(sealing: Sealing, append: Append, keys: ReadonlyMap<string, KeyObject>): Prepared {
  const said = canonical(append);
  const streams: PreparedStream[] = [];
  const rows: Prepared['events'][number][] = [];
  for (const stream of append.streams) {
    if (stream.events.length === 0 && stream.head.version === 0) continue;
    const chained = chain(sealing, stream, stream.events, said, keys, append.ofErased);
    rows.push(...chained.rows);
    streams.push(preparedStream(stream, chained.head.version));
  }
  if (rows.length === 0) throw new Error('an append without events');
  return { streams, events: rows, commands: [preparedCommand(said, moved(streams), append.answer)] };
}

/** @throws as `EventStore.append` does */
export function prepareSuccession(
  sealing: Sealing,
  { stream, steps, ofErased }: Succession,
  keys: ReadonlyMap<string, KeyObject>,
): Prepared {
  const rows: Prepared['events'][number][] = [];
  const commands: PreparedCommand[] = [];
  let { head } = stream;
  for (const step of steps) {
    const said = canonical(step);
    const chained = chain(sealing, { ...stream, head }, step.events, said, keys, ofErased);
    if (chained.rows.length === 0) throw new Error('an append without events');
    rows.push(...chained.rows);
    head = chained.head;
    commands.push(preparedCommand(said, moved([preparedStream(stream, head.version)])));
  }
  return { streams: [preparedStream(stream, head.version)], events: rows, commands };
}

/** The streams that an append moved on, with where they stand then. */
export const moved = (streams: readonly PreparedStream[]): Appended['streams'] =>
  streams.flatMap(({ type, id, expected, version }) => (version > expected ? [{ type, id, version }] : []));

type Said = { [K in 'recordedAt' | 'occurredAt']: Instant } & { meta: string; batchId: string | null } & Pick<
    Envelope,
    'command'
  >;

function canonical({ recordedAt, occurredAt, meta, command }: Envelope): Said {
  const recorded = canonicalInstant(recordedAt);
  const occurred = occurredAt === recordedAt ? recorded : canonicalInstant(occurredAt);
  return {
    recordedAt: recorded,
    occurredAt: occurred > recorded ? recorded : occurred,
    meta: JSON.stringify(meta),
    batchId: meta.batchId ?? null,
    command,
  };
}

/** The rows of a stream's new events, each chained to the one before. */
function chain(
  { codec, chainKey }: Sealing,
  { type, id, head }: Stream,
  events: readonly AnyEvent[],
  { meta, batchId, command, occurredAt, recordedAt }: Said,
  keys: ReadonlyMap<string, KeyObject>,
  ofErased: OfErased['ofErased'],
): { rows: Prepared['events']; head: StreamHead } {
  // As the database will give it back: the hash, the data subject and the cipher are bound to it.
  const streamId = id.toLowerCase();
  let { version, hash, effectiveAt } = head;
  const rows = events.map((event) => {
    version += 1;
    effectiveAt = later(occurredAt, effectiveAt);
    const eventId = newId();
    const encoded = codec.encode(event, eventId, streamId, keys, ofErased);
    const bytes = Buffer.byteLength(encoded.data) + Buffer.byteLength(encoded.personal ?? '');
    if (bytes > maxEventBytes) throw invalid('event-too-large', [], { bytes, limit: maxEventBytes });
    const row: Chained = {
      id: eventId,
      streamType: type,
      streamId,
      version,
      type: event.type,
      schemaVersion: encoded.schemaVersion,
      data: encoded.data,
      personal: encoded.personal,
      meta,
      commandId: command.id,
      batchId,
      occurredAt,
      recordedAt,
      effectiveAt,
    };
    const chained = chainHash(chainKey, hash, row);
    hash = chained.toString('hex');
    return { ...row, hash: chained };
  });
  return { rows, head: { version, hash, effectiveAt } };
}

const preparedStream = ({ type, id, head, release = [], take = [] }: Stream, version: number): PreparedStream => ({
  type,
  id: id.toLowerCase(),
  expected: head.version,
  version,
  release,
  take,
});

function preparedCommand(
  { command, recordedAt }: Said,
  streams: Appended['streams'],
  answer?: unknown,
): PreparedCommand {
  const outcome = done(streams, answer);
  return { ...command, outcome: JSON.stringify(outcome), recordedAt };
}

/** As the database will give it back, so that instants compare as text and the hash chain holds. */
function canonicalInstant(text: string): Instant {
  const time = new Date(text);
  const year = time.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) throw invalid('invalid-time');
  return time.toISOString();
}

const later = (a: Instant, b: Instant | undefined): Instant => (b !== undefined && b > a ? b : a);
