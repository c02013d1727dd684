import { OmitType } from '@nestjs/swagger';
import { connectionKinds, InstantText, OneOf, Uuid } from '@throughline/contracts';
import { Id, page, record } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  Allow,
  IsIn,
  IsOptional,
  IsString,
  IsUrl,
  MaxLength,
  MinLength,
  ValidateNested,
  IsObject,
} from 'class-validator';
import { Type } from 'typebox';
import { offeredKinds } from './connection.ts';

const text = Type.String();
const shown = { name: text, kind: OneOf(connectionKinds), archived: Type.Boolean(), hookUrl: text };
export const Connection = record('Connection', {
  ...shown,
  mapping: Type.Optional(Type.Unknown()),
  readBackUrl: Type.Optional(text),
});
export const ConnectionPage = page(
  'Connection',
  Type.Object({ id: Uuid, ...shown, createdAt: InstantText }, { title: 'ConnectionItem' }),
);

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
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => AuthDto) auth?: AuthDto;
  /** Checked by the mapping's own rules. */
  @Allow() mapping?: unknown;
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => ReadBackDto) readBack?: ReadBackDto;
}

export class MakeConnectionDto extends OmitType(ChangeConnectionDto, ['name']) {
  @IsOptional() @Id() id?: string;
  @IsString() @MinLength(1) @MaxLength(200) name!: string;
  @IsIn(offeredKinds) kind!: (typeof offeredKinds)[number];
}
