import { customerRecord, Uuid } from '@throughline/contracts';
import { Id, record } from '@throughline/service';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { Type as Property } from 'typebox';
import { MetDto } from './met.dto.ts';

export const Customer = record('Customer', customerRecord);
/** `interactionId`: of the encounter, where the customer was entered with one. */
export const CreatedCustomer = record('CreatedCustomer', {
  ...customerRecord,
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
}

class SocialDto {
  @IsString() @MaxLength(50) network!: string;
  @IsString() @MaxLength(200) value!: string;
}

/** JSON merge patch: what is absent stays, null clears. */
export class ChangeCustomerDto {
  @IsOptional() @IsIn(['person', 'company']) kind?: 'person' | 'company';
  @IsOptional() @IsString() @MaxLength(500) name?: string;
  @IsOptional() @IsString() @MaxLength(500) givenName?: string;
  @IsOptional() @IsString() @MaxLength(500) familyName?: string;
  @IsOptional() @IsString() @MaxLength(500) companyName?: string;
  @IsOptional() @IsString() @MaxLength(50) registrationNumber?: string;
  @IsOptional() @IsString() @MaxLength(200) title?: string;
  @IsOptional() @IsString() @MaxLength(200) department?: string;
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => EmailDto)
  emails?: EmailDto[];
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => PhoneDto)
  phones?: PhoneDto[];
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => AddressDto)
  addresses?: AddressDto[];
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => SocialDto)
  socials?: SocialDto[];
  @IsOptional() @IsString() @MaxLength(50) type?: string;
  @IsOptional() @IsString() @MaxLength(100) source?: string;
  @IsOptional() @IsString() @MaxLength(100) channel?: string;
  @IsOptional() @IsString() @MaxLength(200) campaign?: string;
  @IsOptional() @IsString() @MaxLength(100) industry?: string;
  @IsOptional() @IsString() @MaxLength(100) size?: string;
  @IsOptional() @IsString() @MaxLength(100) region?: string;
  @IsOptional() @Matches(/^\d{4}-\d{2}-\d{2}$/) birthDate?: string;
  @IsOptional() @IsString() @MaxLength(50) gender?: string;
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  @IsNotEmpty({ each: true })
  @MaxLength(100, { each: true })
  tags?: string[];
  @IsOptional() @Id() ownerId?: string;
  @IsOptional() @IsString() @MaxLength(50) lifecycle?: string;
  @IsOptional() @IsObject() custom?: Record<string, unknown>;
}

export class CreateCustomerDto extends ChangeCustomerDto {
  @IsOptional() @Id() id?: string;
  @IsOptional() @IsString() @Matches(/^[\p{L}\p{N}._/-]{1,50}$/u) number?: string;
  /** What was spoken with the customer just now: logged as an interaction. */
  @IsOptional() @IsObject() @ValidateNested() @Type(() => MetDto) interaction?: MetDto;
}
