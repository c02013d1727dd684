import { createHmac, type KeyObject } from 'node:crypto';
import type { AnyEvent, Instant, Recorded } from '@throughline/contracts';
import {
  ClaimTaken,
  CommandRepeated,
  VersionConflict,
  done,
  noStream,
  type Append,
  type Appended,
  type StreamAppend,
} from './append.ts';
import { ErasedSubject, eventOf, type Stored } from './codec.ts';
import type { DecideAcross, ExecuteOptions, Executed, Item, ItemOutcome } from './command.ts';
import { executeBatch, type BatchTools, type Before, type Planned } from './command-batch.ts';
import { firstOutcome, memoryIdOf, memoryOf, refused, type Memory } from './command-memory.ts';
import { currentContext, type RequestContext } from './context.ts';
import type { Secrets } from './crypto.ts';
import { Elsewhere, replay, type Decider } from './decider.ts';
import { decideOn, fieldsOf } from './decision.ts';
import { gathered } from './gather.ts';
import { Refusal, conflict } from './refusal.ts';
import type { EventStore, SendOptions } from './store.ts';
import { traced } from './tracing.ts';

const attempts = 20;
/** Commands that travel together. */
const together = 500;

type Loaded = { stored: readonly Stored[]; recorded: readonly Recorded[] };
const nothing: Loaded = { stored: [], recorded: [] };
type Foldable<S, E extends AnyEvent> = Pick<Decider<S, never, E, never>, 'category' | 'initial' | 'evolve'>;
type Folded<S> = { state: S; version: number; position: number; events: readonly Recorded[] };
/** An append with the claims that it is about: HMACed key -> claim. */
type Named = StreamAppend & { names: ReadonlyMap<string, string> };

/** The one way to change anything: load, fold, check access, decide, append. */
export class Commands {
  readonly #bodyKey: KeyObject;
  readonly #claimKey: KeyObject;
  readonly #remembered = gathered((ids: readonly string[]) => this.store.recall(ids));
  /** Stream -> the last of those who lost a race over it and wait in line, so as not to lose to each other again. */
  readonly #lines = new Map<string, Promise<void>>();

  constructor(
    readonly store: EventStore,
    secrets: Secrets,
    private readonly clock: () => Date = () => new Date(),
  ) {
    this.#bodyKey = secrets.key('command-bodies');
    this.#claimKey = secrets.key('claims');
  }

