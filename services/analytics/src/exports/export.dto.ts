import {
  ExportSettings as ExportSettingsOfEvents,
  InstantText,
  OneOf,
  Selection,
  Uuid,
  tableFormats,
  type TableFormat,
} from '@throughline/contracts';
import { Actor, IsInstant, orNull, page } from '@throughline/service';
import { Allow, ArrayMaxSize, IsArray, IsIn, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { Type } from 'typebox';

/** `POST /api/customers/export`: a list as a file. */
export class ExportBody {
  @IsIn(tableFormats) format!: TableFormat;
  @IsOptional() @IsString() q?: string;
  @Allow() filter?: unknown;
  /** Names, `-` before those that go down, separated by commas. */
  @IsOptional() @IsString() sort?: string;
  /** As the customers were at a moment of the past. */
  @IsOptional() @IsInstant() asOf?: string;
  /** Columns beside the record's id and version; all that can be imported again unless given. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  @MaxLength(120, { each: true })
  fields?: string[];
  /** Of the header; the caller's unless given. */
  @IsOptional() @IsIn(['en', 'zh']) language?: 'en' | 'zh';
}

export class ExportSettingsDto {
  /** How many rows one person may take in a day of the organisation; 0: as many as they like. */
  @IsInt() @Min(0) @Max(1_000_000_000) rowsPerDay!: number;
}

export const ExportSettings = Type.Object(ExportSettingsOfEvents.properties, { title: 'ExportSettings' });

export class ExportsQuery {
  @IsOptional() @IsString() @MaxLength(200) cursor?: string;
}

export const ExportPage = page(
  'Export',
  Type.Object(
    {
      id: Uuid,
      at: InstantText,
      actor: Actor,
      rows: Type.Integer(),
      format: OneOf(tableFormats),
      columns: Type.Array(Type.String()),
      selection: orNull(Type.Object(Selection.properties, { title: 'Selection' })),
      asOf: orNull(InstantText),
    },
    { title: 'Export' },
  ),
);
