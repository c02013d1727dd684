import { known, shownOrder, type Instant, type OrderEvent, type OrderRefund } from '@throughline/contracts';
import { document, fold, touch } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instantText, uuid } from '../star/columns.view.ts';

type Of<Type extends OrderEvent['type']> = Omit<Extract<OrderEvent, { type: Type }>, 'type'>;
type Facts = Omit<Of<'OrderPlaced'>, 'customerId' | 'stamp' | 'note'> & { note?: string };

/** An order, whole: what the lists show. */
@Entity()
export class OrderRecord {
  @PrimaryColumn('uuid') id!: string;
  /** Null while nothing but refunds is known. */
  @Column(uuid) customerId!: string | null;
  @Column({ type: 'json', nullable: true }) facts!: Facts | null;
  @Column('json') refunds!: readonly OrderRefund[];
  @Column('timestamptz') createdAt!: Instant;
  @Column('timestamptz') updatedAt!: Instant;
}

export const orderRecord = fold<OrderRecord, OrderEvent>(OrderRecord, {
  name: 'order_record',
  version: 1,
  feed: 'sales',
  key: (event) => event.stream.id,
  on: {
    OrderPlaced: ([before], { customerId, ...facts }, { stream, effectiveAt }) => [
      {
        ...(before ?? blank(stream.id, effectiveAt)),
        customerId,
        facts: factsOf(facts, facts, effectiveAt),
        updatedAt: effectiveAt,
      },
    ],
    OrderChanged: ([before], { customerId, ...facts }, { stream, effectiveAt }) => {
      const same = before?.facts?.currency === facts.currency ? before.facts : undefined;
      const frozen = same ?? { baseCurrency: facts.currency, rate: '1' };
      return [
        {
          ...(before ?? blank(stream.id, effectiveAt)),
          customerId,
          facts: factsOf(facts, frozen, effectiveAt),
          updatedAt: effectiveAt,
        },
      ];
    },
    OrderPaid: (rows, { paid }, { effectiveAt }) =>
      rows.map((row) => ({ ...row, facts: row.facts && { ...row.facts, paid }, updatedAt: effectiveAt })),
    OrderCancelled: (rows, { cancelledAt }, { effectiveAt }) =>
      rows.map((row) => ({
        ...row,
        facts: row.facts && {
          ...row.facts,
          status: 'cancelled',
          cancelledAt: row.facts.cancelledAt ?? instantText(cancelledAt, effectiveAt),
        },
        updatedAt: effectiveAt,
      })),
    OrderRefunded: ([before], refund, { stream, effectiveAt }) => {
      const row = before ?? blank(stream.id, effectiveAt);
      const others = row.refunds.filter(({ refundId }) => refundId !== refund.refundId);
      const refunds = [...others, { ...refund, at: instantText(refund.at, effectiveAt) }];
      return [{ ...row, refunds, updatedAt: effectiveAt }];
    },
  },
});

const blank = (id: string, at: Instant): OrderRecord => ({
  id,
  customerId: null,
  facts: null,
  refunds: [],
  createdAt: at,
  updatedAt: at,
});

type Given = Omit<Of<'OrderChanged'>, 'customerId'>;

function factsOf(given: Given, frozen: Pick<Facts, 'baseCurrency' | 'rate'>, effectiveAt: Instant): Facts {
  const { stamp: _, note, cancelledAt, placedAt, ...rest } = given;
  const text = known(note);
  return {
    ...rest,
    baseCurrency: given.baseCurrency ?? frozen.baseCurrency,
    rate: given.rate ?? frozen.rate,
    placedAt: instantText(placedAt, effectiveAt),
    ...(cancelledAt !== undefined && { cancelledAt: instantText(cancelledAt, effectiveAt) }),
    ...(text !== undefined && { note: text }),
  };
}

/** An order as lists and search answer it: as its owner does. */
export type OrderDocument = ReturnType<typeof shownOrder<Facts>> & {
  id: string;
  customerId: string;
  createdAt: Instant;
  updatedAt: Instant;
};

export const orderDocument = document<OrderDocument>({
  name: 'order_document',
  version: 2,
  touchedBy: [touch(orderRecord, ({ id }) => id)],
  async render(keys, read) {
    const rows = await read(orderRecord, 'id', keys);
    return rows.flatMap(({ id, customerId, facts, refunds, createdAt, updatedAt }) => {
      if (!facts || !customerId) return [];
      return [{ id, customerId, ...shownOrder(facts, refunds), createdAt, updatedAt }];
    });
  },
});
