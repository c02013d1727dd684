import { Lifecycle as LifecycleOfEvents } from '@throughline/contracts';
import { Type as Nested } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsInt,
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

export const Lifecycle = Type.Object(LifecycleOfEvents.properties, { title: 'Lifecycle' });

const stageKey = /^[a-z][a-z0-9-]{0,49}$/;

class StageLabelDto {
  @IsString() @MaxLength(100) zh!: string;
  @IsString() @MaxLength(100) en!: string;
}

class LifecycleStageDto {
  @IsString() @Matches(stageKey) key!: string;
  @IsObject() @ValidateNested() @Nested(() => StageLabelDto) label!: StageLabelDto;
  /** The stages that a customer may be moved into from here. */
  @IsArray() @ArrayMaxSize(30) @Matches(stageKey, { each: true }) moves!: string[];
  /** Not a step of the ladder: nobody gets here by himself, and comes back by an order alone. */
  @IsOptional() @IsBoolean() outside?: boolean;
}

class RepeatOrdersDto {
  @IsInt() @Min(2) @Max(1_000) count!: number;
  @IsString() @Matches(stageKey) stage!: string;
}

class AutomaticStagesDto {
  /** Where the first conversation or deal leads. */
  @IsOptional() @IsString() @Matches(stageKey) contact?: string;
  @IsOptional() @IsString() @Matches(stageKey) firstOrder?: string;
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => RepeatOrdersDto) repeatOrders?: RepeatOrdersDto;
}

export class LifecycleDto {
  /** In the order in which customers go through them. */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(30)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => LifecycleStageDto)
  stages!: LifecycleStageDto[];
  @IsObject() @ValidateNested() @Nested(() => AutomaticStagesDto) automatic!: AutomaticStagesDto;
}
