import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { CustomerEvent, RecordedOf } from '@throughline/contracts';
import { Commands, Refusal, conflict } from '@throughline/event-sourcing';
import { Kernel, type PolicyPattern } from '@throughline/service';
import { deal, type DealCommand } from '../deal/deal.ts';
import { PipelineBoard } from '../deal/pipeline-board.view.ts';

type CustomerArchived = RecordedOf<Extract<CustomerEvent, { type: 'CustomerArchived' }>>;

/** Nobody is left to win an archived customer's open deals from. */
export const react = (
  _: Pick<CustomerArchived, 'type'>,
  openDealIds: readonly string[],
): { id: string; command: DealCommand }[] =>
  openDealIds.map((id) => ({ id, command: { type: 'LoseDeal', reason: 'The customer was archived.' } }));

const on: PolicyPattern = {
  policy: 'close-deals-when-customer-archived',
  event: 'CustomerArchived',
  from: 'beginning',
};
const longestWait = 10_000;

@Controller()
export class CloseDealsWhenCustomerArchived {
  constructor(
    private readonly commands: Commands,
    private readonly board: PipelineBoard,
    private readonly kernel: Kernel,
  ) {}

  @EventPattern(on)
  async archived(@Payload() event: CustomerArchived) {
    const head = await this.kernel.feed().head();
    if (!(await this.kernel.caughtUp(new Map([['sales', head]]), longestWait))) throw conflict('too-busy');
    for (const { id, command } of react(event, await this.board.openDealsOf(event.stream.id))) {
      await this.commands.execute(deal, id, command).catch(unlessClosed);
    }
  }
}

/** Somebody closed it a moment ago. */
function unlessClosed(error: unknown): void {
  if (!(error instanceof Refusal && error.code === 'deal-closed')) throw error;
}
