import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { known, type CustomerEvent, type RecordedOf } from '@throughline/contracts';
import { Commands, Refusal } from '@throughline/event-sourcing';
import type { PolicyPattern } from '@throughline/service';
import { interaction, type InteractionCommand } from '../interaction/interaction.ts';

type CustomerMet = RecordedOf<Extract<CustomerEvent, { type: 'CustomerMet' }>>;
type LogInteraction = Extract<InteractionCommand, { type: 'LogInteraction' }>;

/** What was told of the encounter, as an interaction with the one who was entered with it. */
export function react({ stream, data }: Pick<CustomerMet, 'stream' | 'data'>): { id: string; command: LogInteraction } {
  const { interactionId, kind, direction, startedAt, endedAt } = data;
  const told = Object.fromEntries(
    (['subject', 'content', 'outcome', 'participants', 'followUp'] as const).flatMap((name) => {
      const value = known(data[name]);
      return value === undefined ? [] : [[name, value]];
    }),
  ) as Partial<LogInteraction>;
  return {
    id: interactionId,
    command: {
      type: 'LogInteraction',
      customerId: stream.id,
      kind,
      startedAt,
      ...(direction && { direction }),
      ...(endedAt !== undefined && { endedAt }),
      ...told,
    },
  };
}

/** It is one command of whoever entered the customer: the interaction is theirs as well. */
const on: PolicyPattern = {
  policy: 'log-interaction-when-customer-met',
  event: 'CustomerMet',
  from: 'beginning',
  inNameOf: 'actor',
};

@Controller()
export class LogInteractionWhenCustomerMet {
  constructor(private readonly commands: Commands) {}

  @EventPattern(on)
  async met(@Payload() event: CustomerMet) {
    const { id, command } = react(event);
    await this.commands.execute(interaction, id, command, { occurredAt: event.data.startedAt }).catch(unlessLogged);
  }
}

/** Under this id nobody logs anything else. */
function unlessLogged(error: unknown): void {
  if (!(error instanceof Refusal && error.code === 'interaction-exists')) throw error;
}
