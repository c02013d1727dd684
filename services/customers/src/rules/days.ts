import type { Instant } from '@throughline/contracts';

const relative = /^today(?:([+-])(?:(\d{1,4})([dm])|(\d{1,3})y))?$/;
const hour = 3_600_000;
/** It is a day already where the sun rises first, and still where it sets last. */
const ahead = { earliest: -12, latest: 14 };

/** A day of the calendar, or one that moves: `today`, `today+30d`, `today-6m`, `today-18y`. */
export function isDay(text: string): boolean {
  if (relative.test(text)) return true;
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  return day !== undefined && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}

/**
 * The day that is meant. Today is every day that it is anywhere: whoever enters the day that they live in is not told that it
 * lies in the future.
 */
export function dayOf(text: string, now: Instant, which: keyof typeof ahead): string {
  const found = relative.exec(text);
  if (!found) return text;
  const [, sign, shift, unit, years] = found;
  const by = Number(shift ?? years ?? 0) * (sign === '-' ? -1 : 1);
  const day = new Date(Date.parse(now) + ahead[which] * hour);
  if (unit === 'd') day.setUTCDate(day.getUTCDate() + by);
  else {
    const ofMonth = day.getUTCDate();
    day.setUTCMonth(day.getUTCMonth() + (unit === 'm' ? by : 12 * by));
    // A month without that day ends with its last one.
    if (day.getUTCDate() !== ofMonth) day.setUTCDate(0);
  }
  return day.toISOString().slice(0, 10);
}
