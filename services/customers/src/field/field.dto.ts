import { FieldOption, fieldTypes, sensitivities, type FieldType, type Sensitivity } from '@throughline/contracts';
import { page, record } from '@throughline/service';
import { Type as Nested } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';
import { keyPattern, referenceTargets } from './field-set.ts';

const text = Type.String();
const Translated = Type.Object({ en: Type.Optional(text), zh: Type.Optional(text) }, { title: 'Translated' });
const options = Type.Optional(
  Type.Array(Type.Object({ ...FieldOption.properties, label: Translated }, { title: 'FieldOption' })),
);
const part = Type.Object({ key: text, type: text, label: Translated, options }, { title: 'FieldPart' });
const described = {
  object: text,
  key: text,
  /** Where its values stand in a record: `name`, `custom.credit_days`. */
  path: text,
  builtIn: Type.Boolean(),
  type: text,
  label: Translated,
  help: Type.Optional(Translated),
  required: Type.Array(text),
  options,
  group: Type.Optional(text),
  sensitivity: text,
  target: Type.Optional(text),
  unique: Type.Optional(Type.Boolean()),
  parts: Type.Optional(Type.Array(part)),
  retired: Type.Boolean(),
};
export const Field = record('Field', described);
export const Fields = page('Field', Type.Object(described, { title: 'FieldItem' }), {
  /** Whether people and programs may give only fields that are defined. */
  unknownRefused: Type.Boolean(),
});
export const FieldSetAnswer = record('FieldSet', { object: text, unknownRefused: Type.Boolean() });

class TranslatedDto {
  @IsOptional() @IsString() @MaxLength(500) en?: string;
  @IsOptional() @IsString() @MaxLength(500) zh?: string;
}

class OptionDto {
  @IsString() @MinLength(1) @MaxLength(100) value!: string;
  @IsObject() @ValidateNested() @Nested(() => TranslatedDto) label!: TranslatedDto;
  /** Nobody chooses it any more; records keep it. */
  @IsOptional() @IsBoolean() retired?: boolean;
}

class FactsDto {
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => TranslatedDto) label?: TranslatedDto;
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => TranslatedDto) help?: TranslatedDto;
  /** The kinds that have to have it. */
  @IsOptional() @IsArray() @ArrayMaxSize(2) @IsIn(['person', 'company'], { each: true }) required?: string[];
  /** All of them: one that is left out is retired, never taken from the records that have it. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(200)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => OptionDto)
  options?: OptionDto[];
  @IsOptional() @IsString() @MinLength(1) @MaxLength(50) group?: string;
  @IsOptional() @IsIn(sensitivities) sensitivity?: Sensitivity;
  @IsOptional() @IsIn(referenceTargets) target?: string;
}

export class DefineFieldDto extends FactsDto {
  @IsOptional() @IsIn(['customer']) object?: 'customer';
  @Matches(keyPattern) key!: string;
  @IsIn(fieldTypes) type!: FieldType;
}

export class ChangeFieldDto extends FactsDto {}

export class SettleUnknownDto {
  @IsBoolean() unknownRefused!: boolean;
}

export class FieldsQuery {
  @IsOptional() @IsIn(['customer']) object?: string;
}
