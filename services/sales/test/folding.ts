import type { AnyEvent, Recorded } from '@throughline/contracts';
import type { Fold } from '@throughline/event-sourcing';

let position = 0;

/** An event as it comes out of the log, of the stream and the moment given. */
export function recorded<E extends AnyEvent>({ type, ...data }: E, streamId: string, at = '2026-01-01T00:00:00.000Z') {
  position += 1;
  return {
    id: `${position}`,
    type,
    schemaVersion: 1,
    stream: { type: 'any', id: streamId, version: position },
    position,
    generation: 'test',
    data,
    meta: { actor: { type: 'system', id: 'test' }, source: 'test', correlationId: 'test', commandId: 'test' },
    occurredAt: at,
    recordedAt: at,
    effectiveAt: at,
  } as unknown as Recorded;
}

/** Given events, then the rows of the view. */
export function rowsOf<Row extends object>(view: Fold<Row>, events: readonly Recorded[]): Row[] {
  const rows = new Map<string, readonly Row[]>();
  for (const event of events) {
    const key = view.key(event);
    if (key === undefined || !view.handles(event.type)) continue;
    rows.set(key, view.evolve(rows.get(key) ?? [], event));
  }
  return [...rows.values()].flat();
}
