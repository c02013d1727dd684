import { Body, Controller, Get, Put } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Answers } from '@throughline/service';
import { DuplicateRulesAnswer, SetDuplicateRulesDto } from './duplicate.dto.ts';
import { duplicateRules, duplicateRulesId } from './duplicate-rules.ts';

/** What becomes of duplicates, by the way in. */
@Controller('duplicate-rules')
@Answers(DuplicateRulesAnswer)
export class DuplicateRulesController {
  constructor(private readonly commands: Commands) {}

  @Get()
  async read() {
    const { state, version, position } = await this.commands.load(duplicateRules, duplicateRulesId);
    return { id: duplicateRulesId, version, position, fields: state };
  }

  /** All of them, in place of those before. */
  @Put()
  async set(@Body() { rules, autoMerge, scanNightly }: SetDuplicateRulesDto) {
    const { state } = await this.commands.load(duplicateRules, duplicateRulesId);
    return this.commands.execute(duplicateRules, duplicateRulesId, {
      type: 'SetDuplicateRules',
      rules: rules.map(({ among = 'all', bypass = [], ...rule }) => ({ ...rule, among, bypass })),
      autoMerge: autoMerge ?? state.autoMerge,
      scanNightly: scanNightly ?? state.scanNightly,
    });
  }
}