  /**
   * Carries out a command on one stream. Without `If-Match` a lost race is decided again; with it, other fields may have
   * changed meanwhile, the same field not.
   *
   * @throws Refusal of the decider; `<what>-taken`; of `decideOn`; `idempotency-key-reused`
   */
  async execute<S, C extends { type: string }, E extends AnyEvent, R = undefined>(
    decider: Decider<S, C, E, R>,
    id: string,
    command: C,
    options: ExecuteOptions<R> = {},
  ): Promise<Executed<S, E>> {
    const context = currentContext();
    const memory = memoryOf(this.#bodyKey, decider.category, id, command, options, context);
    const stream = `${decider.category}:${id}`;
    const attempt = () => this.#attempt(decider, id, command, options, context, memory);
    return this.#once(
      memory,
      (lost) => (lost || this.#lines.has(stream) ? this.#inLine(stream, attempt) : attempt()),
      () => this.#repeat<S, E>(decider, memory),
    );
  }

  /**
   * Carries out what is asked of a record that is known by something unique: `choose` names the stream and the command,
   * and is asked again where somebody else was quicker. Whichever it chose, a repeat is told by `options.body` alone.
   *
   * @throws Refusal as `execute` does, and what `choose` throws
   */
  async executeChosen<S, C extends { type: string }, E extends AnyEvent, R = undefined>(
    decider: Decider<S, C, E, R>,
    choose: () => Promise<{ id: string; command: C }>,
    options: ExecuteOptions<R> & { body: unknown },
  ): Promise<Executed<S, E>> {
    const context = currentContext();
    const memory = memoryOf(this.#bodyKey, decider.category, '', { type: 'Chosen' }, options, context);
    const attempt = async () => {
      const { id, command } = await choose();
      try {
        return await this.#attempt(decider, id, command, options, context, memory);
      } catch (error) {
        const isConflict = error instanceof Refusal && error.kind === 'conflict';
        if (isConflict && (await choose()).command.type !== command.type) throw new VersionConflict();
        throw error;
      }
    };
    return this.#once(memory, attempt, () => this.#repeat<S, E>(decider, memory));
  }

  /**
   * Carries out many commands, each for itself, as if one after the other; they are loaded and appended together. Of two
   * that want the same claim the first gets it.
   */
  async executeMany<S, C extends { type: string }, E extends AnyEvent, R = undefined>(
    decider: Decider<S, C, E, R>,
    items: readonly Item<C>[],
    options: Omit<ExecuteOptions<R>, 'commandId' | 'version'> = {},
  ): Promise<ItemOutcome<S, E>[]> {
    const context = currentContext();
    // For its first command only.
    delete context.freshId;
    const optionsOf = ({ commandId, body = options.body, occurredAt = options.occurredAt, version }: Item<C>) => ({
      ...options,
      commandId,
      body,
      ...(version !== undefined && { version }),
      ...(occurredAt !== undefined && { occurredAt }),
    });
    const alone = async (item: Item<C>): Promise<ItemOutcome<S, E>> => {
      try {
        return { status: 'done', executed: await this.execute(decider, item.id, item.command, optionsOf(item)) };
      } catch (error) {
        if (error instanceof Refusal) return { status: 'refused', refusal: error };
        if (error instanceof Elsewhere) return { status: 'elsewhere' };
        throw error;
      }
    };
    const tools: BatchTools<S, C, E, R> = {
      store: this.store,
      decider,
      options,
      context,
      now: () => this.clock().toISOString(),
      memoryOf: (item) => memoryOf(this.#bodyKey, decider.category, item.id, item.command, optionsOf(item), context),
      hashed: (claim) => this.#hashed(claim),
      append: (planned, sending) => this.#sendMany(decider.category, planned, context, optionsOf, sending),
      alone,
    };
    const batches: Promise<ItemOutcome<S, E>[]>[] = [];
    let before: Before | undefined;
    for (let index = 0; index < items.length; index += together) {
      const part = items.slice(index, index + together);
      // The database writes one batch while the next one is decided and encrypted.
      const done = executeBatch(tools, part, before);
      done.catch(() => undefined);
      batches.push(done);
      await before?.done;
      before = { streams: new Set(part.map(({ id }) => id.toLowerCase())), done };
    }
    return (await Promise.all(batches)).flat();
  }

  /**
   * Carries out one decision over several streams, in one append: merge, import, undo. It counts only if all of them,
   * also those it leaves as they are, still stand where they were when it was made.
   *
   * @param decide gets the folded states in the order of `ids` and what they were folded from, answers with the new
   *   events of each
   * @param options.target what the caller named, where `ids` follow from it: a repeat is told by it
   */
  async executeAcross<S, C extends { type: string }, E extends AnyEvent, R = undefined>(
    decider: Decider<S, C, E, R>,
    ids: readonly string[],
    command: { type: string },
    decide: (states: readonly S[], histories: readonly (readonly Recorded<E>[])[]) => readonly (readonly E[])[],
    options: ExecuteOptions<R> & { target?: string } = {},
  ): Promise<{
    position: number;
    streams: readonly { type: string; id: string; version: number }[];
    repeated: boolean;
  }> {
    const context = currentContext();
    const memory = memoryOf(
      this.#bodyKey,
      decider.category,
      options.target ?? ids.join(','),
      command,
      options,
      context,
    );
    const attempt = async () => {
      const { position, streams } = await this.#across(
        decider,
        ids,
        (states, histories) => ({ events: decide(states, histories), answer: undefined }),
        { options, context, memory },
      );
      return { position, streams, repeated: false };
    };
    return this.#once(memory, attempt, async () => {
      const remembered = await this.#recall(memory);
      return remembered && { position: remembered.position, streams: remembered.streams, repeated: true };
    });
  }

