import { Type } from 'class-transformer';
import {
  Allow,
  IsIn,
  IsOptional,
  IsString,
  IsUUID,
  IsUrl,
  MaxLength,
  MinLength,
  ValidateNested,
  IsObject,
} from 'class-validator';
import { offeredKinds } from './connection.ts';

export class AuthDto {
  @IsIn(['basic', 'bearer']) type!: 'basic' | 'bearer';
  @IsOptional() @IsString() @MaxLength(500) user?: string;
  @IsOptional() @IsString() @MaxLength(500) password?: string;
  @IsOptional() @IsString() @MaxLength(2000) token?: string;
}

export class ReadBackDto {
  @IsUrl({ require_tld: false, require_protocol: true, protocols: ['http', 'https'] }) url!: string;
  @IsString() @MaxLength(500) user!: string;
  @IsString() @MaxLength(500) password!: string;
}

export class ChangeConnectionDto {
  @IsOptional() @IsString() @MinLength(1) @MaxLength(200) name?: string;
  @IsOptional() @IsString() @MinLength(8) @MaxLength(500) secret?: string;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => AuthDto) auth?: AuthDto;
  /** Checked by the mapping's own rules. */
  @Allow() mapping?: unknown;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => ReadBackDto) readBack?: ReadBackDto;
}

export class MakeConnectionDto extends ChangeConnectionDto {
  @IsOptional() @IsUUID() id?: string;
  @IsString() @MinLength(1) @MaxLength(200) declare name: string;
  @IsIn(offeredKinds) kind!: (typeof offeredKinds)[number];
}
