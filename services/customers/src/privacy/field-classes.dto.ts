import { Bilingual, OneOf, fieldClasses, fieldGroups, type FieldClass } from '@throughline/contracts';
import { page } from '@throughline/service';
import { IsIn, IsString, MaxLength } from 'class-validator';
import { Type } from 'typebox';

export const ClassedField = Type.Object(
  {
    field: Type.String(),
    group: OneOf(fieldGroups),
    label: Type.Object(Bilingual.properties, { title: 'Bilingual' }),
    personal: Type.Boolean({ description: 'Encrypted, and erased with the person.' }),
    class: OneOf(fieldClasses),
  },
  { title: 'ClassedField' },
);
export const ClassedFields = page('ClassedField', ClassedField);

export class FieldName {
  @IsString() @MaxLength(200) field!: string;
}

export class ClassFieldDto {
  @IsIn(fieldClasses) class!: FieldClass;
}
