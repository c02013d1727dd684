import { HistoryQuery } from '@throughline/service';
import { IsOptional } from 'class-validator';
import { CurrencyCode, DecimalText, RealDate } from '../money/money.dto.ts';

export class SetExchangeRateDto {
  @CurrencyCode() currency!: string;
  @CurrencyCode() base!: string;
  @DecimalText() rate!: string;
  @RealDate() date!: string;
}

export class ExchangeRatesQuery extends HistoryQuery {
  @IsOptional() @CurrencyCode() currency?: string;
  @IsOptional() @CurrencyCode() base?: string;
}
