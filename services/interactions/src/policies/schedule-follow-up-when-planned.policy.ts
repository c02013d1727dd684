import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { known, type InteractionEvent, type RecordedOf } from '@throughline/contracts';
import { Timers, type PolicyPattern } from '@throughline/service';
import { followUpTimer } from './record-follow-up-when-due.timer.ts';

type Planned = RecordedOf<Exclude<InteractionEvent, { type: 'FollowUpDue' }>>;

/** When the follow-up falls due by this event: an instant; `never`; `as-before` where nothing is said of it. */
export function react({ type, data }: Pick<Planned, 'type' | 'data'>): { due: string } {
  if (type === 'InteractionArchived') return { due: 'never' };
  const { followUp } = data as Extract<Planned, { type: 'InteractionLogged' }>['data'];
  if (followUp === undefined) return { due: 'as-before' };
  return { due: known(followUp)?.dueAt ?? 'never' };
}

const on = (event: Planned['type']): PolicyPattern => ({
  policy: 'schedule-follow-up-when-planned',
  event,
  from: 'beginning',
});

@Controller()
export class ScheduleFollowUpWhenPlanned {
  constructor(private readonly timers: Timers) {}

  @EventPattern(on('InteractionLogged'))
  logged(@Payload() event: Planned) {
    return this.#schedule(event);
  }

  @EventPattern(on('InteractionDetailsChanged'))
  changed(@Payload() event: Planned) {
    return this.#schedule(event);
  }

  @EventPattern(on('InteractionArchived'))
  archived(@Payload() event: Planned) {
    return this.#schedule(event);
  }

  async #schedule(event: Planned): Promise<void> {
    const { id } = event.stream;
    const { due } = react(event);
    if (due === 'never') await this.timers.cancel(followUpTimer, id);
    else if (due !== 'as-before') await this.timers.at(followUpTimer, id, due);
  }
}
