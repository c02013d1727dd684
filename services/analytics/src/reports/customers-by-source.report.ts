import { between, type Report } from './report.query.ts';

/**
 * How many customers came from where. Archived ones do not count; those created between the days do. Of a customer that was
 * merged out of several, an earlier moment is told by the record that says where it came from, the first one first.
 */
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
    select source, channel, count(*) as customers
    from (
      select source, channel, archived from bi.dim_customer where $3::timestamptz is null and ${between('created_on')}
      union all
      select source, channel, archived
      from (
        select distinct on (h.customer_id) h.source, h.channel, h.archived
        from bi.dim_customer_history h join bi.dim_customer c on c.customer_id = h.customer_id
        where ${between('c.created_on')}
          and h.valid_from <= $3::timestamptz and (h.valid_to is null or h.valid_to > $3::timestamptz)
        order by h.customer_id, h.archived, h.source is null, h.valid_from, h.record_id
      ) then_known
    ) customer
    where not archived
    group by source, channel
    order by customers desc, source nulls last, channel nulls last`,
};
