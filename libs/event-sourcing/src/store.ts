import { createHmac, type KeyObject } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import type { AnyEvent, EventMeta, Instant } from '@throughline/contracts';
import type { Codec, Stored } from './codec.ts';
import { isTransient, plainTypes, type Pool } from './database.ts';
import { newId } from './ids.ts';
import { invalid } from './refusal.ts';

/** Largest event, in bytes of JSON as stored. Files and bodies belong to the blob port. */
export const maxEventBytes = 256 * 1024;

export type StreamHead = { version: number; hash: string; effectiveAt: Instant | undefined };
export const noStream: StreamHead = { version: 0, hash: '', effectiveAt: undefined };

export type StreamAppend = {
  type: string;
  id: string;
  /** The stream as the caller loaded it; another head now is a conflict. */
  head: StreamHead;
  events: readonly AnyEvent[];
  /** HMACed claim keys to give up and to take. */
  release?: readonly string[];
  take?: readonly string[];
};

/** What is remembered of a command, so that a repeat gets the first outcome. Nothing personal. */
export type Outcome =
  | { kind: 'done'; streams: readonly { type: string; id: string; version: number }[]; answer?: unknown }
  | { kind: 'refused'; refusal: { kind: string; code: string; params: unknown; errors: unknown } };

export type Append = {
  streams: readonly StreamAppend[];
  meta: EventMeta;
  occurredAt: Instant;
  recordedAt: Instant;
  command: { id: string; actor: string; bodyHash: Buffer };
  /** JSON that a repeat is answered with, where the streams alone do not say it. Nothing personal. */
  answer?: unknown;
  /** What of people who were erased meanwhile: see `Codec.encode`. */
  ofErased?: 'refuse' | 'drop';
};

export type Appended = { position: number; streams: readonly { type: string; id: string; version: number }[] };

/** A stream moved on since it was loaded. */
export class VersionConflict extends Error {}
/** Another stream holds a claim: `key` is the HMACed key. */
export class ClaimTaken extends Error {}
/** The command id was carried out meanwhile: ask `recall` for the outcome. */
export class CommandRepeated extends Error {}

type Prepared = {
  append: Append;
  streams: {
    type: string;
    id: string;
    expected: number;
    version: number;
    release: readonly string[];
    take: readonly string[];
  }[];
  events: Row[];
  outcome: string;
  settle: { resolve: (appended: Appended) => void; reject: (error: Error) => void };
};
type Row = {
  id: string;
  streamType: string;
  streamId: string;
  version: number;
  type: string;
  schemaVersion: number;
  data: string;
  personal: string | null;
  meta: string;
  effectiveAt: Instant;
  hash: Buffer;
};

