import { Body, Controller, Get, Put } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { Answers } from '@throughline/service';
import { ExportSettings, ExportSettingsDto } from './export.dto.ts';
import { exportSettings, exportSettingsId } from './export-settings.ts';

/** How much of the customers may be exported. */
@Controller('export-settings')
@Answers(ExportSettings)
export class ExportSettingsController {
  constructor(private readonly commands: Commands) {}

  @Get()
  async read() {
    return (await this.commands.load(exportSettings, exportSettingsId)).state;
  }

  @Put()
  async configure(@Body() { rowsPerDay }: ExportSettingsDto) {
    const command = { type: 'ConfigureExports', rowsPerDay } as const;
    return (await this.commands.execute(exportSettings, exportSettingsId, command)).state;
  }
}
