import { Body, Controller, Get, Put } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Answers } from '@throughline/service';
import { fieldSet, fieldSetId } from '../field/field-set.ts';
import { ruleSet, ruleSetId } from './rule-set.ts';
import { RuleSet, RuleSetDto } from './rules.dto.ts';

const object = 'customer';

/** What the values of customers have to be like, whoever enters them. */
@Controller('rules/customers')
@Answers(RuleSet)
export class RulesController {
  constructor(private readonly commands: Commands) {}

  @Get()
  async read() {
    return (await this.commands.load(ruleSet, ruleSetId(object))).state;
  }

  /** All of them, in place of those before. */
  @Put()
  async define(@Body() { rules }: RuleSetDto) {
    const { state: fields } = await this.commands.load(fieldSet, fieldSetId(object));
    const command = { type: 'DefineRuleSet', object, rules } as const;
    return (await this.commands.execute(ruleSet, ruleSetId(object), command, { rules: fields })).state;
  }
}
