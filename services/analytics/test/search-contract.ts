import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { analyseQuery, matches } from '@throughline/language';
import fc from 'fast-check';
import { allOf, everything, inOrder, meets, not, type Condition, type Keys } from '../src/search/condition.ts';
import type { EngineQuery, SearchEngine, Sort } from '../src/search/search-engine.ts';
import { indexed, keyOf, numberKey, sortKeyOf, type SearchIndex } from '../src/search/search-index.ts';

type Doc = {
  id: string;
  name?: string;
  emails?: string[];
  phones?: string[];
  notes?: string;
  code?: string;
  city?: string;
  source?: string;
  tags?: string[];
  revenue?: { amount: string; currency: string };
  orders?: number;
  born?: string;
  seenAt?: string;
  archived?: boolean;
  own?: Record<string, unknown>;
};

const people: SearchIndex<Doc> = {
  type: 'people',
  version: 1,
  fields: {
    id: { type: 'keyword' },
    name: { type: 'text', often: 'asc' },
    city: { type: 'text', facet: true },
    source: { type: 'keyword', facet: true },
    code: { type: 'keyword' },
    tags: { type: 'tags', facet: true },
    revenue: { type: 'money', often: 'desc' },
    orders: { type: 'number' },
    born: { type: 'date' },
    seenAt: { type: 'instant', often: 'desc' },
    archived: { type: 'boolean', facet: true },
  },
  open: ({ own }) => own,
  search: ({ name, emails, phones, notes, code }) => ({
    name: name ? [name] : [],
    email: emails,
    phone: phones,
    text: notes ? [notes] : [],
    code: code ? [code] : [],
  }),
  country: () => 'CN',
};

/** As it is asked once fields were defined that the index was made without. */
const asked: SearchIndex<Doc> = {
  ...people,
  fields: {
    ...people.fields,
    'open.colour': { type: 'text', facet: true },
    'open.kinds': { type: 'tags', facet: true },
    'open.fits': { type: 'boolean', facet: true },
    'open_number.size': { type: 'number' },
  },
};

