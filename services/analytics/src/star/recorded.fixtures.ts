import type { AnyEvent, Recorded } from '@throughline/contracts';
import type { Fold } from '@throughline/event-sourcing';

export const customerId = '0198c0de-0000-7000-8000-00000000c001';
export const streamId = '0198c0de-0000-7000-8000-000000000001';

/** Events of one stream, a day after the other from 1 January 2026 unless told when. */
export function recorded<E extends AnyEvent>(...events: readonly (E & { effectiveAt?: string })[]): Recorded[] {
  return events.map(({ type, effectiveAt, ...data }, index) => {
    const at = effectiveAt ?? new Date(Date.UTC(2026, 0, index + 1)).toISOString();
    return {
      id: `0198c0de-0000-7000-8000-${String(index + 1).padStart(12, '0')}`,
      type,
      schemaVersion: 1,
      stream: { type: 'any', id: streamId, version: index + 1 },
      position: index + 1,
      generation: streamId,
      data,
      meta: { actor: { type: 'system', id: 'test' }, source: 'test', correlationId: 'test', commandId: 'test' },
      occurredAt: at,
      recordedAt: at,
      effectiveAt: at,
    };
  });
}

/** The rows of a key after its events. */
export const rowsAfter = <Row extends object>(fold: Fold<Row>, events: readonly Recorded[]): readonly Row[] =>
  events.reduce<readonly Row[]>((rows, event) => fold.evolve(rows, event), []);
