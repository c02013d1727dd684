import { AsyncLocalStorage } from 'node:async_hooks';
import type { Actor, Entry } from '@throughline/contracts';
import type { Access } from './decider.ts';
import { derivedId, newId } from './ids.ts';

/** Who asks, why, and under which trace: travels beside the calls, not through their signatures. */
export type RequestContext = {
  actor: Actor;
  entry: Entry;
  source: string;
  /** Of whoever asks, as far as they have signed in. */
  roles?: readonly string[];
  correlationId: string;
  causationId?: string;
  /** From `Idempotency-Key`, or derived by a policy: a repeat gets the first outcome. */
  commandId?: string;
  batchId?: string;
  traceparent?: string;
  /** A policy's derived command ids. */
  nextCommandId?: (target: string) => string;
  /** Version that the caller last saw of the record; of each of its streams where it is made of several. */
  ifMatch?: readonly number[];
  /** Throws a `Refusal` where the caller's scope does not reach; absent = everything. */
  authorise?: (category: string, access: Access) => void;
  /** The id that `idOfNew` made up: nobody else can have written to it. */
  freshId?: string;
  /** Furthest position appended under this request; the edge answers it as `X-Position`. */
  position?: number;
};

const storage = new AsyncLocalStorage<RequestContext>();

export const runInContext = <T>(context: RequestContext, work: () => T): T => storage.run(context, work);

export const systemContext = (source: string): RequestContext => ({
  actor: { type: 'system', id: source },
  entry: 'policy',
  source,
  correlationId: newId(),
});

/** @throws Error outside of `runInContext`: a command without an actor is a bug. */
export function currentContext(): RequestContext {
  const context = storage.getStore();
  if (!context) throw new Error('no request context: wrap the call in runInContext()');
  return context;
}
export const maybeContext = (): RequestContext | undefined => storage.getStore();

/** The id of what a request creates in a category: a repeat of the request names the same record. */
export function idOfNew(category: string): string {
  const context = currentContext();
  const { actor, commandId } = context;
  if (commandId !== undefined) return derivedId(category, actor.type, actor.id, commandId);
  return (context.freshId = newId());
}
