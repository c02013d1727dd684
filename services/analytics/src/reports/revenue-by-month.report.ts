import {
  between,
  countOrders,
  currencyColumn,
  happened,
  ordersColumn,
  revenueColumn,
  type Report,
} from './report.query.ts';

/** Order totals less refunds, in the base currency; a refund counts in the month in which it was made. */
export const revenueByMonth: Report = {
  name: 'revenue-by-month',
  title: { en: 'Revenue by month', zh: '月度收入' },
  feeds: ['sales', 'gateway'],
  columns: [
    { name: 'month', type: 'month', label: { en: 'Month', zh: '月份' } },
    currencyColumn,
    revenueColumn,
    ordersColumn,
  ],
  sql: `
    select to_char(occurred_on, 'YYYY-MM') as month, base_currency as currency, sum(amount_base) as revenue,
      ${countOrders} as orders
    from bi.fact_order_line
    where ${between('occurred_on')} and ${happened('occurred_at')}
    group by month, base_currency
    order by month, base_currency`,
};
