import { plainTypes, transaction, type Pool } from '@throughline/event-sourcing';
import type { Alternative, QueryPlan, TermGroup } from '@throughline/language';
import { folded, keptKeys, openGroups, openPartsOf, type Condition } from './condition.ts';
import {
  SearchEngine,
  idsAtOnce,
  mostCounted,
  mostFacetValues,
  type Change,
  type Counted,
  type EngineAnswer,
  type EngineQuery,
  type Hit,
  type Place,
} from './search-engine.ts';
import { indexed, keyNames, sortKeyOf, versionOf, type Field, type SearchIndex } from './search-index.ts';

type Index = SearchIndex<never>;
type Row = { id: string; doc: Hit['doc']; score: number } & Record<`s${number}`, string>;

/** Texts of a statement with the values that it refers to. */
class Parameters {
  readonly values: unknown[] = [];
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** Search in the analytics database itself: a table an index, its terms in a tsvector under GIN, a column a key. */
export class PostgresEngine extends SearchEngine {
  /** @param manyPages how large a table is before it is read in parts: below it takes no time to speak of */
  constructor(
    private readonly pool: Pool,
    private readonly manyPages = 5_000,
  ) {
    super();
  }

  async ensure(index: Index): Promise<{ published: boolean }> {
    const table = tableOf(index);
    return transaction(this.pool, async (client) => {
      await client.query(`select pg_advisory_xact_lock(hashtext('throughline:search'))`);
      const { rows } = await client.query<{ mark: string | null; view: string | null; has: string | null }>(
        `select obj_description(to_regclass($1)) as mark, to_regclass($1) as has, to_regclass($2) as view`,
        [`"${table}"`, `"${viewOf(index)}"`],
      );
      if (!rows[0]?.has) {
        // A document that is gone stays as a row without one, so that an older revision cannot bring it back.
        // Documents lie apart, so that who counts reads keys alone; and of a row only what stands before the last column asked.
        await client.query(`create table "${table}" (
          id text collate "C" primary key, rev bigint not null, doc json,
          ${columnsOf(index, 'storage main')}, terms tsvector storage main
        ) with (toast_tuple_target = 256)`);
        await client.query(`create index on "${table}" using gin (terms)`);
        for (const [name, { type, often }] of Object.entries(index.fields as Fields)) {
          if (often) {
            const order = `(${sortExpression(sortKeyOf(type, name), often === 'desc')}) ${often}`;
            await client.query(`create index on "${table}" (${order}, id)`);
          } else if (!keyOf(index, name).many) {
            // Else Postgres takes whatever is compared for rare, and sorts all that is there.
            await client.query(`create statistics on (${valueOf(index, name).text}) from "${table}"`);
          }
        }
      }
      if (!rows[0]?.view) await this.#show(client, index);
      return { published: rows[0]?.mark === published };
    });
  }

  async bulk(index: Index, changes: readonly Change[]): Promise<void> {
    const newest = new Map<string, Change>();
    for (const change of changes) {
      if ((newest.get(change.id)?.rev ?? -1) <= change.rev) newest.set(change.id, change);
    }
    const rows = [...newest.values()]
      .map(({ id, rev, doc }) => {
        const { keys, terms, doc: text } = doc ? indexed(index, doc as never) : gone;
        const { declared, open } = keptKeys(keys);
        const columns = Object.entries({ ...declared, ...open }).map(([name, value]) => [columnPrefix + name, value]);
        return { id, rev, terms, doc: text, ...Object.fromEntries(columns) };
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1));
    if (rows.length === 0) return;
    const names = columnsIn(index).map(({ name }) => name);
    const update = ['rev', 'terms', 'doc', ...names].map((name) => `${name} = excluded.${name}`);
    await this.pool.query(
      `insert into "${tableOf(index)}" as t (id, rev, ${names.join(', ')}, terms, doc)
       select id, rev, ${names.join(', ')}, array_to_tsvector(terms), doc::json
       from json_to_recordset($1) as r(id text, rev bigint, ${columnsOf(index)}, terms text[], doc text)
       on conflict (id) do update set ${update.join(', ')} where t.rev <= excluded.rev`,
      [JSON.stringify(rows)],
    );
  }

  async publish(index: Index): Promise<void> {
    const table = tableOf(index);
    await transaction(this.pool, async (client) => {
      await client.query(`select pg_advisory_xact_lock(hashtext('throughline:search'))`);
      await this.#show(client, index);
      await client.query(`comment on table "${table}" is '${published}'`);
      const { rows } = await client.query<{ name: string }>(
        `select tablename as name from pg_tables where schemaname = current_schema
         and starts_with(tablename, $1) and tablename <> $2`,
        [`${viewOf(index)}_v`, table],
      );
      for (const { name } of rows) await client.query(`drop table "${name}"`);
    });
    await this.pool.query(`analyze "${table}"`);
  }

