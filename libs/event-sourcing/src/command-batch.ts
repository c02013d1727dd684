import type { AnyEvent } from '@throughline/contracts';
import { ClaimTaken, CommandRepeated, VersionConflict, noStream, type StreamHead, type Succession } from './append.ts';
import { ErasedSubject, eventOf, type Stored } from './codec.ts';
import type { ExecuteOptions, Executed, Item, ItemOutcome } from './command.ts';
import { firstOutcome, refused, type Memory } from './command-memory.ts';
import type { RequestContext } from './context.ts';
import { decideOn, fieldsOf } from './decision.ts';
import { Elsewhere, replay, type Decider } from './decider.ts';
import { Refusal, conflict } from './refusal.ts';
import type { EventStore, Remembered, SendOptions } from './store.ts';

/** What a batch is carried out with; `alone` is how a single command goes its way. */
export type BatchTools<S, C extends { type: string }, E extends AnyEvent, R> = {
  store: EventStore;
  decider: Decider<S, C, E, R>;
  options: Pick<ExecuteOptions<R>, 'rules' | 'anyVersion'>;
  context: RequestContext;
  now: () => string;
  memoryOf: (item: Item<C>) => Memory;
  hashed: (claim: string) => string;
  append: (successions: readonly Planned<C, E>[], options: SendOptions) => ReturnType<EventStore['appendMany']>;
  alone: (item: Item<C>) => Promise<ItemOutcome<S, E>>;
};

/** A succession to be, its commands with the items that they come from. */
export type Planned<C, E> = {
  stream: Succession['stream'];
  steps: readonly { item: Item<C>; memory: Memory; events: readonly E[] }[];
};

type Pending<C> = { index: number; item: Item<C>; stream: string; memory: Memory; lost: number };
/** What an item came to on the way: events, none, or a refusal. `state` is the stream's afterwards. */
type Step<C, S, E> = { one: Pending<C>; state: S; version: number; events: readonly E[]; refusal?: Refusal };
/** A stream in a round: as it was found, and where the items so far have brought it. */
type Course<C, S, E extends AnyEvent> = {
  id: string;
  head: StreamHead;
  position: number;
  past: E[];
  state: S;
  held: ReadonlySet<string>;
  claims: ReadonlySet<string>;
  steps: Step<C, S, E>[];
};
type Found<E> = { stored: readonly Stored[]; past: readonly E[]; held: ReadonlySet<string> };

/** Stands for the stream of an item that waits. */
const nobody = '';

/** So often an item is decided again together with the others, before it goes alone. */
const mostLosses = 2;

/** The batch before, while it is still under way. */
export type Before = { streams: ReadonlySet<string>; done: Promise<unknown> };

/**
 * Carries out commands as if one after the other, in rounds: each asks once what is remembered, loads once, and appends
 * once. What waits for an earlier item, or lost a race, comes along in the next round. Nearly always one round is enough.
 */
export async function executeBatch<S, C extends { type: string }, E extends AnyEvent, R>(
  tools: BatchTools<S, C, E, R>,
  items: readonly Item<C>[],
  before?: Before,
): Promise<ItemOutcome<S, E>[]> {
  const outcomes: ItemOutcome<S, E>[] = [];
  let pending = items.map((item, index): Pending<C> => ({
    index,
    item,
    stream: item.id.toLowerCase(),
    memory: tools.memoryOf(item),
    lost: 0,
  }));
  let behind = before;
  if (behind && pending.some(({ stream }) => before?.streams.has(stream))) {
    await behind.done;
    behind = undefined;
  }
  while (pending.length > 0) {
    const [tired, others] = parted(pending, ({ lost }) => lost > mostLosses);
    // Nothing that comes before them is pending: it would have kept them from taking part.
    for (const { index, item } of tired) outcomes[index] = await tools.alone(item);
    pending = others.length === 0 ? [] : await round(tools, others, outcomes, behind);
    behind = undefined;
  }
  return outcomes;
}

