import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { ImportEvent, RecordedOf } from '@throughline/contracts';
import { Commands, currentContext, runInContext } from '@throughline/event-sourcing';
import type { PolicyPattern } from '@throughline/service';
import { batch, type BatchCommand } from '../batch/batch.ts';
import { importing } from '../import/import.ts';

type ImportStarted = RecordedOf<Extract<ImportEvent, { type: 'ImportStarted' }>>;

/** The batch that an import becomes has its id. */
export const react = (
  { stream }: Pick<ImportStarted, 'stream'>,
  fileName: string | undefined,
): { id: string; command: BatchCommand } => ({
  id: stream.id,
  command: { type: 'StartBatch', kind: 'import', ...(fileName !== undefined && { title: fileName }) },
});

const on: PolicyPattern = { policy: 'start-batch-when-import-started', event: 'ImportStarted', from: 'beginning' };

@Controller()
export class StartBatchWhenImportStarted {
  constructor(private readonly commands: Commands) {}

  @EventPattern(on)
  async started(@Payload() event: ImportStarted) {
    const { state } = await this.commands.load(importing, event.stream.id);
    const { id, command } = react(event, state.file?.fileName);
    const { actor, source } = event.meta;
    // In the name of who began it, not of this policy.
    await runInContext({ ...currentContext(), actor, source }, () => this.commands.execute(batch, id, command));
  }
}
