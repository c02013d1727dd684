import { describe, expect, it } from '@jest/globals';
import type { ExchangeRateEvent } from '@throughline/contracts';
import { scenario } from '@throughline/event-sourcing/scenario';
import { recorded, rowsOf } from '../../test/folding.ts';
import { exchangeRate, type ExchangeRateCommand } from './exchange-rate.ts';
import { exchangeRates } from './exchange-rates.view.ts';

const rate = { currency: 'USD', base: 'CNY', rate: '7.1', date: '2026-01-01' };
const set: ExchangeRateCommand = { type: 'SetExchangeRate', ...rate };
const wasSet: ExchangeRateEvent = { type: 'ExchangeRateSet', ...rate };
const given = scenario(exchangeRate);

describe('an exchange rate', () => {
  it('is set from a date on, and may be corrected', () => {
    given().when(set).then(wasSet);
    given(wasSet)
      .when({ ...set, rate: '7.2' })
      .then({ ...wasSet, rate: '7.2' });
  });

  it('that is the same already changes nothing', () => {
    given(wasSet)
      .when({ ...set, rate: '7.10' })
      .thenNothing();
  });

  it('is above zero, and between two currencies', () => {
    given()
      .when({ ...set, rate: '0' })
      .thenRefused('invalid-rate');
    given()
      .when({ ...set, base: 'USD' })
      .thenRefused('invalid-rate');
  });

  it('is listed once a date, as it was set last', () => {
    const events = [wasSet, { ...wasSet, date: '2026-02-01' }, { ...wasSet, rate: '7.2' }];
    expect(
      rowsOf(
        exchangeRates,
        events.map((event) => recorded(event, 'pair')),
      ),
    ).toEqual([
      { ...rate, id: 'USD/CNY/2026-01-01', rate: '7.2' },
      { ...rate, id: 'USD/CNY/2026-02-01', date: '2026-02-01' },
    ]);
  });
});
