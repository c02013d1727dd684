import { Client, errors, type estypes } from '@elastic/elasticsearch';
import type { Alternative, Clause, TermGroup } from '@throughline/language';
import { folded, keptKeys, openGroups, openPartsOf, type Condition, type Keys } from './condition.ts';
import {
  EngineUnavailable,
  SearchEngine,
  idsAtOnce,
  mostCounted,
  mostFacetValues,
  type Change,
  type EngineAnswer,
  type EngineQuery,
  type Hit,
  type Place,
} from './search-engine.ts';
import { indexed, keyNames, sortKeyOf, versionOf, type Field, type SearchIndex } from './search-index.ts';

type Index = SearchIndex<never>;
type Query = estypes.QueryDslQueryContainer;
type Source = { doc: Hit['doc'] };
type Options = {
  /** In front of the indexes' names, so that several installations can share a cluster. */
  prefix: string;
  /** The life of the database that counts the revisions: after another one begins, indexes are built anew. */
  generation: string;
};

const mostBytes = 4_000_000;
/** How long the engine keeps it between two pages. */
const pointInTime = '2m';

/** Search in Elasticsearch: an index a type, every key and term a keyword, so that no analyser has a say. */
export class ElasticsearchEngine extends SearchEngine {
  #refreshing: Promise<void> | undefined;
  #refreshNext: Promise<void> | undefined;
  readonly #client: Client;

  constructor(
    url: string,
    private readonly options: Options,
  ) {
    super();
    this.#client = new Client({ node: url, requestTimeout: 10_000, maxRetries: 1 });
  }

