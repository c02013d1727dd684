import { Controller, Get, Headers, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Commands, notFound } from '@throughline/event-sourcing';
import { Answers, IdPipe, Jobs, Records, languageOf, messageOf } from '@throughline/service';
import { IsOptional, Matches, MaxLength } from 'class-validator';
import { BatchFailures } from './batch-failures.store.ts';
import { Batches, endedEarly } from './batch-list.view.ts';
import { Batch, BatchFailurePage, BatchPage, UndoPreview } from './batch.dto.ts';
import { batch } from './batch.ts';
import { UndoBatch } from './undo-batch.job.ts';
import { UndoPreviews } from './undo-batch.preview.ts';
import { UndoSources } from './undo-sources.store.ts';
import { checkNotUndone, undoneBy } from './undoing.ts';

class PageQuery {
  @IsOptional() @MaxLength(200) cursor?: string;
}

class PlaceQuery {
  @IsOptional() @Matches(/^\d{1,15}$/) cursor?: string;
}

class UndoQuery {
  @IsOptional() @Matches(/^(\d{1,15}|[\da-f-]{36})$/) cursor?: string;
}

/** Imports, bulk changes, automatic merges and what took them back. */
@Controller('batches')
@Answers(Batch)
export class BatchController {
  constructor(
    private readonly commands: Commands,
    private readonly records: Records,
    private readonly jobs: Jobs,
    private readonly batches: Batches,
    private readonly undoing: UndoBatch,
    private readonly previews: UndoPreviews,
    private readonly failures: BatchFailures,
    private readonly sources: UndoSources,
  ) {}

  @Get()
  @Answers(BatchPage)
  async list(@Query() { cursor }: PageQuery) {
    const [{ items, nextCursor }, undos] = await Promise.all([this.batches.list(cursor), this.batches.undos()]);
    return { items: items.map((item) => ({ ...item, undoneBy: undoneBy(undos, item.id) ?? null })), nextCursor };
  }

  @Get(':id')
  async read(@Param('id', IdPipe) id: string) {
    const { fields, ...answer } = await this.records.read(batch, id);
    // The policy that starts the work may still be on its way.
    const progress = await this.jobs.find(id);
    const isEarly = fields['status'] === 'running' && progress && endedEarly.includes(progress.state);
    const ended = isEarly ? { status: progress.state, counts: progress.counts } : {};
    return { ...answer, fields: { ...fields, ...ended, progress: progress ?? null } };
  }

  /** What undoing it would do to each record, and what it would leave because it was changed since. */
  @Get(':id/undo')
  @Answers(UndoPreview)
  async preview(@Param('id', IdPipe) id: string, @Query() { cursor }: UndoQuery) {
    await this.#known(id);
    const { items, next } = await this.previews.page({ undoes: id }, cursor);
    return { items, nextCursor: next };
  }

  /** The records that it could not change, and why. */
  @Get(':id/failures')
  @Answers(BatchFailurePage)
  async failed(
    @Param('id', IdPipe) id: string,
    @Query() { cursor }: PlaceQuery,
    @Headers('accept-language') languages?: string,
  ) {
    await this.#known(id);
    const { items, next } = await this.failures.list(id, Number(cursor ?? 0));
    const language = languageOf(languages);
    const told = items.map(({ recordId, code, errors }) => ({
      recordId,
      code,
      message: messageOf(language, code),
      errors: errors.map(({ path, code: field, params }) => ({
        path,
        code: field,
        message: messageOf(language, field, params),
      })),
    }));
    return { items: told, nextCursor: next === null ? null : String(next) };
  }

  @Post(':id/undo')
  @HttpCode(202)
  undo(@Param('id', IdPipe) id: string) {
    return this.undoing.start(id);
  }

  /** Ends it after the step that is under way; what is done stays done, and can be undone. */
  @Post(':id/stop')
  @HttpCode(200)
  async stop(@Param('id', IdPipe) id: string) {
    await this.jobs.stop(id);
    return this.read(id);
  }

  /** Goes on with one that failed or was stopped, unless it was undone. */
  @Post(':id/retry')
  @HttpCode(200)
  async retry(@Param('id', IdPipe) id: string) {
    checkNotUndone(await this.sources.undos(), id);
    await this.jobs.retry(id);
    return this.read(id);
  }

  async #known(id: string) {
    if (!(await this.commands.exists(batch.category, id))) throw notFound('batch-not-found');
  }
}
