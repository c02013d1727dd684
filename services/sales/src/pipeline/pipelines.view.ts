import { Injectable } from '@nestjs/common';
import type { PipelineEvent, Stage } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class PipelineRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  @Column('jsonb') stages!: Stage[];
}

export const pipelines = fold<PipelineRow, PipelineEvent>(PipelineRow, {
  name: 'pipelines',
  version: 1,
  feed: 'sales',
  key: ({ stream }) => stream.id,
  on: {
    PipelineDefined: (_, { name, stages }, { stream }) => [{ id: stream.id, name, stages }],
  },
});

@Injectable()
export class Pipelines {
  constructor(private readonly database: DataSource) {}

  /** Those that were defined, by name. */
  list(): Promise<PipelineRow[]> {
    return this.database.getRepository(PipelineRow).find({ order: { name: 'ASC', id: 'ASC' } });
  }
}
