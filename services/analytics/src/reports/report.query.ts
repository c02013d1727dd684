import type { ServiceName } from '@throughline/contracts';

type Text = { en: string; zh: string };

/** `decimal` is an exact number as text, `month` is YYYY-MM. */
export type ReportColumn = {
  name: string;
  type: 'text' | 'uuid' | 'month' | 'integer' | 'number' | 'decimal';
  label: Text;
};

/**
 * A report is one query over the schema `bi`, the same that BI tools see. Its parameters: $1 the first and $2 the last
 * local day, $3 the moment as of which it is asked; each null where it was not given.
 */
export type Report = {
  name: string;
  title: Text;
  /** Whose logs its numbers come from. */
  feeds: readonly ServiceName[];
  columns: readonly ReportColumn[];
  sql: string;
};

/** Condition that a local day lies between $1 and $2, both included. */
export const between = (day: string): string =>
  `($1::date is null or ${day} >= $1::date) and ($2::date is null or ${day} <= $2::date)`;

/** Condition that a fact had happened by $3. */
export const happened = (moment: string): string => `($3::timestamptz is null or ${moment} <= $3::timestamptz)`;

export const currencyColumn: ReportColumn = { name: 'currency', type: 'text', label: { en: 'Currency', zh: '货币' } };
export const revenueColumn: ReportColumn = { name: 'revenue', type: 'decimal', label: { en: 'Revenue', zh: '收入' } };
export const ordersColumn: ReportColumn = { name: 'orders', type: 'integer', label: { en: 'Orders', zh: '订单数' } };

/** Orders that were placed, in rows that may also be refunds. */
export const countOrders = `count(distinct order_id) filter (where kind <> 'refund')`;
