import { describe, expect, it } from '@jest/globals';
import {
  builtInSurvivorship,
  type CustomerEvent,
  type CustomerFields,
  type RecordedOf,
  type SurvivorshipRules,
} from '@throughline/contracts';
import { Refusal, type DecideContext } from '@throughline/event-sourcing';
import fc from 'fast-check';
import {
  decideForGroup,
  groupBefore,
  groupOf,
  mergeGroups,
  partOf,
  shownGroup,
  unmergeRecord,
  type Decided,
  type Group,
  type Part,
} from './customer-group.ts';
import { noFields } from '../field/field-set.ts';
import type { CustomerInput } from './customer-fields.ts';
import { customer } from './customer.ts';
import { builtInRules, type CustomerRules } from './customer-rules.ts';

const context = { now: '2026-02-01T00:00:00.000Z', entry: 'person', rules: builtInRules } as const;

/** Customers' records in memory: what the store does, without the store. */
class Records {
  readonly #events = new Map<string, RecordedOf<CustomerEvent>[]>();
  #position = 0;

  constructor(private readonly deciding: DecideContext<CustomerRules> = context) {}

  append(decided: Decided): void {
    for (const [id, events] of decided) for (const event of events) this.#append(id, event);
  }

  #append(id: string, { type, ...data }: CustomerEvent): void {
    const past = this.#events.get(id) ?? [];
    this.#events.set(id, past);
    const position = (this.#position += 1);
    const at = new Date(Date.UTC(2026, 0, 1) + position * 1_000).toISOString();
    past.push({
      id: `event-${position}`,
      type,
      data,
      position,
      stream: { type: 'customer', id, version: past.length + 1 },
      occurredAt: at,
      effectiveAt: at,
    } as unknown as RecordedOf<CustomerEvent>);
  }

  create(id: string, fields: CustomerInput): void {
    this.append(
      new Map([[id, customer.decide(customer.initial, { type: 'CreateCustomer', number: id, fields }, this.deciding)]]),
    );
  }

  /** A source speaks of its own record, merged or not. */
  said(id: string, fields: CustomerFields): void {
    this.#append(id, { type: 'CustomerDetailsChanged', ...fields, emailsReserved: false });
  }

