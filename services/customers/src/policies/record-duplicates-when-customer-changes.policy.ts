import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { CustomerEvent, RecordedOf } from '@throughline/contracts';
import type { PolicyPattern } from '@throughline/service';
import type { LikelyPair } from '../duplicates/duplicate.ts';
import { Duplicates, likelyPair } from '../duplicates/duplicates.store.ts';
import { isCompared } from '../duplicates/match-records.view.ts';
import { MatchRecords, type Found } from '../duplicates/match-records.store.ts';

type Compared = Extract<CustomerEvent, { type: 'CustomerCreated' | 'CustomerDetailsChanged' | 'CustomerRestored' }>;
type Changed = Pick<RecordedOf<Compared>, 'type'>;

const mostPairs = 20;

/** The pairs to be queued, of what a customer is like; whichever way its record came in. */
export const react = ({ type }: Changed, customerId: string, found: readonly Found[]): LikelyPair[] =>
  found.slice(0, mostPairs).map((one) => likelyPair(customerId, one, type === 'CustomerCreated' ? 'create' : 'change'));

const on = (event: Compared['type']): PolicyPattern => ({ policy: 'record-duplicates-when-customer-changes', event });

@Controller()
export class RecordDuplicatesWhenCustomerChanges {
  constructor(
    private readonly matches: MatchRecords,
    private readonly duplicates: Duplicates,
  ) {}

  @EventPattern(on('CustomerCreated'))
  created(@Payload() event: RecordedOf<Compared>) {
    return this.#compare(event);
  }

  @EventPattern(on('CustomerDetailsChanged'))
  async changed(@Payload() event: RecordedOf<Compared>) {
    if (Object.keys(event.data).some(isCompared)) await this.#compare(event);
  }

  @EventPattern(on('CustomerRestored'))
  restored(@Payload() event: RecordedOf<Compared>) {
    return this.#compare(event);
  }

  async #compare(event: RecordedOf<Compared>): Promise<void> {
    await this.matches.passed(event.position);
    const row = (await this.matches.rows([event.stream.id])).get(event.stream.id);
    if (!row?.active) return;
    const found = await this.matches.candidatesOf(row.compared, row.goldenId);
    await this.duplicates.record(react(event, row.goldenId, found), event.id);
  }
}