  async ensure(index: Index): Promise<{ published: boolean }> {
    const [name, alias] = [this.#nameOf(index), this.#aliasOf(index)];
    return this.#try(async ({ indices }) => {
      if (!(await indices.exists({ index: name }))) {
        await indices
          .create({
            index: name,
            settings: { number_of_shards: 1, auto_expand_replicas: '0-1', refresh_interval: '500ms' },
            mappings: mappingOf(index),
            aliases: { [writeAliasOf(name)]: {} },
          })
          .catch(unlessThere);
      }
      // Before there is another one to ask, this one is asked while it is built.
      if (!(await indices.existsAlias({ name: alias }))) await indices.putAlias({ index: name, name: alias });
      const mapping = await indices.getMapping({ index: name });
      return { published: mapping[name]?.mappings._meta?.['published'] === true };
    });
  }

  async bulk(index: Index, changes: readonly Change[]): Promise<void> {
    const target = writeAliasOf(this.#nameOf(index));
    // Deleting in an index that is not there would make one, without a mapping.
    if (changes.some(({ doc }) => !doc)) {
      const there = await this.#try(({ indices }) => indices.existsAlias({ name: target }));
      if (!there) throw new EngineUnavailable(`${target} is gone`);
    }
    let operations: string[] = [];
    let bytes = 0;
    for (const { id, rev, doc } of changes) {
      const at = { _index: target, _id: id, version: rev, version_type: 'external_gte' };
      if (doc) {
        const { doc: text, keys, terms } = indexed(index, doc as never);
        const fields = JSON.stringify({ ...stored(keys), [idKey]: id, [termsKey]: terms });
        operations.push(JSON.stringify({ index: at }), `${fields.slice(0, -1)},"doc":${text}}`);
        bytes += fields.length + text.length;
      } else operations.push(JSON.stringify({ delete: at }));
      if (bytes > mostBytes) {
        await this.#send(operations);
        operations = [];
        bytes = 0;
      }
    }
    await this.#send(operations);
  }

  async #send(operations: string[]): Promise<void> {
    if (operations.length === 0) return;
    const { items, errors: failed } = await this.#try((client) => client.bulk({ operations, require_alias: true }));
    if (!failed) return;
    for (const item of items) {
      const { status, error } = Object.values(item)[0] as estypes.BulkResponseItem;
      // 409: what is there is newer. 404 of a deletion: there is nothing, which is right.
      if (!error || status === 409) continue;
      if (status === 404 || status === 429 || status >= 500) throw new EngineUnavailable(error.type);
      throw new Error(`Elasticsearch refused a document: ${error.type}`);
    }
  }

  async publish(index: Index): Promise<void> {
    const [name, alias] = [this.#nameOf(index), this.#aliasOf(index)];
    await this.#try(async ({ indices }) => {
      await indices.putMapping({ index: name, _meta: { published: true } });
      const before = Object.keys(await indices.getAlias({ name: alias })).filter((other) => other !== name);
      await indices.updateAliases({
        actions: [{ add: { index: name, alias } }, ...before.map((other) => ({ remove_index: { index: other } }))],
      });
    });
  }

  async query(index: Index, query: EngineQuery): Promise<EngineAnswer> {
    const sort = query.sort.map(({ field, descending }) => {
      const { type } = (index.fields as Readonly<Record<string, Field<never>>>)[field] as Field<never>;
      const order = descending ? 'desc' : 'asc';
      return {
        [sortKeyOf(type, field)]: { order, missing: '_last', unmapped_type: 'keyword' },
      } as estypes.SortCombinations;
    });
    const byScore = sort.length === 0;
    const answer = await this.#try((client) =>
      client.search<Source, Record<string, estypes.AggregationsStringTermsAggregate>>({
        index: this.#aliasOf(index),
        ignore_unavailable: true,
        size: query.limit + 1,
        track_total_hits: mostCounted + 1,
        track_scores: !byScore && query.plan !== undefined,
        _source: ['doc'],
        query: queryOf(query),
        sort: [
          ...(byScore ? [{ _score: { order: 'desc' } } as const] : sort),
          { [idKey]: 'asc' } as estypes.SortCombinations,
        ],
        ...(query.after && { search_after: [...query.after] }),
        ...(query.facets.length > 0 && { aggs: facetsOf(query.facets) }),
      }),
    );
    const { hits, total } = answer.hits;
    const counted = typeof total === 'number' ? total : (total?.value ?? 0);
    const page = hits.slice(0, query.limit);
    return {
      hits: page.map(({ _id, _score, _source }) => ({
        id: _id as string,
        score: _score ?? 0,
        doc: (_source as Source).doc,
      })),
      next: hits.length > query.limit ? (page.at(-1)?.sort as Place) : undefined,
      total: { value: Math.min(counted, mostCounted), exact: counted <= mostCounted },
      facets: Object.fromEntries(
        query.facets.map((field) => {
          const buckets = (answer.aggregations?.[field]?.buckets ?? []) as estypes.AggregationsStringTermsBucket[];
          return [field, buckets.map(({ key, doc_count: count }) => ({ value: String(key), count }))];
        }),
      ),
    };
  }

  async *ids(index: Index, query: Pick<EngineQuery, 'plan' | 'condition'>): AsyncIterable<readonly string[]> {
    let { id } = await this.#try((client) =>
      client.openPointInTime({ index: this.#aliasOf(index), keep_alive: pointInTime, ignore_unavailable: true }),
    );
    try {
      for (let after: estypes.SortResults | undefined; ;) {
        const pit = { id, keep_alive: pointInTime };
        const { hits, pit_id: next } = await this.#try((client) =>
          client.search({
            pit,
            size: idsAtOnce,
            track_total_hits: false,
            _source: false,
            query: queryOf(query),
            sort: [{ [idKey]: 'asc' }],
            ...(after && { search_after: after }),
          }),
        );
        id = next ?? id;
        after = hits.hits.at(-1)?.sort;
        if (!after) break;
        yield hits.hits.map(({ _id }) => _id as string);
      }
    } finally {
      await this.#client.closePointInTime({ id }).catch(() => undefined);
    }
  }

  /** Coalesced: whoever asks while one is under way waits for the next, together with all others. */
  async refresh(): Promise<void> {
    if (this.#refreshNext) return this.#refreshNext;
    const before = this.#refreshing;
    const next = (async () => {
      await before?.catch(() => undefined);
      this.#refreshNext = undefined;
      this.#refreshing = this.#try(({ indices }) =>
        indices.refresh({ index: `${this.options.prefix}${family}-*`, ignore_unavailable: true }),
      ).then(() => undefined);
      await this.#refreshing;
    })();
    this.#refreshNext = next;
    return next;
  }

  async purge(): Promise<void> {
    const index = `${this.options.prefix}${family}-*`;
    await this.#try(({ indices }) =>
      indices.forcemerge({ index, only_expunge_deletes: true, ignore_unavailable: true, allow_no_indices: true }),
    );
  }

  async count(index: Index): Promise<number> {
    return (await this.#try((client) => client.count({ index: this.#nameOf(index) }))).count;
  }

  async drop(index: Index): Promise<void> {
    await this.#try(({ indices }) => indices.delete({ index: this.#nameOf(index), ignore_unavailable: true }));
  }

  override async close(): Promise<void> {
    await this.#client.close();
  }

  #aliasOf = ({ type }: Index) => `${this.options.prefix}${family}-${type}`;
  #nameOf = (index: Index) => `${this.#aliasOf(index)}-${versionOf(index, this.options.generation)}`;

  async #try<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#client);
    } catch (error) {
      if (error instanceof errors.ResponseError) {
        const passing = [404, 408, 429, 502, 503, 504].includes(error.statusCode ?? 0);
        if (passing) throw new EngineUnavailable(error.message);
      } else if (error instanceof errors.ElasticsearchClientError) throw new EngineUnavailable(error.message);
      throw error;
    }
  }
}

