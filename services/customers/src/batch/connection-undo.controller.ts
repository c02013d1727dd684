import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Commands, idOfNew } from '@throughline/event-sourcing';
import { Answers, IdPipe } from '@throughline/service';
import { IsOptional, IsUUID } from 'class-validator';
import { Batch, UndoPreview } from './batch.dto.ts';
import { batch } from './batch.ts';
import { UndoPreviews } from './undo-batch.preview.ts';

class RecordQuery {
  @IsOptional() @IsUUID() cursor?: string;
}

/** Takes back what a connection said of customers, wherever it still stands. */
@Controller('connections/:id/undo')
export class ConnectionUndoController {
  constructor(
    private readonly commands: Commands,
    private readonly previews: UndoPreviews,
  ) {}

  /** What it would do to each record, and what it would leave because it was changed since. */
  @Get()
  @Answers(UndoPreview)
  async preview(@Param('id', IdPipe) id: string, @Query() { cursor }: RecordQuery) {
    const { items, next } = await this.previews.page({ undoesConnection: id }, cursor);
    return { items, nextCursor: next };
  }

  /** Begins in the background; `GET /api/batches/:id` says how far it is. */
  @Post()
  @HttpCode(202)
  @Answers(Batch)
  async undo(@Param('id', IdPipe) id: string) {
    const command = { type: 'StartBatch', kind: 'undo', undoesConnection: id } as const;
    const { fields, ...executed } = await this.commands.execute(batch, idOfNew(batch.category), command);
    return { ...executed, fields: { ...fields, progress: null } };
  }
}
