import { Injectable } from '@nestjs/common';
import { conflict } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { exchangeRateId } from '../exchange-rate/exchange-rate.ts';
import { ExchangeRates } from '../exchange-rate/exchange-rates.view.ts';
import type { RateRules } from './order-rate.ts';
import { Organisation } from './organisation.view.ts';

const longestWait = 10_000;

/** What an order's rate is frozen by: the organisation's settings and the rates of the order's currency. */
@Injectable()
export class OrderRules {
  constructor(
    private readonly kernel: Kernel,
    private readonly organisation: Organisation,
    private readonly rates: ExchangeRates,
  ) {}

  /**
   * @param seen the gateway's position that the order comes from: settings made before it count
   * @throws Refusal `too-busy`, to be tried again, where the own views stay behind
   */
  async load(currency: string | undefined, seen = 0): Promise<RateRules> {
    if (seen > 0 && !(await this.kernel.caughtUp(new Map([['gateway', seen]]), longestWait))) {
      throw conflict('too-busy');
    }
    const { baseCurrency, timeZone } = await this.organisation.settings();
    if (baseCurrency === undefined) return { timeZone, ratesOf: {} };
    if (currency === undefined || currency === baseCurrency) return { baseCurrency, timeZone, ratesOf: {} };
    const rates = await this.rates.ofPair(exchangeRateId(currency, baseCurrency), currency, baseCurrency);
    return { baseCurrency, timeZone, ratesOf: { [currency]: rates } };
  }
}
