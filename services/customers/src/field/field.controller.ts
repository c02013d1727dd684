import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import type { FieldEvent, Recorded } from '@throughline/contracts';
import { Commands, derivedId, notFound, type Executed } from '@throughline/event-sourcing';
import { Answers, HistoryQuery, historyPageOf, type RecordAnswer } from '@throughline/service';
import { customerFieldList, isPersonal, type BuiltInField } from './built-in-fields.ts';
import {
  ChangeFieldDto,
  DefineFieldDto,
  Field,
  FieldSetAnswer,
  Fields,
  FieldsQuery,
  SettleUnknownDto,
} from './field.dto.ts';
import { fieldSet, fieldSetId, type FieldCommand, type FieldDefinition, type FieldSet } from './field-set.ts';

/** The one kind of record that has fields of the installation's own. */
const object = 'customer';

@Controller('fields')
@Answers(Field)
export class FieldController {
  constructor(private readonly commands: Commands) {}

  /** All fields, the built-in ones first: enough to build a form or a mapping from. */
  @Get()
  @Answers(Fields)
  async list(@Query() _query: FieldsQuery) {
    const { state } = await this.commands.load(fieldSet, fieldSetId(object));
    const items = [...customerFieldList.map(builtIn), ...Object.values(state.fields).map(shown)];
    return { items, nextCursor: null, unknownRefused: state.refusesUnknown };
  }

  @Post()
  define(@Body() { object: _, key, type, ...facts }: DefineFieldDto) {
    return this.#execute(key, { type: 'DefineField', object, key, fieldType: type, facts });
  }

  @Patch()
  @Answers(FieldSetAnswer)
  async settle(@Body() { unknownRefused: refused }: SettleUnknownDto): Promise<RecordAnswer> {
    const id = fieldSetId(object);
    const command = { type: 'SettleUnknownFields', object, refused } as const;
    const { state, version, position } = await this.commands.execute(fieldSet, id, command);
    return { id, version, position, fields: { object, unknownRefused: state.refusesUnknown } };
  }

  @Get(':key')
  async read(@Param('key') key: string): Promise<RecordAnswer> {
    return answer(key, await this.commands.load(fieldSet, fieldSetId(object)));
  }

  @Get(':key/history')
  async history(@Param('key') key: string, @Query() query: HistoryQuery) {
    const { events, state } = await this.commands.load(fieldSet, fieldSetId(object));
    const { key: own } = fieldNamed(state, key);
    const isOwn = ({ data }: Recorded) => (data as { key?: string }).key === own;
    return historyPageOf(events.filter(isOwn), query);
  }

  @Patch(':key')
  change(@Param('key') key: string, @Body() changes: ChangeFieldDto) {
    return this.#execute(key, { type: 'ChangeField', object, key, changes: { [key]: changes } });
  }

  @Post(':key/retire')
  @HttpCode(200)
  retire(@Param('key') key: string) {
    return this.#execute(key, { type: 'RetireField', object, key });
  }

  @Post(':key/restore')
  @HttpCode(200)
  restore(@Param('key') key: string) {
    return this.#execute(key, { type: 'RestoreField', object, key });
  }

  async #execute(key: string, command: FieldCommand): Promise<RecordAnswer> {
    return answer(key, await this.commands.execute(fieldSet, fieldSetId(object), command));
  }
}

type Loaded = Pick<Executed<FieldSet, FieldEvent>, 'state' | 'version' | 'position'>;

/** The version is that of all fields together: they are one stream. */
function answer(named: string, { state, version, position }: Loaded): RecordAnswer {
  const field = fieldNamed(state, named);
  return { id: idOf(field.key), version, position, fields: shown(field) };
}

const idOf = (key: string): string => derivedId('field', object, key);

/** By its key, or by its id. */
function fieldNamed({ fields }: FieldSet, named: string): FieldDefinition {
  const field = Object.values(fields).find(({ key }) => key === named || idOf(key) === named);
  if (!field) throw notFound('field-not-found');
  return field;
}

const shown = ({ required = [], ...field }: FieldDefinition) => ({
  object,
  ...field,
  path: `custom.${field.key}`,
  builtIn: false,
  required,
});

const builtIn = ({ required = [], ...field }: BuiltInField) => ({
  object,
  ...field,
  path: field.key,
  builtIn: true,
  required,
  sensitivity: isPersonal(field.key) ? 'personal' : 'normal',
  retired: false,
});
