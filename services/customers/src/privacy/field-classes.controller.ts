import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { catalogue, classOf, fieldOf } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { Answers } from '@throughline/service';
import { ClassFieldDto, ClassedField, ClassedFields, FieldName } from './field-classes.dto.ts';
import { fieldClasses, fieldClassesId } from './field-classes.ts';

/** Which fields of customers are personal, and which of them sensitive. */
@Controller('field-classes')
export class FieldClassesController {
  constructor(private readonly commands: Commands) {}

  @Get()
  @Answers(ClassedFields)
  async list() {
    const { state } = await this.commands.load(fieldClasses, fieldClassesId);
    return { items: catalogue(state), nextCursor: null };
  }

  @Put(':field')
  @Answers(ClassedField)
  async class(@Param() { field }: FieldName, @Body() body: ClassFieldDto) {
    const command = { type: 'ClassField' as const, field, ...body };
    const { state } = await this.commands.execute(fieldClasses, fieldClassesId, command);
    return { ...fieldOf(field), class: classOf(field, state) };
  }
}
