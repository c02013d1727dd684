import type { AnyEvent, Recorded, ServiceName } from '@throughline/contracts';
import type { Batch, Codec, Feed, Stored, SubscriptionLog } from '../src/index.ts';

/** An event as a feed would deliver it. */
export const recorded = (position: number, type: string, key: string, data: object = {}): Recorded<AnyEvent> => ({
  id: `00000000-0000-7000-8000-${String(position).padStart(12, '0')}`,
  type,
  schemaVersion: 1,
  stream: { type: 'account', id: key, version: position },
  position,
  generation: testGeneration,
  data,
  meta: { actor: { type: 'user', id: 'u1' }, source: 'test', correlationId: 'c1', commandId: `k${position}` },
  occurredAt: '2026-01-01T00:00:00.000Z',
  recordedAt: '2026-01-01T00:00:00.000Z',
  effectiveAt: '2026-01-01T00:00:00.000Z',
});

export const testGeneration = '11111111-1111-4111-8111-111111111111';

/** A feed of decoded events, cut into batches as told; it ends where they end. Goes with `openCodec`. */
export function feedOf(service: ServiceName, batches: readonly (readonly Recorded[])[]): Feed {
  const head = Math.max(0, ...batches.flat().map(({ position }) => position));
  return {
    service,
    async *read(after, _, signal) {
      for (const events of batches) {
        if (signal.aborted) return;
        if ((events.at(-1)?.position ?? 0) <= after) continue;
        yield { generation: testGeneration, events: events as unknown as Stored[] } satisfies Batch;
      }
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
    head: () => Promise.resolve(head),
    behind: (position) => {
      const next = batches.flat().find((event) => event.position > position);
      return Promise.resolve({ head, since: next?.recordedAt });
    },
  };
}

/** Takes events for decoded, as `feedOf` delivers them. */
export const openCodec = {
  knows: () => true,
  decode: (events: unknown) => Promise.resolve(events),
} as unknown as Codec;

export type LogLine = { level: 'warn' | 'error'; message: string; details: Record<string, unknown> };
export function logInto(lines: LogLine[]): SubscriptionLog {
  const into =
    (level: LogLine['level']) =>
    (message: string, details: Record<string, unknown> = {}) =>
      void lines.push({ level, message, details });
  return { warn: into('warn'), error: into('error') };
}

/** Waits until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>, milliseconds = 15_000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error('it never came to be so');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
