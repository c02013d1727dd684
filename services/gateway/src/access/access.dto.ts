import {
  ArrayMinSize,
  IsArray,
  IsEmail,
  IsIn,
  IsOptional,
  IsString,
  IsUUID,
  MaxLength,
  MinLength,
} from 'class-validator';
import { roles, type Role } from './user.ts';

export class SignInDto {
  @IsString() @MinLength(1) @MaxLength(320) email!: string;
  @IsString() @MinLength(1) @MaxLength(1024) password!: string;
}

export class IssueApiKeyDto {
  @IsOptional() @IsUUID() id?: string;
  @IsString() @MinLength(1) @MaxLength(200) name!: string;
  @IsArray() @ArrayMinSize(1) @IsIn(roles, { each: true }) roles!: Role[];
}

export class AddUserDto {
  @IsOptional() @IsUUID() id?: string;
  @IsEmail() email!: string;
  @IsString() @MinLength(1) @MaxLength(200) name!: string;
  @IsString() @MinLength(12) @MaxLength(1024) password!: string;
  @IsArray() @ArrayMinSize(1) @IsIn(roles, { each: true }) roles!: Role[];
}
