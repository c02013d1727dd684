import { directions, interactionKinds, type Direction, type InteractionKind } from '@throughline/contracts';
import { IsInstant } from '@throughline/service';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';

class NextStepDto {
  @IsString() @MinLength(1) @MaxLength(2000) plan!: string;
  @IsOptional() @IsInstant() dueAt?: string;
}

/** What `POST /api/interactions` takes, for a customer who is entered with it. */
export class MetDto {
  @IsIn(interactionKinds) kind!: InteractionKind;
  @IsOptional() @IsIn(directions) direction?: Direction;
  @IsOptional() @IsString() @MaxLength(1000) subject?: string;
  @IsOptional() @IsString() @MaxLength(50_000) content?: string;
  @IsOptional() @IsString() @MaxLength(5000) outcome?: string;
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  @MaxLength(320, { each: true })
  participants?: string[];
  @IsOptional() @IsObject() @ValidateNested() @Type(() => NextStepDto) followUp?: NextStepDto;
  @IsOptional() @IsInstant() startedAt?: string;
  @IsOptional() @IsInstant() endedAt?: string;
}
