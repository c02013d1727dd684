import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { Commands, idOfNew, notFound } from '@throughline/event-sourcing';
import { Answers, IdPipe, type RecordAnswer } from '@throughline/service';
import { PipelineBoard } from '../deal/pipeline-board.view.ts';
import { columnsOf } from './board.ts';
import { PipelineRules, type KnownPipeline } from './pipeline-rules.store.ts';
import { Board, DefinePipelineDto, Pipeline, Pipelines as PipelinePage } from './pipeline.dto.ts';
import { pipeline, standardPipeline } from './pipeline.ts';
import { Pipelines } from './pipelines.view.ts';

@Controller('pipelines')
@Answers(Pipeline)
export class PipelineController {
  constructor(
    private readonly commands: Commands,
    private readonly rules: PipelineRules,
    private readonly pipelines: Pipelines,
    private readonly board: PipelineBoard,
  ) {}

  @Post()
  define(@Body() body: DefinePipelineDto) {
    const { id = idOfNew(pipeline.category), ...definition } = body;
    return this.commands.execute(pipeline, id, { type: 'DefinePipeline', ...definition }, { body });
  }

  @Get()
  @Answers(PipelinePage)
  async list() {
    const defined = await this.pipelines.list();
    const isDefined = defined.some(({ id }) => id === standardPipeline.id);
    return { items: isDefined ? defined : [standardPipeline, ...defined], nextCursor: null };
  }

  @Get(':id')
  async read(@Param('id', IdPipe) id: string): Promise<RecordAnswer> {
    const { version, position, name, stages } = await this.#find(id);
    return { id, version, position, fields: { name, stages } };
  }

  @Get(':id/board')
  @Answers(Board)
  async columns(@Param('id', IdPipe) id: string) {
    const { name, stages } = await this.#find(id);
    const { totals, cards } = await this.board.of(id);
    return { id, name, columns: columnsOf({ stages }, totals, cards) };
  }

  async #find(id: string): Promise<KnownPipeline> {
    const found = await this.rules.find(id);
    if (!found) throw notFound('pipeline-not-found');
    return found;
  }
}
