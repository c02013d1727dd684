import { defaultTimeZone } from '@throughline/contracts';
import { checkpointOf } from '@throughline/event-sourcing';
import { customerDocument } from '../search/customer-document.view.ts';
import { customerAlias } from '../star/customer-alias.view.ts';
import { customField } from '../star/custom-field.view.ts';
import { customerCustomField } from '../star/customer-custom-field.view.ts';
import { dimCustomerHistory } from '../star/dim-customer-history.view.ts';
import { dimCustomer } from '../star/dim-customer.view.ts';
import { dimDealHistory } from '../star/dim-deal-history.view.ts';
import { dimDeal } from '../star/dim-deal.view.ts';
import { dimStage } from '../star/dim-stage.view.ts';
import { duplicatePair } from '../star/duplicate-pair.view.ts';
import { factInteraction } from '../star/fact-interaction.view.ts';
import { factOrderLine } from '../star/fact-order-line.view.ts';
import { factPayment } from '../star/fact-payment.view.ts';
import { factStageVisit } from '../star/fact-stage-visit.view.ts';
import { goldenCustomer } from '../star/golden-customer.view.ts';
import { organisation } from '../star/organisation.view.ts';
import { star } from '../star/star.view.ts';
import { tagName } from '../star/tag-name.view.ts';

export type BiColumn = {
  name: string;
  sql: string;
  comment: string;
  /** Says who somebody is: only in the view `<name>_pii`. */
  personal?: boolean;
};
export type BiView = { name: string; comment: string; columns: readonly BiColumn[]; from: string };

/** The days that everybody has; facts may lie on others, dim_date holds those too. */
const [firstDay, lastDay] = ['1900-01-01', '2100-12-31'];
const calendar = `d as date, extract(year from d)::int as year, extract(quarter from d)::int as quarter,
  extract(month from d)::int as month, extract(day from d)::int as day, to_char(d, 'YYYY-MM') as year_month,
  extract(isoyear from d)::int as iso_year, extract(week from d)::int as iso_week,
  extract(isodow from d)::int as iso_weekday, extract(isodow from d) > 5 as is_weekend`;
const isRare = (moment: string) =>
  `(${moment} < timestamptz '${firstDay} 24:00:00Z' or ${moment} >= timestamptz '${lastDay} 00:00:00Z')`;
/** The moments that have a local day in `bi`. */
const moments = [
  [factOrderLine.table, 'occurred_at'],
  [factPayment.table, 'paid_at'],
  [factInteraction.table, 'started_at'],
  [factStageVisit.table, 'entered_at'],
  [factStageVisit.table, 'left_at'],
  [dimCustomer.table, 'created_at'],
  [dimDeal.table, 'opened_at'],
  [dimDeal.table, 'closed_at'],
] as const;

/** What the views stand on beside the tables that the star folds. */
export const foundation = `
create table if not exists dim_date (
  date date primary key,
  year int not null,
  quarter int not null,
  month int not null,
  day int not null,
  year_month text not null,
  iso_year int not null,
  iso_week int not null,
  iso_weekday int not null,
  is_weekend boolean not null
);
insert into dim_date
select ${calendar} from (select generate_series(date '${firstDay}', date '${lastDay}', interval '1 day')::date as d)
on conflict do nothing;

-- Nearly always empty, so that looking for such days costs nothing.
${moments
  .map(
    ([table, moment]) =>
      `create index if not exists ${table}_rare_${moment} on ${table} (${moment}) where ${isRare(moment)};`,
  )
  .join('\n')}

-- Falls back where the server does not know the zone: a wrong setting must not break every report.
create or replace function organisation_time_zone() returns text
language plpgsql stable security definer set search_path = public as $$
declare
  zone text;
begin
  select time_zone into zone from ${organisation.table};
  perform now() at time zone zone;
  return coalesce(zone, '${defaultTimeZone}');
exception when invalid_parameter_value then
  return '${defaultTimeZone}';
end $$;
`;

// As a sub-select it is asked once a query, not once a row.
const localDate = (sql: string) => `(${sql} at time zone (select organisation_time_zone()))::date`;

