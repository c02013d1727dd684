import { orderRecord } from '@throughline/contracts';
import { Id, IsInstant, record } from '@throughline/service';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
  ValidateNested,
  IsObject,
} from 'class-validator';
import { CurrencyCode, DecimalText, MoneyField, type MoneyDto } from '../money/money.dto.ts';

export const Order = record('Order', orderRecord);

class OrderLineDto {
  @IsOptional() @IsString() @MinLength(1) @MaxLength(100) lineId?: string;
  @IsOptional() @IsString() @MaxLength(100) productId?: string;
  @IsOptional() @IsString() @MaxLength(100) sku?: string;
  @IsString() @MinLength(1) @MaxLength(500) title!: string;
  @DecimalText() quantity!: string;
  @IsOptional() @IsString() @MaxLength(50) unit?: string;
  @MoneyField() unitPrice!: MoneyDto;
  @IsOptional() @MoneyField() discount?: MoneyDto;
  @IsOptional() @MoneyField() tax?: MoneyDto;
  @IsOptional() @MoneyField() total?: MoneyDto;
}

export class PlaceOrderDto {
  @IsOptional() @Id() id?: string;
  @Id() customerId!: string;
  @IsOptional() @IsString() @Matches(/^[\p{L}\p{N}._/-]{1,50}$/u) number?: string;
  @IsOptional() @IsIn(['open', 'completed']) status?: 'open' | 'completed';
  @IsOptional() @CurrencyCode() currency?: string;
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(500)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => OrderLineDto)
  lines?: OrderLineDto[];
  @IsOptional() @IsBoolean() taxIncluded?: boolean;
  @IsOptional() @MoneyField() subtotal?: MoneyDto;
  @IsOptional() @MoneyField() discount?: MoneyDto;
  @IsOptional() @MoneyField() tax?: MoneyDto;
  @IsOptional() @MoneyField() shipping?: MoneyDto;
  @IsOptional() @MoneyField() total?: MoneyDto;
  @IsOptional() @IsInstant() placedAt?: string;
  @IsOptional() @IsString() @MaxLength(5_000) note?: string;
}

/** Money itself: `{ "amount": "12.50", "currency": "CNY" }`; the order's currency where none is given. */
export class RecordPaymentDto {
  @DecimalText() amount!: string;
  @IsOptional() @CurrencyCode() currency?: string;
  @IsOptional() @IsInstant() at?: string;
}

export class RecordRefundDto extends RecordPaymentDto {
  /** The payment provider's own; each counts once. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(200) refundId?: string;
}
