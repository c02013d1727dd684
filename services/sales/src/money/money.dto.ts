import { isCurrency } from '@throughline/contracts';
import { applyDecorators } from '@nestjs/common';
import { Type } from 'class-transformer';
import { IsObject, Matches, ValidateBy, ValidateNested } from 'class-validator';

/** A decimal number as text, as the contracts have it. */
export const DecimalText = () => Matches(/^-?\d{1,15}(\.\d{1,6})?$/);
/** ISO 4217. */
export const CurrencyCode = () => ValidateBy({ name: 'isCurrency', validator: { validate: isCurrency } });
export class MoneyDto {
  @DecimalText() amount!: string;
  @CurrencyCode() currency!: string;
}

/** `{ "amount": "12.50", "currency": "CNY" }` */
export const MoneyField = () =>
  applyDecorators(
    IsObject(),
    ValidateNested(),
    Type(() => MoneyDto),
  );
