import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { startTestService, type Reply, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const url = (id: string, verb = '') => `/api/customers/${id}${verb && `/${verb}`}`;
const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
const get = (id: string) => service.call('GET', url(id));
const post = (id: string, verb: string, body: object = {}, headers = {}): Promise<Reply> =>
  service.call('POST', url(id, verb), body, headers);
const patch = (id: string, body: object, headers = {}) => service.call('PATCH', url(id), body, headers);

async function twoWangs() {
  const beijing = await create({ name: '王伟', title: '经理', addresses: [{ city: '北京' }], tags: ['vip'] });
  const shanghai = await create({
    name: 'Wang Wei',
    department: '采购',
    emails: [{ value: `wang.${newId()}@example.cn` }],
    tags: ['b2b'],
  });
  return { beijing, shanghai };
}

describe('a merge', () => {
  it('says beforehand what it would make of each field and why, and changes nothing', async () => {
    const { beijing, shanghai } = await twoWangs();
    const { status, body } = await post(beijing.id, 'merge/preview', {
      absorb: [shanghai.id],
      fields: { name: shanghai.id },
    });
    expect(status).toBe(200);
    const field = (name: string) => body.fields.find((one: any) => one.field === name);
    expect(field('name')).toMatchObject({ value: 'Wang Wei', from: [shanghai.id], rule: 'picked', differs: true });
    expect(field('title')).toMatchObject({ value: '经理', from: [beijing.id], rule: 'survivor' });
    expect(field('tags')).toMatchObject({ value: ['vip', 'b2b'], rule: 'all', from: [beijing.id, shanghai.id] });
    expect((await get(shanghai.id)).body.id).toBe(shanghai.id);
  });

  it('takes the value that was picked, or says that the customer of that record has another one', async () => {
    const { beijing, shanghai } = await twoWangs();
    await post(beijing.id, 'merge', { absorb: [shanghai.id] });
    const third = await create({ name: '王大伟' });
    const merge = (fields: object, verb = 'merge') => post(beijing.id, verb, { absorb: [third.id], fields });
    const wrong = { name: shanghai.id, 'custom.level': shanghai.id, title: shanghai.id };
    for (const verb of ['merge/preview', 'merge']) {
      const { status, body } = await merge(wrong, verb);
      expect([status, body.code, body.errors.map(({ path, code }: any) => `${path} ${code}`)]).toEqual([
        422,
        'invalid-merge',
        ['fields.name of-merged-record', 'fields.title of-merged-record'],
      ]);
    }
    const merged = await merge({ name: third.id, department: shanghai.id });
    expect([merged.status, merged.body]).toMatchObject([200, { name: '王大伟', department: '采购' }]);
  });

  it('takes what the survivor showed where it was picked itself, as the preview says', async () => {
    const { beijing, shanghai } = await twoWangs();
    await post(beijing.id, 'merge', { absorb: [shanghai.id], fields: { name: shanghai.id } });
    const third = await create({ name: '王大伟', tags: ['x'] });
    const body = { absorb: [third.id], fields: { name: beijing.id, tags: beijing.id } };
    const preview = await post(beijing.id, 'merge/preview', body);
    const value = (name: string) => preview.body.fields.find(({ field }: any) => field === name).value;
    expect([value('name'), value('tags')]).toEqual(['Wang Wei', ['vip', 'b2b']]);
    expect((await post(beijing.id, 'merge', body)).body).toMatchObject({ name: 'Wang Wei', tags: ['vip', 'b2b'] });
  });

  it('keeps the parts of a name together with it, in the preview, in the answer and in where they come from', async () => {
    const wang = await create({ name: '王小明' });
    const li = await create({ name: 'Li Wei', givenName: 'Wei', familyName: 'Li' });
    const namesIn = ({ name, givenName, familyName }: any) => ({ name, givenName, familyName });
    for (const [fields, names] of [
      [{}, { name: '王小明' }],
      [{ name: li.id }, { name: 'Li Wei', givenName: 'Wei', familyName: 'Li' }],
    ] as const) {
      const body = { absorb: [li.id], fields };
      const preview = await post(wang.id, 'merge/preview', body);
      const values = Object.fromEntries(preview.body.fields.map(({ field, value }: any) => [field, value]));
      expect(namesIn(values)).toEqual(names);
      expect(namesIn((await post(wang.id, 'merge', body)).body)).toEqual(names);
      const provenance = (await service.call('GET', url(wang.id, 'provenance'))).body.fields;
      expect(Object.keys(namesIn(provenance)).filter((name) => provenance[name])).toEqual(Object.keys(names));
      await post(wang.id, 'unmerge', { record: li.id });
    }
    expect((await get(li.id)).body).toMatchObject({ givenName: 'Wei', familyName: 'Li' });
  });

  it('makes one customer, whom each id, number and e-mail finds', async () => {
    const { beijing, shanghai } = await twoWangs();
    const merged = await post(beijing.id, 'merge', { absorb: [shanghai.id], reason: '同一个人' });
    expect(merged.status).toBe(200);
    expect(merged.body).toMatchObject({ id: beijing.id, name: '王伟', department: '采购', tags: ['vip', 'b2b'] });
    expect(merged.body.records.map(({ id }: any) => id)).toEqual([beijing.id, shanghai.id]);
    const email = encodeURIComponent(shanghai.emails[0].value);
    for (const path of [
      url(shanghai.id),
      `/api/customers/by/number/${shanghai.number}`,
      `/api/customers/by/email/${email}`,
    ]) {
      expect((await service.call('GET', path)).body).toEqual(merged.body);
    }
    expect((await get(beijing.id)).headers.get('etag')).toBe(merged.headers.get('etag'));
  });

  it('decides over each of the installation’s own fields for itself, and two people may change two of them', async () => {
    const a = await create({ name: 'a', custom: { num: 1, ok: true } });
    const b = await create({ name: 'a', custom: { num: 2, lvl: 'gold' } });
    const merge = { absorb: [b.id], fields: { 'custom.num': b.id } };
    const { body } = await post(a.id, 'merge/preview', merge);
    expect(body.fields.filter(({ field }: any) => field.startsWith('custom'))).toMatchObject([
      { field: 'custom.num', value: 2, from: [b.id], rule: 'picked', differs: true },
      { field: 'custom.ok', value: true, from: [a.id], rule: 'survivor' },
      { field: 'custom.lvl', value: 'gold', from: [b.id], rule: 'survivor' },
    ]);
    const merged = await post(a.id, 'merge', merge);
    expect(merged.body.custom).toEqual({ num: 2, ok: true, lvl: 'gold' });

    const seen = { 'if-match': merged.headers.get('etag') ?? '' };
    expect((await patch(a.id, { custom: { ok: false } }, seen)).status).toBe(200);
    expect((await patch(a.id, { custom: { lvl: null } }, seen)).body.custom).toEqual({ num: 2, ok: false });
    const refused = await patch(a.id, { custom: { ok: true, num: 3 } }, seen);
    expect(refused).toMatchObject({ status: 412 });
    expect(refused.body.conflicts ?? refused.body.errors).toMatchObject([{ field: 'custom.ok' }]);
    const { fields } = (await service.call('GET', url(a.id, 'provenance'))).body;
    expect(fields['custom.num']).toMatchObject([{ value: 2, recordId: b.id }]);
    expect((await post(a.id, 'unmerge', { record: b.id })).body.custom).toEqual({ num: 1, ok: false });
    expect((await get(b.id)).body.custom).toEqual({ num: 2, lvl: 'gold' });
  });

  it('is made and taken apart only as the caller saw it, where they say what they saw', async () => {
    const { beijing, shanghai } = await twoWangs();
    const seen = { 'if-match': (await get(beijing.id)).headers.get('etag') ?? '' };
    await patch(beijing.id, { title: '总监' });
    const merge = (headers: Record<string, string>) =>
      service.call('POST', url(beijing.id, 'merge'), { absorb: [shanghai.id] }, headers);
    expect(await merge(seen)).toMatchObject({ status: 412, body: { code: 'record-changed' } });
    const now = { 'if-match': (await get(beijing.id)).headers.get('etag') ?? '' };
    expect((await merge(now)).status).toBe(200);
    const unmerge = await service.call('POST', url(beijing.id, 'unmerge'), { record: shanghai.id }, now);
    expect(unmerge).toMatchObject({ status: 412, body: { code: 'record-changed' } });
  });

  it('takes changes through any of its ids, and shows where each value comes from', async () => {
    const { beijing, shanghai } = await twoWangs();
    await post(beijing.id, 'merge', { absorb: [shanghai.id] });
    const changed = await patch(shanghai.id, {
      title: '总监',
      emails: [...shanghai.emails, { value: `new.${newId()}@x.cn` }],
    });
    expect(changed).toMatchObject({ status: 200, body: { id: beijing.id, title: '总监' } });
    expect(changed.body.emails).toHaveLength(2);
    const { fields } = (await service.call('GET', url(beijing.id, 'provenance'))).body;
    expect(fields.title).toMatchObject([{ value: '总监', recordId: beijing.id, actor: { type: 'user' } }]);
    expect(fields.department).toMatchObject([{ value: '采购', recordId: shanghai.id }]);
    expect((await post(beijing.id, 'revert', { fields: ['title'] })).body.title).toBe('经理');
  });

  it('lets a change of another field through and refuses one of the same, whichever record it came from', async () => {
    const { beijing, shanghai } = await twoWangs();
    const etag = (await post(beijing.id, 'merge', { absorb: [shanghai.id] })).headers.get('etag') as string;
    await patch(beijing.id, { department: '市场' });
    expect((await patch(beijing.id, { title: '顾问' }, { 'if-match': etag })).status).toBe(200);
    const refused = await patch(shanghai.id, { department: '财务' }, { 'if-match': etag });
    expect(refused).toMatchObject({
      status: 412,
      body: { conflicts: [{ field: 'department', mine: '财务', theirs: '市场', original: '采购' }] },
    });
  });

  it('is carried out once, however often it is sent', async () => {
    const { beijing, shanghai } = await twoWangs();
    const key = { 'idempotency-key': newId() };
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => post(beijing.id, 'merge', { absorb: [shanghai.id] }, key)),
    );
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([200]));
    const { items } = (await service.call('GET', url(beijing.id, 'history'))).body;
    expect(items.filter(({ type }: any) => type === 'CustomersMerged')).toHaveLength(1);
  });

  it('of two opposite ones at once leaves one customer', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { beijing, shanghai } = await twoWangs();
      await Promise.all([
        post(beijing.id, 'merge', { absorb: [shanghai.id] }),
        post(shanghai.id, 'merge', { absorb: [beijing.id] }),
      ]);
      const [one, other] = [(await get(beijing.id)).body, (await get(shanghai.id)).body];
      expect(one).toEqual(other);
      expect(one.records).toHaveLength(2);
    }
  });

  it('is taken back with everything, at any time', async () => {
    const { beijing, shanghai } = await twoWangs();
    await post(beijing.id, 'merge', { absorb: [shanghai.id] });
    await patch(beijing.id, { title: '总监', industry: '零售' });
    const preview = await post(beijing.id, 'unmerge/preview', { record: shanghai.id });
    expect(preview.body.changed).toEqual([
      { field: 'title', before: '经理', now: '总监' },
      { field: 'industry', before: null, now: '零售' },
    ]);
    expect((await post(beijing.id, 'unmerge', { record: shanghai.id, move: ['industry'] })).status).toBe(200);
    const [one, other] = [(await get(beijing.id)).body, (await get(shanghai.id)).body];
    expect(one).toMatchObject({ id: beijing.id, title: '总监', tags: ['vip'] });
    expect(one).not.toHaveProperty('industry');
    const { version: _, ...before } = shanghai;
    expect(other).toMatchObject({ ...before, industry: '零售' });
    expect(other).not.toHaveProperty('records');
  });

  it('leaves each with what is its alone, whatever was said of them together', async () => {
    await service.call('POST', '/api/fields', { key: 'card', type: 'text', label: { en: 'Card' } });
    const rule = { id: 'card', kind: 'unique', field: 'custom.card', message: { zh: '不行', en: 'Taken' } };
    await service.call('PUT', '/api/rules/customers', { rules: [rule] });
    const [mine, theirs, added] = [1, 2, 3].map(() => ({ value: `${newId()}@example.cn` }));
    const one = await create({ name: '王伟', emails: [mine], custom: { card: 'c1', tea: '龙井' } });
    const other = await create({ name: '王伟', emails: [theirs], custom: { card: 'c2' } });
    await post(one.id, 'merge', { absorb: [other.id] });
    await patch(one.id, { emails: [theirs, added, mine], custom: { card: 'c2', tea: '普洱' } });
    expect((await post(one.id, 'unmerge', { record: other.id })).status).toBe(200);
    const apart = [(await get(one.id)).body, (await get(other.id)).body];
    expect(apart).toMatchObject([
      { emails: [added, mine], custom: { card: 'c1', tea: '普洱' } },
      { emails: [theirs], custom: { card: 'c2' } },
    ]);
    const taken = [{ emails: [theirs] }, { emails: [added] }, { custom: { card: 'c2' } }, { custom: { card: 'c1' } }];
    const codes = await Promise.all(taken.map(async (said) => (await create({ name: '第三人', ...said })).code));
    expect(codes).toEqual(['email-taken', 'email-taken', 'value-taken', 'value-taken']);
    await patch(other.id, { emails: [], custom: { card: null } });
    expect((await create({ name: '第三人', emails: [theirs], custom: { card: 'c2' } })).id).toBeDefined();
    expect((await patch(one.id, { emails: [mine, { value: `${newId()}@example.cn` }] })).status).toBe(200);
    await service.call('PUT', '/api/rules/customers', { rules: [] });
  });

  it('gives each what only one may have again, unless somebody else has it by then', async () => {
    await service.call('POST', '/api/fields', { key: 'card', type: 'text', label: { en: 'Card' } });
    const rule = { id: 'card', kind: 'unique', field: 'custom.card', message: { zh: '不行', en: 'Taken' } };
    await service.call('PUT', '/api/rules/customers', { rules: [rule] });
    const wang = (card?: string) => create({ name: '王伟', custom: { card } });
    const cardOf = async (id: string) => (await get(id)).body.custom?.card;
    const one = await wang('d1');
    const other = await wang('d2');
    await post(one.id, 'merge', { absorb: [other.id] });
    await patch(one.id, { custom: { card: 'd2' } });
    const third = await wang('d1');
    expect(third.id).toBeDefined();
    expect((await post(one.id, 'unmerge', { record: other.id })).status).toBe(200);
    expect([await cardOf(one.id), await cardOf(other.id)]).toEqual(['d1', 'd2']);
    await patch(third.id, { custom: { card: null } });
    expect((await wang('d1')).id).toBeDefined();

    await post(one.id, 'merge', { absorb: [other.id] });
    await patch(one.id, { custom: { card: 'd3' } });
    expect((await post(one.id, 'unmerge', { record: other.id, move: ['custom'] })).status).toBe(200);
    expect([await cardOf(one.id), await cardOf(other.id)]).toEqual(['d1', 'd3']);
    expect((await wang('d3')).code).toBe('value-taken');
    await service.call('PUT', '/api/rules/customers', { rules: [] });
  });

  it('moves of a list what was added, and leaves with each what it had', async () => {
    const [mine, theirs, added] = [1, 2, 3].map(() => ({ value: `${newId()}@example.cn` }));
    const one = await create({ name: '王伟', emails: [mine], tags: ['a', 'both'] });
    const other = await create({ name: '王伟', emails: [theirs], tags: ['b', 'both'] });
    await post(one.id, 'merge', { absorb: [other.id] });
    await patch(one.id, { emails: [mine, theirs, added], tags: ['a', 'b', 'both', 'c'] });
    const { status } = await post(one.id, 'unmerge', { record: other.id, move: ['emails', 'tags'] });
    expect([status, (await get(one.id)).body, (await get(other.id)).body]).toMatchObject([
      200,
      { emails: [mine], tags: ['a', 'both'] },
      { emails: [theirs, added], tags: ['b', 'both', 'c'] },
    ]);
  });

  it('shows the customers apart as of before', async () => {
    const { beijing, shanghai } = await twoWangs();
    const before = new Date().toISOString();
    await new Promise((done) => setTimeout(done, 5));
    await post(beijing.id, 'merge', { absorb: [shanghai.id] });
    expect((await service.call('GET', `${url(shanghai.id)}?asOf=${before}`)).body).toEqual(shanghai);
  });

  it('archives, restores and erases all records together', async () => {
    const { beijing, shanghai } = await twoWangs();
    await post(beijing.id, 'merge', { absorb: [shanghai.id] });
    expect((await post(shanghai.id, 'archive')).body).toMatchObject({ id: beijing.id, archived: true });
    // The addresses of all of them are free again.
    const taken = await create({ name: '别人', emails: shanghai.emails });
    expect((await post(beijing.id, 'restore')).body).toMatchObject({ code: 'email-taken', holder: taken.id });
    await service.call('DELETE', url(taken.id));
    expect((await post(beijing.id, 'restore')).body).toMatchObject({ archived: false });
    expect((await post(shanghai.id, 'erase')).status).toBe(202);
    expect((await get(beijing.id)).body).toMatchObject({ erased: true });
    expect((await get(shanghai.id)).body.erased).toBe(true);
  });

  it('takes a pick of an own field that is defined or that a record has, and of no other', async () => {
    const [one, other] = [await create({ name: 'a' }), await create({ name: 'b', custom: { held: 1 } })];
    const define = async (key: string) =>
      (await service.call('POST', '/api/fields', { key, type: 'number', label: { en: key, zh: key } })).status;
    expect(await define('defined')).toBe(201);
    const merge = (verb: string, ...keys: string[]) =>
      post(one.id, verb, { absorb: [other.id], fields: Object.fromEntries(keys.map((key) => [key, other.id])) });
    for (const verb of ['merge/preview', 'merge']) {
      const { status, body } = await merge(verb, 'custom.nope', 'custom.held', 'custom.defined');
      expect([status, body.code, body.errors.map(({ path, code }: any) => `${path} ${code}`)]).toEqual([
        422,
        'invalid-merge',
        ['fields.custom.nope unknown-field'],
      ]);
    }
    expect(await define('held')).toBe(201);
    expect((await service.call('POST', '/api/fields/held/retire')).status).toBe(200);
    for (const verb of ['merge/preview', 'merge']) {
      expect((await merge(verb, 'custom.held', 'custom.defined')).status).toBe(200);
    }
    expect((await get(one.id)).body.custom).toEqual({ held: 1 });
  });

  it('names what is wrong with it', async () => {
    const { beijing, shanghai } = await twoWangs();
    const codes = async (body: object) => {
      const reply = await post(beijing.id, 'merge', body);
      return `${reply.status} ${reply.body.code}`;
    };
    expect(await codes({ absorb: [] })).toBe('400 invalid-request');
    expect(await codes({ absorb: [newId()] })).toBe('404 customer-not-found');
    expect(await codes({ absorb: [shanghai.id], fields: { name: newId() } })).toBe('422 invalid-merge');
    expect(await codes({ absorb: [shanghai.id], fields: { colour: shanghai.id } })).toBe('422 invalid-merge');
    await service.call('DELETE', url(shanghai.id));
    expect(await codes({ absorb: [shanghai.id] })).toBe('409 customer-archived');
    const notMerged = await post(beijing.id, 'unmerge', { record: shanghai.id });
    expect(notMerged).toMatchObject({ status: 409, body: { code: 'not-merged' } });
  });
});
