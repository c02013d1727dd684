import { importObjects } from '@throughline/contracts';
import { Actor, Id, IsTexts, orNull, page, record } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  MinLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';
import {
  dateOrders,
  importModes,
  matchKeys,
  missingChoices,
  relationKeys,
  type MatchKey,
  type RelationKey,
  type WhenMissing,
} from './import-mapping.ts';
import { mostCellsEdited } from './import.ts';
import { checkedEnds } from './planned-row.ts';

/** What stands beside the file in the form. */
export class UploadDto {
  @IsIn(importObjects) object!: 'customers';
  @IsOptional() @IsString() @MaxLength(50) encoding?: string;
  @IsOptional() @IsString() @MaxLength(1) delimiter?: string;
  @IsOptional() @IsString() @MaxLength(200) sheet?: string;
  @IsOptional() @IsIn(['true', 'false']) header?: 'true' | 'false';
}

/** How the file is to be read instead of as it was found out. */
export class ReadingDto {
  @IsOptional() @IsString() @MinLength(1) @MaxLength(50) encoding?: string;
  @IsOptional() @IsString() @MinLength(1) @MaxLength(1) delimiter?: string;
  @IsOptional() @IsString() @MaxLength(200) sheet?: string;
  @IsOptional() @IsBoolean() header?: boolean;
  /** Line of the file, or row of the sheet, that the table begins with. */
  @IsOptional() @IsInt() @Min(1) @Max(1000) headerRow?: number;
}

class MappedColumnDto {
  @IsString() @MinLength(1) @MaxLength(200) column!: string;
  /** `employer.phones` is that of the company in `employerId`, `parent.phones` that of the one in `parentId`. */
  @IsString() @MinLength(1) @MaxLength(120) field!: string;
  @IsOptional() @IsString() @MaxLength(100) label?: string;
  @IsOptional() @IsTexts() values?: Record<string, string>;
  /** Of `employerId`, `parentId`, `referredBy`: by what the customer is found. */
  @IsOptional() @IsIn(relationKeys) findBy?: RelationKey;
  /** Of the same fields: what becomes of a row whose customer is not there. */
  @IsOptional() @IsIn(missingChoices) whenMissing?: WhenMissing;
}

export class MappingDto {
  @IsArray()
  @ArrayMaxSize(400)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => MappedColumnDto)
  columns!: MappedColumnDto[];
  @IsOptional() @IsTexts() defaults?: Record<string, string>;
  @IsIn(matchKeys) matchBy!: MatchKey;
  @IsIn(importModes) mode!: 'create' | 'update' | 'both';
  @IsOptional() @IsTexts() policies?: Record<string, 'overwrite' | 'if-empty' | 'never' | 'add'>;
  @IsOptional() @IsIn(dateOrders) dateOrder?: 'ymd' | 'dmy' | 'mdy';
  @IsOptional() @IsString() @MaxLength(100) timeZone?: string;
  @IsOptional() @Matches(/^[A-Z]{2}$/) country?: string;
  /** ISO 4217: of amounts that name none. */
  @IsOptional() @Matches(/^[A-Z]{3}$/) currency?: string;
  /** Choices that nobody defined become options of their fields; administrators only. */
  @IsOptional() @IsBoolean() createMissingOptions?: boolean;
  @IsOptional() @Id() connectionId?: string;
  /** Offered again under this name. */
  @IsOptional() @IsString() @MinLength(1) @MaxLength(200) saveAs?: string;
}

class EditedCellDto {
  /** Of the file, as in errors.csv. */
  @IsInt() @Min(1) @Max(Number.MAX_SAFE_INTEGER) line!: number;
  /** Its name in the header. */
  @IsString() @MaxLength(200) column!: string;
  /** As it would stand in a CSV file; null takes the file's own again. */
  @ValidateIf((_, value) => value !== null) @IsString() @MaxLength(10_000) value!: string | null;
}

/** Of one cell that is named twice the last word counts. */
export class EditCellsDto {
  @IsArray()
  @ArrayMaxSize(1_000)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => EditedCellDto)
  cells!: EditedCellDto[];
}

export class TemplateQuery {
  @IsIn(importObjects) object!: 'customers';
}

const text = Type.String();
const integer = Type.Integer();
const instant = Type.String({ format: 'date-time' });
const counts = Type.Record(text, integer);
const object = Type.Union(importObjects.map((one) => Type.Literal(one)));

