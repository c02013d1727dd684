import { Type } from 'class-transformer';
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
import { Id } from '../money/money.dto.ts';

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
  @Type(() => StageDto)
  stages!: StageDto[];
}
