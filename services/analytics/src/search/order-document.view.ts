import {
  inMinorUnits,
  known,
  type Instant,
  type Money,
  type OrderEvent,
  type OrderLine,
  type Refund,
} from '@throughline/contracts';
import { document, fold, touch } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Exact, instantText, numericText, uuid } from '../star/columns.view.ts';

type Of<Type extends OrderEvent['type']> = Omit<Extract<OrderEvent, { type: Type }>, 'type'>;
type Facts = Omit<Of<'OrderPlaced'>, 'customerId' | 'stamp' | 'note'> & { note?: string };
type OrderRefund = Refund & { currency?: string };

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

const placesOf = (amount: string) => amount.split('.')[1]?.length ?? 0;

type MoneyLine = Omit<OrderLine, 'unitPrice' | 'discount' | 'tax' | 'total'> &
  Record<'unitPrice' | 'discount' | 'tax' | 'total', Money>;

/** An order as lists and search answer it: as its owner does, every amount with its currency. */
export type OrderDocument = Pick<
  Facts,
  'number' | 'status' | 'currency' | 'taxIncluded' | 'placedAt' | 'baseCurrency'
> &
  Record<'subtotal' | 'discount' | 'tax' | 'shipping' | 'total' | 'paid' | 'refunded', Money> & {
    id: string;
    customerId: string;
    lines: readonly MoneyLine[];
    refunds: readonly { refundId: string; amount: Money; at: Instant }[];
    rate: string;
    cancelledAt?: Instant;
    note?: string;
    externalIds: readonly { connectionId: string; id: string }[];
    createdAt: Instant;
    updatedAt: Instant;
  };

export const orderDocument = document<OrderDocument>({
  name: 'order_document',
  version: 1,
  touchedBy: [touch(orderRecord, ({ id }) => id)],
  async render(keys, read) {
    const rows = await read(orderRecord, 'id', keys);
    return rows.flatMap(({ id, customerId, facts, refunds, createdAt, updatedAt }) => {
      if (!facts || !customerId) return [];
      const { externalId, lines, subtotal, discount, tax, shipping, total, paid, ...rest } = facts;
      const money = (amount: string, currency = facts.currency): Money => ({
        amount: inMinorUnits(amount, currency),
        currency,
      });
      // A refund in another currency cannot be added up; it stands in the list.
      const own = refunds.filter(({ currency }) => (currency ?? facts.currency) === facts.currency);
      const refunded = own.reduce((sum, { amount }) => sum.plus(amount), new Exact(0));
      return [
        {
          id,
          customerId,
          ...rest,
          lines: lines.map((line) => ({
            ...line,
            unitPrice: money(line.unitPrice),
            discount: money(line.discount),
            tax: money(line.tax),
            total: money(line.total),
          })),
          subtotal: money(subtotal),
          discount: money(discount),
          tax: money(tax),
          shipping: money(shipping),
          total: money(total),
          paid: money(paid),
          refunded: money(
            numericText(refunded, Math.max(refunded.decimalPlaces(), ...own.map(({ amount }) => placesOf(amount)))),
          ),
          refunds: refunds.map(({ refundId, amount, at, currency }) => ({
            refundId,
            amount: money(amount, currency),
            at,
          })),
          externalIds: externalId ? [externalId] : [],
          createdAt,
          updatedAt,
        },
      ];
    });
  },
});
