import { dealRecord, InstantText, MoneyAnswer, Stage, Uuid } from '@throughline/contracts';
import { Id, page, record } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsInt,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateNested,
  IsObject,
} from 'class-validator';
import { Type } from 'typebox';

const stages = { stages: Type.Array(Type.Object(Stage.properties, { title: 'Stage' })) };
export const Pipeline = record('Pipeline', { name: Type.String(), ...stages });
export const Pipelines = page('Pipeline', Type.Object({ id: Uuid, name: Type.String(), ...stages }));

const { customerId, title, value, stage, ownerId, expectedCloseOn } = dealRecord;
const card = { id: Uuid, customerId, title, value, stage, ownerId, expectedCloseOn, stageSince: InstantText };
const { id: _, ...ofStage } = Stage.properties;
const column = {
  ...ofStage,
  stage,
  count: Type.Integer(),
  sum: Type.Array(MoneyAnswer),
  weightedSum: Type.Array(MoneyAnswer),
  cards: Type.Array(Type.Object(card, { title: 'Card' })),
};
export const Board = Type.Object(
  { id: Uuid, name: Type.String(), columns: Type.Array(Type.Object(column, { title: 'Column' })) },
  { title: 'Board' },
);

class StageDto {
  @IsString() @Matches(/^[\p{L}\p{N}_-]{1,50}$/u) id!: string;
  @IsString() @MinLength(1) @MaxLength(100) name!: string;
  @IsInt() @Min(0) @Max(100) probability!: number;
}

export class DefinePipelineDto {
  @IsOptional() @Id() id?: string;
  @IsString() @MinLength(1) @MaxLength(100) name!: string;
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => StageDto)
  stages!: StageDto[];
}
