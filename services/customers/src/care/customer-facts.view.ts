import { Injectable } from '@nestjs/common';
import type { DealEvent, Instant, InteractionEvent, OrderEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, DataSource, Entity, In, Index, PrimaryColumn } from 'typeorm';

/** An order or a deal of a record. */
@Entity()
export class SalesFact {
  /** The order's or the deal's. */
  @PrimaryColumn('uuid') id!: string;
  @Index() @Column('uuid') recordId!: string;
  @Column('text') kind!: 'order' | 'deal';
  @Column('timestamptz') at!: Instant;
  /** False for orders that were cancelled. */
  @Column('boolean') stands!: boolean;
}

/** When somebody spoke with a record's customer; notes among ourselves are no conversations. */
@Entity()
export class ContactFact {
  @PrimaryColumn('uuid') recordId!: string;
  @Column('timestamptz') firstAt!: Instant;
  @Column('timestamptz') lastAt!: Instant;
}

const isStorable = (moment: Date) => moment.getUTCFullYear() >= 1 && moment.getUTCFullYear() <= 9999;
const instantOf = (given: string, fallback: Instant): Instant =>
  isStorable(new Date(given)) ? new Date(given).toISOString() : fallback;

function ordered(
  _: readonly SalesFact[],
  { customerId, status, placedAt }: Omit<Extract<OrderEvent, { type: 'OrderPlaced' | 'OrderChanged' }>, 'type'>,
  { stream, effectiveAt }: { stream: { id: string }; effectiveAt: Instant },
): SalesFact[] {
  const at = instantOf(placedAt, effectiveAt);
  return [{ id: stream.id, recordId: customerId, kind: 'order', at, stands: status !== 'cancelled' }];
}

export const salesFacts = fold<SalesFact, OrderEvent | DealEvent>(SalesFact, {
  name: 'sales_facts',
  version: 1,
  feed: 'sales',
  key: ({ stream }) => stream.id,
  on: {
    OrderPlaced: ordered,
    OrderChanged: ordered,
    OrderCancelled: (rows) => rows.map((row) => ({ ...row, stands: false })),
    DealOpened: (_, { customerId }, { stream, effectiveAt }) => [
      { id: stream.id, recordId: customerId, kind: 'deal', at: effectiveAt, stands: true },
    ],
    DealDetailsChanged: (rows, { customerId }) => rows.map((row) => ({ ...row, recordId: customerId })),
  },
});

export const contactFacts = fold<ContactFact, InteractionEvent>(ContactFact, {
  name: 'contact_facts',
  version: 1,
  feed: 'interactions',
  key: ({ data }) => data.customerId,
  on: {
    InteractionLogged: ([before], { customerId: recordId, kind, direction }, { effectiveAt: at }) => {
      if (kind === 'note' || direction === 'internal') return before ? [before] : [];
      const { firstAt = at, lastAt = at } = before ?? {};
      return [{ recordId, firstAt: at < firstAt ? at : firstAt, lastAt: at > lastAt ? at : lastAt }];
    },
  },
});

/** What customers did, as far as their stage and type follow from it. */
@Injectable()
export class FactsOfCustomers {
  constructor(private readonly database: DataSource) {}

  /** Each kind in order of time. */
  async of(recordIds: readonly string[]): Promise<{ orders: Instant[]; contacts: Instant[] }> {
    const among = { recordId: In([...recordIds]) };
    const [sales, contacts] = await Promise.all([
      this.database.getRepository(SalesFact).findBy({ ...among, stands: true }),
      this.database.getRepository(ContactFact).findBy(among),
    ]);
    const inOrder = (moments: readonly Instant[]) => moments.map((at) => new Date(at).toISOString()).toSorted();
    const of = (wanted: SalesFact['kind']) => sales.filter(({ kind }) => kind === wanted).map(({ at }) => at);
    return {
      orders: inOrder(of('order')),
      contacts: inOrder([...of('deal'), ...contacts.flatMap(({ firstAt, lastAt }) => [firstAt, lastAt])]),
    };
  }
}
