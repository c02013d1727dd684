import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Commands, derivedId, idOfNew, invalid, notFound } from '@throughline/event-sourcing';
import { Answers, IdPipe, Jobs } from '@throughline/service';
import { Merges } from '../merge/merges.store.ts';
import {
  DismissDto,
  DuplicateAnswer,
  DuplicatePage,
  DuplicatesQuery,
  MergeDuplicateDto,
  ScanAnswer,
} from './duplicate.dto.ts';
import { duplicate, type DuplicateCommand } from './duplicate.ts';
import { Duplicates } from './duplicates.store.ts';

/** The queue of pairs that may be the same, for people to look at. */
@Controller('duplicates')
@Answers(DuplicateAnswer)
export class DuplicateController {
  constructor(
    private readonly commands: Commands,
    private readonly duplicates: Duplicates,
    private readonly merges: Merges,
    private readonly jobs: Jobs,
  ) {}

  @Get()
  @Answers(DuplicatePage)
  list(@Query() { status = 'open', limit = '50', cursor }: DuplicatesQuery) {
    return this.duplicates.list(status, Number(limit), cursor);
  }

  /** Compares all customers with each other, in the background. */
  @Post('scan')
  @HttpCode(202)
  @Answers(ScanAnswer)
  async scan() {
    const id = idOfNew('scan');
    await this.jobs.start('scan-duplicates', id, null);
    return this.jobs.read(id);
  }

  /** How far a scan is. */
  @Get('scans/:id')
  @Answers(ScanAnswer)
  async scanned(@Param('id', IdPipe) id: string) {
    const job = await this.jobs.read(id);
    if (job.kind !== 'scan-duplicates') throw notFound('job-not-found');
    return job;
  }

  /** With what each field says, as a waterfall from the prior to the score. */
  @Get(':id')
  read(@Param('id', IdPipe) id: string) {
    return this.duplicates.read(id);
  }

  /** They are two: nobody is asked about it again, and nothing merges them by itself. */
  @Post(':id/dismiss')
  @HttpCode(200)
  dismiss(@Param('id', IdPipe) id: string, @Body() { reason }: DismissDto) {
    return this.#settle(id, { type: 'DismissDuplicate', reason });
  }

  @Post(':id/reopen')
  @HttpCode(200)
  reopen(@Param('id', IdPipe) id: string) {
    return this.#settle(id, { type: 'ReopenDuplicate' });
  }

  @Post(':id/merge')
  @HttpCode(200)
  async merge(@Param('id', IdPipe) id: string, @Body() body: MergeDuplicateDto) {
    const { state, version } = await this.commands.load(duplicate, id);
    if (version === 0) throw notFound('duplicate-not-found');
    const { survivor = state.records[0] as string, fields, reason } = body;
    const absorbed = state.records.find((record) => record !== survivor);
    if (!state.records.includes(survivor) || absorbed === undefined) {
      throw invalid('invalid-merge', [{ path: 'survivor', code: 'not-allowed' }]);
    }
    const mergeId = idOfNew('merge');
    const merging = { mergeId, fields, reason, score: state.score };
    const merged = await this.merges.merge([survivor, absorbed], merging, { type: 'MergeCustomers', ...body });
    return this.#settle(id, { type: 'MarkMerged', survivor: merged.id }, derivedId('duplicate-merged', mergeId));
  }

  async #settle(id: string, command: DuplicateCommand, commandId?: string) {
    await this.commands.execute(duplicate, id, command, commandId === undefined ? {} : { commandId });
    return this.duplicates.read(id);
  }
}