const appendStatement = `
with wanted as (
  select * from unnest($1::int[], $2::text[], $3::uuid[], $4::int[], $5::int[]) as s(append, type, id, previous, version)
),
settled as (
  insert into streams as s (type, id, version, previous)
  select type, id, version, previous from wanted w
  where previous = 0 or exists (select from streams known where known.type = w.type and known.id = w.id)
  order by type, id
  on conflict (type, id) do update set version = excluded.version, previous = excluded.previous
  where s.version = excluded.previous
  returning s.type, s.id
),
done as (
  select append from wanted group by append
  having bool_and((type, id) in (select type, id from settled))
),
written as (
  insert into events (position, id, stream_type, stream_id, version, type, schema_version, data, personal, meta,
    command_id, batch_id, occurred_at, recorded_at, effective_at, hash)
  select nextval('events_position'), e.* from (
    select id, stream_type, stream_id, version, type, schema_version, data::json, personal::json, meta::json,
      command_id, batch_id, occurred_at, recorded_at, effective_at, hash
    from unnest($6::int[], $7::uuid[], $8::text[], $9::uuid[], $10::int[], $11::text[], $12::smallint[], $13::text[],
      $14::text[], $15::text[], $16::text[], $17::text[], $18::timestamptz[], $19::timestamptz[], $20::timestamptz[],
      $21::bytea[]) with ordinality as i(append, id, stream_type, stream_id, version, type, schema_version, data,
      personal, meta, command_id, batch_id, occurred_at, recorded_at, effective_at, hash, ordinal)
    join done using (append)
    order by ordinal
  ) e
  returning position, command_id
),
released as (
  delete from claims c
  using unnest($22::int[], $23::text[], $24::uuid[], $25::text[]) as r(append, category, stream_id, key)
  where r.append in (select append from done)
    and c.category = r.category and c.key = r.key and c.stream_id = r.stream_id
  returning 1
),
claimed as (
  select t.* from unnest($26::int[], $27::text[], $28::uuid[], $29::text[]) as t(append, category, stream_id, key)
  join done using (append)
),
taken as (
  insert into claims (category, key, stream_id)
  select category, key, stream_id from claimed where (select count(*) from released) >= 0 order by category, key
  on conflict (category, key) do nothing
  returning 1
),
remembered as (
  insert into commands (id, actor, body_hash, outcome, position, recorded_at)
  select c.id, c.actor, c.body_hash, c.outcome::json,
    (select max(position) from written where command_id = c.id), c.recorded_at
  from unnest($30::int[], $31::text[], $32::text[], $33::bytea[], $34::text[], $35::timestamptz[])
    as c(append, id, actor, body_hash, outcome, recorded_at)
  join done using (append)
  where (select count(*) from taken) >= 0
  order by c.id
  on conflict (id) do nothing
  returning id, position
)
select c.append, r.position,
  guard(not $36::boolean or (select count(*) from settled) = (select count(*) from wanted), 'version')
  and guard((select count(*) from taken) = (select count(*) from claimed), 'claim')
  and guard((select count(*) from remembered) = (select count(*) from done), 'command') as ok
from (values (0)) as always(zero)
left join unnest($30::int[], $31::text[]) as c(append, id) on true
left join remembered r on r.id = c.id`;

/** The same for one append to one stream without claims, as most are: half the time of the statement for all cases. */
const plainAppendStatement = `
with settled as (
  insert into streams as s (type, id, version, previous)
  select $1, $2::uuid, $4::int, $3::int
  where $3::int = 0 or exists (select from streams known where known.type = $1 and known.id = $2::uuid)
  on conflict (type, id) do update set version = excluded.version, previous = excluded.previous
  where s.version = excluded.previous
  returning 1
),
written as (
  insert into events (position, id, stream_type, stream_id, version, type, schema_version, data, personal, meta,
    command_id, batch_id, occurred_at, recorded_at, effective_at, hash)
  select nextval('events_position'), id, $1, $2::uuid, version, type, schema_version, data::json, personal::json,
    $13::json, $14, $15, $16::timestamptz, $17::timestamptz, effective_at, hash
  from (
    select * from unnest($5::uuid[], $6::int[], $7::text[], $8::smallint[], $9::text[], $10::text[], $11::timestamptz[],
      $12::bytea[]) with ordinality as i(id, version, type, schema_version, data, personal, effective_at, hash, ordinal)
    where exists (select from settled)
    order by ordinal
  ) e
  returning position
),
remembered as (
  insert into commands (id, actor, body_hash, outcome, position, recorded_at)
  select $14, $18, $19::bytea, $20::json, max(position), $17::timestamptz from written having count(*) > 0
  on conflict (id) do nothing
  returning position
)
select 0 as append, (select position from remembered) as position,
  guard((select count(*) from remembered) = (select count(*) from settled), 'command') as ok`;

const eventColumns = `position, id, stream_type, stream_id, version, type, schema_version, data::text, personal::text,
  meta::text, occurred_at, recorded_at, effective_at, encode(hash, 'hex') as hash`;

type EventRow = {
  position: number;
  id: string;
  stream_type: string;
  stream_id: string;
  version: number;
  type: string;
  schema_version: number;
  data: string;
  personal: string | null;
  meta: string;
  occurred_at: Instant;
  recorded_at: Instant;
  effective_at: Instant;
  hash: string;
};

/** How long the next statement waits for the one before. */
const patienceMilliseconds = 1_000;

/** A batch that travels together stays below this many appends and events. */
const gatherAppends = 64;
const gatherEvents = 500;