/** @returns what is still to be done, in its order */
async function round<S, C extends { type: string }, E extends AnyEvent, R>(
  tools: BatchTools<S, C, E, R>,
  pending: readonly Pending<C>[],
  outcomes: ItemOutcome<S, E>[],
  before: Before | undefined,
): Promise<Pending<C>[]> {
  const { store, decider } = tools;
  const ids = [...new Set(pending.map(({ stream }) => stream))];
  const [remembered, streams] = await Promise.all([
    store.recall(pending.map(({ memory }) => memory.id)),
    store.loadMany(decider.category, ids),
  ]);
  const [repeated, fresh] = parted(pending, ({ memory }) => remembered.has(memory.id));
  const recorded = await store.codec.decode([...streams.values()].flat());
  const decoded = Map.groupBy(recorded, ({ stream }) => stream.id);
  for (const { index, stream, memory } of repeated) {
    const first = remembered.get(memory.id) as Remembered;
    outcomes[index] = outcomeOf(() => {
      const [reached] = firstOutcome(first, memory).streams;
      const version = reached?.version ?? 0;
      const past = decoded.get(stream)?.slice(0, version) ?? [];
      const state = replay(decider, past.map(eventOf) as E[]);
      return {
        id: stream,
        version,
        position: past.at(-1)?.position ?? 0,
        state,
        fields: fieldsOf(decider, state),
        events: past.filter(({ meta }) => meta.commandId === memory.id).map(eventOf) as E[],
        repeated: true,
      };
    });
  }
  const claims =
    decider.claims && streams.size > 0
      ? await store.claimsOf(decider.category, [...streams.keys()])
      : new Map<string, readonly string[]>();
  const found = (id: string): Found<E> => ({
    stored: streams.get(id) ?? [],
    past: (decoded.get(id) ?? []).map(eventOf) as E[],
    held: new Set(claims.get(id)),
  });
  const { courses, waiting, elsewhere } = await planned(tools, fresh, found, before);
  for (const { index } of elsewhere) outcomes[index] = { status: 'elsewhere' };
  const lost = await carriedOut(tools, [...courses.values()], outcomes, before);
  return [...waiting, ...lost].toSorted((a, b) => a.index - b.index);
}

/** Decides, and decides again where a claim turns out to be somebody else's: what it refuses changes what comes after. */
async function planned<S, C extends { type: string }, E extends AnyEvent, R>(
  tools: BatchTools<S, C, E, R>,
  pending: readonly Pending<C>[],
  found: (id: string) => Found<E>,
  before: Before | undefined,
): Promise<Plan<C, S, E>> {
  const { store, decider } = tools;
  const holders = new Map<string, string | undefined>();
  for (;;) {
    const plan = decided(tools, pending, found, holders, before);
    const asked = [...plan.wanted].filter((key) => !holders.has(key));
    if (asked.length === 0) return plan;
    const held = await store.holders(decider.category, asked);
    for (const key of asked) holders.set(key, held.get(key));
    if (held.size === 0) return plan;
  }
}

type Plan<C, S, E extends AnyEvent> = {
  courses: ReadonlyMap<string, Course<C, S, E>>;
  waiting: readonly Pending<C>[];
  elsewhere: readonly Pending<C>[];
  /** Claims to take, whether or not it is known who holds them. */
  wanted: ReadonlySet<string>;
};

/**
 * Decides in order, each on what those before it left. An item waits where it stands behind one that waits, or touches a
 * claim that another stream moves in this round: whether that holds is known afterwards.
 *
 * @param holders claim -> stream that holds it; undefined where none does. Claims that are missing pass for free
 */
function decided<S, C extends { type: string }, E extends AnyEvent, R>(
  { decider, options, context, now, hashed }: BatchTools<S, C, E, R>,
  pending: readonly Pending<C>[],
  found: (id: string) => Found<E>,
  holders: ReadonlyMap<string, string | undefined>,
  before: Before | undefined,
): Plan<C, S, E> {
  const courses = new Map<string, Course<C, S, E>>();
  const waiting: Pending<C>[] = [];
  const elsewhere: Pending<C>[] = [];
  const blocked = new Set<string>();
  const commands = new Set<string>();
  const moved = new Map<string, string>();
  const wanted = new Set<string>();
  // Nobody knows which claims an item will touch that waits undecided.
  let claimsMayMove = true;

  for (const one of pending) {
    const { stream, item, memory } = one;
    const isRepeated = commands.has(memory.id);
    commands.add(memory.id);
    if (isRepeated || blocked.has(stream)) {
      blocked.add(stream);
      waiting.push(one);
      claimsMayMove = false;
      continue;
    }
    let course = courses.get(stream);
    if (!course) courses.set(stream, (course = begun(decider, stream, found(stream))));
    const { past, state } = course;
    const version = past.length;
    try {
      const { version: only } = item;
      const events = decideOn(decider, past, state, item.command, context, now(), {
        ...options,
        ...(only !== undefined && { version: only }),
      });
      const next = events.reduce(decider.evolve, state);
      const names = new Map(events.length > 0 ? decider.claims?.(next).map((claim) => [hashed(claim), claim]) : []);
      const claims = events.length > 0 && decider.claims ? new Set(names.keys()) : course.claims;
      const take = without(claims, course.claims);
      const touched = [...take, ...without(course.claims, claims)];
      const mustWait =
        touched.some((key) => !claimsMayMove || (moved.has(key) && moved.get(key) !== stream)) ||
        take.some((key) => before?.streams.has(holders.get(key) ?? nobody));
      if (mustWait) {
        for (const key of touched) moved.set(key, nobody);
        blocked.add(stream);
        waiting.push(one);
        continue;
      }
      for (const key of take) {
        wanted.add(key);
        const holder = holders.get(key);
        if (holder !== undefined && holder !== stream)
          throw conflict(`${names.get(key)?.split(':', 1)[0]}-taken`, { holder });
      }
      for (const key of touched) moved.set(key, stream);
      past.push(...events);
      Object.assign(course, { state: next, claims });
      course.steps.push({ one, state: next, version: past.length, events });
    } catch (error) {
      if (error instanceof Elsewhere) elsewhere.push(one);
      else if (error instanceof Refusal) course.steps.push({ one, state, version, events: [], refusal: error });
      else throw error;
    }
  }
  return { courses, waiting, elsewhere, wanted };
}

