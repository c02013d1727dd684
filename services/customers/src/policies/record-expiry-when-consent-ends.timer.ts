import { Injectable } from '@nestjs/common';
import type { ContactChannel } from '@throughline/contracts';
import type { DueTimer, TimerHandler } from '@throughline/service';
import { Consents } from '../consent/consents.store.ts';

export const consentTimer = 'consent-expiry';

/** What ends: consents of a record for a purpose and a channel, with a day. */
export type ConsentEnd = { customerId: string; purpose: string; channel?: ContactChannel; expiresOn: string };

@Injectable()
export class ConsentTimer implements TimerHandler {
  constructor(private readonly consents: Consents) {}

  async due({ data }: DueTimer): Promise<void> {
    await this.consents.expire(data as ConsentEnd);
  }
}
