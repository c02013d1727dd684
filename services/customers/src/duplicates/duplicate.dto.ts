import {
  AutoMerge,
  DuplicateRule,
  OneOf,
  duplicateActions,
  duplicateBands,
  duplicateOperations,
  exactFields,
  waysIn,
  type DuplicateAction,
  type DuplicateOperation,
  type ExactField,
  type WayIn,
} from '@throughline/contracts';
import { Actor, IsTexts, Total, orNull, page, record } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';
import { ChangeCustomerDto } from '../customer/customer.dto.ts';
import { Reason } from './match.dto.ts';

/** Whoever may pass a duplicate rule says so by it; for a rule that only warns, everybody may. */
export const skipHeader = 'x-skip-duplicate-check';
export const isSkipped = (header: string | undefined): boolean => header === 'true';

class DuplicateRuleDto {
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(10) @IsIn(waysIn, { each: true }) ways!: WayIn[];
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(2)
  @IsIn(duplicateOperations, { each: true })
  operations!: DuplicateOperation[];
  /** The same customer is who has the same value in all of these; instead of `band`. */
  @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayMaxSize(4) @IsIn(exactFields, { each: true }) fields?: ExactField[];
  /** The same customer is who matches at least so well; instead of `fields`. */
  @IsOptional() @IsIn(['automatic', 'review']) band?: 'automatic' | 'review';
  @IsOptional() @IsIn(['all', 'reserved']) among?: 'all' | 'reserved';
  @IsIn(duplicateActions) action!: DuplicateAction;
  /** Roles that may pass by `X-Skip-Duplicate-Check: true`. */
  @IsOptional() @IsArray() @ArrayMaxSize(20) @IsString({ each: true }) @MaxLength(50, { each: true }) bypass?: string[];
}

class AutoMergeDto {
  @IsBoolean() enabled!: boolean;
  /** The least weight of a pair that is merged by itself, in bits. */
  @IsNumber() @Max(1_000) weight!: number;
}

export class SetDuplicateRulesDto {
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => DuplicateRuleDto)
  rules!: DuplicateRuleDto[];
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => AutoMergeDto) autoMerge?: AutoMergeDto;
  /** Whether all customers are compared with each other every night, between three and six where the organisation is. */
  @IsOptional() @IsBoolean() scanNightly?: boolean;
}

export class MatchDto extends ChangeCustomerDto {
  @IsOptional() @IsInt() @Min(1) @Max(50) limit?: number;
}

export class DuplicatesQuery {
  @IsOptional() @IsIn(['open', 'dismissed', 'merged']) status?: 'open' | 'dismissed' | 'merged';
  @IsOptional() @MaxLength(200) cursor?: string;
  @IsOptional() @Matches(/^([1-9]\d?|1\d\d|200)$/) limit?: string;
}

export class DismissDto {
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

export class MergeDuplicateDto {
  /** The customer that stays; the one of the lesser id where it is not said. */
  @IsOptional() @IsString() @MaxLength(36) survivor?: string;
  /** Field -> the customer whose value is to be taken. */
  @IsOptional() @IsTexts() fields?: Record<string, string>;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

const text = Type.String();
const uuid = Type.String({ format: 'uuid' });
const instant = Type.String({ format: 'date-time' });
const band = OneOf(duplicateBands);
const Side = Type.Object(
  { recordId: uuid, customerId: uuid, number: text, name: orNull(text) },
  { title: 'DuplicateSide' },
);
const status = OneOf(['open', 'dismissed', 'merged'] as const);

export const DuplicateRulesAnswer = record('DuplicateRules', {
  rules: Type.Array(DuplicateRule),
  autoMerge: AutoMerge,
  scanNightly: Type.Boolean(),
});

export const DuplicatePage = page(
  'Duplicate',
  Type.Object(
    {
      id: uuid,
      status,
      score: Type.Number(),
      band,
      by: text,
      reasons: Type.Array(Reason),
      foundAt: instant,
      settledAt: orNull(instant),
      records: Type.Array(Side),
    },
    { title: 'DuplicateListed' },
  ),
  { total: Total },
);

export const DuplicateAnswer = record('Duplicate', {
  status,
  score: Type.Number(),
  probability: Type.Number(),
  band,
  prior: Type.Number({ description: 'Where the score starts from; the reasons add up to the rest.' }),
  reasons: Type.Array(Reason),
  records: Type.Array(Side),
});

export const ScanAnswer = Type.Object(
  {
    id: uuid,
    kind: text,
    state: text,
    done: Type.Integer(),
    total: orNull(Type.Integer()),
    counts: Type.Record(text, Type.Integer()),
    error: orNull(text),
    requestedBy: Actor,
    createdAt: instant,
    updatedAt: instant,
  },
  { title: 'DuplicateScan' },
);
