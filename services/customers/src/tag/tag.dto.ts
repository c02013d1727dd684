import { Uuid } from '@throughline/contracts';
import { Id, Ids, IsClearable, orNull, page, record } from '@throughline/service';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsOptional,
  IsUUID,
  IsString,
  Matches,
  MaxLength,
  MinLength,
} from 'class-validator';
import { Type } from 'typebox';

const text = Type.String();
const shown = {
  name: text,
  colour: orNull(text),
  description: orNull(text),
  /** They mean this tag too, in filters and on customers. */
  formerNames: Type.Array(text),
  archived: Type.Boolean(),
};
export const Tag = record('Tag', { ...shown, into: Type.Optional(Uuid) });
export const TagPage = page('Tag', Type.Object({ id: Uuid, ...shown }, { title: 'TagItem' }));

export class ChangeTagDto {
  @IsOptional() @IsString() @MinLength(1) @MaxLength(100) name?: string;
  @IsClearable() @Matches(/^#[0-9a-fA-F]{6}$/) colour?: string;
  @IsClearable() @IsString() @MaxLength(1_000) description?: string;
}

export class CreateTagDto {
  @IsOptional() @Id() id?: string;
  @IsString() @MinLength(1) @MaxLength(100) name!: string;
  @IsClearable() @Matches(/^#[0-9a-fA-F]{6}$/) colour?: string;
  @IsClearable() @IsString() @MaxLength(1_000) description?: string;
}

export class MergeTagsDto {
  /** The tags that mean this one from now on. */
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(100) @Ids() absorb!: string[];
}

export class TagsQuery {
  @IsOptional() @IsIn(['true', 'false']) archived?: 'true' | 'false';
  @IsOptional() @Matches(/^([1-9]\d?|1\d\d|200)$/) limit?: string;
  @IsOptional() @IsUUID() cursor?: string;
}
