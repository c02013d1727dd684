import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { erasingServices, type ErasingService, type ForgettingEvent, type RecordedOf } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import type { PolicyPattern } from '@throughline/service';
import { erasure, type ErasureCommand } from '../erasure/erasure.ts';

type PersonForgotten = RecordedOf<ForgettingEvent>;

/** Every service says it in its own log, in its own name. */
export const react = ({ meta }: Pick<PersonForgotten, 'meta'>): ErasureCommand => ({
  type: 'AcknowledgeErasure',
  service: meta.source as ErasingService,
});

const on: PolicyPattern[] = erasingServices.map((feed) => ({
  policy: 'acknowledge-erasure-when-person-forgotten',
  event: 'PersonForgotten',
  from: 'beginning',
  feed,
}));

@Controller()
export class AcknowledgeErasureWhenPersonForgotten {
  constructor(private readonly commands: Commands) {}

  @EventPattern(on)
  async forgotten(@Payload() event: PersonForgotten) {
    await this.commands.execute(erasure, event.data.erasureId, react(event));
  }
}
