import { createHmac, type KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AnyEvent, Instant, Recorded } from '@throughline/contracts';
import { ErasedSubject, eventOf, type Stored } from './codec.ts';
import { currentContext, type RequestContext } from './context.ts';
import type { Secrets } from './crypto.ts';
import { replay, type Decider } from './decider.ts';
import { eachOf } from './each-of.ts';
import { newId } from './ids.ts';
import { Refusal, conflict, invalid, type RefusalKind } from './refusal.ts';
import {
  ClaimTaken,
  CommandRepeated,
  VersionConflict,
  noStream,
  type Appended,
  type EventStore,
  type StreamAppend,
} from './store.ts';
import { traced } from './tracing.ts';

export type ExecuteOptions<Rules> = {
  rules?: Rules;
  /** Version of the rules, stamped into the envelope. */
  rulesVersion?: string;
  /** When it happened, where that is not now; the future is clamped. */
  occurredAt?: Instant;
  /** What the caller sent, where the command also holds what was made here (a number): a repeat is told by it. */
  body?: unknown;
  /** Instead of the request's; needed where one request carries out several commands. */
  commandId?: string;
};

export type Executed<State, Event extends AnyEvent> = {
  id: string;
  version: number;
  /** Place of the last event in the service's log; 0 where the stream has none. */
  position: number;
  state: State;
  /** The record as its users see it: the decider's `fields` of the state. */
  fields: Readonly<Record<string, unknown>>;
  events: readonly Event[];
  /** True where the command had been carried out before, and this is its first outcome. */
  repeated: boolean;
};

export type Item<Command> = { id: string; command: Command; commandId: string } & Pick<
  ExecuteOptions<never>,
  'occurredAt' | 'body'
>;
export type ItemOutcome<State, Event extends AnyEvent> =
  { status: 'done'; executed: Executed<State, Event> } | { status: 'refused'; refusal: Refusal };

/** One field that changed since the version that the caller had seen. */
export type FieldConflict = { field: string; mine: unknown; theirs: unknown; original: unknown };

const attempts = 20;
const manyAtOnce = 64;

type Loaded = { stored: readonly Stored[]; recorded: readonly Recorded[] };
const nothing: Loaded = { stored: [], recorded: [] };
type AnyDecider<S, C extends { type: string }, E extends AnyEvent, R> = Decider<S, C, E, R>;

