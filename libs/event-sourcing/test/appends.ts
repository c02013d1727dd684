import { newId, noStream, type Append, type Appended, type EventStore, type StreamAppend } from '../src/index.ts';
import { person } from './account.ts';

const { actor, source, correlationId } = person;

/** An append as `Commands` would send it, of one event a stream unless said otherwise. */
export function appendOf(streams: readonly (Partial<StreamAppend> & { id: string })[], commandId = newId()): Append {
  const now = new Date().toISOString();
  const events = [{ type: 'MoneyMoved', amount: 1 }];
  return {
    streams: streams.map((stream) => ({ type: 'account', head: noStream, events, ...stream })),
    meta: { actor, source, correlationId, commandId },
    occurredAt: now,
    recordedAt: now,
    command: { id: commandId, actor: 'user:u1', bodyHash: Buffer.alloc(32) },
  };
}

/** `appended`, or the name of the error's class. */
export const outcomeOf = (appended: Promise<Appended>): Promise<string> =>
  appended.then(
    () => 'appended',
    (error: Error & { code?: string }) => error.code ?? error.constructor.name,
  );

/** Where a stream stands, for the next append to it. */
export async function headOf(store: EventStore, id: string): Promise<StreamAppend['head']> {
  const last = (await store.load('account', id)).at(-1);
  return last ? { version: last.stream.version, hash: last.hash, effectiveAt: last.effectiveAt } : noStream;
}
