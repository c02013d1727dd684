import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, runInContext } from '@throughline/event-sourcing';
import { administrator, eventually, startTestService, type TestService } from '@throughline/service/testing';
import { ChangeInBulk } from '../src/batch/bulk-change.job.ts';
import { builtInDuplicateRules } from '../src/duplicates/duplicate-rules.ts';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
const get = async (path: string) => (await service.call('GET', `/api/${path}`)).body;
const bulk = (body: object, headers: Record<string, string> = {}) =>
  service.call('POST', '/api/customers/bulk', body, headers);
const preview = async (body: object) => (await service.call('POST', '/api/customers/bulk/preview', body)).body;
const finished = (id: string) =>
  eventually(
    () => get(`batches/${id}`),
    ({ status, progress }) => status === 'done' && progress?.state === 'done',
  );
const done = async (body: object) => finished((await bulk(body)).body.id);
const undone = async (id: string) => finished((await service.call('POST', `/api/batches/${id}/undo`)).body.id);
const historyOf = async (id: string) => (await get(`customers/${id}/history?limit=200`)).items.length;

describe('a bulk change', () => {
  it('is previewed, done and undone, each record by what it has', async () => {
    const wang = await create({
      name: '王伟',
      tags: ['vip', 'old'],
      title: '经理',
      phones: [{ value: '13800138000' }],
    });
    const li = await create({ name: '李娜', tags: ['new'], industry: '零售' });
    const change = {
      ids: [wang.id, li.id],
      set: { industry: '零售' },
      add: { tags: ['new', 'fair'], phones: [{ value: '021-5555 0001' }] },
      remove: { tags: ['old'], phones: [{ value: '+86 138 0013 8000' }] },
      clear: ['title'],
    };
    const seen = await preview(change);
    expect(seen).toMatchObject({ matches: 2, previewed: 2, changes: 2, unchanged: 0, invalid: 0, codes: {} });
    expect(seen.examples[0]).toMatchObject({
      recordId: wang.id,
      number: wang.number,
      fields: {
        tags: { before: ['vip', 'old'], after: ['vip', 'new', 'fair'] },
        title: { before: '经理', after: null },
        industry: { before: null, after: '零售' },
      },
    });
    expect(Object.keys(seen.examples[1].fields).toSorted()).toEqual(['addresses', 'phones', 'region', 'tags']);
    expect(await get(`customers/${wang.id}`)).toMatchObject({ version: 1 });

    const batch = await done({ ...change, title: '展会' });
    expect(batch).toMatchObject({
      kind: 'bulk-change',
      title: '展会',
      counts: { changed: 2, unchanged: 0, failed: 0 },
      progress: { state: 'done', done: 2, total: 2 },
    });
    const changed = await get(`customers/${wang.id}`);
    expect(changed).toMatchObject({ version: 2, tags: ['vip', 'new', 'fair'], industry: '零售' });
    expect(changed.phones.map(({ value }: { value: string }) => value)).toEqual(['021-5555 0001']);
    expect(changed).not.toHaveProperty('title');
    expect(await done(change)).toMatchObject({ counts: { changed: 0, unchanged: 2 } });

    await service.call('PATCH', `/api/customers/${li.id}`, { tags: ['kept'] });
    await undone(batch.id);
    expect(await get(`customers/${wang.id}`)).toMatchObject({ tags: ['vip', 'old'], title: '经理' });
    expect(await get(`customers/${wang.id}`)).not.toHaveProperty('industry');
    expect(await get(`customers/${li.id}`)).toMatchObject({ tags: ['kept'], industry: '零售' });
  });

  it('adds and removes options of own fields, and clears those', async () => {
    const options = ['龙井', '普洱', '红茶'].map((value) => ({ value, label: { en: value, zh: value } }));
    const fields = [
      { key: 'teas', type: 'multi-choice', options },
      { key: 'cup', type: 'text' },
    ];
    for (const field of fields) await service.call('POST', '/api/fields', { ...field, label: { en: field.key } });
    const [full, empty] = [
      await create({ name: '王伟', custom: { teas: ['龙井', '普洱'], cup: '大' } }),
      await create({ name: '李娜' }),
    ];
    const ids = [full.id, empty.id];
    const changed = async (body: object) => (await done({ ids, ...body })).counts;
    const shown = () => Promise.all(ids.map(async (id) => (await get(`customers/${id}`)).custom));
    const change = { add: { custom: { teas: ['红茶', '普洱'] } }, remove: { custom: { teas: ['龙井'] } } };
    expect(await changed(change)).toMatchObject({ changed: 2 });
    expect(await shown()).toMatchObject([{ teas: ['普洱', '红茶'], cup: '大' }, { teas: ['红茶', '普洱'] }]);
    expect(await changed({ clear: ['custom.cup'], set: { custom: { teas: ['普洱'] } } })).toMatchObject({ changed: 2 });
    expect(await changed({ remove: { custom: { teas: ['普洱'] } } })).toMatchObject({ changed: 2 });
    expect((await shown()).map((custom) => Object.keys(custom ?? {}))).toEqual([[], []]);
    expect(await changed({ add: { custom: { teas: ['咖啡'] } } })).toMatchObject({ failed: 2 });
    const twice = { set: { custom: { cup: '小' } }, add: { custom: { cup: ['x'] } }, clear: ['custom.cup'] };
    const refused = await bulk({ ids, ...twice });
    expect([refused.status, refused.body.errors.map(({ path }: any) => path)]).toEqual([
      422,
      ['clear.0', 'add.custom.cup'],
    ]);
    for (const wrong of [{ clear: ['kind'] }, { add: { custom: { teas: '红茶' } } }]) {
      expect((await bulk({ ids, ...wrong })).status).toBe(400);
    }
  });

  it('archives and restores, and says which records it could not change, and why', async () => {
    const held = { emails: [{ value: 'bulk@example.com' }] };
    await create({ name: '有邮箱', ...held });
    const [one, archived] = [await create({ name: '甲' }), await create({ name: '乙' })];
    await service.call('POST', `/api/customers/${archived.id}/archive`);
    const nobody = newId();
    const ids = [one.id, archived.id, nobody];
    const change = { ids, add: held };
    expect(await preview(change)).toMatchObject({
      changes: 0,
      invalid: 3,
      codes: { 'email-taken': 1, 'customer-archived': 1, 'customer-not-found': 1 },
    });
    const batch = await done(change);
    expect(batch.counts).toEqual({
      changed: 0,
      unchanged: 0,
      failed: 3,
      'email-taken': 1,
      'customer-archived': 1,
      'customer-not-found': 1,
    });
    const { items, nextCursor } = await get(`batches/${batch.id}/failures`);
    expect(items.map(({ recordId, code }: any) => [recordId, code])).toEqual([
      [one.id, 'email-taken'],
      [archived.id, 'customer-archived'],
      [nobody, 'customer-not-found'],
    ]);
    expect([items[0].message.length > 0, nextCursor]).toEqual([true, null]);

    const wrong = await done({ ids: [one.id], add: { emails: [{ value: 'no address' }] } });
    expect((await get(`batches/${wrong.id}/failures`)).items).toMatchObject([
      { recordId: one.id, code: 'invalid-customer', errors: [{ path: 'emails.0.value', code: 'wrong-type' }] },
    ]);

    const restored = await done({ ids, restore: true, set: { region: '华东' } });
    expect(restored.counts).toMatchObject({ changed: 2, failed: 1 });
    expect(await get(`customers/${archived.id}`)).toMatchObject({ archived: false, region: '华东' });
    const gone = await done({ ids: [one.id, archived.id], archive: true });
    expect(await get(`customers/${one.id}`)).toMatchObject({ archived: true });
    await undone(gone.id);
    expect(await get(`customers/${one.id}`)).toMatchObject({ archived: false });
  });

  it('reaches a merged customer by any of its records, once', async () => {
    const [survivor, absorbed] = [
      await create({ name: '张三', tags: ['a'] }),
      await create({ name: '张三', tags: ['b'] }),
    ];
    await service.call('POST', `/api/customers/${survivor.id}/merge`, { absorb: [absorbed.id] });
    const change = { ids: [absorbed.id, survivor.id], add: { tags: ['c'] }, remove: { tags: ['b'] } };
    const seen = await preview(change);
    expect(seen).toMatchObject({ matches: 2, changes: 1, unchanged: 1, invalid: 0 });
    expect(seen.examples).toMatchObject([
      { recordId: survivor.id, fields: { tags: { before: ['a', 'b'], after: ['a', 'c'] } } },
    ]);
    expect((await done(change)).counts).toEqual({ changed: 1, unchanged: 1, failed: 0 });
    expect(await get(`customers/${absorbed.id}`)).toMatchObject({ id: survivor.id, tags: ['a', 'c'] });
    await done({ ids: [survivor.id], archive: true });
    expect(await get(`customers/${absorbed.id}`)).toMatchObject({ archived: true });
  });

  it('checks for each customer whom it may name', async () => {
    const company = async (name: string) => (await create({ kind: 'company', name })).id;
    const [group, unit, owner] = [await company('集团'), await company('分公司'), await company('母公司')];
    await service.call('PATCH', `/api/customers/${group}`, { parentId: owner });
    const batch = await done({ ids: [owner, group, unit], set: { parentId: group } });
    expect(batch.counts).toMatchObject({ changed: 1, failed: 2 });
    expect(await get(`customers/${unit}`)).toMatchObject({ parentId: group });
    const { items } = await get(`batches/${batch.id}/failures`);
    expect(items.map(({ recordId, errors }: any) => [recordId, errors[0].code])).toEqual([
      [owner, 'circular'],
      [group, 'not-itself'],
    ]);
    const toPersons = { ids: [group, unit], set: { kind: 'person' } };
    expect(await preview(toPersons)).toMatchObject({ changes: 1, invalid: 1 });
    const persons = await done(toPersons);
    expect(persons.counts).toMatchObject({ changed: 1, failed: 1 });
    expect(await get(`customers/${group}`)).toMatchObject({ kind: 'company' });
    const nobody = { ids: [unit], set: { employerId: newId() } };
    expect(await preview(nobody)).toMatchObject({ changes: 0, invalid: 1, codes: { 'invalid-customer': 1 } });
    expect((await done(nobody)).counts).toMatchObject({ changed: 0, failed: 1 });
  });

  it('is undone but for parents that would close a ring by now, and says so beforehand', async () => {
    const company = async (name: string, more: object = {}) =>
      (await create({ kind: 'company', name, ...more })).id as string;
    const top = await company('集团');
    const [a, b] = [await company('甲', { parentId: top }), await company('乙', { parentId: top })];
    const { id } = await done({ ids: [a, b], clear: ['parentId'], set: { industry: '零售' } });
    await service.call('PATCH', `/api/customers/${top}`, { parentId: a });
    const { items } = await get(`batches/${id}/undo`);
    const told = new Map(items.map(({ recordId, fields, kept }: any) => [recordId, { fields, kept }]));
    expect(told.get(a)).toEqual({ fields: { industry: null }, kept: ['parentId'] });
    expect(told.get(b)).toEqual({ fields: { industry: null, parentId: top }, kept: [] });
    expect((await undone(id)).counts).toMatchObject({ changed: 2, kept: 0, failed: 0 });
    expect(await get(`customers/${a}`)).not.toHaveProperty('parentId');
    expect(await get(`customers/${a}`)).not.toHaveProperty('industry');
    expect(await get(`customers/${b}`)).toMatchObject({ parentId: top });
    expect(await get(`customers/${top}`)).toMatchObject({ parentId: a });
    const only = await done({ ids: [b], clear: ['parentId'] });
    await service.call('PATCH', `/api/customers/${a}`, { parentId: b });
    expect((await undone(only.id)).counts).toMatchObject({ changed: 0, kept: 1 });
  });

  it('of the parents of companies that belong to one another is undone whole', async () => {
    const names = ['甲', '乙', '丙', '丁'];
    const ids: string[] = [];
    for (const name of names) {
      ids.push((await create({ kind: 'company', name, ...(ids.length > 0 && { parentId: ids.at(-1) }) })).id);
    }
    const { id } = await done({ ids, clear: ['parentId'] });
    expect((await undone(id)).counts).toMatchObject({ changed: 3, kept: 0, failed: 0 });
    const parents = await Promise.all(ids.map(async (one) => (await get(`customers/${one}`)).parentId));
    expect(parents).toEqual([undefined, ...ids.slice(0, -1)]);
  });

  it("checks the fields of the installation's own", async () => {
    const field = { key: 'tier', type: 'number', label: { en: 'Tier' } };
    await service.call('POST', '/api/fields', field);
    const { id } = await create({ name: '等级' });
    const wrong = { ids: [id], set: { custom: { tier: 'gold' } } };
    expect(await preview(wrong)).toMatchObject({ invalid: 1 });
    const { id: batchId, counts } = await done(wrong);
    expect(counts).toMatchObject({ changed: 0, failed: 1 });
    expect((await get(`batches/${batchId}/failures`)).items[0].errors).toMatchObject([{ path: 'custom.tier' }]);
  });

  it('is one for one Idempotency-Key', async () => {
    const { id } = await create({ name: '一次' });
    const key = { 'idempotency-key': newId() };
    const body = { ids: [id], set: { title: 'x' } };
    const [first, again] = await Promise.all([bulk(body, key), bulk(body, key)]);
    expect([first.status, again.status, again.body.id]).toEqual([202, 202, first.body.id]);
    for (const other of [
      { ...body, ids: [newId()] },
      { ...body, set: { title: 'y' } },
    ]) {
      expect(await bulk(other, key)).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } });
    }
    await finished(first.body.id);
    expect(await historyOf(id)).toBe(2);
  });

  it('changes nothing twice where it is killed in the middle and begun anew', async () => {
    const ids = Array.from({ length: 6_000 }, () => newId());
    const made = [ids[0], ids[3_000], ids[5_999]];
    for (const id of made) await create({ id, name: '一次' });
    const change = { add: { hobbies: ['once'] } };
    const batch = (await bulk({ ids, ...change })).body;
    await service.call('POST', `/api/batches/${batch.id}/stop`);
    // Does a step, and dies before it is written down.
    const { id: actor, type } = administrator;
    const context = { actor: { type, id: actor }, entry: 'person', source: 'web', correlationId: batch.id } as const;
    await runInContext({ ...context, batchId: batch.id }, async () => {
      const work = service.app.get(ChangeInBulk).run({ id: batch.id, params: { change } } as never);
      await work[Symbol.asyncIterator]().next();
    });
    await service.kernel.pool.query(`update jobs set place = null, state = 'stopped' where id = $1`, [batch.id]);
    await service.call('POST', `/api/batches/${batch.id}/retry`);
    expect((await finished(batch.id)).counts).toEqual({
      changed: 3,
      unchanged: 0,
      failed: 5_997,
      'customer-not-found': 5_997,
    });
    for (const id of made) {
      expect(await historyOf(id as string)).toBe(2);
    }
    let cursor: string | null = '0';
    let failures = 0;
    while (cursor !== null) {
      const page: { items: unknown[]; nextCursor: string | null } = await get(
        `batches/${batch.id}/failures?cursor=${cursor}`,
      );
      failures += page.items.length;
      cursor = page.nextCursor;
    }
    expect(failures).toBe(5_997);
  });

  it('makes only the moves of the life cycle that a change of one record may make', async () => {
    const [fresh, closed] = [await create({ name: '新' }), await create({ name: '成', lifecycle: 'closed' })];
    const ids = [fresh.id, closed.id];
    for (const [lifecycle, codes] of [
      ['zzz', { 'invalid-customer': 2 }],
      ['potential', { 'lifecycle-move-not-allowed': 1 }],
    ] as const) {
      const failed = Object.values<number>(codes).reduce((sum, count) => sum + count);
      const counts = { changed: 2 - failed, unchanged: 0, failed, ...codes };
      const change = { ids, set: { lifecycle } };
      expect(await preview(change)).toMatchObject({ changes: 2 - failed, invalid: failed, codes });
      const batch = await done(change);
      expect(batch.counts).toEqual(counts);
      const { items } = await get(`batches/${batch.id}/failures`);
      expect(items.map(({ recordId }: any) => recordId)).toEqual(ids.slice(-failed));
    }
    expect(await preview({ ids, clear: ['lifecycle'] })).toMatchObject({ codes: { 'lifecycle-move-not-allowed': 2 } });
    expect([await get(`customers/${fresh.id}`), await get(`customers/${closed.id}`)]).toMatchObject([
      { lifecycle: 'potential' },
      { lifecycle: 'closed' },
    ]);
  });

  it('is held up by the duplicate rules as a change of one record is', async () => {
    const phones = [{ value: '13911112222' }];
    await create({ name: '前', phones });
    const [one, two, three] = [
      await create({ name: '甲' }),
      await create({ name: '乙' }),
      await create({ name: '丙' }),
    ];
    const rule = { ways: ['person', 'api'], operations: ['create', 'change'], fields: ['phone'], action: 'block' };
    await service.call('PUT', '/api/duplicate-rules', { rules: [rule] });
    try {
      const refused = { ids: [one.id, two.id], add: { phones } };
      await eventually(
        () => preview(refused),
        ({ invalid }) => invalid === 2,
      );
      expect(await preview(refused)).toMatchObject({ changes: 0, codes: { 'duplicate-found': 2 } });
      expect((await done(refused)).counts).toMatchObject({ changed: 0, failed: 2, 'duplicate-found': 2 });
      const shared = { ids: [one.id, two.id], add: { phones: [{ value: '13911113333' }] } };
      expect((await done(shared)).counts).toMatchObject({ changed: 1, failed: 1 });
      expect((await done({ ids: [three.id], set: { title: '经理' } })).counts).toMatchObject({ changed: 1 });
    } finally {
      await service.call('PUT', '/api/duplicate-rules', { rules: builtInDuplicateRules.rules });
    }
  });

  it('that says nothing, or contradicts itself, is refused before it begins', async () => {
    const { id } = await create({ name: '不变' });
    const refused = async (body: object) => {
      const { status, body: problem } = await bulk(body);
      return [status, problem.code, problem.errors?.map(({ path }: { path: string }) => path)];
    };
    expect(await refused({ ids: [id] })).toEqual([422, 'invalid-bulk-change', ['set']]);
    expect(await refused({ ids: [id], archive: true, restore: true })).toEqual([
      422,
      'invalid-bulk-change',
      ['restore'],
    ]);
    expect(await refused({ ids: [id], set: { title: 'x', tags: [] }, clear: ['title'], add: { tags: ['a'] } })).toEqual(
      [422, 'invalid-bulk-change', ['clear.0', 'add.tags']],
    );
    expect(await refused({ set: { title: 'x' } })).toEqual([400, 'invalid-request', ['ids']]);
    expect(await refused({ ids: [id], filter: {}, archive: true })).toEqual([400, 'invalid-request', ['filter']]);
    expect(await refused({ ids: ['x'], set: { nonsense: 1 }, clear: ['number', 'kind'] })).toEqual([
      400,
      'invalid-request',
      ['ids', 'set.nonsense', 'clear'],
    ]);
    expect(await historyOf(id)).toBe(1);
  });
});
