import { Body, Controller, Get, Put } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Answers } from '@throughline/service';
import { careSettings, careSettingsId } from './care-settings.ts';
import { CareSettings, CareSettingsDto } from './care.dto.ts';

/** When customers are asked whether what is recorded still holds, and how long they are new. */
@Controller('care-settings')
@Answers(CareSettings)
export class CareSettingsController {
  constructor(private readonly commands: Commands) {}

  @Get()
  async read() {
    return (await this.commands.load(careSettings, careSettingsId)).state;
  }

  @Put()
  async configure(@Body() body: CareSettingsDto) {
    return (await this.commands.execute(careSettings, careSettingsId, { type: 'ConfigureCare', ...body })).state;
  }
}
