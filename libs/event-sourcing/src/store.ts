import type { KeyObject } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setImmediate as turnOfLoop, setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '@throughline/contracts';
import {
  ClaimTaken,
  CommandRepeated,
  VersionConflict,
  moved,
  prepareAppend,
  prepareSuccession,
  subjectsOf,
  type Append,
  type Appended,
  type CommandKey,
  type Outcome,
  type Sealing,
  type Succession,
} from './append.ts';
import { writeAppends, type Prepared } from './append-statements.ts';
import type { Codec, Stored } from './codec.ts';
import { isTransient, plainTypes, type Pool } from './database.ts';
import { gathered } from './gather.ts';

/** An append on its way. It is answered with the position that each of its commands reached, in their order. */
type Waiting = Prepared & {
  settle: { resolve: (positions: readonly number[]) => void; reject: (error: Error) => void };
};

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

/** What came of a command. */
export type Remembered = { bodyHash: Buffer; outcome: Outcome; position: number };

export type SendOptions = {
  /** What must have come before; until then all is only made ready. */
  turn?: Promise<unknown> | undefined;
  /** Whether to find out who made the statement fail, by sending ever smaller parts; else all fail with them. */
  isolate: boolean;
};

/** How long the next statement waits for the one before. */
const patienceMilliseconds = 1_000;

/** A batch that travels together stays below this many appends and events. */
const gatherAppends = 64;
const gatherEvents = 500;

/** What many appends at once bring to one statement, about; one that is larger goes alone. */
const statementCharacters = 16_000_000;

