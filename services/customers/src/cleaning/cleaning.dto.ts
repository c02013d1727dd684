import { Correction } from '@throughline/contracts';
import { Id } from '@throughline/service';
import { IsString, MaxLength } from 'class-validator';
import { Type } from 'typebox';

export class RevertCorrectionDto {
  /** The event that brought the correction. */
  @Id() eventId!: string;
  /** The value, as the correction has it: `emails.0.value`. */
  @IsString() @MaxLength(200) path!: string;
}

export class SuggestionDto {
  @Id() id!: string;
}

const text = Type.String();
const uuid = Type.String({ format: 'uuid' });
const correction = Correction.properties;

export const Corrections = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          eventId: uuid,
          recordId: uuid,
          at: Type.String({ format: 'date-time' }),
          ...correction,
          reverted: Type.Boolean(),
        },
        { title: 'CorrectionMade' },
      ),
    ),
  },
  { title: 'Corrections' },
);

const Suggestion = Type.Object(
  {
    /** Made of field, rule and value: another value is another suggestion. */
    id: uuid,
    path: text,
    rule: text,
    /** `warning`: something to know, that cannot be accepted. */
    kind: Type.Union([Type.Literal('change'), Type.Literal('warning')]),
    /** In the language of the caller. */
    message: text,
    value: Type.Unknown(),
    to: Type.Optional(Type.Unknown()),
    /** What accepting it changes, by field. */
    changes: Type.Optional(Type.Record(text, Type.Unknown())),
  },
  { title: 'Suggestion' },
);

export const Suggestions = Type.Object({ items: Type.Array(Suggestion) }, { title: 'Suggestions' });

export const CheckedCustomer = Type.Object(
  {
    /** The fields as they would be. */
    fields: Type.Record(text, Type.Unknown()),
    corrections: Type.Array(Type.Object(correction, { title: 'Correction' })),
    suggestions: Type.Array(Suggestion),
    /** Field -> the rule that its value follows from. */
    inferred: Type.Record(text, text),
    /** What it would be refused for. */
    errors: Type.Array(
      Type.Object(
        { path: text, code: text, message: text, params: Type.Optional(Type.Record(text, Type.Unknown())) },
        { title: 'FieldProblem' },
      ),
    ),
  },
  { title: 'CheckedCustomer' },
);
