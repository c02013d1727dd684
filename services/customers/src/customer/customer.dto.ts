import { applyDecorators } from '@nestjs/common';
import { Uuid, customerRecord, isCurrency } from '@throughline/contracts';
import { Id, IsClearable, record } from '@throughline/service';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { addressUses, standings } from './customer-fields.ts';
import { Type as Property } from 'typebox';
import { Warning } from '../duplicates/match.dto.ts';
import { MetDto } from './met.dto.ts';

export const Customer = record('Customer', {
  ...customerRecord,
  /** Of what was recorded just now, where a duplicate rule says so. */
  warnings: Property.Optional(Property.Array(Warning)),
});
/** `interactionId`: of the encounter, where the customer was entered with one. */
export const CreatedCustomer = record('CreatedCustomer', {
  ...customerRecord,
  warnings: Property.Optional(Property.Array(Warning)),
  interactionId: Property.Optional(Uuid),
});

class EmailDto {
  @IsString() @MinLength(1) @MaxLength(320) value!: string;
  @IsOptional() @IsString() @MaxLength(100) label?: string;
  @IsOptional() @IsBoolean() primary?: boolean;
}

class PhoneDto {
  @IsString() @MinLength(1) @MaxLength(100) value!: string;
  /** Answered, never taken: it follows from `value`. */
  @IsOptional() @IsString() @MaxLength(20) e164?: string;
  @IsOptional() @IsString() @MaxLength(100) label?: string;
  @IsOptional() @IsBoolean() primary?: boolean;
}

class AddressDto {
  @IsOptional() @IsString() @MaxLength(100) country?: string;
  @IsOptional() @IsString() @MaxLength(100) province?: string;
  @IsOptional() @IsString() @MaxLength(100) city?: string;
  @IsOptional() @IsString() @MaxLength(100) district?: string;
  @IsOptional() @IsString() @MaxLength(20) regionCode?: string;
  @IsOptional() @IsString() @MaxLength(500) street?: string;
  @IsOptional() @IsString() @MaxLength(20) postcode?: string;
  @IsOptional() @IsString() @MaxLength(100) label?: string;
  @IsOptional() @IsBoolean() primary?: boolean;
  /** For letters, or where to meet; for either where it is left out. */
  @IsOptional() @IsIn(addressUses) use?: string;
}

class SocialDto {
  @IsString() @MaxLength(50) network!: string;
  @IsString() @MaxLength(200) value!: string;
  @IsOptional() @IsString() @MaxLength(100) label?: string;
  @IsOptional() @IsBoolean() primary?: boolean;
}

class ProductNeedsDto {
  @IsClearable() @IsString() @MaxLength(2_000) function?: string;
  @IsClearable() @IsString() @MaxLength(2_000) performance?: string;
  @IsClearable() @IsString() @MaxLength(2_000) price?: string;
}

class ServicePreferenceDto {
  @IsClearable() @IsString() @MaxLength(100) channel?: string;
  @IsClearable() @IsString() @MaxLength(500) times?: string;
}

class PriceDto {
  @Matches(/^-?\d{1,15}(\.\d{1,6})?$/) amount!: string;
  @ValidateBy({ name: 'isCurrency', validator: { validate: isCurrency } }) currency!: string;
}

class CompetitorDto {
  @IsString() @MinLength(1) @MaxLength(200) name!: string;
  @IsOptional() @IsString() @MaxLength(200) product?: string;
  @IsOptional() @IsString() @MaxLength(2_000) strengths?: string;
  @IsOptional() @IsString() @MaxLength(2_000) weaknesses?: string;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => PriceDto) price?: PriceDto;
  @IsOptional() @IsString() @MaxLength(2_000) strategy?: string;
  @IsOptional() @IsString() @MaxLength(2_000) comment?: string;
}

class ReviewDto {
  /** 5 is best. */
  @IsClearable() @IsInt() @Min(1) @Max(5) satisfaction?: number;
  @IsClearable() @IsString() @MaxLength(2_000) suggestion?: string;
}

/** Short texts, none of them empty. */
const Words = () =>
  applyDecorators(
    IsArray(),
    ArrayMaxSize(200),
    IsString({ each: true }),
    IsNotEmpty({ each: true }),
    MaxLength(100, { each: true }),
  );

/** JSON merge patch: what is absent stays, null clears. */
export class ChangeCustomerDto {
  @IsOptional() @IsIn(['person', 'company']) kind?: 'person' | 'company';
  @IsClearable() @IsString() @MaxLength(500) name?: string;
  @IsClearable() @IsString() @MaxLength(500) givenName?: string;
  @IsClearable() @IsString() @MaxLength(500) familyName?: string;
  @IsClearable() @IsString() @MaxLength(500) companyName?: string;
  @IsClearable() @IsString() @MaxLength(50) registrationNumber?: string;
  @IsClearable() @IsString() @MaxLength(200) title?: string;
  @IsClearable() @IsString() @MaxLength(200) department?: string;
  /** Say in what is bought. */
  @IsClearable() @IsIn(standings) standing?: string;
  /** The company that the person works for: a customer. */
  @IsClearable() @Id() employerId?: string;
  /** The company that this one belongs to: a customer. */
  @IsClearable() @Id() parentId?: string;
  @IsClearable()
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => EmailDto)
  emails?: EmailDto[];
  @IsClearable()
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => PhoneDto)
  phones?: PhoneDto[];
  @IsClearable()
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => AddressDto)
  addresses?: AddressDto[];
  @IsClearable()
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => SocialDto)
  socials?: SocialDto[];
  @IsClearable() @IsString() @MaxLength(50) type?: string;
  @IsClearable() @IsString() @MaxLength(100) source?: string;
  @IsClearable() @IsString() @MaxLength(100) channel?: string;
  @IsClearable() @IsString() @MaxLength(200) campaign?: string;
  @IsClearable() @IsString() @MaxLength(100) industry?: string;
  @IsClearable() @IsString() @MaxLength(100) size?: string;
  @IsClearable() @IsString() @MaxLength(100) region?: string;
  @IsClearable() @Matches(/^\d{4}-\d{2}-\d{2}$/) birthDate?: string;
  @IsClearable() @IsString() @MaxLength(50) gender?: string;
  @IsClearable() @Words() tags?: string[];
  @IsClearable() @Id() ownerId?: string;
  @IsClearable() @IsString() @MaxLength(50) lifecycle?: string;
  @IsClearable() @IsObject() @ValidateNested() @Type(() => ProductNeedsDto) productNeeds?: ProductNeedsDto;
  @IsClearable()
  @IsObject()
  @ValidateNested()
  @Type(() => ServicePreferenceDto)
  servicePreference?: ServicePreferenceDto;
  @IsClearable() @Words() productInterests?: string[];
  @IsClearable() @Words() hobbies?: string[];
  @IsClearable()
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => CompetitorDto)
  competitors?: CompetitorDto[];
  @IsClearable() @IsObject() @ValidateNested() @Type(() => ReviewDto) review?: ReviewDto;
  /** The customer who recommended us. */
  @IsClearable() @Id() referredBy?: string;
  @IsClearable() @IsString() @MaxLength(100) referralChannel?: string;
  @IsClearable() @IsObject() custom?: Record<string, unknown>;
}

export class CreateCustomerDto extends ChangeCustomerDto {
  @IsOptional() @Id() id?: string;
  @IsOptional() @IsString() @Matches(/^[\p{L}\p{N}._/-]{1,50}$/u) number?: string;
  /** What was spoken with the customer just now: logged as an interaction. */
  @IsOptional() @IsObject() @ValidateNested() @Type(() => MetDto) interaction?: MetDto;
}
