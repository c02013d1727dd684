import type { PipelineEvent, Stage } from '@throughline/contracts';
import { conflict, derivedId, invalid, type Decider, type FieldError } from '@throughline/event-sourcing';

/** How a deal goes from first talk to the order; `id` is the stream's. */
export type Pipeline = { id: string; name: string; stages: readonly Stage[] };

export type PipelineCommand = { type: 'DefinePipeline'; name: string; stages: Stage[] };

type State = { name: string; stages: readonly Stage[] };

export const pipeline: Decider<State, PipelineCommand, PipelineEvent> = {
  category: 'pipeline',
  initial: { name: '', stages: [] },

  decide(state, { name, stages }) {
    if (state.stages.length > 0) throw conflict('pipeline-exists');
    const errors: FieldError[] = [];
    if (!name.trim()) errors.push({ path: 'name', code: 'required' });
    if (stages.length === 0) errors.push({ path: 'stages', code: 'required' });
    stages.forEach(({ id, probability }, index) => {
      if (stages.findIndex((other) => other.id === id) < index)
        errors.push({ path: `stages.${index}.id`, code: 'repeated' });
      if (probability < 0 || probability > 100)
        errors.push({ path: `stages.${index}.probability`, code: 'out-of-range' });
    });
    if (errors.length > 0) throw invalid('invalid-pipeline', errors);
    return [{ type: 'PipelineDefined', name, stages }];
  },

  evolve: (_, { name, stages }) => ({ name, stages }),

  fields: (state) => ({ ...state }),
};

/** The pipeline that is there without anybody having defined one; a pipeline defined under its id takes its place. */
export const standardPipeline: Pipeline = {
  id: derivedId('pipeline', 'standard'),
  name: 'Standard',
  stages: [
    { id: 'lead', name: 'Lead', probability: 10 },
    { id: 'qualified', name: 'Qualified', probability: 25 },
    { id: 'proposal', name: 'Proposal', probability: 50 },
    { id: 'negotiation', name: 'Negotiation', probability: 75 },
  ],
};