const family = 'crm';
const writeAliasOf = (name: string) => `${name}.write`;
/** No field is named so: those begin with a letter. */
const idKey = '_record';
const termsKey = '_terms';
/** No key is above. */
const highest = '\u{10ffff}';

/** Another process made it at the same moment. */
const unlessThere = (error: unknown) => {
  if (!(error instanceof errors.ResponseError) || !error.message.includes('resource_already_exists_exception'))
    throw error;
};

/** A flattened field has a key a name, but no wildcards: folded texts stand as `<name>:<text>` in a plain one. */
const openTypes = {
  open: 'flattened',
  open_number: 'flattened',
  open_text: 'keyword',
  open_sort: 'flattened',
} as const;
const named = (name: string, text: string) => `${name}:${text}`;

function stored(keys: Keys): object {
  const { declared, open } = keptKeys(keys);
  const { open_text: texts = {}, ...groups } = open;
  const open_text = Object.entries(texts).flatMap(([name, values]) => [values].flat().map((text) => named(name, text)));
  return { ...declared, ...groups, ...(open_text.length > 0 && { open_text }) };
}

const mappingOf = (index: Index): estypes.MappingTypeMapping => ({
  dynamic: false,
  properties: {
    [idKey]: { type: 'keyword' },
    [termsKey]: { type: 'keyword', doc_values: false },
    doc: { type: 'object', enabled: false },
    ...Object.fromEntries(keyNames(index.fields).map(({ name }) => [name, { type: 'keyword' as const }])),
    ...(index.open && Object.fromEntries(openGroups.map((group) => [group, { type: openTypes[group] }]))),
  },
});

const facetsOf = (fields: readonly string[]): Record<string, estypes.AggregationsAggregationContainer> =>
  Object.fromEntries(
    fields.map((field) => [
      field,
      { terms: { field, size: mostFacetValues, order: [{ _count: 'desc' }, { _key: 'asc' }] } },
    ]),
  );

function queryOf({ plan, condition }: Pick<EngineQuery, 'plan' | 'condition'>): Query {
  const clauses = plan?.clauses ?? [];
  return {
    bool: {
      filter: [dslOf(condition)],
      must: clauses.filter(({ required }) => required).map(clauseOf),
      should: clauses.filter(({ required }) => !required).map(clauseOf),
    },
  };
}

const clauseOf = ({ alternatives }: Clause): Query =>
  alternatives.length === 0
    ? { match_none: {} }
    : { dis_max: { tie_breaker: 0, queries: alternatives.map(alternativeOf) } };

const alternativeOf = ({ score, allOf }: Alternative): Query => ({
  constant_score: { boost: score, filter: { bool: { filter: allOf.map(groupOf) } } },
});

const groupOf = ({ prefix, anyOf }: TermGroup): Query =>
  prefix
    ? { bool: { should: anyOf.map((value) => ({ prefix: { [termsKey]: { value } } })), minimum_should_match: 1 } }
    : { terms: { [termsKey]: [...anyOf] } };

function dslOf(condition: Condition): Query {
  switch (condition.is) {
    case 'all':
      return condition.of.length === 0 ? { match_all: {} } : { bool: { filter: condition.of.map(dslOf) } };
    case 'any':
      return condition.of.length === 0
        ? { match_none: {} }
        : { bool: { should: condition.of.map(dslOf), minimum_should_match: 1 } };
    case 'not':
      return { bool: { must_not: [dslOf(condition.of)] } };
    case 'present':
      return { exists: { field: condition.field } };
    case 'oneOf':
      return { terms: { [condition.field]: [...condition.values] } };
    case 'range': {
      const { field, above: gt, atLeast: gte, below: lt, atMost: lte } = condition;
      const bounds = Object.entries({ gt, gte, lt, lte }).filter(([, bound]) => bound !== undefined);
      // A flattened field wants both.
      const ends = openPartsOf(field)
        ? { ...(gt === undefined && { gte: '' }), ...(lt === undefined && { lte: highest }) }
        : {};
      return { range: { [field]: { ...ends, ...Object.fromEntries(bounds) } } };
    }
    case 'contains': {
      const pattern = `*${condition.text.replace(/[\\*?]/g, '\\$&')}*`;
      const { field, value } = foldedOf(condition.field, pattern);
      return { wildcard: { [field]: { value } } };
    }
    case 'startsWith': {
      const { field, value } = foldedOf(condition.field, condition.text);
      return { prefix: { [field]: { value } } };
    }
  }
}

/** Where a field's folded values are, and what is looked for there. */
function foldedOf(field: string, text: string): { field: string; value: string } {
  const open = openPartsOf(folded(field));
  return open ? { field: open.group, value: named(open.name, text) } : { field: folded(field), value: text };
}
