import { exchangeRateEvents } from '@throughline/contracts';
import { HistoryQuery, IsDateText, page, record } from '@throughline/service';
import { IsOptional } from 'class-validator';
import { Type } from 'typebox';
import { CurrencyCode, DecimalText } from '../money/money.dto.ts';

const rate = exchangeRateEvents.ExchangeRateSet.data.properties;
export const ExchangeRate = record('ExchangeRate', rate);
export const ExchangeRatePage = page('ExchangeRate', Type.Object(rate, { title: 'DatedRate' }));

export class SetExchangeRateDto {
  @CurrencyCode() currency!: string;
  @CurrencyCode() base!: string;
  @DecimalText() rate!: string;
  @IsDateText() date!: string;
}

export class ExchangeRatesQuery extends HistoryQuery {
  @IsOptional() @CurrencyCode() currency?: string;
  @IsOptional() @CurrencyCode() base?: string;
}
