import { Uuid } from '@throughline/contracts';
import { Id, ProblemAnswer } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';
import { Warning } from '../duplicates/match.dto.ts';

export const mostOperations = 200;
const operations = ['create', 'update', 'upsert', 'archive'] as const;

const status = Type.Integer();
/** Each operation's outcome, in their order; `status` is what it would have been answered with alone. */
export const BatchRequestOutcome = Type.Object(
  {
    items: Type.Array(
      Type.Union([
        Type.Object(
          { status, id: Uuid, version: Type.Integer(), warnings: Type.Optional(Type.Array(Warning)) },
          { title: 'OperationDone' },
        ),
        Type.Object({ status, problem: ProblemAnswer }, { title: 'OperationRefused' }),
      ]),
    ),
  },
  { title: 'BatchRequestOutcome' },
);

export class OperationDto {
  @IsIn(operations) op!: (typeof operations)[number];
  /** `number/<number>`, `email/<address>` or `external/<connection>/<id>`. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(600) key?: string;
  @IsOptional() @Id() id?: string;
  /** What the body of the operation alone would be. */
  @IsOptional() @IsObject() data?: Record<string, unknown>;
}

export class BatchRequestDto {
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(mostOperations)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => OperationDto)
  operations!: OperationDto[];
  @IsOptional() @IsBoolean() allOrNone?: boolean;
}
