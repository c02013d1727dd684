import { known, type Erased, type Instant } from '@throughline/contracts';
import { Decimal } from 'decimal.js';

/** What the columns of the star are made of. Everything but keys may be unknown: a person was erased, a fact is late. */
export const text = { type: 'text', nullable: true } as const;
export const texts = { type: 'text', array: true, nullable: true } as const;
export const uuid = { type: 'uuid', nullable: true } as const;
export const numeric = { type: 'numeric', nullable: true } as const;
export const instant = { type: 'timestamptz', nullable: true } as const;
export const date = { type: 'date', nullable: true } as const;

/** A field after an event: as it was where the event does not name it, null where it was cleared or erased. */
export const after = <T>(given: T | Erased | null | undefined, before: T | null): T | null =>
  given === undefined ? before : (known(given) ?? null);

/** Wide enough that no product of two contract decimals is rounded on the way. */
export const Exact = Decimal.clone({ precision: 60, rounding: Decimal.ROUND_HALF_UP });
export type Exact = InstanceType<typeof Exact>;

/** As Postgres writes it back: no exponent, no minus before zero. */
export const numericText = (value: Exact, places?: number): string =>
  (value.isZero() ? new Exact(0) : value).toFixed(...(places === undefined ? [] : [places]));

/** In UTC; `fallback` where it matches the contract's pattern and yet is no moment that Postgres could store. */
export function instantText(given: string, fallback: Instant): Instant {
  const time = Date.parse(given);
  return Number.isNaN(time) || !isStorable(new Date(time)) ? fallback : new Date(time).toISOString();
}

/** Null where it is no day of the calendar, such as 2025-02-30: contracts know the pattern only. */
export function dateText(given: string | null | undefined): string | null {
  const time = Date.parse(`${given ?? ''}T00:00:00Z`);
  if (!given || Number.isNaN(time) || !isStorable(new Date(time))) return null;
  return new Date(time).toISOString().startsWith(given) ? given : null;
}

const isStorable = (moment: Date) => moment.getUTCFullYear() >= 1 && moment.getUTCFullYear() <= 9999;