  async query(index: Index, query: EngineQuery): Promise<EngineAnswer> {
    try {
      const [page, { facets, count }] = await Promise.all([this.#page(index, query), this.#facets(index, query)]);
      const known = !query.after && !page.next ? page.hits.length : count;
      const value = known ?? (await this.#count(index, query));
      return { ...page, facets, total: { value: Math.min(value, mostCounted), exact: value <= mostCounted } };
    } catch (error) {
      // Before the first index is made there is nothing to be found.
      if ((error as { code?: string }).code !== '42P01') throw error;
      const facets = Object.fromEntries(query.facets.map((field) => [field, []]));
      return { hits: [], next: undefined, total: { value: 0, exact: true }, facets };
    }
  }

  async *ids(index: Index, query: Pick<EngineQuery, 'plan' | 'condition'>): AsyncIterable<readonly string[]> {
    const client = await this.pool.connect();
    try {
      const parameters = new Parameters();
      const where = whereOf(index, query, parameters);
      // A cursor sees what was there when it was declared.
      await client.query('begin read only');
      await client.query(
        `declare found no scroll cursor for select id from "${viewOf(index)}" where ${where} order by id`,
        parameters.values,
      );
      for (;;) {
        const { rows } = await client.query<{ id: string }>(`fetch ${idsAtOnce} from found`);
        if (rows.length === 0) break;
        yield rows.map(({ id }) => id);
      }
    } catch (error) {
      // Before the first index is made there is nothing to be found.
      if ((error as { code?: string }).code !== '42P01') throw error;
    } finally {
      await client.query('rollback').then(
        () => client.release(),
        (error: Error) => client.release(error),
      );
    }
  }

  async refresh(): Promise<void> {}
  async purge(): Promise<void> {
    const { rows } = await this.pool.query<{ table: string }>(
      `select relname as table from pg_class where relkind = 'r' and starts_with(relname, $1)`,
      ['search_'],
    );
    for (const { table } of rows) await this.pool.query(`vacuum (analyze) "${table}"`);
  }

  async count(index: Index): Promise<number> {
    const { rows } = await this.pool.query<{ n: string }>(
      `select count(*) as n from "${tableOf(index)}" where doc is not null`,
    );
    return Number(rows[0]?.n);
  }

  async drop(index: Index): Promise<void> {
    await this.pool.query(`drop view if exists "${viewOf(index)}"; drop table if exists "${tableOf(index)}"`);
  }

  async #show(client: Pick<Pool, 'query'>, index: Index): Promise<void> {
    await client.query(`drop view if exists "${viewOf(index)}"`);
    await client.query(`create view "${viewOf(index)}" as select * from "${tableOf(index)}"`);
  }

  async #page(index: Index, query: EngineQuery): Promise<Pick<EngineAnswer, 'hits' | 'next'>> {
    const parameters = new Parameters();
    const keys = query.sort.map(({ field, descending }) => ({
      text: sortExpression(sortKeyOf(fieldOf(index, field).type, field), descending),
      descending,
      absent: descending ? lowest : highest,
    }));
    const byScore = keys.length === 0;
    const where = whereOf(index, query, parameters);
    const score = byScore || query.plan ? scoreOf(query.plan, parameters) : '0';
    const columns = byScore ? [{ text: 'score', descending: true, absent: '' }] : keys;
    const list = keys.map(({ text }, i) => `${text} as s${i}`).join(', ');
    const found = `select id, doc, ${score} as score${list && `, ${list}`} from "${viewOf(index)}" where ${where}`;
    const place = query.after?.map((value, i) => value ?? columns[i]?.absent ?? '');
    const statement = byScore
      ? `select * from (${found}) found ${place ? `where ${after(columns, place, parameters)}` : ''}`
      : found + (place ? ` and ${after(columns, place, parameters)}` : '');
    const order = columns.map(({ text, descending }) => `${text} ${descending ? 'desc' : 'asc'}, `).join('');
    const { rows } = await this.pool.query<Row>({
      text: `${statement} order by ${order}id limit ${query.limit + 1}`,
      values: parameters.values,
      types: plainTypes,
    });
    const page = rows.slice(0, query.limit);
    const last = rows.length > query.limit ? page.at(-1) : undefined;
    const values = (row: Row): Place =>
      byScore ? [row.score] : keys.map(({ absent }, i) => (row[`s${i}`] === absent ? null : (row[`s${i}`] as string)));
    return {
      hits: page.map(({ id, doc, score: sum }) => ({ id, doc, score: Number(sum) })),
      next: last && [...values(last), last.id],
    };
  }

  async #count(index: Index, query: EngineQuery): Promise<number> {
    const parameters = new Parameters();
    const found = `select 1 from "${viewOf(index)}" where ${whereOf(index, query, parameters)} limit ${mostCounted + 1}`;
    const { rows } = await this.pool.query<{ n: string }>(
      `select count(*) as n from (${found}) found`,
      parameters.values,
    );
    return Number(rows[0]?.n);
  }

