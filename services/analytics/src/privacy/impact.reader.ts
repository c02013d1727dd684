import { Injectable } from '@nestjs/common';
import { emptyLedger, inMinorUnits, ledgerOf, type Money } from '@throughline/contracts';
import { notFound, plainTypes } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { customerConsent, type CustomerConsent } from '../search/customer-consent.view.ts';
import { recordOf, type CustomerProfile, customerProfile } from '../search/customer-profile.view.ts';
import { recordsBeside } from '../search/customer-records.reader.ts';
import { customerDocument } from '../search/customer-document.view.ts';
import { interactionRecord } from '../search/interaction-document.view.ts';
import { orderDocument } from '../search/order-document.view.ts';
import { dimDeal } from '../star/dim-deal.view.ts';
import { timelineSales } from '../timeline/timeline.view.ts';
import { customerLink } from './customer-link.view.ts';

/** What else is affected where a customer is put away or erased. */
export type Impact = {
  customerId: string;
  /** The records that are this customer: more than one after a merge. */
  records: number;
  /** Ids in other systems. */
  sources: number;
  /** They are closed as lost where the customer is archived. One sum a currency. */
  openDeals: { count: number; value: Money[] };
  closedDeals: number;
  /** They stay, and their sums with them. */
  orders: { count: number; open: number };
  /** They stay where the customer is archived; what was said in them goes where the customer is erased. */
  interactions: number;
  plannedFollowUps: number;
  consents: number;
  /** Active customers that go on naming this one: who works for it, the companies that belong to it, whom it recommended us to. */
  staff: number;
  subsidiaries: number;
  referred: number;
};

type Naming = Pick<Impact, 'staff' | 'subsidiaries' | 'referred'>;

/** Counts what hangs on a customer, in any service. */
@Injectable()
export class ImpactReader {
  constructor(private readonly kernel: Kernel) {}

  /** @throws Refusal `customer-not-found` */
  async of(customerId: string): Promise<Impact> {
    const records = (await recordsBeside(this.kernel.pool, [customerId])).get(customerId);
    if (!records) throw notFound('customer-not-found');
    const of = <Row extends object>(text: string) => this.#rows<Row>(text, [records]);
    const profiles = await of<CustomerProfile>(
      `select id, number, golden_id as "goldenId", rest from "${customerProfile.table}" where id = any($1::uuid[])`,
    );
    const [deals, [orders], [interactions], consents, [naming]] = await Promise.all([
      of<{ isOpen: boolean; currency: string | null; count: number; amount: string | null }>(
        `select status = 'open' as "isOpen", currency, count(*)::int as count, sum(amount)::text as amount
         from "${dimDeal.table}" where record_id = any($1::uuid[]) group by 1, 2 order by 2`,
      ),
      of<{ count: number; open: number }>(
        `select count(*)::int as count, (count(*) filter (where doc->>'status' = 'open'))::int as open
         from "${orderDocument.table}" where doc->>'customerId' = any($1::text[]) and id in (
           select stream_id::text from "${timelineSales.table}" where customer_id = any($1::uuid[]))`,
      ),
      of<{ count: number; planned: number }>(
        `select count(*)::int as count,
           (count(*) filter (where (said->'followUp'->>'dueAt')::timestamptz > now()))::int as planned
         from "${interactionRecord.table}" where customer_id = any($1::uuid[]) and not archived`,
      ),
      of<CustomerConsent>(`select ledger from "${customerConsent.table}" where record_id = any($1::uuid[])`),
      // What one of several records says need not be what their customer is shown with.
      of<Naming>(
        `select (count(*) filter (where doc->>'employerId' = any($1::text[])))::int as staff,
           (count(*) filter (where doc->>'parentId' = any($1::text[])))::int as subsidiaries,
           (count(*) filter (where doc->>'referredBy' = any($1::text[])))::int as referred
         from "${customerDocument.table}" where doc->>'archived' = 'false' and id <> all($1::text[]) and id in (
           select golden_id::text from "${customerProfile.table}" where id in (
             select record_id from "${customerLink.table}" where named = any($1::uuid[])))`,
      ),
    ]);
    const open = deals.filter(({ isOpen }) => isOpen);
    const ledger = consents.length > 0 ? ledgerOf(consents.map((one) => one.ledger)) : emptyLedger;
    const counted = (rows: readonly { count: number }[]) => rows.reduce((sum, { count }) => sum + count, 0);
    return {
      customerId,
      records: records.length,
      sources: profiles.flatMap((profile) => recordOf(profile).externalIds).length,
      openDeals: {
        count: counted(open),
        value: open.flatMap(({ amount, currency }) =>
          amount !== null && currency !== null ? [{ amount: inMinorUnits(amount, currency), currency }] : [],
        ),
      },
      closedDeals: counted(deals.filter(({ isOpen }) => !isOpen)),
      orders: { count: orders?.count ?? 0, open: orders?.open ?? 0 },
      interactions: interactions?.count ?? 0,
      plannedFollowUps: interactions?.planned ?? 0,
      consents: ledger.entries.length,
      ...(naming ?? { staff: 0, subsidiaries: 0, referred: 0 }),
    };
  }

  async #rows<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    return (await this.kernel.pool.query<Row>({ text, values, types: plainTypes })).rows;
  }
}