  group(id: string): Group {
    const parts = new Map([...this.#events].map(([one, events]) => [one, partOf(one, events) as Part]));
    const named = parts.get(id) as Part;
    return groupOf(parts.get(named.state.goldenId ?? id) as Part, parts);
  }

  change(id: string, changes: CustomerInput): void {
    this.append(decideForGroup(this.group(id), { type: 'ChangeCustomer', changes }, this.deciding));
  }

  merge(ids: readonly [string, ...string[]], picks = {}, rules: SurvivorshipRules = builtInSurvivorship): void {
    const groups = new Map(ids.map((id) => [this.group(id)[0].id, this.group(id)]));
    this.append(
      mergeGroups([...groups.values()] as unknown as [Group, ...Group[]], {
        type: 'MergeCustomers',
        mergeId: `merge-${this.#position}`,
        picks,
        rules,
        fieldSet: noFields,
      }),
    );
  }

  unmerge(recordId: string, move: (keyof CustomerFields)[] = []): void {
    const command = { type: 'UnmergeCustomer', mergeId: `unmerge-${this.#position}`, recordId, move } as const;
    this.append(unmergeRecord(this.group(recordId), command));
  }

  shown(id: string): Record<string, unknown> {
    return { ...shownGroup(this.group(id)) };
  }

  /** What the record would be had it never been merged with any other. */
  alone(id: string): Record<string, unknown> {
    const merging = /^Customers?(Merged|Absorbed|Unmerged|Released)$/;
    const events = (this.#events.get(id) ?? []).filter(({ type }) => !merging.test(type));
    return { ...shownGroup([partOf(id, events) as Part]) };
  }
}

const mail = (value: string) => ({ value });

describe('a customer of several records', () => {
  const merged = () => {
    const records = new Records();
    records.create('a', { name: '王伟', title: '经理', emails: [mail('a@x.cn')], tags: ['vip'], source: 'shop' });
    records.create('b', {
      name: 'Wang Wei',
      department: '采购',
      emails: [mail('b@x.cn')],
      tags: ['vip', 'b2b'],
    } as never);
    records.merge(['a', 'b']);
    return records;
  };

  it('has the survivor’s values, what only the other knows, and every entry of the lists once', () => {
    expect(merged().shown('b')).toMatchObject({
      number: 'a',
      name: '王伟',
      title: '经理',
      department: '采购',
      emails: [mail('a@x.cn'), mail('b@x.cn')],
      tags: ['vip', 'b2b'],
    });
  });

  it('claims of its values what none of its records claims already', () => {
    const rule = { kind: 'unique', message: { zh: '不行', en: 'No.' } } as const;
    const rules = {
      ...builtInRules,
      ruleSet: {
        rules: [
          { ...rule, id: 'mail', field: 'emails' },
          { ...rule, id: 'title', field: 'title' },
        ],
      },
    };
    const records = new Records({ ...context, rules });
    records.create('a', { name: 'a', emails: [mail('a@x.cn')], title: 'CEO' });
    records.create('b', { name: 'b', emails: [mail('b@x.cn')] });
    records.merge(['a', 'b']);
    records.change('b', { emails: ['a@x.cn', 'b@x.cn', 'c@x.cn'].map(mail) });
    const claims = records
      .group('a')
      .map(({ state }) => customer.claims?.(state).filter((one) => one.startsWith('value:')));
    expect(claims).toEqual([
      ['value:title:title:ceo', 'value:mail:emails:a@x.cn', 'value:mail:emails:c@x.cn'],
      ['value:mail:emails:b@x.cn'],
    ]);
  });

  it('likes and is offered what any of its records says, once', () => {
    const records = new Records();
    const rival = { name: '山间', product: '绿茶' };
    records.create('a', { name: 'a', hobbies: ['Hiking'], productInterests: ['龙井'], competitors: [rival] });
    records.create('b', { name: 'b', hobbies: ['hiking', '书法'], competitors: [rival, { name: '山间' }] });
    records.merge(['a', 'b']);
    expect(records.shown('a')).toMatchObject({
      hobbies: ['Hiking', '书法'],
      productInterests: ['龙井'],
      competitors: [rival, { name: '山间' }],
    });
  });

  it('takes the value that somebody picked, until it is changed', () => {
    const records = new Records();
    records.create('a', { name: '王伟' });
    records.create('b', { name: '王玮' });
    records.merge(['a', 'b'], { name: 'b' });
    expect(records.shown('a')['name']).toBe('王玮');
    records.said('b', { name: '王炜' });
    expect(records.shown('a')['name']).toBe('王炜');
    records.change('a', { name: '王薇' });
    expect(records.shown('a')['name']).toBe('王薇');
  });

  it('takes what a customer showed that was picked, also the survivor of earlier merges, as long as the merge stands', () => {
    const records = new Records();
    records.create('a', { name: 'a', title: '经理', tags: ['a'], custom: { num: 1 } });
    records.create('b', { name: 'b', title: '总监', industry: '零售', tags: ['b'], custom: { num: 2, lvl: 'gold' } });
    records.create('c', { name: 'c', title: 'CEO', industry: '制造', tags: ['c'], custom: { num: 3, lvl: 'silver' } });
    const latest: SurvivorshipRules = { rules: { industry: 'latest', custom: 'latest', tags: 'all' } };
    records.merge(['a', 'b'], { title: 'b' }, latest);
    const { title, industry, tags, custom } = records.shown('a');
    expect({ title, industry, tags, custom }).toEqual({
      title: '总监',
      industry: '零售',
      tags: ['a', 'b'],
      custom: { num: 2, lvl: 'gold' },
    });
    records.merge(['a', 'c'], { title: 'a', industry: 'a', tags: 'a', custom: 'a' }, latest);
    expect(records.shown('a')).toMatchObject({ title, industry, tags, custom });
    records.said('b', { industry: '电商' });
    expect(records.shown('a')['industry']).toBe('电商');
    records.unmerge('c');
    records.merge(['a', 'c'], {}, latest);
    expect(records.shown('a')).toMatchObject({ title, industry: '电商', tags: ['a', 'b', 'c'], custom: { num: 3 } });
    records.unmerge('b');
    records.merge(['a', 'b'], {}, latest);
    expect(records.shown('a')['title']).toBe('经理');
  });

  it('follows the rule of each field', () => {
    const records = new Records();
    records.create('a', { name: '王', source: 'web', industry: '制造', title: 'CEO' });
    records.create('b', { name: '王伟明', source: 'fair', industry: '零售' });
    records.merge(
      ['b', 'a'],
      {},
      {
        rules: { name: 'longest', source: 'earliest', industry: 'latest', title: 'latest' },
      },
    );
    records.said('a', { industry: '电商' });
    expect(records.shown('b')).toMatchObject({ name: '王伟明', source: 'web', industry: '电商', title: 'CEO' });
  });

  describe('has fields of the installation’s own', () => {
    const own = () => {
      const records = new Records();
      records.create('a', { name: 'a', custom: { num: 1, ok: true } });
      records.create('b', { name: 'b', custom: { num: 2, lvl: 'gold' } });
      return records;
    };
    const custom = (records: Records, of = 'a') => records.shown(of)['custom'];

    it('each for itself, from whichever record says it', () => {
      const records = own();
      records.merge(['a', 'b']);
      expect(custom(records)).toEqual({ num: 1, ok: true, lvl: 'gold' });
      records.unmerge('b');
      expect([custom(records), custom(records, 'b')]).toEqual([
        { num: 1, ok: true },
        { num: 2, lvl: 'gold' },
      ]);
    });

    it('as somebody picked them, and by the rule of each merge', () => {
      const picked = own();
      picked.merge(['a', 'b'], { 'custom.num': 'b' });
      expect(custom(picked)).toEqual({ num: 2, ok: true, lvl: 'gold' });
      const latest = own();
      latest.merge(['a', 'b'], {}, { rules: { custom: 'latest' } });
      expect(custom(latest)).toEqual({ num: 2, ok: true, lvl: 'gold' });
    });

    it('that leave nothing behind of others where one is changed, cleared or goes along', () => {
      const records = own();
      records.merge(['a', 'b']);
      records.change('a', { custom: { ok: false, lvl: null } });
      expect(custom(records)).toEqual({ num: 1, ok: false });
      records.said('b', { custom: { num: 2, lvl: 'silver' } });
      expect(custom(records)).toEqual({ num: 1, ok: false, lvl: 'silver' });
      records.unmerge('b', ['custom']);
      expect([custom(records), custom(records, 'b')]).toEqual([
        { num: 1, ok: true },
        { num: 2, ok: false },
      ]);
    });
  });

  it('keeps cleared what was cleared after the merge, until the source says something new', () => {
    const records = merged();
    records.change('a', { department: null as never, emails: [mail('a@x.cn')] });
    expect(records.shown('a')).not.toHaveProperty('department');
    expect(records.shown('a')['emails']).toEqual([mail('a@x.cn')]);
    records.said('b', { department: '销售' });
    expect(records.shown('a')['department']).toBe('销售');
  });

  it('writes only what differs from what is shown', () => {
    const records = merged();
    const before = records.group('a').flatMap(({ events }) => events).length;
    records.change('a', { department: '采购', tags: ['vip', 'b2b'] });
    expect(records.group('a').flatMap(({ events }) => events)).toHaveLength(before);
  });

  it('was several before, and can be looked at as it was', () => {
    const records = merged();
    const mergedAt = records.group('a')[0].record.members[0]?.position as number;
    expect(shownGroup(groupBefore(records.group('a'), mergedAt) as Group)).toEqual(records.alone('a'));
  });

  it('gives a changed field to the record that is taken out, where that is wanted', () => {
    const records = merged();
    records.change('a', { title: '总监', department: '市场' });
    records.unmerge('b', ['title']);
    expect(records.shown('a')).toMatchObject({ title: '经理', department: '市场' });
    expect(records.shown('b')).toMatchObject({ title: '总监', department: '采购' });
  });

  it('cannot give away what was not changed, nor take out what is not in it', () => {
    const records = merged();
    expect(() => records.unmerge('b', ['title'])).toThrow(Refusal);
    records.unmerge('b');
    expect(() => records.unmerge('b')).toThrow(Refusal);
  });

  it('does not become one with a company', () => {
    const records = new Records();
    records.create('a', { name: '王伟', kind: 'person' });
    records.create('b', { name: '王伟公司', kind: 'company' });
    expect(() => records.merge(['a', 'b'])).toThrow(expect.objectContaining({ code: 'different-kinds' }));
  });

  it('takes out a record of its own that had been merged before, with what belongs to it', () => {
    const records = new Records();
    for (const id of ['a', 'b', 'c']) records.create(id, { name: id, tags: [id] });
    records.merge(['b', 'c']);
    records.merge(['a', 'b']);
    expect(records.shown('c')['tags']).toEqual(['a', 'b', 'c']);
    records.unmerge('b');
    expect(records.shown('a')['tags']).toEqual(['a']);
    expect(records.shown('c')).toMatchObject({ name: 'b', tags: ['b', 'c'] });
  });
});

const ids = ['a', 'b', 'c', 'd', 'e'] as const;
const id = fc.constantFrom(...ids);
const fields = fc.record(
  {
    title: fc.option(fc.constantFrom('经理', 'CEO', '工程师'), { nil: null }),
    industry: fc.option(fc.constantFrom('零售', '制造'), { nil: null }),
    emails: fc.uniqueArray(fc.constantFrom('1@x.cn', '2@x.cn', '3@x.cn')).map((values) => values.map(mail)),
    tags: fc.uniqueArray(fc.constantFrom('vip', 'b2b', '老客户')),
    custom: fc.record(
      { num: fc.constantFrom(1, 2, null), lvl: fc.constantFrom('gold', 'silver', null) },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const step = fc.oneof(
  fc.record({ do: fc.constant('said' as const), id, fields }),
  fc.record({ do: fc.constant('change' as const), id, fields }),
  fc.record({ do: fc.constant('merge' as const), id, with: fc.uniqueArray(id, { minLength: 1, maxLength: 4 }) }),
  fc.record({ do: fc.constant('unmerge' as const), id }),
);

function carriedOut(steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): Records {
  const records = new Records();
  for (const one of ids) records.create(one, { name: one });
  for (const one of steps) {
    if (one.do === 'said') records.said(one.id, one.fields as CustomerFields);
    if (one.do === 'change') records.change(one.id, one.fields as CustomerInput);
    if (one.do === 'merge') records.merge([one.id, ...one.with]);
    if (one.do === 'unmerge' && records.group(one.id).some(({ id: part, state }) => part === one.id && state.into)) {
      records.unmerge(one.id);
    }
  }
  return records;
}

describe('merging, changing and unmerging in any order', () => {
  it('leaves, once all is unmerged, the records as if never merged, with the changes that were made to each', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const records = carriedOut(steps);
        for (const one of ids) if (records.group(one)[0].id !== one) records.unmerge(one);
        for (const one of ids) expect(records.shown(one)).toEqual(records.alone(one));
      }),
    );
  });

  it('keeps every record in one group, without a ring, and shows what the last change said', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), id, fields, (steps, one, changes) => {
        const records = carriedOut(steps);
        const tops = new Set(ids.map((each) => records.group(each)[0].id));
        const all = [...tops].flatMap((top) => records.group(top).map((part) => part.id));
        expect(all.toSorted()).toEqual([...ids]);
        records.change(one, changes as CustomerInput);
        const shown = records.shown(one);
        const { custom = {}, ...others } = changes;
        expect(shown['custom'] ?? {}).toMatchObject(
          Object.fromEntries(Object.entries(custom).filter(([, value]) => value !== null)),
        );
        for (const [field, value] of Object.entries(others)) {
          expect(shown[field] ?? (Array.isArray(value) ? [] : null)).toEqual(value);
        }
      }),
    );
  });
});