  /** `count`: of all that the query finds, where it was counted on the way. */
  async #facets(
    index: Index,
    query: EngineQuery,
  ): Promise<{ facets: EngineAnswer['facets']; count: number | undefined }> {
    const isMany = (field: string) => keyOf(index, field).many;
    const ofLists = query.facets.filter(isMany);
    const [single, ...lists] = await Promise.all([
      this.#facetsOfValues(
        index,
        query,
        query.facets.filter((field) => !isMany(field)),
      ),
      ...ofLists.map((field) => this.#facetOfList(index, query, field)),
    ]);
    const counted = new Map([...single.facets, ...ofLists.map((field, at) => [field, lists[at] ?? []] as const)]);
    return {
      facets: Object.fromEntries(query.facets.map((field) => [field, counted.get(field) ?? []])),
      count: single.count,
    };
  }

  /** All of them in one pass over what is found. */
  async #facetsOfValues(
    index: Index,
    query: EngineQuery,
    fields: readonly string[],
  ): Promise<{ facets: readonly (readonly [string, readonly Counted[]])[]; count: number | undefined }> {
    if (fields.length === 0) return { facets: [], count: undefined };
    const parameters = new Parameters();
    const where = whereOf(index, query, parameters);
    const names = fields.map((_, at) => `f${at}`);
    const columns = fields.map((field, at) => `${columnOf(field)} as f${at}`).join(', ');
    const countedIn = (from: string) =>
      `(select grouping(${names.join(', ')}) as "of", coalesce(${names.join(', ')}) as value, count(*) as count
        from (select ${columns} from ${from} and ${where}) found
        group by grouping sets (${names.map((name) => `(${name})`).join(', ')}, ()))`;
    const count = (parts: readonly string[]) =>
      this.pool.query<{ of: number; value: string | null; count: string }>(
        `select "of", value, count from (
           select *, row_number() over (partition by "of" order by count desc, value) as place from (
             select "of", value, sum(count) as count from (${parts.map(countedIn).join(' union all ')}) part group by 1, 2
           ) counted where value is not null or "of" = ${allOf(fields)}
         ) placed where place <= ${mostFacetValues} order by place`,
        parameters.values,
      );
    const whole = `"${viewOf(index)}" where true`;
    const isScan = async () => {
      const { rows } = await this.pool.query(`explain ${countedIn(whole)}`, parameters.values);
      return JSON.stringify(rows).includes('Seq Scan');
    };
    const { rows } = await this.#inParts(index, isScan, whole, count);
    const values = Map.groupBy(rows, ({ of }) => of);
    return {
      facets: fields.map((field, at) => [field, (values.get(onlyOf(fields, at)) ?? []).map(facetValue)] as const),
      count: Number(values.get(allOf(fields))?.[0]?.count),
    };
  }

  /** Asks for what is to be read whole in parts, since Postgres then has processes of its own read them at the same time. */
  async #inParts<T>(
    index: Index,
    isScan: () => Promise<boolean>,
    whole: string,
    ask: (parts: readonly string[]) => Promise<T>,
  ): Promise<T> {
    const { rows } = await this.pool.query<{ table: string; pages: number }>(
      `select t.oid::regclass::text as table, (pg_relation_size(t.oid) / current_setting('block_size')::int)::int as pages
       from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
       join pg_class t on d.refclassid = 'pg_class'::regclass and t.oid = d.refobjid and t.relkind = 'r'
       where r.ev_class = to_regclass($1) limit 1`,
      [`"${viewOf(index)}"`],
    );
    const { table, pages = 0 } = rows[0] ?? {};
    if (pages < this.manyPages || !(await isScan())) return ask([whole]);
    const bounds = Array.from({ length: parts - 1 }, (_, at) => `'(${Math.floor((pages * (at + 1)) / parts)},0)'`);
    const from = ['true', ...bounds.map((bound) => `ctid >= ${bound}`)];
    const to = [...bounds.map((bound) => `ctid < ${bound}`), 'true'];
    try {
      return await ask(from.map((start, at) => `${table} where ${start} and ${to[at]}`));
    } catch (error) {
      // Another release of the index has taken its place just now.
      if ((error as { code?: string }).code !== '42P01') throw error;
      return ask([whole]);
    }
  }

  async #facetOfList(index: Index, query: EngineQuery, field: string): Promise<readonly Counted[]> {
    const parameters = new Parameters();
    const column = columnOf(field, true);
    const { rows } = await this.pool.query<{ value: string; count: string }>(
      `select value collate "C" as value, count(*) as count from "${viewOf(index)}", unnest(${column}) as value
       where ${whereOf(index, query, parameters)} and ${column} is not null
       group by 1 order by 2 desc, 1 limit ${mostFacetValues}`,
      parameters.values,
    );
    return rows.map(facetValue);
  }
}