/** The one way to change anything: load, fold, check access, decide, append. */
export class Commands {
  readonly #bodyKey: KeyObject;
  readonly #claimKey: KeyObject;
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
   * @throws Refusal of the decider; `<what>-taken`; `changed-meanwhile` (precondition); `idempotency-key-reused`
   */
  async execute<S, C extends { type: string }, E extends AnyEvent, R = undefined>(
    decider: AnyDecider<S, C, E, R>,
    id: string,
    command: C,
    options: ExecuteOptions<R> = {},
  ): Promise<Executed<S, E>> {
    const context = currentContext();
    const memory = this.#memory(decider.category, id, command, options, context);
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
    decider: AnyDecider<S, C, E, R>,
    choose: () => Promise<{ id: string; command: C }>,
    options: ExecuteOptions<R> & { body: unknown },
  ): Promise<Executed<S, E>> {
    const context = currentContext();
    const memory = this.#memory(decider.category, '', { type: 'Chosen' }, options, context);
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

  /** Carries out many commands, each for itself, those of one stream in their order; they travel to the store together. */
  async executeMany<S, C extends { type: string }, E extends AnyEvent, R = undefined>(
    decider: AnyDecider<S, C, E, R>,
    items: readonly Item<C>[],
    options: Omit<ExecuteOptions<R>, 'commandId'> = {},
  ): Promise<ItemOutcome<S, E>[]> {
    const outcomes: ItemOutcome<S, E>[] = [];
    const byStream = Map.groupBy(items.entries(), ([, { id }]) => id);
    await eachOf(byStream.values(), manyAtOnce, async (ofStream) => {
      for (const [index, { id, command, ...own }] of ofStream) {
        try {
          const executed = await this.execute(decider, id, command, { ...options, ...own });
          outcomes[index] = { status: 'done', executed };
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          outcomes[index] = { status: 'refused', refusal: error };
        }
      }
    });
    return outcomes;
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
    decider: AnyDecider<S, C, E, R>,
    ids: readonly string[],
    command: { type: string },
    decide: (states: readonly S[], histories: readonly (readonly Recorded[])[]) => readonly (readonly E[])[],
    options: ExecuteOptions<R> & { target?: string } = {},
  ): Promise<{
    position: number;
    streams: readonly { type: string; id: string; version: number }[];
    repeated: boolean;
  }> {
    const context = currentContext();
    const memory = this.#memory(decider.category, options.target ?? ids.join(','), command, options, context);
    const attempt = async () => {
      const loaded = await Promise.all(ids.map((id) => this.#load(decider.category, id)));
      const states = loaded.map(({ recorded }) => replay(decider, recorded.map(eventOf) as E[]));
      for (const state of states) if (decider.access) context.authorise?.(decider.category, decider.access(state));
      const decided = decide(
        states,
        loaded.map(({ recorded }) => recorded),
      );
      if (decided.every((events) => events.length === 0)) {
        await this.#rememberNothing(memory, []);
        return { position: 0, streams: [], repeated: false };
      }
      const streams = await Promise.all(
        ids.map((id, index) =>
          this.#streamAppend(decider, id, (loaded[index] as Loaded).stored, states[index] as S, decided[index] ?? []),
        ),
      );
      const appended = await this.#send(decider.category, streams, memory, context, options);
      return { ...appended, repeated: false };
    };
    return this.#once(memory, attempt, async () => {
      const remembered = await this.#recall(memory);
      return remembered && { ...remembered, repeated: true };
    });
  }

  /** The folded stream, always current; with `asOf` as things were then, with `knownAt` as the CRM knew them then. */
  async load<S, E extends AnyEvent>(
    decider: Pick<AnyDecider<S, never, E, never>, 'category' | 'initial' | 'evolve'>,
    id: string,
    at: { asOf?: Instant; knownAt?: Instant; version?: number } = {},
  ): Promise<{ state: S; version: number; position: number; events: readonly Recorded[] }> {
    const { recorded } = await this.#load(decider.category, id);
    const { asOf, knownAt, version = Number.MAX_SAFE_INTEGER } = at;
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
      const { kind, code, params, errors } = error;
      const first = await this.store.remember(memory, { kind: 'refused', refusal: { kind, code, params, errors } });
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
  async #rememberNothing(memory: Memory, streams: Appended['streams']): Promise<void> {
    if (memory.given && !(await this.store.remember(memory, { kind: 'done', streams }))) throw new CommandRepeated();
  }

  async #send(
    category: string,
    streams: readonly (StreamAppend & { names: ReadonlyMap<string, string> })[],
    memory: Memory,
    context: RequestContext,
    options: ExecuteOptions<never> | ExecuteOptions<unknown>,
  ): Promise<Appended> {
    try {
      const appended = await traced(`append ${category}`, { parent: context.traceparent }, (traceparent) =>
        this.store.append(this.#append(streams, memory, context, options, traceparent)),
      );
      context.position = Math.max(context.position ?? 0, appended.position);
      return appended;
    } catch (error) {
      if (error instanceof ClaimTaken) throw await this.#taken(category, streams);
      if (error instanceof ErasedSubject) throw conflict('person-erased');
      throw error;
    }
  }

  async #attempt<S, C extends { type: string }, E extends AnyEvent, R>(
    decider: AnyDecider<S, C, E, R>,
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
    if (stored.length > 0 && decider.access) context.authorise?.(decider.category, decider.access(state));
    decider.guard?.(state, command);
    if (context.ifMatch !== undefined) checkIfMatch(decider, past, state, command, context.ifMatch);
    const events = decider.decide(state, command, {
      now: this.clock().toISOString(),
      entry: context.entry,
      rules: options.rules as R,
    });
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
    decider: AnyDecider<S, C, E, R>,
    id: string,
    stored: readonly Stored[],
    state: S,
    events: readonly E[],
  ): Promise<StreamAppend & { names: ReadonlyMap<string, string> }> {
    const last = stored.at(-1);
    const head = last ? { version: last.stream.version, hash: last.hash, effectiveAt: last.effectiveAt } : noStream;
    const stream = { type: decider.category, id, head, events };
    if (!decider.claims || events.length === 0) return { ...stream, names: new Map() };
    const wanted = new Map(
      decider.claims(events.reduce(decider.evolve, state)).map((claim) => [this.#hashed(claim), claim]),
    );
    const held = new Set(last ? await this.store.claimsOf(decider.category, id) : []);
    return {
      ...stream,
      names: wanted,
      release: [...held].filter((key) => !wanted.has(key)),
      take: [...wanted.keys()].filter((key) => !held.has(key)),
    };
  }

  #append(
    streams: readonly StreamAppend[],
    memory: Memory,
    context: RequestContext,
    options: ExecuteOptions<never> | ExecuteOptions<unknown>,
    traceparent: string | undefined,
  ): Parameters<EventStore['append']>[0] {
    const recordedAt = this.clock().toISOString();
    const { actor, source, correlationId, causationId, batchId } = context;
    return {
      streams,
      recordedAt,
      occurredAt: options.occurredAt ?? recordedAt,
      command: memory,
      // People are told that somebody was erased. What comes from outside keeps its facts.
      ofErased: context.entry === 'person' || context.entry === 'api' ? 'refuse' : 'drop',
      meta: {
        actor,
        source,
        correlationId,
        commandId: memory.id,
        ...(causationId !== undefined && { causationId }),
        ...(batchId !== undefined && { batchId }),
        ...(options.rulesVersion !== undefined && { rulesVersion: options.rulesVersion }),
        ...(traceparent !== undefined && { traceparent }),
      },
    };
  }

  /** `<what>-taken`, with the id of who has it. */
  async #taken(
    category: string,
    streams: readonly (StreamAppend & { names: ReadonlyMap<string, string> })[],
  ): Promise<Refusal> {
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

  #memory(
    category: string,
    target: string,
    command: { type: string },
    options: ExecuteOptions<never> | ExecuteOptions<unknown>,
    context: RequestContext,
  ): Memory {
    const chosen = options.commandId ?? context.commandId;
    const derived = chosen === undefined ? context.nextCommandId?.(`${category}:${target}:${command.type}`) : undefined;
    // A derived id says by itself what it repeats: the body may have been made from what a view says by now.
    const sent = derived === undefined ? (options.body ?? command) : command.type;
    const body = JSON.stringify([category, target, sent]);
    const actor = `${context.actor.type}:${context.actor.id}`;
    return {
      // Two callers may choose the same key: each has its own.
      id: `${actor}/${chosen ?? derived ?? newId()}`,
      actor,
      bodyHash: createHmac('sha256', this.#bodyKey).update(body).digest(),
      given: (chosen ?? derived) !== undefined,
    };
  }

  async #recall(
    memory: Memory,
  ): Promise<{ streams: { type: string; id: string; version: number }[]; position: number } | undefined> {
    const remembered = await this.store.recall(memory.id);
    if (!remembered) return undefined;
    if (!remembered.bodyHash.equals(memory.bodyHash)) throw invalid('idempotency-key-reused');
    const { outcome, position } = remembered;
    if (outcome.kind === 'done') return { streams: [...outcome.streams], position };
    const { kind, code, params, errors } = outcome.refusal;
    throw new Refusal(kind as RefusalKind, code, params as Record<string, unknown>, errors as []);
  }

