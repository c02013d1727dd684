import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Commands, idOfNew, type ExecuteOptions } from '@throughline/event-sourcing';
import { Answers, AtQuery, HistoryQuery, IdPipe, Records } from '@throughline/service';
import { PipelineRules } from '../pipeline/pipeline-rules.store.ts';
import { standardPipeline } from '../pipeline/pipeline.ts';
import { ChangeDealDto, Deal, LoseDealDto, MoveDealDto, OpenDealDto } from './deal.dto.ts';
import { deal, type DealCommand, type DealRules } from './deal.ts';

@Controller('deals')
@Answers(Deal)
export class DealController {
  constructor(
    private readonly commands: Commands,
    private readonly records: Records,
    private readonly pipelines: PipelineRules,
  ) {}

  @Post()
  async open(@Body() body: OpenDealDto) {
    const { id = idOfNew(deal.category), pipelineId, ...details } = body;
    const rules = await this.#rules(pipelineId ?? standardPipeline.id);
    return this.#execute(id, { type: 'OpenDeal', ...details }, { ...rules, body });
  }

  @Get(':id')
  read(@Param('id', IdPipe) id: string, @Query() at: AtQuery) {
    return this.records.read(deal, id, at);
  }

  @Get(':id/history')
  history(@Param('id', IdPipe) id: string, @Query() query: HistoryQuery) {
    return this.records.history(deal, id, query);
  }

  @Patch(':id')
  change(@Param('id', IdPipe) id: string, @Body() changes: ChangeDealDto) {
    return this.#execute(id, { type: 'ChangeDeal', changes });
  }

  @Post(':id/move')
  @HttpCode(200)
  async move(@Param('id', IdPipe) id: string, @Body() { stage }: MoveDealDto) {
    const { state } = await this.commands.load(deal, id);
    const rules = state.status === 'none' ? {} : await this.#rules(state.pipelineId);
    return this.#execute(id, { type: 'MoveDeal', to: stage }, rules);
  }

  @Post(':id/win')
  @HttpCode(200)
  win(@Param('id', IdPipe) id: string) {
    return this.#execute(id, { type: 'WinDeal' });
  }

  @Post(':id/lose')
  @HttpCode(200)
  lose(@Param('id', IdPipe) id: string, @Body() { reason }: LoseDealDto) {
    return this.#execute(id, { type: 'LoseDeal', reason });
  }

  #execute(id: string, command: DealCommand, options: ExecuteOptions<DealRules> = {}) {
    return this.commands.execute(deal, id, command, options);
  }

  async #rules(pipelineId: string): Promise<ExecuteOptions<DealRules>> {
    const rules = await this.pipelines.find(pipelineId);
    return rules ? { rules, rulesVersion: `pipeline:${pipelineId}@${rules.version}` } : {};
  }
}
