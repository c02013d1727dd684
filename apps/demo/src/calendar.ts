import type { Random } from './random.ts';

/** Milliseconds since 1970, always whole seconds: what shops' timestamps can tell apart. */
export type Moment = number;
export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

const shanghai = 8 * hour;

/** `2026-03-01T00:30:00+08:00` */
export const local = (at: Moment): string => `${gmt(at + shanghai)}+08:00`;
/** `2026-02-28T16:30:00`, in UTC and without a zone. */
export const gmt = (at: Moment): string => new Date(at).toISOString().slice(0, 19);
export const zulu = (at: Moment): string => `${gmt(at)}Z`;
/** `2026-03`, as a calendar in Shanghai says. */
export const monthOf = (at: Moment): string => gmt(at + shanghai).slice(0, 7);
/** `2026-03-01`, as a calendar in Shanghai says. */
export const dateOf = (at: Moment): string => gmt(at + shanghai).slice(0, 10);
/** The first moment after the month that `at` is in. */
export const monthEnd = (at: Moment): Moment => {
  const [year = 0, month = 0] = monthOf(at).split('-').map(Number);
  return Date.UTC(year, month) - shanghai;
};

const newYears = ['2024-02-10', '2025-01-29', '2026-02-17', '2027-02-06', '2028-01-26', '2029-02-13', '2030-02-03'];

/** How busy a day is: shopping festivals, the weeks around Chinese New Year, weekends, a little growth. */
const busyness = (midnight: Moment, index: number, business: boolean): number => {
  const date = dateOf(midnight);
  const [month = 0, dayOfMonth = 0] = date.split('-').slice(1).map(Number);
  const weekday = new Date(midnight + shanghai).getUTCDay();
  const weekend = weekday === 0 || weekday === 6;
  const near = (m: number, from: number, to: number) => month === m && dayOfMonth >= from && dayOfMonth <= to;
  const toNewYear = newYears
    .map((at) => (Date.parse(at) - Date.parse(date)) / day)
    .find((days) => days > -8 && days < 25);
  let weight = 1 + index / 1200;
  if (toNewYear !== undefined) weight *= toNewYear > 2 ? 1.5 : 0.3;
  if (near(10, 1, 7)) weight *= 0.7;
  if (business) return weekend || near(10, 1, 7) ? weight * 0.05 : weight;
  if (near(11, 9, 12)) weight *= dayOfMonth === 11 ? 14 : 4;
  if (near(6, 16, 18)) weight *= 4;
  if (near(12, 12, 12)) weight *= 2.5;
  if (near(12, 15, 23)) weight *= 1.4;
  return weekend ? weight * 1.25 : weight;
};
const shopHours = [3, 2, 1, 1, 1, 1, 1, 2, 3, 5, 6, 6, 7, 6, 5, 5, 5, 5, 6, 8, 11, 12, 10, 6];

/** Moments of orders over a period, oldest first. */
export const moments = (random: Random, count: number, from: Moment, until: Moment, business = false): Moment[] => {
  const days = Math.round((until - from) / day);
  const weights = Array.from({ length: days }, (_, index) => busyness(from + index * day, index, business));
  const one = (): Moment => {
    const hours = business ? random.int(9, 17) : random.weighted(shopHours);
    return from + random.weighted(weights) * day + hours * hour + random.int(0, 3599) * second;
  };
  return Array.from({ length: count }, one).toSorted((a, b) => a - b);
};

export const yearBefore = (until: Moment): Moment => {
  const at = new Date(until + shanghai);
  at.setUTCFullYear(at.getUTCFullYear() - 1);
  return at.getTime() - shanghai;
};