const Mapping = Type.Object(
  {
    columns: Type.Array(
      Type.Object(
        {
          column: text,
          field: Type.String({
            description:
              'Also `employer.<field>` and `parent.<field>`: what the row says of the company that it names in `employerId` or `parentId`.',
          }),
          label: Type.Optional(text),
          values: Type.Optional(Type.Record(text, text)),
          findBy: Type.Optional(
            Type.Union(
              relationKeys.map((one) => Type.Literal(one)),
              {
                description:
                  'Of `employerId`, `parentId` and `referredBy`: by what the customer is found. Left out, it is the first of id, number, e-mail, registration number and whole name by which one is.',
              },
            ),
          ),
          whenMissing: Type.Optional(
            Type.Union(
              missingChoices.map((one) => Type.Literal(one)),
              {
                description:
                  'Of the same fields, where neither the customers nor the file have one: `fail` (unless said), `leave-empty`, or `create` a company of that name, which is part of the import.',
              },
            ),
          ),
        },
        { title: 'MappedColumn' },
      ),
    ),
    defaults: Type.Record(text, text),
    matchBy: Type.Union(matchKeys.map((one) => Type.Literal(one))),
    mode: Type.Union(importModes.map((one) => Type.Literal(one))),
    policies: Type.Record(text, text, {
      description:
        'By field: `overwrite` (unless said; `add` of lists), `if-empty`, `never`, `add`. Of the fields of a company (`employer.phones`) it is `if-empty` unless said.',
    }),
    dateOrder: Type.Optional(Type.Union(dateOrders.map((one) => Type.Literal(one)))),
    timeZone: Type.Optional(text),
    country: Type.Optional(text),
    currency: Type.Optional(text),
    createMissingOptions: Type.Optional(Type.Boolean()),
    connectionId: Type.Optional(text),
  },
  { title: 'ImportMapping' },
);

const Work = Type.Object(
  { state: text, done: integer, total: orNull(integer), counts, error: orNull(text) },
  { title: 'ImportWork' },
);

const RowErrors = Type.Array(
  Type.Object(
    {
      column: orNull(text),
      field: Type.Optional(Type.String({ description: 'What is wrong, where no column is mapped to it.' })),
      code: text,
      message: text,
    },
    { title: 'ImportRowError' },
  ),
);

const RejectedRow = Type.Object(
  { line: integer, cells: Type.Array(text), errors: RowErrors },
  { title: 'RejectedRow' },
);

const PreviewRow = Type.Object(
  {
    line: integer,
    cells: Type.Array(text, { description: 'As they count: what was set by hand instead of what the file says.' }),
    edited: Type.Array(Type.Object({ column: text, fileText: text }, { title: 'EditedCell' }), {
      description: 'The cells that were set by hand, with what the file says there.',
    }),
    cut: Type.Array(text, {
      description: 'Columns whose cells are too long to be shown: the first 200 characters of them.',
    }),
    end: orNull(Type.Union(checkedEnds.map((one) => Type.Literal(one)))),
    values: orNull(
      Type.Record(text, Type.Unknown(), {
        description:
          'What the row says, in the form in which it would be recorded. By the mapping, or by the suggestion as long as there is none; null where nothing is left of the row, where one of its cells is cut, and once the import was started. What it says of the companies that it names stands under `employer` and `parent`.',
      }),
    ),
    errors: RowErrors,
    warnings: RowErrors,
    times: orNull(integer),
  },
  { title: 'PreviewRow' },
);

export const Import = record('Import', {
  status: text,
  object,
  file: Type.Object({ name: text, bytes: integer }, { title: 'ImportFile' }),
  reading: Type.Object(
    {
      format: text,
      encoding: Type.Optional(text),
      delimiter: Type.Optional(text),
      sheet: Type.Optional(text),
      sheets: Type.Optional(Type.Array(text)),
      hasHeader: Type.Boolean(),
      headerRow: Type.Optional(integer),
      header: Type.Array(text),
      fingerprint: text,
    },
    { title: 'ImportReading' },
  ),
  preview: Type.Array(PreviewRow, { description: 'The first rows; none for who only reads.' }),
  suggestion: Mapping,
  suggestedHeaderRow: Type.Optional(
    Type.Integer({ description: 'The row that is likely to name the columns, where the first one is only a title.' }),
  ),
  mapping: orNull(Mapping),
  cellsEdited: Type.Integer({
    description: `How many cells were set by hand, each time counted: at most ${mostCellsEdited}.`,
  }),
  savedAs: Type.Optional(text),
  restorePoint: Type.Optional(integer),
  check: orNull(
    Type.Object(
      {
        state: text,
        done: integer,
        total: orNull(integer),
        counts,
        error: orNull(text),
        isStale: Type.Boolean({ description: 'Cells were edited since: what it says may not hold any more.' }),
        errors: Type.Array(RejectedRow, { description: 'None for who only reads.' }),
        warnings: Type.Array(RejectedRow, { description: 'None for who only reads.' }),
      },
      { title: 'ImportCheck' },
    ),
  ),
  progress: orNull(Work),
  counts,
});

export const ImportPage = page(
  'Import',
  Type.Object(
    {
      id: text,
      object,
      fileName: orNull(text),
      bytes: integer,
      uploadedBy: Actor,
      uploadedAt: instant,
      status: text,
      startedAt: orNull(instant),
      finishedAt: orNull(instant),
      counts,
    },
    { title: 'ImportListed' },
  ),
);

export const SavedMappings = Type.Object(
  {
    items: Type.Array(Type.Object({ name: text, mapping: Mapping, savedAt: instant }, { title: 'SavedMapping' })),
  },
  { title: 'SavedMappings' },
);
