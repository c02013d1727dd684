import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { known, type BatchEvent, type RecordedOf } from '@throughline/contracts';
import { runInContext, currentContext } from '@throughline/event-sourcing';
import { Jobs, type PolicyPattern } from '@throughline/service';

type BatchStarted = RecordedOf<Extract<BatchEvent, { type: 'BatchStarted' }>>;

/** The job that does a batch's work; it has the batch's id. */
export const react = ({ stream, data }: Pick<BatchStarted, 'stream' | 'data'>) => ({
  kind: data.kind,
  id: stream.id,
  params: {
    ...known(data.params),
    ...(data.undoes !== undefined && { undoes: data.undoes }),
    ...(data.undoesConnection !== undefined && { undoesConnection: data.undoesConnection }),
  },
});

const on: PolicyPattern = { policy: 'run-batch-when-started', event: 'BatchStarted', from: 'beginning' };

@Controller()
export class RunBatchWhenStarted {
  constructor(private readonly jobs: Jobs) {}

  @EventPattern(on)
  async started(@Payload() event: BatchStarted) {
    const { kind, id, params } = react(event);
    const { actor, source } = event.meta;
    // In the name of who began it, not of this policy.
    await runInContext({ ...currentContext(), actor, source }, () =>
      this.jobs.start(kind, id, params, kind === 'import' ? 'import' : actor.type === 'user' ? 'person' : 'api'),
    );
  }
}
