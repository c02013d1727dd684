import {
  CareSettings as SettingsOfEvents,
  InstantText,
  OneOf,
  Uuid,
  VerificationFailure,
  askingWays,
  confirmationWays,
  type AskingWay,
  type ConfirmationWay,
} from '@throughline/contracts';
import { orNull, record } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';

const text = Type.String();
const bounce = Type.Object({ address: text, reason: Type.Optional(text), at: InstantText }, { title: 'EmailBounce' });

export const Care = record('Care', {
  customerId: Uuid,
  confirmedAt: orNull(InstantText),
  confirmedBy: orNull(OneOf([...confirmationWays, 'change'] as const)),
  /** When it fell due, or will. */
  dueAt: orNull(InstantText),
  due: Type.Boolean(),
  askBy: OneOf(askingWays),
  escalatedAt: orNull(InstantText),
  bounced: Type.Array(bounce),
  /** When it was gone over last, and what is wrong. */
  verification: Type.Object(
    { checkedAt: orNull(InstantText), failures: Type.Array(VerificationFailure) },
    { title: 'Verification' },
  ),
  quality: Type.Integer({ minimum: 0, maximum: 100 }),
  qualityIssues: Type.Array(text),
});
export const CareSettings = Type.Object(SettingsOfEvents.properties, { title: 'CareSettings' });

export class ConfirmDto {
  /** Who said so: one of us, or the customer. */
  @IsOptional() @IsIn(confirmationWays) how?: ConfirmationWay;
}

export class BounceDto {
  @IsString() @MinLength(1) @MaxLength(320) address!: string;
  /** What the mail server said. */
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

class DaysByKindDto {
  @IsInt() @Min(1) @Max(3_650) person!: number;
  @IsInt() @Min(1) @Max(3_650) company!: number;
}

export class CareSettingsDto {
  @IsObject() @ValidateNested() @Nested(() => DaysByKindDto) confirmAfterDays!: DaysByKindDto;
  @IsIn(askingWays) askBy!: AskingWay;
  @IsInt() @Min(1) @Max(3_650) escalateAfterDays!: number;
  @IsInt() @Min(1) @Max(3_650) newForDays!: number;
}
