import { Body, Controller, Get, Put } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Answers } from '@throughline/service';
import { fieldSet, fieldSetId } from '../field/field-set.ts';
import { survivorship, survivorshipId } from './survivorship.ts';
import { SurvivorshipDto, Survivorships, rulesOf, shownRules } from './survivorship.dto.ts';

/** How merges choose among what the records of a customer say. */
@Controller('survivorship-rules')
@Answers(Survivorships)
export class SurvivorshipController {
  constructor(private readonly commands: Commands) {}

  @Get()
  async read() {
    return shownRules((await this.commands.load(survivorship, survivorshipId)).state);
  }

  /** All of them, in place of those before. */
  @Put()
  async configure(@Body() body: SurvivorshipDto) {
    const command = { type: 'ConfigureSurvivorship' as const, ...rulesOf(body) };
    const { state: rules } = await this.commands.load(fieldSet, fieldSetId('customer'));
    return shownRules((await this.commands.execute(survivorship, survivorshipId, command, { rules })).state);
  }
}
