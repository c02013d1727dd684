import {
  directions,
  interactionKinds,
  interactionRecord,
  type Direction,
  type InteractionKind,
} from '@throughline/contracts';
import { Id, IsInstant, record } from '@throughline/service';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  MaxLength,
  MinLength,
  ValidateNested,
  IsObject,
} from 'class-validator';

export const Interaction = record('Interaction', interactionRecord);

class FollowUpDto {
  @IsString() @MinLength(1) @MaxLength(2000) plan!: string;
  @IsOptional() @IsInstant() dueAt?: string;
}

export class ChangeInteractionDto {
  @IsOptional() @IsString() @MaxLength(1000) subject?: string;
  @IsOptional() @IsString() @MaxLength(50_000) content?: string;
  @IsOptional() @IsString() @MaxLength(5000) outcome?: string;
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  @MaxLength(320, { each: true })
  participants?: string[];
  @IsOptional() @IsObject() @ValidateNested() @Type(() => FollowUpDto) followUp?: FollowUpDto;
}

export class LogInteractionDto extends ChangeInteractionDto {
  @IsOptional() @Id() id?: string;
  @Id() customerId!: string;
  @IsIn(interactionKinds) kind!: InteractionKind;
  @IsOptional() @IsIn(directions) direction?: Direction;
  @IsOptional() @IsInstant() startedAt?: string;
  @IsOptional() @IsInstant() endedAt?: string;
}
