import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Commands, notFound } from '@throughline/event-sourcing';
import { Answers, page } from '@throughline/service';
import { Type } from 'typebox';
import { fieldSet, fieldSetId } from './field-set.ts';
import { fieldTemplates } from './field-templates.ts';

const text = Type.String();
const Translated = Type.Object({ en: Type.Optional(text), zh: Type.Optional(text) }, { title: 'Translated' });
const TemplateField = Type.Object({ key: text, type: text, label: Translated }, { title: 'TemplateField' });
const Templates = page(
  'FieldTemplate',
  Type.Object({ name: text, label: Translated, fields: Type.Array(TemplateField) }, { title: 'FieldTemplate' }),
);
const Applied = Type.Object(
  { name: text, defined: Type.Array(text), present: Type.Array(text) },
  { title: 'AppliedTemplate' },
);

@Controller('field-templates')
export class FieldTemplateController {
  constructor(private readonly commands: Commands) {}

  @Get()
  @Answers(Templates)
  list() {
    const items = fieldTemplates.map(({ name, label, fields }) => ({
      name,
      label,
      fields: fields.map(({ key, type, facts }) => ({ key, type, label: facts.label })),
    }));
    return { items, nextCursor: null };
  }

  /** Defines the fields of a template that are not there yet; what is there stays as it is. */
  @Post(':name/apply')
  @HttpCode(200)
  @Answers(Applied)
  async apply(@Param('name') name: string) {
    const template = fieldTemplates.find((one) => one.name === name);
    if (!template) throw notFound('field-template-not-found');
    const { fields } = template;
    const command = { type: 'ApplyFieldTemplate', object: 'customer', fields } as const;
    const { events } = await this.commands.execute(fieldSet, fieldSetId('customer'), command);
    const defined = events.flatMap((event) => (event.type === 'FieldDefined' ? [event.key] : []));
    return { name, defined, present: fields.map(({ key }) => key).filter((key) => !defined.includes(key)) };
  }
}