const column = (name: string, sql: string, comment: string): BiColumn => ({ name, sql, comment });
const personal = (name: string, sql: string, comment: string): BiColumn => ({ name, sql, comment, personal: true });
/** A column that is called in the table as in the view. */
const plain = (name: string, comment: string): BiColumn => column(name, `t.${name}`, comment);

const golden = column('customer_id', 'coalesce(a.customer_id, t.record_id)', 'The customer: its golden record.');
const record = plain('record_id', 'The record that the fact came with, whatever it was merged into since.');
const withAlias = (table: string) => `from ${table} t left join ${customerAlias.table} a on a.record_id = t.record_id`;

/** Every name that a tag ever had beside the one that it has now, or that the tag has into which it was merged. */
export const tagNamesNow = `select given, name from (
  with recursive meant as (
    select name as given, current as name, "into" from ${tagName.table}
    union select m.given, t.current, t."into" from meant m join ${tagName.table} t on t.tag_id = m."into"
  ) select given, name from meant where "into" is null
) now`;

/** A column of `dim_customer`; of a customer of several records, what those say together. */
function together(name: string, type = 'text'): string {
  const property = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const said =
    type === 'text[]'
      ? `(select array_agg(one) from json_array_elements_text(g.doc->'${property}') one)`
      : `(g.doc->>'${property}')${type === 'text' ? '' : `::${type}`}`;
  return `case when g.id is null then t.${name} else ${said} end`;
}
/** One row a customer. */
const customers = `${withAlias(dimCustomer.table)}
  left join ${goldenCustomer.table} g on g.id = t.record_id::text where a.record_id is null`;

const recordAttributes = [
  plain('kind', 'person or company.'),
  plain('type', 'Type of the customer, for example new, existing, potential.'),
  plain('source', 'Where the customer came from.'),
  plain('channel', 'Channel through which the customer came.'),
  plain('campaign', 'Campaign that brought the customer.'),
  plain('industry', 'Industry.'),
  plain('size', 'Size of the company.'),
  plain('region', 'Sales region.'),
  plain('country', 'Country of the primary address.'),
  plain('province', 'Province or state of the primary address.'),
  plain('city', 'City of the primary address.'),
  plain('gender', 'Gender, where known.'),
  plain('owner_id', 'User who owns the customer.'),
  plain('lifecycle', 'Stage of the customer life cycle.'),
  column(
    'tags',
    `array_to_string(t.tags, ', ')`,
    'Tags by the names that were given, separated by a comma; by those of now, one a row, in bridge_customer_tag.',
  ),
  plain('archived', 'True where the customer is archived.'),
];

/** Whether a document tells of an issue that begins so. */
const hasIssue = (start: string) =>
  `exists (select 1 from json_array_elements_text(t.doc->'qualityIssues') one where starts_with(one, '${start}'))`;

/** The customers of open pairs, each once; of those that are one customer by now, or archived, nobody is asked any more. */
const duplicates = `select distinct unnest(array[a.id, b.id]) as id from (
    select coalesce(x.customer_id, d.a)::text as a, coalesce(y.customer_id, d.b)::text as b
    from ${duplicatePair.table} d
    left join ${customerAlias.table} x on x.record_id = d.a
    left join ${customerAlias.table} y on y.record_id = d.b
    where d.is_open
  ) d
  join ${customerDocument.table} a on a.id = d.a and not (a.doc->>'archived')::boolean
  join ${customerDocument.table} b on b.id = d.b and not (b.doc->>'archived')::boolean
  where d.a <> d.b`;

const types: Readonly<Record<string, string>> = { owner_id: 'uuid' };
const customerAttributes = recordAttributes.map((one) => {
  if (one.name === 'archived') return one;
  if (one.name === 'tags') return { ...one, sql: `array_to_string(${together('tags', 'text[]')}, ', ')` };
  return { ...one, sql: together(one.name, types[one.name]) };
});

