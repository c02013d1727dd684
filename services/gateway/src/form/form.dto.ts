import { OmitType } from '@nestjs/swagger';
import { FormText, FormConsent, FormField, InstantText, OneOf, Uuid } from '@throughline/contracts';
import { Id, IsClearable, orNull, page, record } from '@throughline/service';
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
  IsUrl,
  Matches,
  MaxLength,
  MinLength,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';
import { spamReasons } from './submission.ts';

const text = Type.String();
const counts = { submissions: Type.Integer(), refused: Type.Integer() };
const optional = <T extends Parameters<typeof orNull>[0]>(schema: T) => Type.Optional(orNull(schema));
export const Form = record('Form', {
  key: text,
  url: text,
  name: text,
  title: FormText,
  description: optional(FormText),
  fields: Type.Array(FormField),
  consent: Type.Optional(FormConsent),
  source: optional(text),
  channel: optional(text),
  campaign: optional(text),
  origins: Type.Array(text),
  redirect: optional(text),
  active: Type.Boolean(),
  archived: Type.Boolean(),
  /** Of a form that is read: what every customer should have, and the form does not ask for; by a rule or the field's definition. */
  warnings: Type.Optional(
    Type.Array(Type.Object({ field: text, ruleId: Type.Optional(text), message: text }, { title: 'UnaskedRule' })),
  ),
  ...counts,
});
export const FormPage = page(
  'Form',
  Type.Object(
    {
      id: Uuid,
      key: text,
      url: text,
      name: text,
      active: Type.Boolean(),
      archived: Type.Boolean(),
      ...counts,
      lastSubmittedAt: orNull(InstantText),
      createdAt: InstantText,
    },
    { title: 'FormItem' },
  ),
);
export const RefusalPage = page(
  'FormRefusal',
  Type.Object(
    {
      id: Uuid,
      reason: OneOf(spamReasons),
      receivedAt: InstantText,
      /** What was filled in, for thirty days. */
      values: orNull(Type.Record(text, text)),
    },
    { title: 'FormRefusal' },
  ),
);
/** The form for programs that show it themselves. */
export const FormDefinition = Type.Object(
  {
    language: OneOf(['en', 'zh']),
    title: text,
    description: Type.Optional(text),
    fields: Type.Array(
      Type.Object(
        {
          field: text,
          kind: text,
          label: text,
          help: Type.Optional(text),
          required: Type.Boolean(),
          /** What can be chosen. */
          options: Type.Optional(Type.Array(Type.Object({ value: text, label: text }, { title: 'ShownOption' }))),
        },
        { title: 'ShownFormField' },
      ),
    ),
    consent: Type.Optional(
      Type.Object({ text, version: Type.Integer(), required: Type.Boolean() }, { title: 'ShownConsent' }),
    ),
    submissionId: Uuid,
    token: text,
  },
  { title: 'FormDefinition' },
);
export const Submitted = Type.Object({ id: Uuid }, { title: 'Submitted' });

class FormTextDto {
  @IsOptional() @IsString() @MaxLength(5_000) en?: string;
  @IsOptional() @IsString() @MaxLength(5_000) zh?: string;
}

class FormFieldDto {
  @IsString() @MinLength(1) @MaxLength(100) field!: string;
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => FormTextDto) label?: FormTextDto;
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => FormTextDto) help?: FormTextDto;
  @IsOptional() @IsBoolean() required?: boolean;
}

class FormPurposeDto {
  @IsString() @MinLength(1) @MaxLength(100) purpose!: string;
  @IsOptional() @IsString() @MinLength(1) @MaxLength(100) channel?: string;
}

class ConsentDto {
  @IsObject() @ValidateNested() @Nested(() => FormTextDto) text!: FormTextDto;
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(20)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => FormPurposeDto)
  purposes!: FormPurposeDto[];
  @IsOptional() @IsBoolean() required?: boolean;
}

export class ChangeFormDto {
  @IsOptional() @IsString() @MinLength(1) @MaxLength(200) name?: string;
  @IsOptional() @IsObject() @ValidateNested() @Nested(() => FormTextDto) title?: FormTextDto;
  @IsClearable() @IsObject() @ValidateNested() @Nested(() => FormTextDto) description?: FormTextDto | null;
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => FormFieldDto)
  fields?: FormFieldDto[];
  @IsClearable() @IsObject() @ValidateNested() @Nested(() => ConsentDto) consent?: ConsentDto | null;
  @IsClearable() @IsString() @MinLength(1) @MaxLength(100) source?: string | null;
  @IsClearable() @IsString() @MinLength(1) @MaxLength(100) channel?: string | null;
  @IsClearable() @IsString() @MinLength(1) @MaxLength(200) campaign?: string | null;
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @IsString({ each: true })
  @MaxLength(300, { each: true })
  origins?: string[];
  @IsClearable()
  @IsUrl({ require_tld: false, require_protocol: true, protocols: ['http', 'https'] })
  @MaxLength(2_000)
  redirect?: string | null;
  @IsOptional() @IsBoolean() active?: boolean;
}

export class MakeFormDto extends OmitType(ChangeFormDto, ['name', 'title', 'fields']) {
  @IsOptional() @Id() id?: string;
  @IsString() @MinLength(1) @MaxLength(200) name!: string;
  @IsObject() @ValidateNested() @Nested(() => FormTextDto) title!: FormTextDto;
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => FormFieldDto)
  fields!: FormFieldDto[];
}

export class RefusalsQuery {
  @IsOptional() @IsIn(spamReasons) reason?: (typeof spamReasons)[number];
  @IsOptional() @Matches(/^[0-9a-f-]{36}$/) cursor?: string;
  @IsOptional() @Matches(/^([1-9]\d?|1\d\d|200)$/) limit?: string;
}
