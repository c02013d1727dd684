import { inMinorUnits, minorUnitsOf, type Instant, type OrderEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { Exact, numeric, numericText, text, uuid } from './columns.view.ts';

/**
 * What was paid for an order, and when: orders say how much was paid so far, each row is the difference to what they said
 * before. Row 0 of an order is no payment: it holds what is known about the order.
 */
@Entity()
export class FactPayment {
  @PrimaryColumn('uuid') orderId!: string;
  @PrimaryColumn('int') paymentNo!: number;
  @Index() @Column(uuid) recordId!: string | null;
  @Column('numeric') amount!: string;
  @Column(text) currency!: string | null;
  /** With two decimals. */
  @Column('numeric') amountBase!: string;
  @Column(text) baseCurrency!: string | null;
  @Column(numeric) rate!: string | null;
  @Column('timestamptz') paidAt!: Instant;
}

export const factPayment = fold<FactPayment, OrderEvent>(FactPayment, {
  name: 'fact_payment',
  version: 1,
  feed: 'sales',
  key: (event) => event.stream.id,
  on: {
    OrderPlaced: (_, { customerId, currency, baseCurrency, rate, paid }, { stream, effectiveAt }) => {
      const order: FactPayment = {
        orderId: stream.id,
        paymentNo: 0,
        recordId: customerId,
        amount: '0',
        currency,
        amountBase: '0.00',
        baseCurrency,
        rate,
        paidAt: effectiveAt,
      };
      return paidUpTo([order], paid, currency, effectiveAt);
    },
    OrderChanged: (rows, { customerId, currency, baseCurrency, rate, paid }, { effectiveAt }) => {
      const changed = rows.map((row) => ({
        ...row,
        recordId: customerId,
        // The order is paymentNo 0; a rate that is frozen anew counts for the payments to come.
        ...(row.paymentNo === 0 &&
          baseCurrency !== undefined &&
          rate !== undefined && { currency, baseCurrency, rate }),
      }));
      return paidUpTo(changed, paid, currency, effectiveAt);
    },
    OrderPaid: (rows, { paid, currency }, { effectiveAt }) => paidUpTo(rows, paid, currency, effectiveAt),
  },
});

function paidUpTo(
  rows: readonly FactPayment[],
  paid: string,
  currency: string,
  paidAt: Instant,
): readonly FactPayment[] {
  const order = rows.find(({ paymentNo }) => paymentNo === 0);
  if (!order) return rows;
  const before = rows.filter((row) => row.currency === currency).map(({ amount }) => new Exact(amount));
  const amount = before.reduce((rest, one) => rest.minus(one), new Exact(paid));
  if (amount.isZero()) return rows;
  // The rate was frozen for the order's own currency; another one counts as itself.
  const frozen = currency === order.currency ? order : { baseCurrency: currency, rate: '1' };
  const places = minorUnitsOf(frozen.baseCurrency ?? '');
  const converted = currency === frozen.baseCurrency ? amount : amount.times(frozen.rate ?? 1).toDecimalPlaces(places);
  return [
    ...rows,
    {
      ...order,
      paymentNo: rows.length,
      amount: numericText(amount),
      currency,
      amountBase: inMinorUnits(numericText(converted), frozen.baseCurrency ?? ''),
      baseCurrency: frozen.baseCurrency,
      rate: frozen.rate,
      paidAt,
    },
  ];
}
