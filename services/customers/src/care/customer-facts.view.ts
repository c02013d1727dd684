import { Injectable } from '@nestjs/common';
import type { DealEvent, Instant, InteractionEvent, OrderEvent } from '@throughline/contracts';
import { fold, gathered } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

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

type Fact = { recordId: string; kind: 'order' | 'contact'; at: Date };

/** What customers did, as far as their stage and type follow from it. */
@Injectable()
export class FactsOfCustomers {
  /** Those who ask one by one at the same time, as policies do, ask together. */
  readonly #ofEach = gathered(async (recordIds: readonly string[]) => {
    const { rows } = await this.kernel.pool.query<Fact>(
      `select record_id as "recordId", case kind when 'order' then kind else 'contact' end as kind, at
       from "${salesFacts.table}" where stands and record_id = any($1)
       union all select record_id, 'contact', unnest(array[first_at, last_at])
       from "${contactFacts.table}" where record_id = any($1)`,
      [recordIds],
    );
    return Map.groupBy(rows, ({ recordId }) => recordId);
  });

  constructor(private readonly kernel: Kernel) {}

  /** Each kind in order of time. */
  async of(recordIds: readonly string[]): Promise<{ orders: Instant[]; contacts: Instant[] }> {
    const known = await this.#ofEach(recordIds);
    const facts = recordIds.flatMap((id) => known.get(id) ?? []);
    const inOrder = (wanted: Fact['kind']) =>
      facts.flatMap(({ kind, at }) => (kind === wanted ? [at.toISOString()] : [])).toSorted();
    return { orders: inOrder('order'), contacts: inOrder('contact') };
  }
}
