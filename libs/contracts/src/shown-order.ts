import { addUp, inMinorUnits, type Money } from './money.ts';
import type { OrderEvent, Refund } from './sales.ts';

type Placed = Extract<OrderEvent, { type: 'OrderPlaced' }>;
type Facts = Omit<Placed, 'type' | 'customerId' | 'stamp' | 'note' | 'baseCurrency' | 'rate'> & { note?: string };
/** A refund may be in another currency than its order. */
export type OrderRefund = Refund & { currency?: string };

/** Compares: by time, then id. */
export const refundsByTime = (a: Refund, b: Refund): number => {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  return a.refundId < b.refundId ? -1 : 1;
};

/** An order's facts as the API answers them: every amount with its currency, refunds by time. */
export function shownOrder<F extends Facts>(facts: F, refunds: readonly OrderRefund[]) {
  const { externalId, lines, subtotal, discount, tax, shipping, total, paid, ...rest } = facts;
  const money = (amount: string, currency = facts.currency): Money => ({
    amount: inMinorUnits(amount, currency),
    currency,
  });
  // A refund in another currency cannot be added up; it stands in the list.
  const own = refunds.filter(({ currency }) => (currency ?? facts.currency) === facts.currency);
  return {
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
    refunded: money(addUp(own.map(({ amount }) => amount))),
    refunds: refunds
      .toSorted(refundsByTime)
      .map(({ refundId, amount, at, currency }) => ({ refundId, amount: money(amount, currency), at })),
    externalIds: externalId ? [externalId] : [],
  };
}