const dealAttributes = [
  golden,
  record,
  plain('pipeline_id', 'Pipeline.'),
  plain('stage_id', 'Stage where the deal is, or was when it was closed.'),
  plain('status', 'open, won or lost.'),
  plain('amount', 'Value of the deal, in currency.'),
  plain('currency', 'ISO 4217 code of amount.'),
  plain('owner_id', 'User who owns the deal.'),
  plain('expected_close_on', 'Day on which the deal is expected to close.'),
];

const validity = [
  plain('version', 'Number of the version, from 1.'),
  plain('valid_from', 'From when it was so, by when things happened.'),
  plain('valid_to', 'Until just before when it was so; null = it is so now.'),
];

const date = (name: string, of: string, comment: string) => column(name, localDate(`t.${of}`), comment);

/** The views as BI tools see them. They only ever gain columns. */
export const biViews: readonly BiView[] = [
  {
    name: 'dim_customer',
    comment: 'Customers as they are now, one row a golden customer.',
    columns: [
      column('customer_id', 't.record_id', 'The customer: its golden record.'),
      plain('number', 'Customer number: that of the golden record.'),
      personal('name', together('name'), 'Name of the person or company.'),
      personal('company_name', together('company_name'), 'Name of the company.'),
      personal('birth_date', together('birth_date', 'date'), 'Date of birth.'),
      ...customerAttributes,
      column('created_at', together('created_at', 'timestamptz'), 'When the customer was created.'),
      column(
        'created_on',
        localDate(together('created_at', 'timestamptz')),
        'Local day on which the customer was created.',
      ),
      column('updated_at', together('updated_at', 'timestamptz'), 'When the customer was last changed.'),
    ],
    from: customers,
  },
  {
    name: 'dim_customer_history',
    comment: 'Customer records as they were at any time (type 2), one row a version of a record.',
    columns: [golden, record, ...validity, ...recordAttributes],
    from: withAlias(dimCustomerHistory.table),
  },
  {
    name: 'dim_custom_field',
    comment: 'Fields that the installation gave its records.',
    columns: [
      plain('object', 'Whose field it is: customer.'),
      plain('key', 'Its name.'),
      plain('type', 'text, number, money, date, choice, multi-choice, reference or boolean.'),
      plain('label_en', 'What it is called in English.'),
      plain('label_zh', 'What it is called in Chinese.'),
      column('field_group', 't.field_group', 'Part of the screen that it stands in.'),
      plain('sensitivity', 'normal, personal or sensitive.'),
      plain('retired', 'True where nobody fills it in any more.'),
    ],
    from: `from ${customField.table} t`,
  },
  {
    name: 'customer_custom_field',
    comment:
      'Values of the fields in dim_custom_field, one row a value; several of a multi-choice. A new field is here at once. ' +
      'Values of fields that are not normal are told to those who may see personal data.',
    columns: [
      golden,
      record,
      plain('key', 'Field, as in dim_custom_field.'),
      plain('place', 'Number of the value within the field, from 1.'),
      ...(
        [
          ['text', 'Texts, choices and references; of money: the currency.'],
          ['number', 'Numbers and amounts.'],
          ['date', 'Dates.'],
          ['boolean', 'Flags.'],
        ] as const
      ).flatMap(([kind, comment]) => [
        column(`value_${kind}`, `case when f.sensitivity = 'normal' then t.value_${kind} end`, comment),
        personal(`personal_${kind}`, `t.value_${kind}`, `${comment} Of personal fields as well.`),
      ]),
    ],
    from: `${withAlias(customerCustomField.table)} join ${customField.table} f on f.object = 'customer' and f.key = t.key`,
  },
  {
    name: 'bridge_customer_tag',
    comment: 'Tags of the customers, one row a customer and tag.',
    columns: [
      column('customer_id', 'c.record_id', 'The customer: its golden record.'),
      column('tag', 'coalesce(n.name, tag)', 'Tag, by the name that it has now.'),
    ],
    from: `from (select t.record_id, ${together('tags', 'text[]')} as tags ${customers}) c
      cross join unnest(c.tags) as tag left join (${tagNamesNow}) n on n.given = tag group by 1, 2`,
  },
  {
    name: 'customer_quality',
    comment: 'How good what is recorded of each customer is, and the type that holds, one row a golden customer.',
    columns: [
      column('customer_id', 't.id::uuid', 'The customer: its golden record.'),
      column('quality', `(t.doc->>'quality')::int`, 'Quality of the data, 0 to 100.'),
      column('complete', `not ${hasIssue('missing:')}`, 'True where nothing that should be known is missing.'),
      column('invalid', hasIssue('invalid:'), 'True where a value is not right, such as an e-mail address.'),
      column('bounced', hasIssue('bounced:'), 'True where a message to an address came back.'),
      column('stale', hasIssue('stale'), 'True where nobody confirmed the data for long.'),
      column('type', `t.doc->>'type'`, 'Type that holds: what was said, else what follows from the orders.'),
      column('derived_type', `t.doc->>'derivedType'`, 'potential, new or existing, as it follows from the orders.'),
      column('type_set_by', `t.doc->>'typeSetBy'`, 'manual or automatic.'),
      column('lifecycle', `t.doc->>'lifecycle'`, 'Stage of the customer life cycle.'),
      column('lifecycle_since', `(t.doc->>'lifecycleSince')::timestamptz`, 'Since when the customer is in that stage.'),
      column('lifecycle_set_by', `t.doc->>'lifecycleSetBy'`, 'manual or automatic.'),
      column('archived', `(t.doc->>'archived')::boolean`, 'True where the customer is archived.'),
      column('created_at', `(t.doc->>'createdAt')::timestamptz`, 'When the customer was created.'),
      column(
        'created_on',
        localDate(`(t.doc->>'createdAt')::timestamptz`),
        'Local day on which the customer was created.',
      ),
      column(
        'duplicate',
        'd.id is not null',
        'True where somebody is to say whether another customer is the same one.',
      ),
    ],
    from: `from ${customerDocument.table} t left join (${duplicates}) d on d.id = t.id`,
  },
  {
    name: 'dim_deal',
    comment: 'Deals as they are now.',
    columns: [
      plain('deal_id', 'Deal.'),
      personal('title', 't.title', 'Title of the deal, free text.'),
      ...dealAttributes,
      personal('lost_reason', 't.lost_reason', 'Why it was lost, free text.'),
      plain('opened_at', 'When it was opened.'),
      date('opened_on', 'opened_at', 'Local day on which it was opened.'),
      plain('closed_at', 'When it was won or lost; null while it is open.'),
      date('closed_on', 'closed_at', 'Local day on which it was won or lost.'),
      plain('updated_at', 'When it was last changed.'),
    ],
    from: withAlias(dimDeal.table),
  },
  {
    name: 'dim_deal_history',
    comment: 'Deals as they were at any time (type 2), one row a version of a deal.',
    columns: [plain('deal_id', 'Deal.'), ...validity, ...dealAttributes],
    from: withAlias(dimDealHistory.table),
  },
  {
    name: 'dim_stage',
    comment: 'Stages of the pipelines, also those that a pipeline had once.',
    columns: [
      plain('pipeline_id', 'Pipeline.'),
      plain('stage_id', 'Stage, unique within its pipeline.'),
      plain('pipeline_name', 'Name of the pipeline.'),
      column('stage_name', 't.name', 'Name of the stage.'),
      plain('place', 'Place of the stage in its pipeline, from 1.'),
      plain('probability', 'Chance of winning a deal in this stage, 0 to 100.'),
      plain('active', 'False where the pipeline no longer has the stage.'),
    ],
    from: `from ${dimStage.table} t`,
  },
  {
    name: 'dim_date',
    comment:
      'The days from 1900 to 2100, and every other day that a fact lies on; join the local days (columns _on) of the facts.',
    columns: [
      plain('date', 'Day.'),
      plain('year', 'Year.'),
      plain('quarter', 'Quarter, 1 to 4.'),
      plain('month', 'Month, 1 to 12.'),
      plain('day', 'Day of the month.'),
      plain('year_month', 'Month as YYYY-MM.'),
      plain('iso_year', 'Year of the ISO 8601 week.'),
      plain('iso_week', 'ISO 8601 week, 1 to 53.'),
      plain('iso_weekday', 'Day of the week, 1 = Monday to 7 = Sunday.'),
      plain('is_weekend', 'True on Saturdays and Sundays.'),
    ],
    from: `from (
      select * from dim_date
      union all
      select ${calendar} from (${moments
        .map(([table, moment]) => `select ${localDate(moment)} as d from ${table} where ${isRare(moment)}`)
        .join(' union ')}) rare
      where d < date '${firstDay}' or d > date '${lastDay}'
    ) t`,
  },
  {
    name: 'dim_product',
    comment: 'Products as the lines of orders name them.',
    columns: [
      plain('product_key', 'SKU, else product id, else title: what fact_order_line joins by.'),
      column('sku', 'max(t.sku)', 'Stock keeping unit.'),
      column('product_id', 'max(t.product_id)', 'Product id of the source.'),
      column(
        'title',
        '(array_agg(t.title order by t.occurred_at desc, t.order_id, t.line_no))[1]',
        'Its newest title.',
      ),
      column('first_ordered_at', 'min(t.occurred_at)', 'When it was ordered first.'),
      column('last_ordered_at', 'max(t.occurred_at)', 'When it was ordered last.'),
    ],
    from: `from ${factOrderLine.table} t where t.kind = 'item' group by t.product_key`,
  },
  {
    name: 'dim_source',
    comment: 'Where customers come from: every source, channel and campaign.',
    columns: [
      column('source', together('source'), 'Source.'),
      column('channel', together('channel'), 'Channel.'),
      column('campaign', together('campaign'), 'Campaign.'),
      column('customers', 'count(*)', 'Customers who came from there and are not archived.'),
    ],
    from: `${customers} and not t.archived group by 1, 2, 3`,
  },
  {
    name: 'fact_order_line',
    comment:
      'Signed rows that add up to the total of each order less its refunds, to the cent. Revenue is sum(amount_base) by ' +
      'base_currency. A cancelled order has no rows.',
    columns: [
      plain('order_id', 'Order.'),
      plain('line_no', 'Number of the row within the order; refunds from 100001.'),
      plain('kind', 'item, discount, tax, shipping, adjustment (what the total says beyond the rest) or refund.'),
      golden,
      record,
      plain('order_number', 'Number of the order.'),
      plain('product_key', 'Product, as in dim_product.'),
      plain('sku', 'Stock keeping unit.'),
      plain('product_id', 'Product id of the source.'),
      plain('title', 'Title of the line.'),
      plain('quantity', 'Quantity; only of items.'),
      plain('unit_price', 'Price of one, before discounts; only of items.'),
      plain('amount', 'Amount in currency; negative for discounts and refunds.'),
      plain('currency', 'ISO 4217 code of amount.'),
      plain('amount_base', 'Amount in base_currency, at the rate that was frozen when the order was placed.'),
      plain('base_currency', 'ISO 4217 code of amount_base; the order’s own where no rate was known.'),
      plain('occurred_at', 'When the order was placed; of a refund: when it was made.'),
      date('occurred_on', 'occurred_at', 'Local day of occurred_at.'),
    ],
    from: `${withAlias(factOrderLine.table)} where t.counted`,
  },
  {
    name: 'fact_payment',
    comment: 'What was paid for orders; negative where a source took a payment back.',
    columns: [
      plain('order_id', 'Order.'),
      plain('payment_no', 'Number of the payment within the order, from 1.'),
      golden,
      record,
      plain('amount', 'Amount in currency.'),
      plain('currency', 'ISO 4217 code of amount.'),
      plain('amount_base', 'Amount in base_currency, at the rate of the order.'),
      plain('base_currency', 'ISO 4217 code of amount_base.'),
      plain('paid_at', 'When it was paid.'),
      date('paid_on', 'paid_at', 'Local day on which it was paid.'),
    ],
    from: `${withAlias(factPayment.table)} where t.payment_no > 0`,
  },
  {
    name: 'fact_interaction',
    comment: 'Calls, mails, meetings and other interactions, without what was said. Archived ones are left out.',
    columns: [
      plain('interaction_id', 'Interaction.'),
      golden,
      record,
      plain('kind', 'call, email, meeting, visit, message, note or event.'),
      plain('direction', 'inbound, outbound or internal.'),
      plain('employee_id', 'User who logged it; null where a program did.'),
      plain('started_at', 'When it began.'),
      plain('ended_at', 'When it ended.'),
      date('started_on', 'started_at', 'Local day on which it began.'),
    ],
    from: withAlias(factInteraction.table),
  },
  {
    name: 'fact_stage_visit',
    comment: 'Stays of deals in stages; a deal that comes back to a stage has another row.',
    columns: [
      plain('deal_id', 'Deal.'),
      plain('visit_no', 'Number of the visit within the deal, from 1.'),
      golden,
      record,
      plain('pipeline_id', 'Pipeline.'),
      plain('stage_id', 'Stage.'),
      plain('entered_at', 'When the deal came into the stage.'),
      date('entered_on', 'entered_at', 'Local day on which the deal came into the stage.'),
      plain('left_at', 'When the deal left the stage; null while it is there.'),
      date('left_on', 'left_at', 'Local day on which the deal left the stage.'),
      plain('outcome', 'How the visit ended: moved, won or lost; null while the deal is there.'),
      plain('next_stage_id', 'Stage that the deal moved to.'),
    ],
    from: withAlias(factStageVisit.table),
  },
  {
    name: 'meta_refresh',
    comment: 'How fresh all this is, one row a log of events.',
    columns: [
      column('feed', 'f.feed', 'Service whose log it is.'),
      column('position', 'coalesce(min(c.position), 0)', 'Every event up to this position of the log is in.'),
      column('known_head', 'coalesce(max(h.position), 0)', 'Newest position that this service has heard of.'),
      column('refreshed_at', 'min(c.updated_at)', 'When the slowest table last took in an event of this log.'),
      column(
        'lag_seconds',
        `case when min(coalesce(c.position, 0)) < max(h.position)
          then round(extract(epoch from now() - min(c.updated_at)), 1) else 0 end`,
        'Seconds since then while newer events are known to be waiting; else 0.',
      ),
    ],
    from: `from (values ${star.map((view) => `('${view.feed}', '${checkpointOf(view)}')`).join(', ')}) as f (feed, subscription)
      left join checkpoints c on c.subscription = f.subscription and c.feed = f.feed
      left join (select feed, max(position) as position from checkpoints group by feed) h on h.feed = f.feed
      group by f.feed`,
  },
  {
    name: 'data_dictionary',
    comment: 'Every column of every view of this schema.',
    columns: [
      column('view_name', 'v.relname::text', 'Name of the view.'),
      column('column_name', 'c.attname::text', 'Name of the column.'),
      column('place', 'c.attnum::int', 'Place of the column in the view, from 1.'),
      column('data_type', 'format_type(c.atttypid, c.atttypmod)', 'Postgres type of the column.'),
      column('description', 'col_description(v.oid, c.attnum)', 'What the column says.'),
      column('view_description', `obj_description(v.oid, 'pg_class')`, 'What the view says.'),
    ],
    from: `from pg_class v join pg_attribute c on c.attrelid = v.oid
      where v.relnamespace = 'bi'::regnamespace and v.relkind = 'v' and c.attnum > 0`,
  },
];

/**
 * The views as they are created. Where some columns are personal there are two: BI tools read with `select *`, which a
 * grant on single columns would make fail.
 */
export const publishedViews: readonly (BiView & { personal: boolean })[] = biViews.flatMap((view) => {
  const bare = { ...view, columns: view.columns.filter((one) => !one.personal), personal: false };
  if (bare.columns.length === view.columns.length) return [bare];
  return [bare, { ...view, name: `${view.name}_pii`, comment: `${view.comment} With personal data.`, personal: true }];
});
