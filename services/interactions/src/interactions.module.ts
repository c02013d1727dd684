import { Service } from '@throughline/service';
import { InteractionController } from './interaction/interaction.controller.ts';
import { LogInteractionWhenCustomerMet } from './policies/log-interaction-when-customer-met.policy.ts';
import { FollowUpTimer, followUpTimer } from './policies/record-follow-up-when-due.timer.ts';
import { ScheduleFollowUpWhenPlanned } from './policies/schedule-follow-up-when-planned.policy.ts';

@Service({
  name: 'interactions',
  controllers: [InteractionController],
  policies: [ScheduleFollowUpWhenPlanned, LogInteractionWhenCustomerMet],
  timers: { [followUpTimer]: FollowUpTimer },
})
export class InteractionsModule {}