  /** The first outcome of a command, its body rendered anew at the version it had then. */
  async #repeat<S, E extends AnyEvent>(
    decider: Pick<AnyDecider<S, never, E, never>, 'category' | 'initial' | 'evolve' | 'fields'>,
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

const fieldsOf = <S>(decider: { fields?: (state: S) => Readonly<Record<string, unknown>> }, state: S) =>
  decider.fields?.(state) ?? {};

/** `given`: the id was chosen by the caller or derived, so that the command may come again. */
type Memory = { id: string; actor: string; bodyHash: Buffer; given: boolean };

function checkIfMatch<S, C extends { type: string }, E extends AnyEvent, R>(
  decider: AnyDecider<S, C, E, R>,
  past: readonly E[],
  now: S,
  command: C,
  [seen, ...others]: readonly number[],
): void {
  if (seen === past.length && others.length === 0) return;
  const changes = (command as { changes?: Record<string, unknown> }).changes;
  if (seen === undefined || seen > past.length || others.length > 0 || !changes || !decider.fields)
    throw new Refusal('precondition', 'changed-meanwhile', { conflicts: [] });
  checkConflicts(changes, decider.fields(replay(decider, past.slice(0, seen))), decider.fields(now));
}

/**
 * Other fields may have changed since the caller looked, the same ones not.
 *
 * @throws Refusal `changed-meanwhile` with mine, theirs and original of each field
 */
export function checkConflicts(
  changes: Readonly<Record<string, unknown>>,
  original: Readonly<Record<string, unknown>>,
  theirs: Readonly<Record<string, unknown>>,
): void {
  const conflicts: FieldConflict[] = Object.entries(changes).flatMap(([field, mine]) =>
    isDeepStrictEqual(original[field], theirs[field]) || isDeepStrictEqual(mine, theirs[field])
      ? []
      : [{ field, mine, theirs: theirs[field] ?? null, original: original[field] ?? null }],
  );
  if (conflicts.length > 0) throw new Refusal('precondition', 'changed-meanwhile', { conflicts });
}
