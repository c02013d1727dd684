import { isDeepStrictEqual } from 'node:util';
import type { AnyEvent, Instant } from '@throughline/contracts';
import type { RequestContext } from './context.ts';
import type { ExecuteOptions } from './command.ts';
import { Elsewhere, replay, type Decider } from './decider.ts';
import { Refusal } from './refusal.ts';

/** One field that changed since the version that the caller had seen. */
export type FieldConflict = { field: string; mine: unknown; theirs: unknown; original: unknown };

/**
 * What a command comes to on a stream as it was found.
 *
 * @throws Elsewhere where it was to be decided on another version; Refusal of the decider; where the caller's scope does not reach; of kind precondition `changed-meanwhile`, where
 *   a field changed that the command changes too, and `record-changed`, where a command that names no fields (a verb such
 *   as archive) was given against another version
 */
export function decideOn<S, C extends { type: string }, E extends AnyEvent, R>(
  decider: Decider<S, C, E, R>,
  past: readonly E[],
  state: S,
  command: C,
  context: RequestContext,
  now: Instant,
  { rules, anyVersion = false, version }: Pick<ExecuteOptions<R>, 'rules' | 'anyVersion' | 'version'>,
): readonly E[] {
  if (past.length > 0 && decider.access) context.authorise?.(decider.category, decider.access(state));
  if (version !== undefined && version !== past.length) throw new Elsewhere();
  decider.guard?.(state, command);
  if (context.ifMatch !== undefined && !anyVersion) checkIfMatch(decider, past, state, command, context.ifMatch);
  return decider.decide(state, command, { now, entry: context.entry, rules: rules as R });
}

export const fieldsOf = <S>(decider: { fields?: (state: S) => Readonly<Record<string, unknown>> }, state: S) =>
  decider.fields?.(state) ?? {};

function checkIfMatch<S, C extends { type: string }, E extends AnyEvent, R>(
  decider: Decider<S, C, E, R>,
  past: readonly E[],
  now: S,
  command: C,
  [seen, ...others]: readonly number[],
): void {
  if (seen === past.length && others.length === 0) return;
  const changes = (command as { changes?: Record<string, unknown> }).changes;
  if (seen === undefined || seen > past.length || others.length > 0 || !changes || !decider.fields)
    throw new Refusal('precondition', 'record-changed', { conflicts: [] });
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
  const [before, now] = [oneByOne(original), oneByOne(theirs)];
  const conflicts: FieldConflict[] = Object.entries(oneByOne(changes)).flatMap(([field, mine]) =>
    isDeepStrictEqual(before[field], now[field]) || isDeepStrictEqual(mine, now[field])
      ? []
      : [{ field, mine, theirs: now[field] ?? null, original: before[field] ?? null }],
  );
  if (conflicts.length > 0) throw new Refusal('precondition', 'changed-meanwhile', { conflicts });
}

/** What an installation added under `custom` are fields as the others. */
const oneByOne = ({ custom, ...fields }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  ...fields,
  ...Object.fromEntries(Object.entries(custom ?? {}).map(([key, value]) => [`custom.${key}`, value])),
});
