import { customerFieldNames } from '@throughline/contracts';
import { Id, Ids, IsInstant, IsTexts, orNull } from '@throughline/service';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import { Type } from 'typebox';
import { shown } from '../customer/field-names.ts';

/** As callers name them. */
export const shownFields = customerFieldNames.map(shown);

export class MergeDto {
  /** The customers that turned out to be this one. */
  @IsArray() @ArrayMinSize(1) @ArrayMaxSize(9) @Ids() absorb!: string[];
  /** Field -> the customer whose value is to be taken. */
  @IsOptional() @IsTexts() fields?: Record<string, string>;
  @IsOptional() @IsString() @MaxLength(1_000) reason?: string;
}

export class UnmergeDto {
  /** The record to take out again. */
  @Id() record!: string;
  /** Fields changed since the merge whose values go along with it. */
  @IsOptional() @IsArray() @ArrayMaxSize(100) @IsIn(shownFields, { each: true }) move?: string[];
}

export class UnmergePreviewDto {
  @Id() record!: string;
}

/** Without `to`, the fields that are named get back what they had before their last change. */
export class RevertDto {
  @ValidateIf(({ to, fields }: RevertDto) => to === undefined || fields !== undefined)
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @IsIn(shownFields, { each: true })
  fields?: string[];
  /** All fields, or those that are named, as they were then. */
  @IsOptional() @IsInstant() to?: string;
}

export class RevertQuery {
  @IsInstant() to!: string;
}

const text = Type.String();
const uuid = Type.String({ format: 'uuid' });
const Candidate = Type.Object({ recordId: uuid, value: Type.Unknown() }, { title: 'MergeCandidate' });

export const BeforeAfter = Type.Object({ before: Type.Unknown(), after: Type.Unknown() }, { title: 'BeforeAfter' });
/** Field -> what it has, and would have; only those that differ. */
export const RevertPreview = Type.Object({ fields: Type.Record(text, BeforeAfter) }, { title: 'RevertPreview' });

export const MergePreview = Type.Object(
  {
    fields: Type.Array(
      Type.Object(
        {
          field: text,
          value: Type.Unknown(),
          from: Type.Array(uuid),
          rule: text,
          /** The sources whose word goes before that of others, where there are such. */
          sources: Type.Optional(Type.Array(text)),
          differs: Type.Boolean(),
          candidates: Type.Array(Candidate),
        },
        { title: 'MergedField' },
      ),
    ),
    records: Type.Array(Type.Object({ id: uuid, number: text, into: orNull(uuid) }, { title: 'MergedRecord' })),
  },
  { title: 'MergePreview' },
);

export const UnmergePreview = Type.Object(
  {
    record: uuid,
    /** What was changed on the customer since: with `move` it goes along. */
    changed: Type.Array(
      Type.Object({ field: text, before: Type.Unknown(), now: Type.Unknown() }, { title: 'ChangedSince' }),
    ),
    records: Type.Array(uuid),
  },
  { title: 'UnmergePreview' },
);

const Origin = Type.Object(
  {
    value: Type.Unknown(),
    recordId: uuid,
    eventId: uuid,
    at: Type.String({ format: 'date-time' }),
    actor: Type.Object({ type: text, id: text }, { title: 'Actor' }),
    source: text,
    connectionId: Type.Optional(uuid),
    /** The rule that the value follows from, where nobody said it. */
    inferred: Type.Optional(text),
  },
  { title: 'FieldOrigin' },
);
/** Field -> where its value comes from; several for lists. */
export const Provenance = Type.Object({ fields: Type.Record(text, Type.Array(Origin)) }, { title: 'Provenance' });
