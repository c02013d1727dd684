import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { CustomerFields } from '@throughline/contracts';
import { newId } from '@throughline/event-sourcing';
import { Answers, IdPipe } from '@throughline/service';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import type { MatchRecord } from '../matching/match-record.ts';
import { pairId } from './duplicate.ts';
import { MatchDto } from './duplicate.dto.ts';
import { DuplicateCheck } from './duplicate-check.store.ts';
import { Duplicates } from './duplicates.store.ts';
import { comparable, saidOf } from './match-records.view.ts';
import { Matched } from './match.dto.ts';
import { MatchRecords, oneOfEach } from './match-records.store.ts';
import { sameValues } from './same-values.ts';

const told = 10;
/** Below what anybody is asked about, in bits: whoever types a name wants to see the unlikely ones as well. */
const weakest = -4;

/** Whether two have an address or a number in common: worth telling, whoever they are. */
const shareContact = (a: MatchRecord, b: MatchRecord) =>
  (['email', 'phone', 'registrationNumber'] as const).some((field) => sameValues(a, b).has(field));

/** Would this be a duplicate? Nothing is recorded. */
@Controller('customers')
@Answers(Matched)
export class MatchController {
  constructor(
    private readonly customers: GoldenCustomers,
    private readonly matches: MatchRecords,
    private readonly duplicates: DuplicateCheck,
    private readonly pairs: Duplicates,
  ) {}

  @Post('match')
  @HttpCode(200)
  match(@Body() { limit = told, ...fields }: MatchDto) {
    return this.#matchesOf(newId(), null, fields, limit);
  }

  /** The customers that this one may be a duplicate of, but for those that somebody said are others. */
  @Get(':id/duplicates')
  async duplicatesOf(@Param('id', IdPipe) id: string) {
    const { id: goldenId, fields } = await this.customers.read(id);
    return this.#matchesOf(goldenId, goldenId, fields, told);
  }

  async #matchesOf(id: string, goldenId: string | null, fields: CustomerFields, limit: number) {
    const sought = { record: comparable(id, saidOf(fields)), goldenId };
    const similar = await this.matches.candidatesOf(sought.record, goldenId, weakest);
    const sharing = (await this.matches.sharingWithEach([sought])).get(sought) ?? [];
    const found = oneOfEach([...similar, ...sharing.filter(({ record }) => shareContact(sought.record, record))]);
    const apart = await this.pairs.apart([id, ...found.map(({ customerId }) => customerId)]);
    const open = found.filter(({ customerId }) => !apart.has(pairId(id, customerId)));
    return { matches: await this.duplicates.told(open.slice(0, limit)) };
  }
}
