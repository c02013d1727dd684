import {
  between,
  countOrders,
  currencyColumn,
  happened,
  ordersColumn,
  revenueColumn,
  type Report,
} from './report.query.ts';

/** The twenty customers with the highest revenue. */
export const topCustomers: Report = {
  name: 'top-customers',
  title: { en: 'Top customers', zh: '重要客户排名' },
  feeds: ['sales', 'customers', 'gateway'],
  columns: [
    { name: 'customer_id', type: 'uuid', label: { en: 'Customer', zh: '客户' } },
    { name: 'number', type: 'text', label: { en: 'Number', zh: '编号' } },
    { name: 'name', type: 'text', label: { en: 'Name', zh: '名称' } },
    currencyColumn,
    revenueColumn,
    ordersColumn,
  ],
  sql: `
    select f.customer_id, c.number, c.name, f.currency, f.revenue, f.orders
    from (
      select customer_id, base_currency as currency, sum(amount_base) as revenue, ${countOrders} as orders
      from bi.fact_order_line
      where ${between('occurred_on')} and ${happened('occurred_at')}
      group by customer_id, base_currency
      order by revenue desc, customer_id, currency
      limit 20
    ) f
    left join bi.dim_customer_pii c on c.customer_id = f.customer_id
    order by f.revenue desc, f.customer_id, f.currency`,
};
