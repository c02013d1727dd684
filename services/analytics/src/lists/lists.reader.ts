import { Injectable } from '@nestjs/common';
import { defaultTimeZone } from '@throughline/contracts';
import { invalid } from '@throughline/event-sourcing';
import { analyseQuery, highlight, type Range } from '@throughline/language';
import { HttpProblem, Kernel, ShapeError } from '@throughline/service';
import { allOf, comparedWith, everything, inOrder, widened, type Condition } from '../search/condition.ts';
import { customerDocument } from '../search/customer-document.view.ts';
import { customerProfile } from '../search/customer-profile.view.ts';
import { numbersBeside, recordsBeside, survivorsOf, type RecordsBeside } from '../search/customer-records.reader.ts';
import { customers } from '../search/customers.index.ts';
import type { RecordType } from '../search/record-type.ts';
import { recordTypes } from '../search/record-types.index.ts';
import {
  EngineUnavailable,
  SearchEngine,
  mostFacetValues,
  type Counted,
  type EngineAnswer,
  type EngineQuery,
  type Hit,
  type Place,
} from '../search/search-engine.ts';
import type { Fields } from '../search/search-index.ts';
import { customField } from '../star/custom-field.view.ts';
import { organisation } from '../star/organisation.view.ts';
import { tagNamesNow } from '../bi/bi-views.sql.ts';
import { keyed, withDefined, withTagNames, type DefinedField } from './defined-fields.ts';
import { spanOf, type Span } from './moments.ts';
import { ListErrors, customerName, mostItems, readListQuery, type ListRequest } from './list-query.ts';

export type ListAnswer = {
  items: readonly Record<string, unknown>[];
  nextCursor: string | null;
  total: EngineAnswer['total'];
  facets: Record<string, readonly { value: string | boolean; count: number }[]>;
};

export type SearchHit = {
  /** `customer`, `order`, `deal`, `interaction`. */
  type: string;
  id: string;
  title: string | undefined;
  score: number;
  /** Where the words were found, as UTF-16 offsets in `value`. */
  highlights: readonly { field: string; value: string; ranges: readonly Range[] }[];
  record: Record<string, unknown>;
};

export type SearchAnswer = { items: readonly SearchHit[]; total: Record<string, EngineAnswer['total']> };

const mostHits = 50;
const usualHits = 20;
const longestValue = 160;