  /**
   * As `executeAcross`, over streams that are known by something unique: `choose` names them, and is asked again where
   * somebody else was quicker. A repeat is told by `options.body` alone, and gets the `answer` of the first time.
   *
   * @param choose its `decide` answers with the new events of each stream, and with JSON that holds nothing personal;
   *   where it throws `Elsewhere`, what was chosen no longer fits, and it is asked again
   */
  async executeChosenAcross<S, C extends { type: string }, E extends AnyEvent, A, R = undefined>(
    decider: Decider<S, C, E, R>,
    choose: () => Promise<{ ids: readonly string[]; decide: DecideAcross<S, E, A> }>,
    options: ExecuteOptions<R> & { body: unknown },
  ): Promise<{ answer: A; repeated: boolean }> {
    const context = currentContext();
    const memory = memoryOf(this.#bodyKey, decider.category, '', { type: 'Chosen' }, options, context);
    const attempt = async () => {
      const { ids, decide } = await choose();
      let decided = false;
      const deciding: typeof decide = (...given) => {
        const decision = decide(...given);
        decided = true;
        return decision;
      };
      try {
        const { answer } = await this.#across(decider, ids, deciding, { options, context, memory });
        return { answer, repeated: false };
      } catch (error) {
        // Who has taken a claim meanwhile is known to the next choice.
        const isTaken = decided && error instanceof Refusal && error.code.endsWith('-taken');
        if (isTaken || error instanceof Elsewhere) throw new VersionConflict();
        throw error;
      }
    };
    return this.#once(memory, attempt, async () => {
      const remembered = await this.#recall(memory);
      return remembered && { answer: remembered.answer as A, repeated: true };
    });
  }

  /** The folded stream, always current; with `asOf` as things were then, with `knownAt` as the CRM knew them then. */
  async load<S, E extends AnyEvent>(
    decider: Foldable<S, E>,
    id: string,
    at: Moment & { version?: number } = {},
  ): Promise<Folded<S>> {
    const { recorded } = await this.#load(decider.category, id);
    return folded(decider, recorded, at);
  }

  /** Many folded streams at once: id -> as `load` answers. Those that do not exist have version 0. */
  async loadMany<S, E extends AnyEvent>(
    decider: Foldable<S, E>,
    ids: readonly string[],
    at: Moment = {},
  ): Promise<ReadonlyMap<string, Folded<S>>> {
    const found = await this.#loadMany(decider.category, ids);
    return new Map(ids.map((id) => [id, folded(decider, (found.get(id) ?? nothing).recorded, at)]));
  }

  /** Of ids that the caller gave its commands, those that came to an outcome: a repeat gets that one. */
  async settled(commandIds: readonly string[]): Promise<ReadonlySet<string>> {
    if (commandIds.length === 0) return new Set();
    const context = currentContext();
    const known = await this.store.recall(commandIds.map((id) => memoryIdOf(context, id)));
    return new Set(commandIds.filter((id) => known.has(memoryIdOf(context, id))));
  }

  /** True where the stream has any event. */
  async exists(category: string, id: string): Promise<boolean> {
    const { rowCount } = await this.store.pool.query('select 1 from streams where type = $1 and id = $2', [
      category,
      id,
    ]);
    return rowCount === 1;
  }

  /** The stream that holds a claim such as `number:C-000123` now. */
  async holderOf(category: string, claim: string): Promise<string | undefined> {
    return (await this.holdersOf(category, [claim])).get(claim);
  }

  /** The streams that hold any of the claims now: claim -> stream id. */
  async holdersOf(category: string, claims: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const names = new Map(claims.map((claim) => [this.#hashed(claim), claim]));
    const holders = await this.store.holders(category, [...names.keys()]);
    return new Map([...holders].map(([key, holder]) => [names.get(key) as string, holder]));
  }

  async #load(category: string, id: string): Promise<Loaded> {
    const stored = await this.store.load(category, id);
    return { stored, recorded: await this.store.codec.decode(stored) };
  }

  /** By the ids as they were given. */
  async #loadMany(category: string, ids: readonly string[]): Promise<ReadonlyMap<string, Loaded>> {
    const streams = await this.store.loadMany(category, ids);
    const decoded = await this.store.codec.decode([...streams.values()].flat());
    const recorded = Map.groupBy(decoded, ({ stream }) => stream.id);
    return new Map(
      ids.map((given) => {
        const id = given.toLowerCase();
        return [given, { stored: streams.get(id) ?? [], recorded: recorded.get(id) ?? [] }];
      }),
    );
  }

  /** Decides until no race is lost, remembers a refusal, and answers a repeat with the first outcome. */
  async #once<T>(
    memory: Memory,
    attempt: (lost: boolean) => Promise<T>,
    repeat: () => Promise<T | undefined>,
  ): Promise<T> {
    try {
      let repeated = memory.given ? await repeat() : undefined;
      for (let tries = 1; repeated === undefined; tries += 1) {
        try {
          return await attempt(tries > 1);
        } catch (error) {
          const lost = error instanceof VersionConflict || error instanceof CommandRepeated;
          if (!lost || tries === attempts) throw lost ? conflict('too-busy') : error;
          // The append may have been ours, its answer lost.
          repeated = await repeat();
        }
      }
      return repeated;
    } catch (error) {
      if (!memory.given || !(error instanceof Refusal) || error.code === 'too-busy') throw error;
      const first = (await this.store.remember([{ command: memory, outcome: refused(error) }])).has(memory.id);
      // Refused, it may be, because the same command was carried out a moment ago.
      const repeated = first ? undefined : await repeat();
      if (repeated === undefined) throw error;
      return repeated;
    }
  }

  /** Runs `work` once those before it in the line have ended. */
  async #inLine<T>(line: string, work: () => Promise<T>): Promise<T> {
    const own = (this.#lines.get(line) ?? Promise.resolve()).then(work);
    const ended = own.then(
      () => undefined,
      () => undefined,
    );
    this.#lines.set(line, ended);
    try {
      return await own;
    } finally {
      if (this.#lines.get(line) === ended) this.#lines.delete(line);
    }
  }

  /** @throws CommandRepeated where the command had another outcome before */
  async #rememberNothing(memory: Memory, streams: Appended['streams'], answer?: unknown): Promise<void> {
    if (!memory.given) return;
    const first = await this.store.remember([{ command: memory, outcome: done(streams, answer) }]);
    if (!first.has(memory.id)) throw new CommandRepeated();
  }

  async #send(
    category: string,
    streams: readonly Named[],
    memory: Memory,
    context: RequestContext,
    options: Pick<ExecuteOptions<unknown>, 'occurredAt' | 'rulesVersion'>,
    answer?: unknown,
  ): Promise<Appended> {
    try {
      const appended = await traced(`append ${category}`, { parent: context.traceparent }, (traceparent) =>
        this.store.append({
          streams,
          answer,
          ofErased: ofErased(context),
          ...this.#envelope(memory, context, options, traceparent),
        }),
      );
      context.position = Math.max(context.position ?? 0, appended.position);
      return appended;
    } catch (error) {
      if (error instanceof ClaimTaken) throw await this.#taken(category, streams);
      if (error instanceof ErasedSubject) throw conflict('person-erased');
      throw error;
    }
  }

  async #across<S, C extends { type: string }, E extends AnyEvent, A, R>(
    decider: Decider<S, C, E, R>,
    ids: readonly string[],
    decide: DecideAcross<S, E, A>,
    { options, context, memory }: { options: ExecuteOptions<R>; context: RequestContext; memory: Memory },
  ): Promise<Appended & { answer: A }> {
    const found = await this.#loadMany(decider.category, ids);
    const loaded = ids.map((id) => found.get(id) ?? nothing);
    const states = loaded.map(({ recorded }) => replay(decider, recorded.map(eventOf) as E[]));
    for (const state of states) if (decider.access) context.authorise?.(decider.category, decider.access(state));
    const histories = loaded.map(({ recorded }) => recorded as readonly Recorded<E>[]);
    const { events, answer } = decide(states, histories);
    if (events.every((own) => own.length === 0)) {
      await this.#rememberNothing(memory, [], answer);
      return { position: 0, streams: [], answer };
    }
    const streams = await Promise.all(
      ids.map((id, index) =>
        this.#streamAppend(decider, id, (loaded[index] as Loaded).stored, states[index] as S, events[index] ?? []),
      ),
    );
    const appended = await this.#send(decider.category, streams, memory, context, options, answer);
    return { ...appended, answer };
  }

  async #attempt<S, C extends { type: string }, E extends AnyEvent, R>(
    decider: Decider<S, C, E, R>,
    id: string,
    command: C,
    options: ExecuteOptions<R>,
    context: RequestContext,
    memory: Memory,
  ): Promise<Executed<S, E>> {
    const isNew = context.freshId === id;
    // For its first command only.
    delete context.freshId;
    const { stored, recorded } = isNew ? nothing : await this.#load(decider.category, id);
    const past = recorded.map(eventOf) as E[];
    const state = replay(decider, past);
    const events = decideOn(decider, past, state, command, context, this.clock().toISOString(), options);
    const version = stored.length;
    if (events.length === 0) {
      await this.#rememberNothing(memory, [{ type: decider.category, id, version }]);
      return {
        id,
        version,
        position: stored.at(-1)?.position ?? 0,
        state,
        fields: fieldsOf(decider, state),
        events,
        repeated: false,
      };
    }
    const stream = await this.#streamAppend(decider, id, stored, state, events);
    const { position } = await this.#send(decider.category, [stream], memory, context, options);
    const next = events.reduce(decider.evolve, state);
    return {
      id,
      version: version + events.length,
      position,
      state: next,
      fields: fieldsOf(decider, next),
      events,
      repeated: false,
    };
  }

  async #streamAppend<S, C extends { type: string }, E extends AnyEvent, R>(
    decider: Decider<S, C, E, R>,
    id: string,
    stored: readonly Stored[],
    state: S,
    events: readonly E[],
  ): Promise<Named> {
    const last = stored.at(-1);
    const head = last ? { version: last.stream.version, hash: last.hash, effectiveAt: last.effectiveAt } : noStream;
    const stream = { type: decider.category, id, head, events };
    if (!decider.claims || events.length === 0) return { ...stream, names: new Map() };
    const wanted = new Map(
      decider.claims(events.reduce(decider.evolve, state)).map((claim) => [this.#hashed(claim), claim]),
    );
    const held = new Set(last && (await this.store.claimsOf(decider.category, [id])).get(last.stream.id));
    return {
      ...stream,
      names: wanted,
      release: [...held].filter((key) => !wanted.has(key)),
      take: [...wanted.keys()].filter((key) => !held.has(key)),
    };
  }

  async #sendMany<C, E extends AnyEvent>(
    category: string,
    planned: readonly Planned<C, E>[],
    context: RequestContext,
    optionsOf: (item: Item<C>) => Pick<ExecuteOptions<unknown>, 'occurredAt' | 'rulesVersion'>,
    sending: SendOptions,
  ): Promise<PromiseSettledResult<readonly number[]>[]> {
    const results = await traced(`append ${category}`, { parent: context.traceparent }, (traceparent) =>
      this.store.appendMany(
        planned.map(({ stream, steps }) => ({
          stream,
          ofErased: ofErased(context),
          steps: steps.map(({ item, memory, events }) => ({
            events,
            ...this.#envelope(memory, context, optionsOf(item), traceparent),
          })),
        })),
        sending,
      ),
    );
    for (const result of results) {
      if (result.status === 'fulfilled') context.position = Math.max(context.position ?? 0, ...result.value);
    }
    return results;
  }

  #envelope(
    command: Memory,
    { actor, source, correlationId, causationId, batchId }: RequestContext,
    { occurredAt, rulesVersion }: Pick<ExecuteOptions<unknown>, 'occurredAt' | 'rulesVersion'>,
    traceparent: string | undefined,
  ): Omit<Append, 'streams' | 'ofErased'> {
    const recordedAt = this.clock().toISOString();
    return {
      recordedAt,
      occurredAt: occurredAt ?? recordedAt,
      command,
      meta: {
        actor,
        source,
        correlationId,
        commandId: command.id,
        ...(causationId !== undefined && { causationId }),
        ...(batchId !== undefined && { batchId }),
        ...(rulesVersion !== undefined && { rulesVersion }),
        ...(traceparent !== undefined && { traceparent }),
      },
    };
  }

  /** `<what>-taken`, with the id of who has it. */
  async #taken(category: string, streams: readonly Named[]): Promise<Refusal> {
    const names = new Map(streams.flatMap((stream) => [...stream.names]));
    const own = new Set(streams.map((stream) => stream.id));
    for (const [key, holder] of await this.store.holders(category, [...names.keys()])) {
      const what = names.get(key)?.split(':', 1)[0] ?? 'value';
      if (!own.has(holder)) return conflict(`${what}-taken`, { holder });
    }
    // Released between the refusal and this look: the caller may simply try again.
    return conflict('too-busy');
  }

  #hashed(claim: string): string {
    return createHmac('sha256', this.#claimKey).update(claim).digest('base64');
  }

  async #recall(memory: Memory): Promise<(Appended & { answer?: unknown }) | undefined> {
    const remembered = (await this.#remembered([memory.id])).get(memory.id);
    return remembered && firstOutcome(remembered, memory);
  }

  /** The first outcome of a command, its body rendered anew at the version it had then. */
  async #repeat<S, E extends AnyEvent>(
    decider: Pick<Decider<S, never, E, never>, 'category' | 'initial' | 'evolve' | 'fields'>,
    memory: Memory,
  ): Promise<Executed<S, E> | undefined> {
    const remembered = await this.#recall(memory);
    const stream = remembered?.streams[0];
    if (!remembered || !stream) return undefined;
    const { state, events, version, position } = await this.load(decider, stream.id, { version: stream.version });
    const own = events.filter((event) => event.meta.commandId === memory.id).map(eventOf) as E[];
    return { id: stream.id, version, position, state, fields: fieldsOf(decider, state), events: own, repeated: true };
  }
}

/** People are told that somebody was erased. What comes from outside keeps its facts. */
const ofErased = ({ entry }: RequestContext) => (entry === 'person' || entry === 'api' ? 'refuse' : 'drop');

type Moment = { asOf?: Instant; knownAt?: Instant };

function folded<S, E extends AnyEvent>(
  decider: Foldable<S, E>,
  recorded: readonly Recorded[],
  { asOf, knownAt, version = Number.MAX_SAFE_INTEGER }: Moment & { version?: number },
): Folded<S> {
  const events = recorded.filter(
    (event) =>
      event.stream.version <= version &&
      (asOf === undefined || event.effectiveAt <= asOf) &&
      (knownAt === undefined || event.recordedAt <= knownAt),
  );
  const last = events.at(-1);
  return {
    state: replay(decider, events.map(eventOf) as E[]),
    version: last?.stream.version ?? 0,
    position: last?.position ?? 0,
    events,
  };
}
