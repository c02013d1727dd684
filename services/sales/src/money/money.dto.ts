import { applyDecorators } from '@nestjs/common';
import { Transform, Type } from 'class-transformer';
import { IsObject, IsUUID, Matches, ValidateBy, ValidateNested } from 'class-validator';

/** A decimal number as text, as the contracts have it. */
export const DecimalText = () => Matches(/^-?\d{1,15}(\.\d{1,6})?$/);
/** ISO 4217. */
export const CurrencyCode = () => Matches(/^[A-Z]{3}$/);
/** A uuid; told lower-case. */
export const Id = () =>
  applyDecorators(
    Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.toLowerCase() : value)),
    IsUUID(),
  );

const isDay = (text: string): boolean => {
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
};
const rfc3339 = /^(\d{4}-\d\d-\d\d)[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** `YYYY-MM-DD`, a day that exists. */
export const RealDate = () =>
  ValidateBy({
    name: 'isRealDate',
    validator: {
      validate: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && isDay(value),
      defaultMessage: () => 'is not a date that exists',
    },
  });
/** RFC 3339 with a zone, a moment that exists. */
export const RealInstant = () =>
  ValidateBy({
    name: 'isRealInstant',
    validator: {
      validate: (value) => typeof value === 'string' && isDay(rfc3339.exec(value)?.[1] ?? ''),
      defaultMessage: () => 'is not a moment that exists',
    },
  });

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