/** What every engine has to answer, computed over all documents: the definition that they are held against. */
function reference(docs: readonly Doc[], { plan, condition, sort }: EngineQuery): { id: string; score: number }[] {
  const rows = docs.flatMap((doc) => {
    const { terms, keys } = indexed(people, doc);
    const { matched, score } = plan ? matches(terms, plan) : { matched: true, score: 0 };
    return matched && meets(keys, condition) ? [{ id: doc.id, score, keys }] : [];
  });
  const byKeys = (a: Keys, b: Keys) => {
    for (const { field, descending } of sort) {
      const key = sortKeyOf(asked.fields[field]!.type, field);
      const [one, other] = [a[key] as string | undefined, b[key] as string | undefined];
      if (one === undefined || other === undefined) {
        if (one !== other) return one === undefined ? 1 : -1;
        continue;
      }
      const order = inOrder(one, other);
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  };
  return rows
    .sort((a, b) => (sort.length > 0 ? byKeys(a.keys, b.keys) : b.score - a.score) || inOrder(a.id, b.id))
    .map(({ id, score }) => ({ id, score }));
}

/** The names that the search was promised with. */
const directory: Doc[] = [
  {
    id: 'zhangsan',
    name: '张三',
    emails: ['zhang.san@example.cn'],
    phones: ['+8613800138000'],
    source: 'web',
    tags: ['vip', 'b2b'],
    revenue: { amount: '100.10', currency: 'CNY' },
    orders: 3,
    born: '1980-05-17',
    seenAt: '2026-03-01T08:00:00.000Z',
    archived: false,
    city: '上海',
  },
  {
    id: 'lisi',
    name: '李四',
    emails: ['li@other.example'],
    source: 'shop',
    tags: ['vip'],
    revenue: { amount: '-5', currency: 'CNY' },
    orders: 0,
    seenAt: '2026-03-02T08:00:00.000Z',
    archived: true,
    city: '北京',
  },
  {
    id: 'zoe',
    name: 'Zoë',
    emails: ['zoe@hostmail.com'],
    phones: ['+14155550199'],
    source: 'web',
    revenue: { amount: '1234567890123.123456', currency: 'EUR' },
    orders: 12,
    born: '1979-12-31',
    archived: false,
    city: 'Zürich',
  },
  {
    id: 'john',
    name: 'John Smith',
    source: 'web',
    tags: [],
    orders: 5,
    seenAt: '2026-02-01T00:00:00.000Z',
    archived: false,
    city: 'zurich',
  },
  { id: 'abc', name: 'ABC 贸易', code: 'C-000123', notes: 'likes 100% cotton_shirts\\*?', archived: false },
  { id: 'taiwan', name: '台湾电子', revenue: { amount: '0', currency: 'CNY' }, archived: false },
  { id: 'nobody' },
];

const search = (q: string, rest: Partial<EngineQuery> = {}): EngineQuery => ({
  plan: analyseQuery(q),
  condition: everything,
  sort: [],
  limit: 50,
  facets: [],
  ...rest,
});
const list = (sort: Sort[] = [], condition: Condition = everything, rest: Partial<EngineQuery> = {}): EngineQuery => ({
  condition,
  sort,
  limit: 50,
  facets: [],
  ...rest,
});

/** The suite that every engine passes. */
export function searchContract(name: string, open: () => Promise<{ engine: SearchEngine; end: () => Promise<void> }>) {
  describe(`search in ${name}`, () => {
    let engine: SearchEngine;
    let end: () => Promise<void>;
    let revision = 0;
    let docs: readonly Doc[] = [];

    beforeAll(async () => {
      ({ engine, end } = await open());
    });
    afterAll(async () => {
      await engine.drop(people);
      await end();
    });

    /** These and no others. */
    const hold = async (wanted: readonly Doc[]) => {
      await engine.ensure(people);
      revision += 1;
      const gone = docs.filter(({ id }) => !wanted.some((doc) => doc.id === id));
      await engine.bulk(people, [
        ...wanted.map((doc) => ({ id: doc.id, rev: revision, doc })),
        ...gone.map(({ id }) => ({ id, rev: revision, doc: undefined })),
      ]);
      await engine.refresh();
      docs = wanted;
    };
    const ids = async (query: EngineQuery) => (await engine.query(asked, query)).hits.map(({ id }) => id);
    const walk = async (query: EngineQuery) => {
      const pages: { id: string; score: number }[] = [];
      for (let after = query.after; ;) {
        const { hits, next } = await engine.query(asked, { ...query, after });
        pages.push(...hits.map(({ id, score }) => ({ id, score })));
        if (!next) return pages;
        after = JSON.parse(JSON.stringify(next));
      }
    };

    it.each([
      ['张', 'zhangsan'],
      ['zhang san', 'zhangsan'],
      ['zs', 'zhangsan'],
      ['zhangs', 'zhangsan'],
      ['张 三', 'zhangsan'],
      ['example.cn', 'zhangsan'],
      ['8000', 'zhangsan'],
      ['138 0013', 'zhangsan'],
      ['zoe', 'zoe'],
      ['hostmail', 'zoe'],
      ['0199', 'zoe'],
      ['Jonh', 'john'],
      ['ＡＢＣ', 'abc'],
      ['C-123', 'abc'],
      ['cotton', 'abc'],
      ['臺灣', 'taiwan'],
    ])('finds %s', async (q, id) => {
      await hold(directory);
      expect(await ids(search(q))).toEqual([id]);
    });

    it('finds nothing where a word is nowhere', async () => {
      expect(await ids(search('zhang qqqqq'))).toEqual([]);
    });

    it('lists everything for a query without letters, by id', async () => {
      expect(await ids(search(' … '))).toEqual(directory.map(({ id }) => id).sort());
    });

    it('answers with the documents, untouched', async () => {
      const { hits } = await engine.query(people, search('zoe'));
      expect(hits).toEqual([{ id: 'zoe', score: expect.any(Number), doc: directory[2] }]);
    });

    it('sorts names by pinyin among Latin ones, and puts those without one last in either direction', async () => {
      const named = ['abc', 'john', 'lisi', 'taiwan', 'zhangsan', 'zoe'];
      expect(await ids(list([{ field: 'name', descending: false }]))).toEqual([...named, 'nobody']);
      expect(await ids(list([{ field: 'name', descending: true }]))).toEqual([...named.toReversed(), 'nobody']);
    });

    it('compares amounts exactly, negative ones too', async () => {
      const by = (descending: boolean) => ids(list([{ field: 'revenue', descending }]));
      expect((await by(true)).slice(0, 4)).toEqual(['zoe', 'zhangsan', 'taiwan', 'lisi']);
      expect((await by(false)).slice(0, 4)).toEqual(['lisi', 'taiwan', 'zhangsan', 'zoe']);
      const below = { is: 'range', field: 'revenue', below: numberKey('1234567890123.123457')! } as const;
      const from = { ...below, below: undefined, atLeast: numberKey('1234567890123.123456')! };
      expect(await ids(list([], below))).toEqual(['lisi', 'taiwan', 'zhangsan', 'zoe']);
      const { below: _, ...atLeast } = from;
      expect(await ids(list([], atLeast))).toEqual(['zoe']);
    });

    it('counts facets, the commonest first, within the whole query', async () => {
      const { facets } = await engine.query(
        people,
        list([], everything, { facets: ['source', 'tags', 'archived'], limit: 1 }),
      );
      expect(facets).toEqual({
        source: [
          { value: 'web', count: 3 },
          { value: 'shop', count: 1 },
        ],
        tags: [
          { value: 'vip', count: 2 },
          { value: 'b2b', count: 1 },
        ],
        archived: [
          { value: 'false', count: 5 },
          { value: 'true', count: 1 },
        ],
      });
      const found = await engine.query(people, search('zhang', { facets: ['tags'] }));
      expect(found.facets['tags']).toEqual([
        { value: 'b2b', count: 1 },
        { value: 'vip', count: 1 },
      ]);
    });

    it('takes wildcards and quotes in a filter for what they are', async () => {
      const contains = (field: string, text: string): Condition => ({ is: 'contains', field, text });
      await hold([
        { id: 'a', name: '100% cotton_shirts', source: "o'b\\c" },
        { id: 'b', name: '100x cottonxshirts', source: 'o' },
        { id: 'c', name: 'what*? "quoted"', source: '*' },
      ]);
      expect(await ids(list([], contains('name', '0% c')))).toEqual(['a']);
      expect(await ids(list([], contains('name', 'n_s')))).toEqual(['a']);
      expect(await ids(list([], contains('name', '*?')))).toEqual(['c']);
      expect(await ids(list([], contains('name', '"q')))).toEqual(['c']);
      expect(await ids(list([], contains('source', "'b\\")))).toEqual(['a']);
      expect(await ids(list([], { is: 'startsWith', field: 'source', text: '*' }))).toEqual(['c']);
      expect(await ids(list([], { is: 'oneOf', field: 'source', values: ["o'b\\c"] }))).toEqual(['a']);
    });

    it('keeps a document that holds what no database takes', async () => {
      await hold([{ id: 'odd', name: 'Odd\u0000 \ud800one', notes: 'half \udc00' }]);
      expect(await ids(search('odd one'))).toEqual(['odd']);
    });

    it('lets no older revision overwrite or bring back a newer one', async () => {
      await hold([]);
      const base = revision + 10;
      await engine.bulk(people, [{ id: 'x', rev: base, doc: { id: 'x', name: 'new' } as Doc }]);
      await engine.bulk(people, [{ id: 'x', rev: base - 1, doc: { id: 'x', name: 'old' } as Doc }]);
      await engine.bulk(people, [{ id: 'y', rev: base, doc: undefined }]);
      await engine.bulk(people, [{ id: 'y', rev: base - 1, doc: { id: 'y', name: 'back' } as Doc }]);
      await engine.refresh();
      const { hits } = await engine.query(people, list());
      expect(hits.map(({ doc }) => doc)).toEqual([{ id: 'x', name: 'new' }]);
      expect(await engine.count(people)).toBe(1);
      revision = base;
      docs = [{ id: 'x' }];
      await hold([]);
      expect(await engine.count(people)).toBe(0);
    });

    it('walks all pages once while documents that were there change', async () => {
      const many = Array.from({ length: 40 }, (_, i): Doc => ({
        id: `p${String(i).padStart(2, '0')}`,
        name: `名${i % 7}`,
        orders: i % 3,
      }));
      await hold(many);
      const seen: string[] = [];
      const query = list([{ field: 'name', descending: true }], everything, { limit: 7 });
      for (let after: EngineQuery['after']; ;) {
        const { hits, next, total } = await engine.query(people, { ...query, after });
        expect(total).toEqual({ value: 40, exact: true });
        seen.push(...hits.map(({ id }) => id));
        await hold(docs.map((doc) => ({ ...doc, orders: (doc.orders ?? 0) + 1 })));
        if (!next) break;
        after = next;
      }
      expect(seen.toSorted()).toEqual(many.map(({ id }) => id));
    });

    it('gives every id that a query finds, as of the moment when it was asked', async () => {
      const many = Array.from({ length: 12_000 }, (_, i): Doc => ({
        id: `p${String(i).padStart(5, '0')}`,
        name: '王伟',
        orders: i % 2,
      }));
      await hold(many);
      const isOdd: Condition = { is: 'oneOf', field: 'orders', values: [numberKey('1') as string] };
      const query = { plan: analyseQuery('wang'), condition: isOdd };
      const seen: string[] = [];
      for await (const page of engine.ids(people, query)) {
        if (seen.length === 0) await hold(many.slice(0, 10));
        seen.push(...page);
      }
      expect(seen).toEqual(many.flatMap(({ id, orders }) => (orders === 1 ? [id] : [])));
      const left: string[] = [];
      for await (const page of engine.ids(people, query)) left.push(...page);
      expect(left).toEqual(['p00001', 'p00003', 'p00005', 'p00007', 'p00009']);
      for await (const page of engine.ids(people, { condition: not(everything) })) expect(page).toBe('nothing');
    });

    it('builds an index of a new version beside the one that is asked, then switches', async () => {
      await hold(directory);
      await engine.publish(people);
      const next = { ...people, version: 2 };
      expect((await engine.ensure(people)).published).toBe(true);
      expect((await engine.ensure(next)).published).toBe(false);
      await engine.bulk(next, [{ id: 'zoe', rev: 1, doc: directory[2]! }]);
      await engine.refresh();
      expect((await engine.query(next, list())).hits).toHaveLength(directory.length);
      await engine.publish(next);
      expect((await engine.query(next, list())).hits).toHaveLength(1);
      await engine.drop(next);
      docs = [];
    });

    it('finds, sorts and counts by fields that were defined after the index was made', async () => {
      await hold([
        { id: 'a', own: { colour: '深红 50%', kinds: ['x', 'y'], size: 3 } },
        { id: 'b', own: { colour: 'Blue', kinds: ['y'], size: -20 } },
        { id: 'c', own: { colour: 7, size: 'large' } },
      ]);
      expect(await ids(list([], { is: 'contains', field: 'open.colour', text: '红 50%' }))).toEqual(['a']);
      expect(await ids(list([], { is: 'oneOf', field: 'open.kinds', values: ['y'] }))).toEqual(['a', 'b']);
      expect(await ids(list([], { is: 'range', field: 'open_number.size', below: numberKey('0')! }))).toEqual(['b']);
      expect(await ids(list([], not({ is: 'present', field: 'open.colour' })))).toEqual(['c']);
      expect(await ids(list([{ field: 'open.colour', descending: false }]))).toEqual(['b', 'a', 'c']);
      expect(await ids(list([{ field: 'open_number.size', descending: true }]))).toEqual(['a', 'b', 'c']);
      const { facets } = await engine.query(asked, list([], everything, { facets: ['open.kinds'] }));
      expect(facets['open.kinds']).toEqual([
        { value: 'y', count: 2 },
        { value: 'x', count: 1 },
      ]);
    });

    it('agrees with the definition on ids, scores, order and facets, whatever is asked', async () => {
      await fc.assert(
        fc.asyncProperty(someDocs, fc.array(someQuery, { minLength: 12, maxLength: 12 }), async (wanted, queries) => {
          await hold(wanted);
          for (const query of queries) {
            const expected = reference(wanted, query);
            const found = await walk(query);
            // Nobody scores what is not searched for.
            expect(query.plan ? found : found.map(({ id }) => ({ id, score: 0 }))).toEqual(expected);
            const { total, facets } = await engine.query(asked, query);
            expect(total).toEqual({ value: expected.length, exact: true });
            expect(facets).toEqual(facetsOf(wanted, expected, query.facets));
          }
        }),
        { numRuns: Number(process.env['SEARCH_RUNS'] ?? 15) },
      );
    }, 120_000);
  });
}

function facetsOf(docs: readonly Doc[], found: readonly { id: string }[], fields: readonly string[]) {
  const all = found.map(
    ({ id }) =>
      indexed(
        people,
        docs.find((doc) => doc.id === id)!,
      ).keys,
  );
  return Object.fromEntries(
    fields.map((field) => {
      const counts = new Map<string, number>();
      for (const value of all.flatMap((keys) => keys[field] ?? [])) counts.set(value, (counts.get(value) ?? 0) + 1);
      const rows = [...counts].map(([value, count]) => ({ value, count }));
      return [field, rows.sort((a, b) => b.count - a.count || inOrder(a.value, b.value))];
    }),
  );
}

const names = [
  '张三',
  '張三丰',
  '李四',
  '欧阳修',
  'Zoë',
  'zoe',
  'John Smith',
  'Jon Smyth',
  'ＡＢＣ 公司',
  '臺灣電子',
  '𠮷野家',
  '\u{1f600}',
  'Łukasz',
  'a',
];
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const amounts = ['0', '-0.5', '0.1', '0.10000001', '99999999999999.99', '-3', '12.5', '1000', '999.999999'];
const days = ['1979-12-31', '1980-01-01', '2026-02-28'];
const moments = ['2026-02-28T23:59:59.999Z', '2026-03-01T00:00:00.000Z', '2026-03-01T00:00:00Z'];
const cities = ['上海', '上海市', 'Zürich', 'zurich', 'Ａ', '100%', '\u{10fffd}z', '\ue000'];
const sources = ['web', 'Web', 'shop', '小红书', '𠮷', '\uff5e'];
const tags = ['vip', 'VIP', 'b2b', '重点', '𠮷'];

const someDoc = fc.record({
  name: maybe(fc.constantFrom(...names)),
  emails: maybe(fc.constantFrom(['zhang.san@example.cn'], ['zoe@hostmail.com', 'z@a.example'])),
  phones: maybe(fc.constantFrom(['+8613800138000'], ['02112345678'])),
  notes: maybe(fc.constantFrom('talks about 张三', 'John asked for 12-3 boxes', 'x')),
  code: maybe(fc.constantFrom('C-000123', 'AB12', '12-3')),
  city: maybe(fc.constantFrom(...cities)),
  source: maybe(fc.constantFrom(...sources)),
  tags: maybe(fc.uniqueArray(fc.constantFrom(...tags))),
  revenue: maybe(fc.constantFrom(...amounts).map((amount) => ({ amount, currency: 'CNY' }))),
  orders: maybe(fc.integer({ min: -2, max: 3 })),
  born: maybe(fc.constantFrom(...days)),
  seenAt: maybe(fc.constantFrom(...moments)),
  archived: maybe(fc.boolean()),
  own: maybe(
    fc.record(
      {
        colour: fc.constantFrom(...cities),
        kinds: fc.uniqueArray(fc.constantFrom(...tags)),
        fits: fc.boolean(),
        size: fc.constantFrom(-2, 0, 0.5, 12),
        nested: fc.constant({ is: ['kept'] }),
        'not a name.at:all': fc.constant('x'),
      },
      { requiredKeys: [] },
    ),
  ),
});
const someDocs: fc.Arbitrary<Doc[]> = fc.array(someDoc, { minLength: 1, maxLength: 25 }).map((docs) =>
  docs.map((doc, i) => {
    const given = Object.entries(doc).filter(([, value]) => value !== undefined);
    return { id: `${'abcdefg'[i % 7]}${i}`, ...Object.fromEntries(given) } as Doc;
  }),
);

const valuesOf: Record<string, readonly unknown[]> = {
  name: names,
  city: cities,
  source: sources,
  tags,
  revenue: amounts.map((amount) => ({ amount })),
  orders: [-2, 0, 1, 3],
  born: days,
  seenAt: moments,
  archived: [true, false],
  'open.colour': cities,
  'open.kinds': tags,
  'open.fits': [true, false],
  'open_number.size': [-2, 0, 0.5, 12],
};
const isMany = (field: string) => asked.fields[field]!.type === 'tags';
const someKey = fc
  .constantFrom(...Object.keys(valuesOf))
  .chain((field) =>
    fc.constantFrom(...valuesOf[field]!).map((value) => ({ field, key: keyOf(asked.fields[field]!.type, value)! })),
  );
const someText = fc.constantFrom('张', '上海', 'zu', 'z', 'web', 'v', '%', '市', '吉', '𠮷', 'smith', 'j');
const leaf: fc.Arbitrary<Condition> = fc.oneof(
  someKey.map(({ field, key }): Condition => ({ is: 'oneOf', field, values: [key] })),
  fc
    .array(fc.constantFrom(...tags), { maxLength: 3 })
    .map((values): Condition => ({ is: 'oneOf', field: 'tags', values })),
  someKey.map(({ field }): Condition => ({ is: 'present', field })),
  fc
    .tuple(someKey, fc.constantFrom('above', 'atLeast', 'below', 'atMost'))
    .filter(([{ field }]) => !isMany(field))
    .map(([{ field, key }, bound]): Condition => ({ is: 'range', field, [bound]: key })),
  fc
    .tuple(
      fc.constantFrom('name', 'city', 'source', 'tags', 'open.colour', 'open.kinds'),
      someText,
      fc.constantFrom('contains', 'startsWith'),
    )
    .map(([field, text, is]) => ({ is, field, text }) as Condition),
);
const someCondition: fc.Arbitrary<Condition> = fc.letrec<{ one: Condition }>((tie) => ({
  one: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('one'), { maxLength: 3 }).map((of): Condition => ({ is: 'all', of })),
    fc.array(tie('one'), { maxLength: 3 }).map((of): Condition => ({ is: 'any', of })),
    tie('one').map(not),
    fc.tuple(tie('one'), tie('one')).map(([a, b]) => allOf(a, b)),
  ),
})).one;
const someWords = fc.constantFrom(
  '',
  '张',
  'zhang',
  'zs',
  'zhang san',
  'zoe',
  'Jonh',
  'john smith',
  'abc',
  '臺灣',
  'example',
  'hostmail.com',
  '8000',
  '138',
  'c-123',
  '12-3',
  '12',
  'a',
  '吉',
  'x',
  'smyth jon',
  '阳修',
  'z',
  '…',
);
const someQuery: fc.Arbitrary<EngineQuery> = fc.record({
  plan: maybe(someWords.map(analyseQuery)),
  condition: fc.oneof(fc.constant(everything), someCondition),
  sort: fc
    .uniqueArray(fc.constantFrom(...Object.keys(asked.fields).filter((field) => !isMany(field) && field !== 'code')), {
      maxLength: 2,
    })
    .chain((fields) => fc.tuple(...fields.map((field) => fc.boolean().map((descending) => ({ field, descending }))))),
  limit: fc.constantFrom(1, 3, 50),
  facets: fc.uniqueArray(
    fc.constantFrom('city', 'source', 'tags', 'archived', 'open.colour', 'open.kinds', 'open.fits'),
  ),
});
