import { isDeepStrictEqual } from 'node:util';
import type { Instant } from '@throughline/contracts';

/** One version of a type 2 dimension: it held from `validFrom` until just before `validTo`; null = it holds now. */
export type Version = { version: number; validFrom: Instant; validTo: Instant | null };

export const firstVersion = (at: Instant): Version => ({ version: 1, validFrom: at, validTo: null });

/**
 * The versions after a change at `at`: no new one where nothing changed, none that held for no time.
 *
 * @param change answers the attributes as they are from then on
 */
export function revised<Row extends Version>(
  rows: readonly Row[],
  at: Instant,
  change: (now: Row) => Partial<Omit<Row, keyof Version>>,
): readonly Row[] {
  const now = rows.find(({ validTo }) => validTo === null);
  if (!now) return rows;
  const next = { ...now, ...change(now) };
  if (isDeepStrictEqual(next, now)) return rows;
  const rest = rows.filter((row) => row !== now);
  if (now.validFrom === at) return [...rest, next];
  return [...rest, { ...now, validTo: at }, { ...next, version: now.version + 1, validFrom: at }];
}