/** Answers the lists and the search from the engine. */
@Injectable()
export class Lists {
  readonly #besideNow: RecordsBeside = {
    records: (ids) => recordsBeside(this.kernel.pool, ids),
    numbers: (numbers) => numbersBeside(this.kernel.pool, numbers),
  };

  constructor(
    private readonly kernel: Kernel,
    private readonly engine: SearchEngine,
  ) {}

  async list(listed: RecordType, request: ListRequest): Promise<ListAnswer> {
    const [timeZone, now] = [await this.#timeZone(), new Date()];
    const type = await this.#withConfigured(listed);
    const { query, fields, facets, cursorAt } = understood(() =>
      readListQuery(type, request, { now, timeZone, scope: this.#scope() }),
    );
    const { hits, next, total, facets: found } = await this.#ask(keyed(type), query);
    const counted = { ...found, ...(await this.#linksCounted(keyed(type), query, found)) };
    const today = spanOf('today', { now, timeZone }) as Span;
    const derived = ({ doc }: Hit): Hit['doc'] => ({ ...doc, ...type.derived?.(doc as never, today.day) });
    const items = await this.#named(hits.map(derived));
    return {
      items: fields ? items.map((item) => picked(item, fields)) : items,
      nextCursor: next ? cursorAt(next) : null,
      total,
      facets: Object.fromEntries(
        facets.map(([name, key]) => {
          const isFlag = (type.fields as Record<string, { type: string }>)[name]?.type === 'boolean';
          const values = counted[key] ?? [];
          return [name, values.map(({ value, count }) => ({ value: isFlag ? value === 'true' : value, count }))];
        }),
      ),
    };
  }

  /** Everything that a filter selects, as of one moment; the engine was reached when this answers. */
  async ids(listed: RecordType, request: Pick<ListRequest, 'q' | 'filter'>): Promise<AsyncIterable<readonly string[]>> {
    const [type, timeZone] = [await this.#withConfigured(listed), await this.#timeZone()];
    const { query } = understood(() =>
      readListQuery(type, { ...request, limit: 1 }, { now: new Date(), timeZone, scope: this.#scope() }),
    );
    await this.#ask(keyed(type), query);
    return this.engine.ids(keyed(type), {
      plan: query.plan,
      condition: await this.#ofWholeCustomers(keyed(type), query.condition),
    });
  }

  /**
   * All records of a list, however many, read on while they are taken. What changes meanwhile is as it was when its page
   * was read.
   *
   * @throws Refusal, ShapeError before the first record
   */
  async all(listed: RecordType, request: ListRequest): Promise<AsyncIterable<Hit['doc']>> {
    const [type, timeZone] = [await this.#withConfigured(listed), await this.#timeZone()];
    const { query } = understood(() =>
      readListQuery(type, { ...request, limit: mostItems }, { now: new Date(), timeZone, scope: this.#scope() }),
    );
    const first = await this.#ask(keyed(type), query);
    const ask = (after: Place) => this.#ask(keyed(type), { ...query, after });
    return (async function* () {
      for (let page = first; ; page = await ask(page.next)) {
        for (const { doc } of page.hits) yield doc;
        if (!page.next) return;
      }
    })();
  }

  /**
   * What a filter means, by the fields that are configured now; relative dates are relative to `now`.
   *
   * @param beside which records belonged to one customer
   */
  async condition(listed: RecordType, filter: unknown, now: Date, beside: RecordsBeside): Promise<Condition> {
    const [type, timeZone] = [await this.#withConfigured(listed), await this.#timeZone()];
    const { query } = understood(() => readListQuery(type, { filter }, { now, timeZone, scope: this.#scope() }));
    return this.#ofWholeCustomers(keyed(type), query.condition, beside);
  }

  async search(request: { q: string; types?: string; limit?: string; archived?: string }): Promise<SearchAnswer> {
    const asked = request.types
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    const unknown = (asked ?? []).filter((name) => !recordTypes.some((type) => isNamed(type, name)));
    const limit = Number(request.limit ?? usualHits);
    const errors = [
      ...unknown.map((name) => ({ path: `types.${name}`, code: 'not-allowed' })),
      ...(limit < 1 || limit > mostHits ? [{ path: 'limit', code: 'out-of-range' }] : []),
    ];
    if (errors.length > 0) throw new ShapeError(errors);
    const types = recordTypes.filter((type) => !asked?.length || asked.some((name) => isNamed(type, name)));
    const plan = analyseQuery(request.q);
    // A search box without a word shows nothing.
    if (plan.empty) return { items: [], total: {} };
    const answers = await Promise.all(
      types.map(async (type) => {
        const current: Condition =
          request.archived === 'true' || !('archived' in type.fields)
            ? everything
            : { is: 'oneOf', field: 'archived', values: ['false'] };
        const condition = allOf(this.#scope(), current);
        return { type, ...(await this.#ask(type, { plan, condition, sort: [], limit, facets: [] })) };
      }),
    );
    const best = answers
      .flatMap(({ type, hits }) => hits.map((hit) => ({ type, hit })))
      .sort((a, b) => b.hit.score - a.hit.score)
      .slice(0, limit);
    const records = await this.#named(best.map(({ hit }) => hit.doc));
    return {
      items: best.map(({ type, hit }, index) => searchHit(type, hit, request.q, records[index] ?? hit.doc)),
      total: Object.fromEntries(answers.map(({ type, total }) => [type.type, total])),
    };
  }

  /** What the caller may see: everything, until roles say otherwise. */
  #scope(): Condition {
    return everything;
  }

  /**
   * Facts and links keep the record that they came with, and documents of merged customers are those of their golden
   * records.
   *
   * @param type with its fields under their keys
   */
  async #ofWholeCustomers(type: RecordType, condition: Condition, beside = this.#besideNow): Promise<Condition> {
    const links = Object.entries(type.fields as Fields).flatMap(([key, { customer }]) => (customer ? [key] : []));
    const records = await beside.records(comparedWith(links, condition));
    const wide = widened(links, records, condition);
    if (type.type !== customers.type) return wide;
    return widened(['number'], await beside.numbers(comparedWith(['number'], wide)), wide);
  }

  /** Counts of links, by the records that answer for the customers whom they name. */
  async #linksCounted(type: RecordType, query: EngineQuery, counted: EngineAnswer['facets']) {
    const keys = query.facets.filter((key) => (type.fields as Fields)[key]?.customer);
    const whole = keys.map(async (key) => {
      const values = counted[key] ?? [];
      const survivors = await survivorsOf(
        this.kernel.pool,
        values.map(({ value }) => value),
      );
      const cutOff = [...survivors.keys()].filter((id) => !values.some(({ value }) => value === id));
      const others = values.length < mostFacetValues ? [] : await this.#countsOf(type, query, key, cutOff);
      return [key, summed([...values, ...others], survivors)] as const;
    });
    return Object.fromEntries(await Promise.all(whole));
  }

  /** How often some records are named by a link. */
  async #countsOf(type: RecordType, query: EngineQuery, key: string, ids: readonly string[]): Promise<Counted[]> {
    if (ids.length === 0) return [];
    const condition = allOf(query.condition, { is: 'oneOf', field: key, values: ids });
    const { facets } = await this.#ask(type, {
      ...query,
      condition,
      sort: [],
      after: undefined,
      limit: 1,
      facets: [key],
    });
    return (facets[key] ?? []).filter(({ value }) => ids.includes(value));
  }

  async #ask(type: RecordType, asked: EngineQuery): Promise<EngineAnswer> {
    const query = { ...asked, condition: await this.#ofWholeCustomers(type, asked.condition) };
    try {
      return await this.engine.query(type, query);
    } catch (error) {
      if (error instanceof EngineUnavailable) throw new HttpProblem(503, 'unavailable');
      throw error;
    }
  }

  /** Customers with the fields that the installation gave them, and tags by any name, as they are at this moment. */
  async #withConfigured(type: RecordType): Promise<RecordType> {
    if (type.type !== customers.type) return type;
    const [defined, renamed] = await Promise.all([
      this.kernel.pool.query<DefinedField>(`select key, type from "${customField.table}" where object = 'customer'`),
      this.kernel.pool.query<{ given: string; name: string }>(`${tagNamesNow} where given <> name`),
    ]);
    const names = new Map(renamed.rows.map(({ given, name }) => [given, name]));
    return withDefined(withTagNames(type, names), defined.rows);
  }

  /** The day that it is for the organisation. */
  async today(): Promise<Span> {
    return spanOf('today', { now: new Date(), timeZone: await this.#timeZone() }) as Span;
  }

  async #timeZone(): Promise<string> {
    const { rows } = await this.kernel.pool.query<{ zone: string }>(
      `select time_zone as zone from "${organisation.table}" limit 1`,
    );
    return rows[0]?.zone ?? defaultTimeZone;
  }

  /** With the names that their customers have now. */
  async #named(records: readonly Hit['doc'][]): Promise<Record<string, unknown>[]> {
    const ids = [...new Set(records.flatMap(({ customerId }) => (typeof customerId === 'string' ? [customerId] : [])))];
    if (ids.length === 0) return [...records];
    const { rows } = await this.kernel.pool.query<{ id: string; name: string | null }>(
      `select r.id, coalesce(doc->>'name', doc->>'companyName', doc->>'number') as name
       from "${customerProfile.table}" r join "${customerDocument.table}" c on c.id = r.golden_id::text
       where r.id = any($1::uuid[])`,
      [ids],
    );
    const names = new Map(rows.map(({ id, name }) => [id, name]));
    return records.map((record) => ({ ...record, [customerName]: names.get(record['customerId'] as string) ?? null }));
  }
}

function understood<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ListErrors)) throw error;
    if (error.shape.length > 0) throw new ShapeError([...error.shape, ...error.meaning]);
    throw invalid('invalid-query', error.meaning);
  }
}

/** The commonest first, then by value. */
function summed(counted: readonly Counted[], survivors: ReadonlyMap<string, string>): Counted[] {
  const counts = new Map<string, number>();
  for (const { value, count } of counted) {
    const survivor = survivors.get(value) ?? value;
    counts.set(survivor, (counts.get(survivor) ?? 0) + count);
  }
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .toSorted((a, b) => b.count - a.count || inOrder(a.value, b.value));
}

const singular = ({ type }: RecordType) => type.replace(/s$/, '');
const isNamed = (type: RecordType, name: string) => name === type.type || name === singular(type);

function picked(item: Record<string, unknown>, fields: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).filter(([name]) => name === 'id' || fields.includes(name)));
}

function searchHit(type: RecordType, { id, score, doc }: Hit, q: string, record: Record<string, unknown>): SearchHit {
  const searched = Object.entries(type.search(doc as never)) as [string, readonly string[] | undefined][];
  const highlights = searched.flatMap(([field, values = []]) =>
    values.flatMap((value) => {
      const ranges = highlight(value, q);
      return ranges.length > 0 ? [{ field, ...excerpt(value, ranges) }] : [];
    }),
  );
  return { type: singular(type), id, title: type.title(doc as never), score, highlights, record };
}

/** The part of a long text around the first place. */
function excerpt(value: string, ranges: readonly Range[]): { value: string; ranges: readonly Range[] } {
  if (value.length <= longestValue) return { value, ranges };
  const first = ranges[0] as Range;
  const from = Math.max(0, Math.min(first.start - longestValue / 4, value.length - longestValue));
  const until = Math.max(from + longestValue, first.end);
  return {
    value: value.slice(from, until).toWellFormed(),
    ranges: ranges
      .filter(({ start, end }) => start >= from && end <= until)
      .map(({ start, end }) => ({ start: start - from, end: end - from })),
  };
}
