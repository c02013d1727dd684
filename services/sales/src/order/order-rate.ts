import { defaultTimeZone, type Instant } from '@throughline/contracts';

/** From `date` on, one unit of the order's currency costs `rate` units of the base currency. */
export type DatedRate = { date: string; rate: string };

/** What an order's rate is frozen by: settings and rates as plain data. */
export type RateRules = {
  baseCurrency?: string;
  /** IANA name: which day a moment falls on. */
  timeZone: string;
  /** Of one currency into the base currency, in any order. */
  ratesOf: Readonly<Record<string, readonly DatedRate[]>>;
};

export type FrozenRate = { baseCurrency: string; rate: string };

/** Without a base currency or a rate on that day, an order counts in its own currency, at 1. */
export function frozenRate(currency: string, at: Instant, { baseCurrency, timeZone, ratesOf }: RateRules): FrozenRate {
  if (baseCurrency === undefined || baseCurrency === currency) return { baseCurrency: currency, rate: '1' };
  const rate = rateOn(ratesOf[currency] ?? [], localDate(at, timeZone));
  return rate === undefined ? { baseCurrency: currency, rate: '1' } : { baseCurrency, rate };
}

function rateOn(rates: readonly DatedRate[], date: string): string | undefined {
  let latest: DatedRate | undefined;
  for (const rate of rates) if (rate.date <= date && (!latest || rate.date > latest.date)) latest = rate;
  return latest?.rate;
}

const formats = new Map<string, Intl.DateTimeFormat>();
const formatOf = (timeZone: string): Intl.DateTimeFormat => {
  const options = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  let format = formats.get(timeZone);
  if (!format) {
    try {
      format = new Intl.DateTimeFormat('en-CA', { ...options, timeZone });
    } catch {
      // A zone that this machine does not know must not stop the orders.
      format = new Intl.DateTimeFormat('en-CA', { ...options, timeZone: defaultTimeZone });
    }
    formats.set(timeZone, format);
  }
  return format;
};

/** The day, `YYYY-MM-DD`, that a moment falls on there. */
export const localDate = (at: Instant, timeZone: string): string =>
  formatOf(timeZone).format(new Date(at)).padStart(10, '0');
