import { createHmac, type KeyObject } from 'node:crypto';
import type { Appended, CommandKey, Outcome } from './append.ts';
import type { ExecuteOptions } from './command.ts';
import type { RequestContext } from './context.ts';
import { newId } from './ids.ts';
import { Refusal, invalid, type RefusalKind } from './refusal.ts';
import type { Remembered } from './store.ts';

/** `given`: the id was chosen by the caller or derived, so that the command may come again. */
export type Memory = CommandKey & { given: boolean };

const actorOf = ({ actor }: RequestContext): string => `${actor.type}:${actor.id}`;

/** Two callers may choose the same key: each has its own. */
export const memoryIdOf = (context: RequestContext, commandId: string): string => `${actorOf(context)}/${commandId}`;

/** Under which id a command is remembered, and by what its repeat is told. */
export function memoryOf(
  bodyKey: KeyObject,
  category: string,
  target: string,
  command: { type: string },
  options: Pick<ExecuteOptions<unknown>, 'commandId' | 'body'>,
  context: RequestContext,
): Memory {
  const chosen = options.commandId ?? context.commandId;
  const derived = chosen === undefined ? context.nextCommandId?.(`${category}:${target}:${command.type}`) : undefined;
  // A derived id says by itself what it repeats: the body may have been made from what a view says by now.
  const sent = derived === undefined ? (options.body ?? command) : command.type;
  const body = JSON.stringify([category, target, sent]);
  return {
    id: memoryIdOf(context, chosen ?? derived ?? newId()),
    actor: actorOf(context),
    bodyHash: createHmac('sha256', bodyKey).update(body).digest(),
    given: (chosen ?? derived) !== undefined,
  };
}

/**
 * What came of the command before.
 *
 * @throws Refusal that it was told then; `idempotency-key-reused` where its id stands for another command
 */
export function firstOutcome(remembered: Remembered, memory: Memory): Appended & { answer?: unknown } {
  if (!remembered.bodyHash.equals(memory.bodyHash)) throw invalid('idempotency-key-reused');
  const { outcome, position } = remembered;
  if (outcome.kind === 'done') return { streams: outcome.streams, position, answer: outcome.answer };
  const { kind, code, params, errors } = outcome.refusal;
  throw new Refusal(kind as RefusalKind, code, params as Record<string, unknown>, errors as []);
}

export const refused = ({ kind, code, params, errors }: Refusal): Outcome => ({
  kind: 'refused',
  refusal: { kind, code, params, errors },
});
