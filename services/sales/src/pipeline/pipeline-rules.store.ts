import { Injectable } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import { pipeline, standardPipeline, type Pipeline } from './pipeline.ts';

export type KnownPipeline = Pipeline & { version: number; position: number };

/** Pipelines straight from their streams, always current: what deals are decided by. */
@Injectable()
export class PipelineRules {
  constructor(private readonly commands: Commands) {}

  /** Undefined where nobody defined it and it is not the standard one. */
  async find(id: string): Promise<KnownPipeline | undefined> {
    const { state, version, position } = await this.commands.load(pipeline, id);
    if (version > 0) return { id, ...state, version, position };
    return id === standardPipeline.id ? { ...standardPipeline, version: 0, position: 0 } : undefined;
  }
}
