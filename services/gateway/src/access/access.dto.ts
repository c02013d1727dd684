import { InstantText, OneOf, Uuid } from '@throughline/contracts';
import { Id, record } from '@throughline/service';
import { ArrayMinSize, IsArray, IsEmail, IsIn, IsOptional, IsString, MaxLength, MinLength } from 'class-validator';
import { Type } from 'typebox';
import { roles, type Role } from './user.ts';

const text = Type.String();
const hasRoles = { roles: Type.Array(OneOf(roles)) };
export const Session = Type.Object({ token: text, expiresAt: InstantText }, { title: 'Session' });
export const User = record('User', { email: text, name: text, ...hasRoles });
/** A user's record; of an API key what it may. */
export const Me = Type.Object(
  { id: Uuid, type: Type.Optional(text), email: Type.Optional(text), name: Type.Optional(text), ...hasRoles },
  { title: 'Me' },
);
export const ApiKey = record('ApiKey', {
  name: text,
  ...hasRoles,
  revoked: Type.Boolean(),
  /** Told once, by the answer that issues it. */
  key: Type.Optional(text),
});

export class SignInDto {
  @IsString() @MinLength(1) @MaxLength(320) email!: string;
  @IsString() @MinLength(1) @MaxLength(1024) password!: string;
}

export class IssueApiKeyDto {
  @IsOptional() @Id() id?: string;
  @IsString() @MinLength(1) @MaxLength(200) name!: string;
  @IsArray() @ArrayMinSize(1) @IsIn(roles, { each: true }) roles!: Role[];
}

export class AddUserDto {
  @IsOptional() @Id() id?: string;
  @IsEmail() email!: string;
  @IsString() @MinLength(1) @MaxLength(200) name!: string;
  @IsString() @MinLength(12) @MaxLength(1024) password!: string;
  @IsArray() @ArrayMinSize(1) @IsIn(roles, { each: true }) roles!: Role[];
}
