import { PickType } from '@nestjs/swagger';
import { listFields } from '@throughline/contracts';
import { Ids, IsTextLists } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  Allow,
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsObject,
  IsOptional,
  IsString,
  MaxLength,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';
import { ChangeCustomerDto } from '../customer/customer.dto.ts';
import { BeforeAfter, shownFields } from '../merge/merge.dto.ts';

const clearable = shownFields.filter((field) => field !== 'kind');

const isClearable = (field: unknown): boolean =>
  typeof field === 'string' && (clearable.includes(field) || /^custom\..{1,100}$/.test(field));

class EntriesDto extends PickType(ChangeCustomerDto, listFields) {
  /** Of own fields that are multi-choices, the options. */
  @IsOptional() @IsTextLists(200) custom?: Record<string, string[]>;
}

/** A selection, by ids or by a filter, and what is to be changed on each of its customers. */
export class BulkChangeDto {
  @IsOptional() @IsArray() @ArrayMaxSize(10_000) @Ids() ids?: string[];
  /** As in lists; instead of `ids`. */
  @Allow() filter?: unknown;
  @IsOptional() @IsString() @MaxLength(500) q?: string;
  /** What the batch is called. */
  @IsOptional() @IsString() @MaxLength(200) title?: string;
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => ChangeCustomerDto) set?: ChangeCustomerDto;
  /** Entries that lists get to those that are there. */
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => EntriesDto) add?: EntriesDto;
  /** Entries that lists lose. */
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => EntriesDto) remove?: EntriesDto;
  /** Own fields as `custom.<key>`. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(100)
  @ValidateBy({ name: 'isIn', validator: { validate: isClearable } }, { each: true })
  clear?: string[];
  @IsOptional() @IsBoolean() archive?: boolean;
  @IsOptional() @IsBoolean() restore?: boolean;
}

const text = Type.String();
const uuid = Type.String({ format: 'uuid' });

export const BulkPreview = Type.Object(
  {
    /** All that the selection holds. */
    matches: Type.Integer(),
    /** How many of them were looked at: the first ones, by id. The other numbers are about these. */
    previewed: Type.Integer(),
    changes: Type.Integer(),
    unchanged: Type.Integer(),
    invalid: Type.Integer(),
    /** Why those are invalid. */
    codes: Type.Record(text, Type.Integer()),
    examples: Type.Array(
      Type.Object(
        {
          recordId: uuid,
          number: text,
          /** Only what would change; null where there is nothing. */
          fields: Type.Record(text, BeforeAfter),
        },
        { title: 'BulkExample' },
      ),
    ),
  },
  { title: 'BulkPreview' },
);