const facetValue = ({ value, count }: { value: string | null; count: string }): Counted => ({
  value: value ?? '',
  count: Number(count),
});

/** What Postgres' `grouping` says of a row that counts all, and of one that counts by a single field: a bit for each field that it is not of. */
const allOf = (fields: readonly string[]): number => 2 ** fields.length - 1;
const onlyOf = (fields: readonly string[], at: number): number => allOf(fields) - 2 ** (fields.length - 1 - at);

type Fields = Readonly<Record<string, Field<never>>>;

/** As many processes as Postgres has for one statement, unless told otherwise. */
const parts = 3;
const published = 'published';
const gone = { doc: null, terms: null, keys: {} };
const columnPrefix = 'k_';
/** Where a key is: a column of its own, or a value in the column of its group. */
function columnOf(key: string, many = false): string {
  const open = openPartsOf(key);
  if (!open) return `"${columnPrefix}${key}"`;
  const [column, name] = [`"${columnPrefix}${open.group}"`, literal(open.name)];
  if (!many) return `((${column}->>${name}) collate "C")`;
  return `(case jsonb_typeof(${column}->${name})
    when 'array' then array(select jsonb_array_elements_text(${column}->${name}) collate "C")
    when 'string' then array[(${column}->>${name}) collate "C"] end)`;
}
/** Keys order by code point. The columns: what lists count by, other values, lists, then texts to look and sort by. */
const columnsIn = ({ fields, open }: Index) => [
  ...keysInOrder(fields).map(({ name, many }) => ({
    name: columnOf(name),
    type: `text${many ? '[]' : ''}`,
    collation: 'collate "C"',
  })),
  ...(open ? openGroups.map((group) => ({ name: `"${columnPrefix}${group}"`, type: 'jsonb', collation: '' })) : []),
];
function keysInOrder(fields: Fields) {
  const place = ({ name, many }: { name: string; many: boolean }) => {
    const field = fields[name];
    if (!field) return 3;
    return many ? 2 : Number(!field.facet);
  };
  return keyNames(fields).sort((a, b) => place(a) - place(b));
}
const columnsOf = (index: Index, storage = '') =>
  columnsIn(index)
    .map(({ name, type, collation }) => [name, type, storage, collation].filter(Boolean).join(' '))
    .join(', ');
const viewOf = ({ type }: Index) => `search_${type}`;
/** Changed with the columns, and what Postgres is to know of them. */
const layout = 'counted first, with statistics';
const tableOf = (index: Index) => `${viewOf(index)}_${versionOf(index, layout).replace('-', '_')}`;

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** What stands for a key that is not there: below or above all others. Keys are never empty. */
const lowest = '';
const highest = '\u{10ffff}';

/** A key as it is sorted: where there is none, last. The indexes hold the same expression. */
const sortExpression = (key: string, descending: boolean) =>
  `coalesce(${columnOf(key)}, ${descending ? `''` : literal(highest)})`;

function keyOf(index: Index, name: string): { name: string; many: boolean } {
  const found = keyNames(index.fields).find((key) => key.name === name);
  if (!found) throw new Error(`${index.type} has no key ${name}`);
  return found;
}

const fieldOf = (index: Index, name: string): Field<never> => {
  const field = Object.hasOwn(index.fields, name) ? (index.fields as Fields)[name] : undefined;
  if (!field) throw new Error(`${index.type} has no field ${name}`);
  return field;
};

