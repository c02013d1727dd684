import { OneOf, ValidationRule, ruleKinds, type RuleKind } from '@throughline/contracts';
import { Actor, jobStates, orNull } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';

const text = Type.String();
export const RuleSet = Type.Object(
  {
    rules: Type.Array(ValidationRule),
    pending: Type.Array(text, {
      description:
        'Ids of `unique` rules for which the values of now are still gone over: until then somebody new may take one of them.',
    }),
  },
  { title: 'RuleSet' },
);

const counted = (description: string) => Type.Integer({ description });
export const Verification = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    kind: text,
    state: OneOf([...jobStates.underWay, ...jobStates.ended]),
    done: Type.Integer(),
    total: orNull(Type.Integer()),
    counts: Type.Object(
      {
        verified: counted('Customers that were looked at: those that failed and those that passed.'),
        failed: counted('Customers with something wrong.'),
        passed: counted('Customers with nothing wrong.'),
        claimed: counted('Values, of rules by which only one may have them, that became their customers’ own.'),
      },
      { title: 'VerificationCounts' },
    ),
    error: orNull(text),
    requestedBy: Actor,
    createdAt: Type.String({ format: 'date-time' }),
    updatedAt: Type.String({ format: 'date-time', description: 'When it ended, once it has.' }),
  },
  { title: 'CustomersVerification' },
);
export const VerificationState = Type.Object(
  { running: orNull(Verification), last: orNull(Verification) },
  { title: 'CustomersVerificationState' },
);

const isBound = (value: unknown) => Number.isFinite(value) || (typeof value === 'string' && value.length <= 50);
const Bound = () => ValidateBy({ name: 'isNumberOrText', validator: { validate: isBound } });

class RuleMessageDto {
  @IsString() @MaxLength(200) zh!: string;
  @IsString() @MaxLength(200) en!: string;
}

class RuleConditionDto {
  @IsString() @MinLength(1) @MaxLength(100) field!: string;
  /** Choices by their values, flags as `true` and `false`. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @IsString({ each: true })
  @MaxLength(500, { each: true })
  in!: string[];
}

class ValidationRuleDto {
  @IsString() @Matches(/^[a-z][a-z0-9-]{0,49}$/) id!: string;
  @IsIn(ruleKinds) kind!: RuleKind;
  @IsString() @MinLength(1) @MaxLength(100) field!: string;
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => RuleConditionDto) when?: RuleConditionDto;
  @IsOptional() @IsIn(['person', 'company']) customerKind?: 'person' | 'company';
  /** Of `format`: matches the whole text. */
  @IsOptional() @IsString() @MaxLength(500) pattern?: string;
  /** Of `range`: a number; an amount as text; a day, `today`, `today-18y`; of texts and lists their length. */
  @IsOptional() @Bound() min?: number | string;
  @IsOptional() @Bound() max?: number | string;
  /** Of `range`: amounts of this currency alone are judged. */
  @IsOptional() @IsString() @MaxLength(3) currency?: string;
  @IsObject() @ValidateNested() @Nested(() => RuleMessageDto) message!: RuleMessageDto;
}

export class RuleSetDto {
  @IsArray()
  @ArrayMaxSize(200)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => ValidationRuleDto)
  rules!: ValidationRuleDto[];
}
