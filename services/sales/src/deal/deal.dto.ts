import { dealRecord } from '@throughline/contracts';
import { Id, IsClearable, IsDateText, record } from '@throughline/service';
import { IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { MoneyField, type MoneyDto } from '../money/money.dto.ts';

export const Deal = record('Deal', dealRecord);

export class OpenDealDto {
  @IsOptional() @Id() id?: string;
  @Id() customerId!: string;
  @IsString() @MinLength(1) @MaxLength(500) title!: string;
  @MoneyField() value!: MoneyDto;
  /** The standard pipeline where it is left out. */
  @IsOptional() @Id() pipelineId?: string;
  @IsClearable() @IsString() @MaxLength(50) stage?: string;
  @IsClearable() @Id() ownerId?: string;
  @IsClearable() @IsDateText() expectedCloseOn?: string;
}

/** JSON merge patch: what is absent stays, null clears. */
export class ChangeDealDto {
  @IsOptional() @IsString() @MaxLength(500) title?: string;
  @IsOptional() @MoneyField() value?: MoneyDto;
  @IsClearable() @Id() ownerId?: string;
  @IsClearable() @IsDateText() expectedCloseOn?: string;
}

export class MoveDealDto {
  @IsString() @MinLength(1) @MaxLength(50) stage!: string;
}

export class LoseDealDto {
  @IsString() @MinLength(1) @MaxLength(2_000) reason!: string;
}