/** The streams that an append moved on, with where they stand then. */
const moved = (streams: Prepared['streams']): Appended['streams'] =>
  streams.flatMap(({ type, id, expected, version }) => (version > expected ? [{ type, id, version }] : []));

/** Two appends that swap a claim may meet: the victim did nothing and simply tries again. */
const deadlockDetected = '40P01';

/** As the database will give it back, so that instants compare as text and the hash chain holds. */
function canonicalInstant(text: string): Instant {
  const time = new Date(text);
  const year = time.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) throw invalid('invalid-time');
  return time.toISOString();
}

const later = (a: Instant, b: Instant | undefined): Instant => (b !== undefined && b > a ? b : a);

type Happenings = {
  /** The highest position of what was committed. */
  appended: [position: number];
  /** A statement is about to go out, with so many appends in it. */
  statement: [appends: number];
  /** An append was answered, so many seconds after it was asked for. */
  answered: [seconds: number];
};

/**
 * The Postgres event store of one service.
 *
 * Appends of this process that come in while a statement is under way gather and travel together in the next one; each
 * keeps its own outcome. Emits `appended` with the highest position after every commit.
 */
export class EventStore extends EventEmitter<Happenings> {
  #generation = '';
  #waiting: Prepared[] = [];
  #busy = false;

  constructor(
    readonly pool: Pool,
    readonly codec: Codec,
    private readonly chainKey: KeyObject,
  ) {
    super();
    this.setMaxListeners(0);
  }

  /** Identity of this store's lifetime, asked anew: it may have been restored while this process went on. */
  async generation(): Promise<string> {
    const { rows } = await this.pool.query<{ generation: string }>('select generation from store');
    return (this.#generation = rows[0]?.generation ?? '');
  }

  /**
   * Appends to one or several streams, all or nothing. Of several, some may have no events: they must only stand where
   * they were when the decision was made.
   *
   * @throws VersionConflict, ClaimTaken, CommandRepeated; Refusal `event-too-large`, `invalid-text`, `invalid-time`;
   *   Error for an empty append
   */
  async append(append: Append): Promise<Appended> {
    const askedAt = performance.now();
    const prepared = await this.#prepare(append);
    const appended = await new Promise<Appended>((resolve, reject) => {
      const waiting = { ...prepared, settle: { resolve, reject } };
      // Several streams fail together, so they do not share a statement with appends that could make them fail.
      if (waiting.streams.length > 1) void this.#send([waiting], true);
      else {
        this.#waiting.push(waiting);
        void this.#drain();
      }
    });
    this.emit('answered', (performance.now() - askedAt) / 1_000);
    return appended;
  }

  /** The events of a stream in order, from the first one, up to `until` where given. */
  async load(type: string, id: string): Promise<Stored[]> {
    const { rows } = await this.pool.query<EventRow>({
      name: 'load-stream',
      text: `select ${eventColumns} from events where stream_type = $1 and stream_id = $2 order by version`,
      values: [type, id],
      types: plainTypes,
    });
    return this.#stored(rows);
  }

  /** Events above a position in position order. It may see gaps of appends under way: `StoreFeed` knows how to wait. */
  async readAbove(position: number, limit: number, upTo = Number.MAX_SAFE_INTEGER): Promise<Stored[]> {
    const { rows } = await this.pool.query<EventRow>({
      name: 'read-above',
      text: `select ${eventColumns} from events where position > $1 and position <= $3 order by position limit $2`,
      values: [position, limit, upTo],
      types: plainTypes,
    });
    return this.#stored(rows);
  }

  /** The events that hold, or held, something personal of a data subject; in position order. Reads the whole table. */
  async about(subject: string): Promise<Stored[]> {
    const { rows } = await this.pool.query<EventRow>({
      text: `select ${eventColumns} from events where strpos(personal::text, $1) > 0 order by position`,
      values: [JSON.stringify(subject)],
      types: plainTypes,
    });
    return this.#stored(rows);
  }

  /** Highest position that any append has taken so far, committed or not. */
  async ceiling(): Promise<number> {
    const { rows } = await this.pool.query<{ ceiling: string }>(
      'select case when is_called then last_value else 0 end as ceiling from events_position',
    );
    return Number(rows[0]?.ceiling ?? 0);
  }

  /** Virtual transaction ids of the appends under way. Databases copied from one template share the table's oid. */
  async writers(): Promise<ReadonlySet<string>> {
    const { rows } = await this.pool.query<{ virtualtransaction: string }>(
      `select virtualtransaction from pg_locks
       where relation = 'events'::regclass and mode = 'RowExclusiveLock' and granted
         and database = (select oid from pg_database where datname = current_database())`,
    );
    return new Set(rows.map((row) => row.virtualtransaction));
  }

  /** What came of a command, or undefined where it was never carried out. */
  async recall(
    id: string,
  ): Promise<{ actor: string; bodyHash: Buffer; outcome: Outcome; position: number } | undefined> {
    const { rows } = await this.pool.query<{
      actor: string;
      body_hash: Buffer;
      outcome: Outcome;
      position: number | null;
    }>({
      name: 'recall-command',
      text: 'select actor, body_hash, outcome, position from commands where id = $1',
      values: [id],
      types: plainTypes,
    });
    const row = rows[0];
    return row && { actor: row.actor, bodyHash: row.body_hash, outcome: row.outcome, position: row.position ?? 0 };
  }

  /**
   * Remembers a command that appended nothing. The first outcome of an id stays.
   *
   * @returns false where there was one already
   */
  async remember(command: Append['command'], outcome: Outcome): Promise<boolean> {
    const { rowCount } = await this.pool.query({
      name: 'remember-command',
      text: 'insert into commands (id, actor, body_hash, outcome) values ($1, $2, $3, $4) on conflict (id) do nothing',
      values: [command.id, command.actor, command.bodyHash, JSON.stringify(outcome)],
    });
    return rowCount === 1;
  }

  /** The claim keys that a stream holds now. */
  async claimsOf(category: string, streamId: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ key: string }>({
      name: 'claims-of',
      text: 'select key from claims where category = $1 and stream_id = $2',
      values: [category, streamId],
    });
    return rows.map((row) => row.key);
  }

