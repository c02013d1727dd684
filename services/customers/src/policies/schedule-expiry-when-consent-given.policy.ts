import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { ConsentEvent, Instant, RecordedOf } from '@throughline/contracts';
import { derivedId } from '@throughline/event-sourcing';
import { Timers, type PolicyPattern } from '@throughline/service';
import { consentTimer, type ConsentEnd } from './record-expiry-when-consent-ends.timer.ts';

type ConsentGiven = RecordedOf<Extract<ConsentEvent, { type: 'ConsentGiven' }>>;

const day = 86_400_000;

/** What ends, and the moment when its last day, UTC, is over; undefined where there is no end. */
export function react({ data }: Pick<ConsentGiven, 'data'>): { dueAt: Instant; end: ConsentEnd } | undefined {
  const { customerId, purpose, channel, expiresOn } = data;
  const lastDay = Date.parse(`${expiresOn}T00:00:00Z`);
  if (expiresOn === undefined || Number.isNaN(lastDay)) return undefined;
  const end = { customerId, purpose, ...(channel && { channel }), expiresOn };
  return { dueAt: new Date(lastDay + day).toISOString(), end };
}

const on: PolicyPattern = {
  policy: 'schedule-expiry-when-consent-given',
  event: 'ConsentGiven',
  from: 'beginning',
};

@Controller()
export class ScheduleExpiryWhenConsentGiven {
  constructor(private readonly timers: Timers) {}

  @EventPattern(on)
  async given(@Payload() event: ConsentGiven) {
    const ends = react(event);
    if (!ends) return;
    const { customerId, purpose, channel, expiresOn } = ends.end;
    const key = derivedId('consent-expiry', customerId, purpose, channel ?? '', expiresOn);
    await this.timers.at(consentTimer, key, ends.dueAt, ends.end);
  }
}
