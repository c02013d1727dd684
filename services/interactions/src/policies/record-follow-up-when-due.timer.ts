import { Injectable } from '@nestjs/common';
import { Commands } from '@throughline/event-sourcing';
import type { DueTimer, TimerHandler } from '@throughline/service';
import { interaction } from '../interaction/interaction.ts';

export const followUpTimer = 'follow-up';

/** The key is the interaction's id. */
@Injectable()
export class FollowUpTimer implements TimerHandler {
  constructor(private readonly commands: Commands) {}

  async due({ key, dueAt }: DueTimer): Promise<void> {
    await this.commands.execute(interaction, key, { type: 'RecordFollowUpDue', dueAt }, { occurredAt: dueAt });
  }
}