/** The rows after a place: key by key, then by id. The first key's bound lets an index begin there. */
function after(
  columns: readonly { text: string; descending: boolean }[],
  place: readonly (string | number)[],
  parameters: Parameters,
): string {
  const values = place.map((value) => parameters.add(value));
  const rest = columns.toReversed().reduce(
    (later, { text, descending }, fromEnd) => {
      const value = values[columns.length - 1 - fromEnd];
      return `(${text} ${descending ? '<' : '>'} ${value} or (${text} = ${value} and ${later}))`;
    },
    `id > ${values.at(-1)}`,
  );
  const [first] = columns;
  return first ? `${first.text} ${first.descending ? '<=' : '>='} ${values[0]} and ${rest}` : rest;
}

function whereOf(
  index: Index,
  { plan, condition }: Pick<EngineQuery, 'plan' | 'condition'>,
  parameters: Parameters,
): string {
  const found = (plan?.clauses ?? [])
    .filter(({ required }) => required)
    .map(({ alternatives }) => anyAlternative(alternatives));
  const parts = ['doc is not null', sqlOf(index, condition, parameters)];
  if (found.includes('')) parts.push('false');
  else if (found.length > 0) {
    parts.push(`terms @@ ${parameters.add(found.map((clause) => `(${clause})`).join(' & '))}::tsquery`);
  }
  return parts.join(' and ');
}

/** The sum over the clauses of the best alternative's score. */
function scoreOf(plan: QueryPlan | undefined, parameters: Parameters): string {
  const clauses = (plan?.clauses ?? []).map(({ alternatives }) => {
    const cases = alternatives.flatMap((alternative) => {
      const query = tsquery(alternative);
      return query === '' ? [] : [`when terms @@ ${parameters.add(query)}::tsquery then ${alternative.score}`];
    });
    return cases.length > 0 ? `case ${cases.join(' ')} else 0 end` : '0';
  });
  return clauses.length > 0 ? `(${clauses.join(' + ')})` : '0';
}

const anyAlternative = (alternatives: readonly Alternative[]) =>
  alternatives
    .map(tsquery)
    .filter((query) => query !== '')
    .join(' | ');

/** Empty where it can never be met. */
function tsquery({ allOf }: Alternative): string {
  const groups = allOf.map(groupQuery);
  return groups.includes('') || groups.length === 0 ? '' : `(${groups.map((group) => `(${group})`).join(' & ')})`;
}

const groupQuery = ({ prefix, anyOf }: TermGroup) => anyOf.map((term) => `'${term}'${prefix ? ':*' : ''}`).join(' | ');

/** Never null, so that `not` means what it says. */
function sqlOf(index: Index, condition: Condition, parameters: Parameters): string {
  switch (condition.is) {
    case 'all':
      return condition.of.length === 0
        ? 'true'
        : `(${condition.of.map((one) => sqlOf(index, one, parameters)).join(' and ')})`;
    case 'any':
      return condition.of.length === 0
        ? 'false'
        : `(${condition.of.map((one) => sqlOf(index, one, parameters)).join(' or ')})`;
    case 'not':
      return `(not ${sqlOf(index, condition.of, parameters)})`;
    case 'present':
      return `(${columnOf(condition.field)} is not null)`;
    case 'oneOf': {
      const values = `${parameters.add(condition.values)}::text[]`;
      if (keyOf(index, condition.field).many) return `coalesce(${columnOf(condition.field, true)} && ${values}, false)`;
      return `(${valueOf(index, condition.field).text} = any(${values}))`;
    }
    case 'range': {
      const { text, absent } = valueOf(index, condition.field);
      const bounds = [
        ['>', condition.above],
        ['>=', condition.atLeast],
        ['<', condition.below],
        ['<=', condition.atMost],
      ] as const;
      const parts = bounds.flatMap(([sign, bound]) =>
        bound === undefined ? [] : [`${text} ${sign} ${parameters.add(bound)}`],
      );
      return `(${[...parts, `${text} <> ${absent}`].join(' and ')})`;
    }
    case 'contains':
    case 'startsWith': {
      const pattern = `${condition.is === 'contains' ? '%' : ''}${condition.text.replace(/[\\%_]/g, '\\$&')}%`;
      const like = `like ${parameters.add(pattern)}`;
      const { many } = keyOf(index, condition.field);
      const column = columnOf(folded(condition.field), many);
      if (!many) return `coalesce(${column} ${like}, false)`;
      return `exists (select from unnest(${column}) as one where one ${like})`;
    }
  }
}

/** A field's own key, in the expression that its index has where it has one. */
function valueOf(index: Index, name: string): { text: string; absent: string } {
  const { often = 'desc' } = fieldOf(index, name);
  return { text: sortExpression(name, often === 'desc'), absent: literal(often === 'desc' ? lowest : highest) };
}