function begun<S, C, E extends AnyEvent>(
  decider: { initial: S; evolve: (state: S, event: E) => S },
  id: string,
  { stored, past, held }: Found<E>,
): Course<C, S, E> {
  const last = stored.at(-1);
  return {
    id,
    head: last ? { version: last.stream.version, hash: last.hash, effectiveAt: last.effectiveAt } : noStream,
    position: last?.position ?? 0,
    past: [...past],
    state: replay(decider, past),
    held,
    claims: held,
    steps: [],
  };
}

/** @returns what lost a race, or is better told alone what is wrong with it */
async function carriedOut<S, C extends { type: string }, E extends AnyEvent, R>(
  { store, decider, append }: BatchTools<S, C, E, R>,
  courses: readonly Course<C, S, E>[],
  outcomes: ItemOutcome<S, E>[],
  before: Before | undefined,
): Promise<Pending<C>[]> {
  const [moving, still] = parted(courses, ({ steps }) => steps.some(({ events }) => events.length > 0));
  const successions = moving.map((course) => successionOf(decider.category, course));
  const isolate = moving.some(({ steps }) => steps.some(({ one }) => one.lost > 0));
  const results = moving.length === 0 ? [] : await append(successions, { isolate, turn: before?.done });
  await before?.done;
  const lost: Pending<C>[] = [];
  const stood = still.map((course) => ({ course, positions: [] as readonly number[] }));
  for (const [index, course] of moving.entries()) {
    const result = results[index] as (typeof results)[number];
    if (result.status === 'fulfilled') stood.push({ course, positions: result.value });
    else lost.push(...course.steps.map(({ one }) => ({ ...one, lost: lossesAfter(one.lost, result.reason) })));
  }
  const settled = stood.flatMap(({ course, positions }) => settledSteps(course, positions));
  const withoutEvents = settled.filter(({ events }) => events.length === 0);
  const first = await (withoutEvents.length === 0
    ? new Set<string>()
    : store.remember(
        withoutEvents.map(({ one, version, refusal }) => ({
          command: one.memory,
          outcome: refusal
            ? refused(refusal)
            : { kind: 'done', streams: [{ type: decider.category, id: one.stream, version }] },
        })),
      ));
  for (const { one, state, version, position, events, refusal } of settled) {
    const isFirst = events.length > 0 || first.has(one.memory.id);
    if (!isFirst) lost.push({ ...one, lost: one.lost + 1 });
    else if (refusal) outcomes[one.index] = { status: 'refused', refusal };
    else {
      const fields = fieldsOf(decider, state);
      const executed = { id: one.item.id, version, position, state, fields, events, repeated: false };
      outcomes[one.index] = { status: 'done', executed };
    }
  }
  return lost;
}

/** @throws what is neither a lost race nor wrong with the command */
function lossesAfter(before: number, reason: unknown): number {
  const isLost = reason instanceof VersionConflict || reason instanceof ClaimTaken || reason instanceof CommandRepeated;
  if (isLost) return before + 1;
  if (reason instanceof Refusal || reason instanceof ErasedSubject) return mostLosses + 1;
  throw reason;
}

function successionOf<C, S, E extends AnyEvent>(
  type: string,
  { id, head, held, claims, steps }: Course<C, S, E>,
): Planned<C, E> {
  return {
    stream: { type, id, head, release: without(held, claims), take: without(claims, held) },
    steps: steps.flatMap(({ one: { item, memory }, events }) => (events.length > 0 ? [{ item, memory, events }] : [])),
  };
}

/** The steps with the positions of their streams afterwards. */
function settledSteps<C, S, E extends AnyEvent>(
  { position: before, steps }: Course<C, S, E>,
  positions: readonly number[],
): (Step<C, S, E> & { position: number })[] {
  const reached = positions.values();
  let position = before;
  return steps.map((step) => {
    if (step.events.length > 0) position = reached.next().value ?? position;
    return { ...step, position };
  });
}

function outcomeOf<S, E extends AnyEvent>(work: () => Executed<S, E>): ItemOutcome<S, E> {
  try {
    return { status: 'done', executed: work() };
  } catch (error) {
    if (error instanceof Refusal) return { status: 'refused', refusal: error };
    throw error;
  }
}

const without = (all: ReadonlySet<string>, others: ReadonlySet<string>): string[] =>
  [...all].filter((one) => !others.has(one));

function parted<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const item of items) parts[isFirst(item) ? 0 : 1].push(item);
  return parts;
}
