import type { AnyEvent, Entry, Instant } from '@throughline/contracts';

export type DecideContext<Rules> = { now: Instant; entry: Entry; rules: Rules };

/** A stream cannot decide a command by itself: whoever sent it knows how it is carried out. Nothing of it is remembered. */
export class Elsewhere extends Error {}

/** What the scope of a role is checked against. */
export type Access = { ownerId?: string | undefined; teamId?: string | undefined };

/**
 * The rules of one kind of stream, pure: `decide` answers a command with events or throws a `Refusal`, `evolve` folds
 * events into the little state that `decide` reads.
 */
export type Decider<State, Command extends { type: string }, Event extends AnyEvent, Rules = undefined> = {
  /** Type of the stream, for example `deal`. */
  category: string;
  initial: State;
  decide: (state: State, command: Command, context: DecideContext<Rules>) => readonly Event[];
  evolve: (state: State, event: Event) => State;
  /** @throws Elsewhere where the stream cannot decide the command by itself, before anything else is checked */
  guard?: (state: State, command: { type: string }) => void;
  /** Values, as `<what>:<value>`, that no other stream of the category may hold now; taken ones refuse `<what>-taken`. */
  claims?: (state: State) => readonly string[];
  access?: (state: State) => Access;
  /** The fields as users see them: what `If-Match` compares, field by field, with a command's `changes`. */
  fields?: (state: State) => Readonly<Record<string, unknown>>;
};

export const replay = <State, Event extends AnyEvent>(
  decider: { initial: State; evolve: (state: State, event: Event) => State },
  events: Iterable<Event>,
): State => {
  let state = decider.initial;
  for (const event of events) state = decider.evolve(state, event);
  return state;
};
