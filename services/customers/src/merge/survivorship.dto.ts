import {
  OneOf,
  Uuid,
  builtInSurvivorship,
  customerFieldNames,
  entered,
  survivorships,
  type ChosenField,
  type Survivorship,
  type SurvivorshipRules,
} from '@throughline/contracts';
import { Type as Nested } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsObject,
  IsOptional,
  Matches,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { Type } from 'typebox';
import { shownFields } from './merge.dto.ts';
import { inEvents, shown } from '../customer/field-names.ts';
import { mostFields } from '../field/field-set.ts';
import { customKeyOf } from '../rules/rule-values.ts';

const source = new RegExp(`^(${entered}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$`);

const isField = (name: unknown): boolean =>
  typeof name === 'string' && (shownFields.includes(name) || /^custom\.[^.]{1,100}$/.test(name));

class FieldSurvivorshipDto {
  /** One of the installation's own is `custom.<key>`; it has the rule of `custom` and its sources unless it is named itself. */
  @ValidateBy({ name: 'isIn', validator: { validate: isField } }) field!: string;
  @IsIn(survivorships) rule!: Survivorship;
  /**
   * The sources whose word goes before that of others, the first one before all: ids of connections, `entered` for all records
   * that came from none. The rule chooses where it leaves several.
   */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique()
  @Matches(source, { each: true })
  sources?: string[];
}

export class SurvivorshipDto {
  /** What is left out has the rule that it has where none are configured, and no ranking of sources. */
  @IsArray()
  @ArrayMaxSize(shownFields.length + mostFields)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Nested(() => FieldSurvivorshipDto)
  @ArrayUnique(({ field }: FieldSurvivorshipDto) => field)
  fields!: FieldSurvivorshipDto[];
}

/** The rule of every field. */
export const Survivorships = Type.Object(
  {
    fields: Type.Array(
      Type.Object(
        {
          field: Type.String(),
          rule: OneOf(survivorships),
          sources: Type.Optional(Type.Array(Type.Union([Uuid, Type.Literal(entered)]))),
        },
        { title: 'FieldSurvivorship' },
      ),
    ),
  },
  { title: 'Survivorships' },
);

export const shownRules = ({ rules, sources = {} }: SurvivorshipRules) => ({
  fields: [...customerFieldNames, ...ownAmong(Object.keys(rules))].map((field) => ({
    field: shown(field),
    rule: rules[field] ?? 'survivor',
    ...(sources[field] && { sources: sources[field] }),
  })),
});

const ownAmong = (names: Iterable<string>): ChosenField[] =>
  [...names].filter((name): name is `custom.${string}` => customKeyOf(name) !== undefined).toSorted();

/** In the order of the fields, and without what goes without saying: the same rules are the same however they are told. */
export function rulesOf({ fields }: SurvivorshipDto): SurvivorshipRules {
  const told = new Map<ChosenField, FieldSurvivorshipDto>(fields.map((one) => [inEvents(one.field), one]));
  const each = <V>(valueOf: (field: ChosenField) => V | undefined): { [field: string]: V } =>
    Object.fromEntries(
      [...customerFieldNames, ...ownAmong(told.keys())].flatMap((field) => {
        const value = valueOf(field);
        return value === undefined ? [] : [[field, value] as const];
      }),
    );
  const rules = each((field) => {
    const rule = told.get(field)?.rule ?? builtInSurvivorship.rules[field];
    return rule === 'survivor' && customKeyOf(field) === undefined ? undefined : rule;
  });
  const sources = each((field) => told.get(field)?.sources);
  return { rules, ...(Object.keys(sources).length > 0 && { sources }) };
}
