import type { ExchangeRateEvent } from '@throughline/contracts';
import { derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';
import { isPositive, sameAmount } from '../money/amounts.ts';

/** One unit of `currency` costs `rate` units of `base` from `date` on, until the next date with a rate. */
export type ExchangeRateCommand = {
  type: 'SetExchangeRate';
  currency: string;
  base: string;
  rate: string;
  date: string;
};

/** Rates by date. */
type ExchangeRate = Readonly<Record<string, string>>;

/** The stream of a pair of currencies. */
export const exchangeRateId = (currency: string, base: string): string => derivedId('exchange-rate', currency, base);

export const exchangeRate: Decider<ExchangeRate, ExchangeRateCommand, ExchangeRateEvent> = {
  category: 'exchange-rate',
  initial: {},

  decide(state, { currency, base, rate, date }) {
    const errors: FieldError[] = [];
    if (currency === base) errors.push({ path: 'base', code: 'same-currency' });
    if (!isPositive(rate)) errors.push({ path: 'rate', code: 'out-of-range' });
    if (errors.length > 0) throw invalid('invalid-rate', errors);
    const before = state[date];
    if (before !== undefined && sameAmount(before, rate)) return [];
    return [{ type: 'ExchangeRateSet', currency, base, rate, date }];
  },

  evolve: (state, { date, rate }) => ({ ...state, [date]: rate }),
};
