import type { AnyEvent, Instant, Recorded } from '@throughline/contracts';
import type { Refusal } from './refusal.ts';

export type ExecuteOptions<Rules> = {
  rules?: Rules;
  /** Version of the rules, stamped into the envelope. */
  rulesVersion?: string;
  /** When it happened, where that is not now; the future is clamped. */
  occurredAt?: Instant;
  /** What the caller sent, where the command also holds what was made here (a number): a repeat is told by it. */
  body?: unknown;
  /** Holds whatever version the caller saw: `If-Match` is not asked. For what nobody may be kept from, such as an erasure. */
  anyVersion?: boolean;
  /** Decided on the stream at this version alone: where it has moved on, the command is to be made anew (`Elsewhere`). */
  version?: number;
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

/** One of many commands. `occurredAt` and `body` stand instead of those that hold for all; `version` is its own. */
export type Item<Command> = { id: string; command: Command; commandId: string } & Pick<
  ExecuteOptions<unknown>,
  'occurredAt' | 'body' | 'version'
>;
export type ItemOutcome<State, Event extends AnyEvent> =
  | { status: 'done'; executed: Executed<State, Event> }
  | { status: 'refused'; refusal: Refusal }
  /** To be carried out otherwise: see `Decider.guard`. */
  | { status: 'elsewhere' };

/** Folded states in, and what they were folded from; events of each out, and what is answered. */
export type DecideAcross<State, Event extends AnyEvent, Answer> = (
  states: readonly State[],
  histories: readonly (readonly Recorded<Event>[])[],
) => { events: readonly (readonly Event[])[]; answer: Answer };