  /** Who holds any of the keys: key -> stream id. */
  async holders(category: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.pool.query<{ key: string; stream_id: string }>({
      name: 'holders',
      text: 'select key, stream_id from claims where category = $1 and key = any($2)',
      values: [category, keys],
    });
    return new Map(rows.map((row) => [row.key, row.stream_id]));
  }

  #stored(rows: readonly EventRow[]): Stored[] {
    const generation = this.#generation;
    return rows.map((row) => ({
      id: row.id,
      type: row.type,
      schemaVersion: row.schema_version,
      stream: { type: row.stream_type, id: row.stream_id, version: row.version },
      position: row.position,
      generation,
      data: row.data,
      personal: row.personal,
      meta: row.meta,
      occurredAt: row.occurred_at,
      recordedAt: row.recorded_at,
      effectiveAt: row.effective_at,
      hash: row.hash,
    }));
  }

  async #prepare(append: Append): Promise<Omit<Prepared, 'settle'>> {
    const recordedAt = canonicalInstant(append.recordedAt);
    const said = canonicalInstant(append.occurredAt);
    const occurredAt = said > recordedAt ? recordedAt : said;
    const meta = JSON.stringify(append.meta);
    const events: Row[] = [];
    const streams: Prepared['streams'] = [];
    for (const { type, id: givenId, head, events: news, release = [], take = [] } of append.streams) {
      // As the database will give it back: the hash, the data subject and the cipher are bound to it.
      const id = givenId.toLowerCase();
      if (news.length === 0 && head.version === 0) continue;
      const keys = await this.codec.keysToEncode(news, id);
      let { version, hash, effectiveAt } = head;
      for (const event of news) {
        version += 1;
        effectiveAt = later(occurredAt, effectiveAt);
        const eventId = newId();
        const encoded = this.codec.encode(event, eventId, id, keys, append.ofErased);
        const bytes = Buffer.byteLength(encoded.data) + Buffer.byteLength(encoded.personal ?? '');
        if (bytes > maxEventBytes) throw invalid('event-too-large', [], { bytes, limit: maxEventBytes });
        const row = {
          id: eventId,
          streamType: type,
          streamId: id,
          version,
          type: event.type,
          ...encoded,
          meta,
          effectiveAt,
        };
        const chained = chainHash(this.chainKey, hash, {
          ...row,
          occurredAt,
          recordedAt,
          commandId: append.command.id,
          batchId: append.meta.batchId ?? null,
        });
        hash = chained.toString('hex');
        events.push({ ...row, hash: chained });
      }
      streams.push({ type, id, expected: head.version, version, release, take });
    }
    if (events.length === 0) throw new Error('an append without events');
    const { answer } = append;
    const outcome: Outcome = { kind: 'done', streams: moved(streams), ...(answer !== undefined && { answer }) };
    return { append: { ...append, occurredAt, recordedAt }, streams, events, outcome: JSON.stringify(outcome) };
  }

  async #drain(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#waiting.length > 0) {
        // A turn of the loop, in which callers whose append has just ended come along with their next one.
        await turn();
        const sent = this.#send(this.#gather(), false);
        // One that waits for a lock, or whose connection hangs, does not hold up the others for long.
        await Promise.race([sent, sleep(patienceMilliseconds, undefined, { ref: false })]);
      }
    } finally {
      this.#busy = false;
    }
  }

  /** The next batch: no two of it share a stream, a claim or a command, so that each can succeed on its own. */
  #gather(): Prepared[] {
    const batch: Prepared[] = [];
    const left: Prepared[] = [];
    const taken = new Set<string>();
    let events = 0;
    for (const prepared of this.#waiting) {
      const names = [
        `command ${prepared.append.command.id}`,
        ...prepared.streams.flatMap(({ type, id, release, take }) => [
          `stream ${type} ${id}`,
          ...[...release, ...take].map((key) => `claim ${type} ${key}`),
        ]),
      ];
      const full = batch.length >= gatherAppends || events + prepared.events.length > gatherEvents;
      if (batch.length > 0 && (full || names.some((name) => taken.has(name)))) left.push(prepared);
      else {
        batch.push(prepared);
        events += prepared.events.length;
        for (const name of names) taken.add(name);
      }
    }
    this.#waiting = left;
    return batch;
  }

  async #send(batch: readonly Prepared[], allOrNothing: boolean): Promise<void> {
    let positions: ReadonlyMap<number, number>;
    this.emit('statement', batch.length);
    try {
      positions = await this.#execute(batch, allOrNothing);
    } catch (error) {
      return this.#failed(batch, allOrNothing, error as Error);
    }
    let highest = 0;
    batch.forEach((prepared, index) => {
      const position = positions.get(index);
      if (position === undefined) prepared.settle.reject(new VersionConflict());
      else {
        highest = Math.max(highest, position);
        prepared.settle.resolve({ position, streams: moved(prepared.streams) });
      }
    });
    if (highest > 0) this.emit('appended', highest);
  }

  /** The statement failed as a whole and left nothing, unless the connection was lost: then nobody knows. */
  async #failed(batch: readonly Prepared[], allOrNothing: boolean, error: Error & { code?: string }): Promise<void> {
    const [alone, another] = batch;
    if (error.code === deadlockDetected) await this.#send(batch, allOrNothing);
    else if (another && error.code !== undefined && !isTransient(error)) {
      // One of them broke the statement: halves, until it fails alone.
      const half = batch.length >> 1;
      await this.#send(batch.slice(0, half), allOrNothing);
      await this.#send(batch.slice(half), allOrNothing);
    } else if (alone && error.code === 'TL001') {
      const reasons = { version: VersionConflict, claim: ClaimTaken, command: CommandRepeated };
      const Reason = reasons[error.message as keyof typeof reasons];
      alone.settle.reject(new Reason(error.message));
    } else {
      for (const prepared of batch) prepared.settle.reject(error);
    }
  }

  /** Positions by index in the batch; an index that is missing had a version conflict. */
  async #execute(batch: readonly Prepared[], allOrNothing: boolean): Promise<ReadonlyMap<number, number>> {
    const streams = batch.flatMap((prepared, append) => prepared.streams.map((stream) => ({ append, ...stream })));
    const events = batch.flatMap((prepared, append) => prepared.events.map((event) => ({ append, ...event })));
    const claims = (which: 'release' | 'take') =>
      streams.flatMap((stream) =>
        stream[which].map((key) => ({ append: stream.append, type: stream.type, id: stream.id, key })),
      );
    const released = claims('release');
    const taken = claims('take');
    if (streams.length === 1 && released.length + taken.length === 0) return this.#executePlain(batch[0] as Prepared);
    const appendOf = (event: { append: number }) => (batch[event.append] as Prepared).append;
    const { rows } = await this.pool.query<{ append: number; position: number | null }>({
      name: 'append',
      text: appendStatement,
      types: plainTypes,
      values: [
        streams.map((s) => s.append),
        streams.map((s) => s.type),
        streams.map((s) => s.id),
        streams.map((s) => s.expected),
        streams.map((s) => s.version),
        events.map((e) => e.append),
        events.map((e) => e.id),
        events.map((e) => e.streamType),
        events.map((e) => e.streamId),
        events.map((e) => e.version),
        events.map((e) => e.type),
        events.map((e) => e.schemaVersion),
        events.map((e) => e.data),
        events.map((e) => e.personal),
        events.map((e) => e.meta),
        events.map((e) => appendOf(e).command.id),
        events.map((e) => appendOf(e).meta.batchId ?? null),
        events.map((e) => appendOf(e).occurredAt),
        events.map((e) => appendOf(e).recordedAt),
        events.map((e) => e.effectiveAt),
        events.map((e) => e.hash),
        released.map((c) => c.append),
        released.map((c) => c.type),
        released.map((c) => c.id),
        released.map((c) => c.key),
        taken.map((c) => c.append),
        taken.map((c) => c.type),
        taken.map((c) => c.id),
        taken.map((c) => c.key),
        batch.map((_, append) => append),
        batch.map((prepared) => prepared.append.command.id),
        batch.map((prepared) => prepared.append.command.actor),
        batch.map((prepared) => prepared.append.command.bodyHash),
        batch.map((prepared) => prepared.outcome),
        batch.map((prepared) => prepared.append.recordedAt),
        allOrNothing,
      ],
    });
    return positionsOf(rows);
  }

  async #executePlain({ append, streams, events, outcome }: Prepared): Promise<ReadonlyMap<number, number>> {
    const { type, id, expected, version } = streams[0] as Prepared['streams'][number];
    const { rows } = await this.pool.query<{ append: number; position: number | null }>({
      name: 'append-plain',
      text: plainAppendStatement,
      types: plainTypes,
      values: [
        type,
        id,
        expected,
        version,
        events.map((e) => e.id),
        events.map((e) => e.version),
        events.map((e) => e.type),
        events.map((e) => e.schemaVersion),
        events.map((e) => e.data),
        events.map((e) => e.personal),
        events.map((e) => e.effectiveAt),
        events.map((e) => e.hash),
        events[0]?.meta,
        append.command.id,
        append.meta.batchId ?? null,
        append.occurredAt,
        append.recordedAt,
        append.command.actor,
        append.command.bodyHash,
        outcome,
      ],
    });
    return positionsOf(rows);
  }
}

const positionsOf = (rows: readonly { append: number; position: number | null }[]) =>
  new Map(rows.flatMap((row) => (row.position === null ? [] : [[row.append, row.position]])));

/** Everything of a row but its position, which nobody knows before the INSERT: that is for the anchors to prove. */
export type Chained = Omit<Row, 'hash'> & {
  occurredAt: Instant;
  recordedAt: Instant;
  commandId: string;
  batchId: string | null;
};

/** Keyed chain over a stream: HMAC-SHA256 of the hash before and of everything that is stored, ciphertext included. */
export function chainHash(key: KeyObject, previous: string, event: Chained): Buffer {
  const { id, streamType, streamId, version, type, schemaVersion, data, personal, meta } = event;
  const { commandId, batchId, occurredAt, recordedAt, effectiveAt } = event;
  const stored = [
    id,
    streamType,
    streamId,
    version,
    type,
    schemaVersion,
    data,
    personal,
    meta,
    commandId,
    batchId,
    occurredAt,
    recordedAt,
    effectiveAt,
  ];
  return createHmac('sha256', key).update(previous).update(JSON.stringify(stored)).digest();
}
