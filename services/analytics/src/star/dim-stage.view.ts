import type { PipelineEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { text } from './columns.view.ts';

/** The stages of all pipelines; one that a pipeline no longer has stays, for the visits it had. */
@Entity()
export class DimStage {
  @PrimaryColumn('uuid') pipelineId!: string;
  @PrimaryColumn('text') stageId!: string;
  @Column(text) pipelineName!: string | null;
  @Column(text) name!: string | null;
  /** From 1, in the pipeline's order. */
  @Column('int') place!: number;
  /** Chance of winning a deal in this stage, 0 to 100. */
  @Column('int') probability!: number;
  @Column('boolean') active!: boolean;
}

export const dimStage = fold<DimStage, PipelineEvent>(DimStage, {
  name: 'dim_stage',
  version: 1,
  feed: 'sales',
  key: (event) => event.stream.id,
  on: {
    PipelineDefined: (rows, { name, stages }, { stream }) => {
      const now = new Map(
        stages.map((stage, index): [string, DimStage] => [
          stage.id,
          {
            pipelineId: stream.id,
            stageId: stage.id,
            pipelineName: name,
            name: stage.name,
            place: index + 1,
            probability: stage.probability,
            active: true,
          },
        ]),
      );
      const gone = rows.filter(({ stageId }) => !now.has(stageId));
      return [...now.values(), ...gone.map((row) => ({ ...row, pipelineName: name, active: false }))];
    },
  },
});