/** Two appends that swap a claim may meet: the victim did nothing and simply tries again. */
const deadlockDetected = '40P01';

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
  readonly #loads = new Map<string, (ids: readonly string[]) => ReturnType<EventStore['loadMany']>>();
  #waiting: Waiting[] = [];
  readonly #sealing: Sealing;
  #busy = false;
  #heard = 0;

  constructor(
    readonly pool: Pool,
    readonly codec: Codec,
    chainKey: KeyObject,
  ) {
    super();
    this.#sealing = { codec, chainKey };
    this.setMaxListeners(0);
    this.on('appended', () => (this.#heard += 1));
  }

  /** How many commits it made, or was told of. */
  get heard(): number {
    return this.#heard;
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
    const keys = await this.codec.keysToEncode(subjectsOf(this.codec, append.streams));
    const prepared = prepareAppend(this.#sealing, append, keys);
    const [position = 0] = await new Promise<readonly number[]>((resolve, reject) => {
      const waiting = { ...prepared, settle: { resolve, reject } };
      // Several streams fail together, so they do not share a statement with appends that could make them fail.
      if (waiting.streams.length > 1) void this.#send([waiting], true);
      else {
        this.#waiting.push(waiting);
        void this.#drain();
      }
    });
    this.emit('answered', (performance.now() - askedAt) / 1_000);
    return { position, streams: moved(prepared.streams) };
  }

  /**
   * Appends to many streams in one statement, each succession for itself. No two of them share a stream, a claim or a
   * command.
   *
   * @returns for each the position that its steps reached, or what `append` would have thrown
   */
  async appendMany(
    successions: readonly Succession[],
    { turn, isolate }: SendOptions,
  ): Promise<PromiseSettledResult<readonly number[]>[]> {
    const subjects = await Promise.allSettled(
      successions.map(async ({ stream: { id }, steps }) =>
        subjectsOf(
          this.codec,
          steps.map(({ events }) => ({ id, events })),
        ),
      ),
    );
    const wellFormed = subjects.flatMap((result) => (result.status === 'fulfilled' ? [...result.value] : []));
    const keys = await this.codec.keysToEncode(new Set(wellFormed));
    const batch: Waiting[] = [];
    const answers = successions.map(
      (succession) =>
        new Promise<readonly number[]>((resolve, reject) => {
          batch.push({ ...prepareSuccession(this.#sealing, succession, keys), settle: { resolve, reject } });
        }),
    );
    const settled = Promise.allSettled(answers);
    await turn;
    const askedAt = performance.now();
    for (const part of parts(batch)) await this.#send(part, false, isolate);
    const seconds = (performance.now() - askedAt) / 1_000;
    for (const { steps } of successions) for (const _ of steps) this.emit('answered', seconds);
    return settled;
  }

  /** The events of a stream in order, from the first one. Loads of this process that are asked for at the same time travel together. */
  async load(type: string, id: string): Promise<readonly Stored[]> {
    const key = id.toLowerCase();
    let load = this.#loads.get(type);
    if (!load) this.#loads.set(type, (load = gathered((ids) => this.loadMany(type, ids))));
    try {
      return (await load([key])).get(key) ?? [];
    } catch (error) {
      if (isTransient(error)) throw error;
      // An id that is none spoils the question for those who asked with it.
      return (await this.loadMany(type, [key])).get(key) ?? [];
    }
  }

  /** The streams that batches wrote to, event by event, above a position. */
  async streamsOfBatches(
    type: string,
    batchIds: readonly string[],
    above: number,
    limit: number,
  ): Promise<{ id: string; position: number }[]> {
    const { rows } = await this.pool.query<{ id: string; position: number }>({
      text: `select id, position from unnest($1::text[]) as batch (batch), lateral (
          select stream_id as id, position from events
          where batch_id = batch and stream_type = $2 and position > $3 order by position limit $4) as placed
        order by position limit $4`,
      values: [batchIds, type, above, limit],
      types: plainTypes,
    });
    return rows;
  }

  /** How many events batches wrote to streams of a type. */
  async countOfBatches(type: string, batchIds: readonly string[]): Promise<number> {
    const { rows } = await this.pool.query<{ count: string }>(
      'select count(*) from events where batch_id = any($1) and stream_type = $2',
      [batchIds, type],
    );
    return Number(rows[0]?.count);
  }

  /** The same of many streams of one type; ids without events are missing. */
  async loadMany(type: string, ids: readonly string[]): Promise<ReadonlyMap<string, readonly Stored[]>> {
    if (ids.length === 0) return new Map();
    const { rows } = await this.pool.query<EventRow>({
      name: 'load-streams',
      text: `select ${eventColumns} from events where stream_type = $1 and stream_id = any($2)
        order by stream_id, version`,
      values: [type, ids],
      types: plainTypes,
    });
    return Map.groupBy(this.#stored(rows), ({ stream }) => stream.id);
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

  /** What came of commands; those that were never carried out are missing. */
  async recall(ids: readonly string[]): Promise<ReadonlyMap<string, Remembered>> {
    const { rows } = await this.pool.query<{
      id: string;
      body_hash: Buffer;
      outcome: Outcome;
      position: number | null;
    }>({
      name: 'recall-commands',
      text: 'select id, body_hash, outcome, position from commands where id = any($1)',
      values: [ids],
      types: plainTypes,
    });
    return new Map(
      rows.map(({ id, body_hash: bodyHash, outcome, position }) => [
        id,
        { bodyHash, outcome, position: position ?? 0 },
      ]),
    );
  }

  /**
   * Remembers commands that appended nothing. The first outcome of an id stays.
   *
   * @returns the ids that had none before
   */
  async remember(outcomes: readonly { command: CommandKey; outcome: Outcome }[]): Promise<ReadonlySet<string>> {
    const { rows } = await this.pool.query<{ id: string }>({
      name: 'remember-commands',
      text: `insert into commands (id, actor, body_hash, outcome)
        select id, actor, body_hash, outcome::json
        from unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) as c(id, actor, body_hash, outcome) order by id
        on conflict (id) do nothing returning id`,
      values: [
        outcomes.map(({ command }) => command.id),
        outcomes.map(({ command }) => command.actor),
        outcomes.map(({ command }) => command.bodyHash),
        outcomes.map(({ outcome }) => JSON.stringify(outcome)),
      ],
    });
    return new Set(rows.map(({ id }) => id));
  }

  /** The claim keys that streams hold now; those without any are missing. */
  async claimsOf(category: string, streamIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const { rows } = await this.pool.query<{ stream_id: string; keys: string[] }>({
      name: 'claims-of',
      text: `select stream_id, array_agg(key) as keys from claims where category = $1 and stream_id = any($2)
        group by stream_id`,
      values: [category, streamIds],
    });
    return new Map(rows.map(({ stream_id, keys }) => [stream_id, keys]));
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

  async #drain(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#waiting.length > 0) {
        // A turn of the loop, in which callers whose append has just ended come along with their next one.
        await turnOfLoop();
        const sent = this.#send(this.#gather(), false);
        // One that waits for a lock, or whose connection hangs, does not hold up the others for long.
        await Promise.race([sent, sleep(patienceMilliseconds, undefined, { ref: false })]);
      }
    } finally {
      this.#busy = false;
    }
  }

  /** The next batch: no two of it share a stream, a claim or a command, so that each can succeed on its own. */
  #gather(): Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const taken = new Set<string>();
    let events = 0;
    for (const prepared of this.#waiting) {
      const names = [
        ...prepared.commands.map(({ id }) => `command ${id}`),
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

  async #send(batch: readonly Waiting[], allOrNothing: boolean, isolate = true): Promise<void> {
    let written: ReadonlyMap<string, number>;
    this.emit('statement', batch.length);
    try {
      written = await writeAppends(this.pool, batch, allOrNothing);
    } catch (error) {
      return this.#failed(batch, allOrNothing, isolate, error as Error);
    }
    let highest = 0;
    for (const { commands, settle } of batch) {
      const positions = commands.flatMap(({ id }) => written.get(id) ?? []);
      if (positions.length < commands.length) settle.reject(new VersionConflict());
      else {
        highest = Math.max(highest, ...positions);
        settle.resolve(positions);
      }
    }
    if (highest > 0) this.emit('appended', highest);
  }

  /** The statement failed as a whole and left nothing, unless the connection was lost: then nobody knows. */
  async #failed(
    batch: readonly Waiting[],
    allOrNothing: boolean,
    isolate: boolean,
    error: Error & { code?: string },
  ): Promise<void> {
    const isGuarded = error.code === 'TL001';
    if (error.code === deadlockDetected) await this.#send(batch, allOrNothing, isolate);
    else if (batch.length > 1 && error.code !== undefined && !isTransient(error) && (isolate || !isGuarded)) {
      // One of them broke the statement: halves, until it fails alone.
      const half = batch.length >> 1;
      await this.#send(batch.slice(0, half), allOrNothing, isolate);
      await this.#send(batch.slice(half), allOrNothing, isolate);
    } else {
      const reasons = { version: VersionConflict, claim: ClaimTaken, command: CommandRepeated };
      const Reason = isGuarded ? reasons[error.message as keyof typeof reasons] : undefined;
      for (const { settle } of batch) settle.reject(Reason ? new Reason(error.message) : error);
    }
  }
}

/** Cut where a statement would become too large. */
function parts(batch: readonly Waiting[]): Waiting[][] {
  const cut: Waiting[][] = [];
  let room = 0;
  for (const waiting of batch) {
    const size = waiting.events.reduce((sum, { data, personal }) => sum + data.length + (personal?.length ?? 0), 0);
    if (size > room || cut.length === 0) {
      cut.push([]);
      room = statementCharacters;
    }
    cut.at(-1)?.push(waiting);
    room -= size;
  }
  return cut;
}
