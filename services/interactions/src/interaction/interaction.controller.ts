import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Commands, idOfNew } from '@throughline/event-sourcing';
import { Answers, AtQuery, HistoryQuery, IdPipe, Records } from '@throughline/service';
import { ChangeInteractionDto, Interaction, LogInteractionDto } from './interaction.dto.ts';
import { interaction } from './interaction.ts';

@Controller('interactions')
@Answers(Interaction)
export class InteractionController {
  constructor(
    private readonly commands: Commands,
    private readonly records: Records,
  ) {}

  /** When it happened is when it started: what is logged afterwards stands in the past. */
  @Post()
  log(@Body() body: LogInteractionDto) {
    const { id = idOfNew(interaction.category), ...facts } = body;
    const occurredAt = facts.startedAt && new Date(facts.startedAt).toISOString();
    return this.commands.execute(
      interaction,
      id,
      { type: 'LogInteraction', ...facts },
      { body, ...(occurredAt && { occurredAt }) },
    );
  }

  @Get(':id')
  read(@Param('id', IdPipe) id: string, @Query() at: AtQuery) {
    return this.records.read(interaction, id, at);
  }

  @Get(':id/history')
  history(@Param('id', IdPipe) id: string, @Query() query: HistoryQuery) {
    return this.records.history(interaction, id, query);
  }

  @Patch(':id')
  change(@Param('id', IdPipe) id: string, @Body() changes: ChangeInteractionDto) {
    return this.commands.execute(interaction, id, { type: 'ChangeInteraction', changes });
  }

  @Delete(':id')
  archive(@Param('id', IdPipe) id: string) {
    return this.commands.execute(interaction, id, { type: 'ArchiveInteraction' });
  }
}
