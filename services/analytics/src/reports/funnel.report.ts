import { between, happened, type Report } from './report.query.ts';

/**
 * What became of the deals that were opened between the days, stage by stage, told by their visits: where a deal stands now
 * says nothing about where it has been. A deal counts once in each column, however often it came back.
 */
export const funnel: Report = {
  name: 'funnel',
  title: { en: 'Sales funnel', zh: '销售漏斗' },
  feeds: ['sales', 'gateway'],
  columns: [
    { name: 'pipeline_id', type: 'uuid', label: { en: 'Pipeline id', zh: '管道标识' } },
    { name: 'pipeline', type: 'text', label: { en: 'Pipeline', zh: '销售管道' } },
    { name: 'stage_id', type: 'text', label: { en: 'Stage id', zh: '阶段标识' } },
    { name: 'stage', type: 'text', label: { en: 'Stage', zh: '阶段' } },
    { name: 'entered', type: 'integer', label: { en: 'Entered', zh: '进入' } },
    { name: 'moved_on', type: 'integer', label: { en: 'Moved on', zh: '推进' } },
    { name: 'won', type: 'integer', label: { en: 'Won', zh: '赢单' } },
    { name: 'lost', type: 'integer', label: { en: 'Lost', zh: '输单' } },
    { name: 'conversion', type: 'number', label: { en: 'Conversion', zh: '转化率' } },
  ],
  // Moving on is moving to a later stage; where a stage is not defined its place is not known, and any move is taken so.
  sql: `
    with visit as (
      select deal_id, pipeline_id, stage_id, next_stage_id,
        case when ${happened('left_at')} then outcome end as outcome,
        min(entered_on) over (partition by deal_id) as opened_on
      from bi.fact_stage_visit
      where ${happened('entered_at')}
    ), step as (
      select coalesce(s.pipeline_id, v.pipeline_id) as pipeline_id, coalesce(s.stage_id, v.stage_id) as stage_id,
        s.pipeline_name, s.stage_name, s.place, v.deal_id,
        case when v.outcome = 'moved' and n.place <= s.place then 'moved back' else v.outcome end as outcome
      from (select * from visit where ${between('opened_on')}) v
      full join bi.dim_stage s using (pipeline_id, stage_id)
      left join bi.dim_stage n on n.pipeline_id = v.pipeline_id and n.stage_id = v.next_stage_id
      where s.active or v.deal_id is not null
    )
    select pipeline_id, pipeline_name as pipeline, stage_id, stage_name as stage,
      count(distinct deal_id) as entered,
      count(distinct deal_id) filter (where outcome = 'moved') as moved_on,
      count(distinct deal_id) filter (where outcome = 'won') as won,
      count(distinct deal_id) filter (where outcome = 'lost') as lost,
      round(count(distinct deal_id) filter (where outcome in ('moved', 'won'))
        / nullif(count(distinct deal_id), 0)::numeric, 4)::float8 as conversion
    from step
    group by pipeline_id, pipeline_name, stage_id, stage_name, place
    order by pipeline_name, pipeline_id, place, stage_id`,
};
