import { between, type Report } from './report.query.ts';

/** How many customers came from where. Archived ones do not count; those created between the days do. */
export const customersBySource: Report = {
  name: 'customers-by-source',
  title: { en: 'Customers by source', zh: '客户来源' },
  feeds: ['customers', 'gateway'],
  columns: [
    { name: 'source', type: 'text', label: { en: 'Source', zh: '来源' } },
    { name: 'channel', type: 'text', label: { en: 'Channel', zh: '渠道' } },
    { name: 'customers', type: 'integer', label: { en: 'Customers', zh: '客户数' } },
  ],
  sql: `
    select h.source, h.channel, count(*) as customers
    from bi.dim_customer_history h join bi.dim_customer c on c.customer_id = h.record_id
    where not h.archived and ${between('c.created_on')} and case when $3::timestamptz is null then h.valid_to is null
      else h.valid_from <= $3::timestamptz and (h.valid_to is null or h.valid_to > $3::timestamptz) end
    group by h.source, h.channel
    order by customers desc, h.source nulls last, h.channel nulls last`,
};
