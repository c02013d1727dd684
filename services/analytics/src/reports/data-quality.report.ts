import { between, happened, type Report } from './report.query.ts';

/**
 * How good what is recorded of the customers is now. Archived ones do not count; those created between the days do. One customer may
 * count in several rows.
 */
export const dataQuality: Report = {
  name: 'data-quality',
  title: { en: 'Data quality', zh: '数据质量' },
  feeds: ['customers', 'sales', 'interactions', 'gateway'],
  columns: [
    { name: 'measure', type: 'text', label: { en: 'Measure', zh: '指标' } },
    { name: 'customers', type: 'integer', label: { en: 'Customers', zh: '客户数' } },
    { name: 'share', type: 'number', label: { en: 'Share', zh: '占比' } },
    { name: 'quality', type: 'number', label: { en: 'Average quality', zh: '平均质量分' } },
  ],
  sql: `
    select measure, count(*) filter (where holds) as customers,
      round(count(*) filter (where holds) / nullif(count(c.customer_id), 0)::numeric, 4)::float8 as share,
      round(avg(quality) filter (where holds), 1)::float8 as quality
    from (
      select * from bi.customer_quality
      where not archived and ${between('created_on')} and ${happened('created_at')}
    ) c
    right join (
      values (1, 'all'), (2, 'complete'), (3, 'incomplete'), (4, 'duplicate'), (5, 'invalid'), (6, 'bounced'), (7, 'stale')
    ) m (place, measure) on true
    cross join lateral (select c.customer_id is not null and case measure
      when 'all' then true
      when 'complete' then c.complete
      when 'incomplete' then not c.complete
      when 'duplicate' then c.duplicate
      when 'invalid' then c.invalid
      when 'bounced' then c.bounced
      else c.stale
    end as holds) h
    group by place, measure
    order by place`,
};
