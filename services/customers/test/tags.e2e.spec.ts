import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TagEvent } from '@throughline/contracts';
import { newId, runInContext, systemContext } from '@throughline/event-sourcing';
import { eventually, fresh, startTestService, type Reply, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { tag } from '../src/tag/tag.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const { imported } = importing(() => service);
const create = async (name: string) => (await service.call('POST', '/api/tags', { name })).body;
const customer = async (...tags: string[]) =>
  (await service.call('POST', '/api/customers', { name: 'x', tags })).body.id;
const after = ({ headers }: Reply) => ({ 'x-after': headers.get('x-position') ?? '' });
const tagsOf = async (id: string, done: Reply) =>
  (await fresh(() => service.call('GET', `/api/customers/${id}`, undefined, after(done)))).body.tags;

describe('a tag', () => {
  it('shows by its new name on every customer, whichever name they were given', async () => {
    const tag = await create('VIP');
    const [before, other] = [await customer('VIP', 'b2b'), await customer('b2b')];
    const renamed = await service.call('PATCH', `/api/tags/${tag.id}`, { name: '贵宾', colour: '#ffd700' });
    expect(renamed.body).toMatchObject({ name: '贵宾', colour: '#ffd700', formerNames: ['VIP'] });
    expect(await tagsOf(before, renamed)).toEqual(['贵宾', 'b2b']);
    expect(await tagsOf(other, renamed)).toEqual(['b2b']);
    expect(await tagsOf(await customer('VIP', '贵宾'), renamed)).toEqual(['贵宾']);
    expect((await service.call('GET', `/api/customers/${before}/history`)).body.items).toHaveLength(1);
    expect((await service.call('POST', '/api/tags', { name: 'VIP' })).body).toMatchObject({
      code: 'tag-name-taken',
      holder: tag.id,
    });
  });

  it('is called as customers hold its name, and there is no other of that name', async () => {
    const tag = await create(' Ａ\u200bＢ ');
    expect(tag.name).toBe('AB');
    for (const name of ['AB', 'ＡＢ', 'A\u200bB']) {
      const twin = await service.call('POST', '/api/tags', { name });
      expect([twin.status, twin.body.code, twin.body.holder]).toEqual([409, 'tag-name-taken', tag.id]);
    }
    const id = await customer('ＡＢ');
    const renamed = await service.call('PATCH', `/api/tags/${tag.id}`, { name: 'Ｃ' });
    expect(renamed.body).toMatchObject({ name: 'C', formerNames: ['AB'] });
    expect(await tagsOf(id, renamed)).toEqual(['C']);
    for (const name of ['\n', '\u200b', '\u3000\u200b\r\n']) {
      for (const [method, path] of [
        ['POST', '/api/tags'],
        ['PATCH', `/api/tags/${tag.id}`],
      ] as const) {
        const { status, body } = await service.call(method, path, { name });
        expect([status, body.code, body.errors?.[0]?.path]).toEqual([422, 'invalid-tag', 'name']);
      }
    }
  });

  it('is listed page by page', async () => {
    const names = ['页1', '页2', '页3', '页4'];
    const made: Reply[] = [];
    for (const name of names) made.push(await service.call('POST', '/api/tags', { name }));
    await fresh(() => service.call('GET', '/api/tags', undefined, after(made.at(-1) as Reply)));
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const { status, body }: Reply = await service.call('GET', `/api/tags?limit=2${cursor && `&cursor=${cursor}`}`);
      expect([status, body.items.length > 0, body.items.length <= 2]).toEqual([200, true, true]);
      seen.push(...body.items.map(({ name }: any) => name));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual((await service.call('GET', '/api/tags')).body.items.map(({ name }: any) => name));
    expect(seen.filter((name) => names.includes(name))).toEqual(names);
    expect((await service.call('GET', '/api/tags?limit=201')).status).toBe(400);
  });

  it('that was recorded in another form is found by its clean name', async () => {
    const id = newId();
    const unclean = { ...tag, decide: (): TagEvent[] => [{ type: 'TagCreated', name: 'ＷＩＤＥ' }] };
    await runInContext(systemContext('test'), () =>
      service.kernel.commands.execute(unclean, id, { type: 'CreateTag', name: 'ＷＩＤＥ' }),
    );
    const holder = await customer('ＷＩＤＥ');
    const renamed = await service.call('PATCH', `/api/tags/${id}`, { name: '宽' });
    expect(renamed.body.formerNames.toSorted()).toEqual(['WIDE', 'ＷＩＤＥ']);
    expect(await tagsOf(holder, renamed)).toEqual(['宽']);
    const twin = await service.call('POST', '/api/tags', { name: 'WIDE' });
    expect(twin.body).toMatchObject({ code: 'tag-name-taken', holder: id });
  });

  it('means the one that it was merged into, and what that one was merged into', async () => {
    const [a, b, c] = [await create('茶客'), await create('tea'), await create('绿茶')];
    const id = await customer('茶客', 'tea', '绿茶');
    await service.call('POST', `/api/tags/${b.id}/merge`, { absorb: [a.id] });
    const merged = await service.call('POST', `/api/tags/${c.id}/merge`, { absorb: [b.id, c.id] });
    expect([merged.status, merged.body.name]).toEqual([200, '绿茶']);
    expect(await tagsOf(id, merged)).toEqual(['绿茶']);
    expect((await service.call('GET', `/api/tags/${a.id}`)).body.into).toBe(b.id);
    expect((await service.call('PATCH', `/api/tags/${a.id}`, { name: 'x' })).body.code).toBe('tag-merged');
    const listed = (await fresh(() => service.call('GET', '/api/tags', undefined, after(merged)))).body.items;
    expect(listed.map(({ name }: any) => name)).toEqual(expect.arrayContaining(['绿茶']));
    expect(listed.some(({ name }: any) => name === 'tea' || name === '茶客')).toBe(false);
  });

  it('is merged one way only, however many try at once', async () => {
    const [a, b] = [await create('左'), await create('右')];
    const merge = (into: any, other: any) => service.call('POST', `/api/tags/${into.id}/merge`, { absorb: [other.id] });
    const replies = await Promise.all([merge(a, b), merge(b, a)]);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(replies.find(({ status }) => status !== 200)?.body.code).toBe('tag-merged');
  });

  it('is offered no more once it is put away, and stays where it is', async () => {
    const tag = await create('旧');
    const id = await customer('旧');
    const archived = await service.call('DELETE', `/api/tags/${tag.id}`);
    const listed = (path: string) => fresh(() => service.call('GET', path, undefined, after(archived)));
    expect((await listed('/api/tags')).body.items.some((one: any) => one.id === tag.id)).toBe(false);
    expect((await listed('/api/tags?archived=true')).body.items).toMatchObject([{ id: tag.id, formerNames: [] }]);
    expect(await tagsOf(id, archived)).toEqual(['旧']);
    expect((await service.call('POST', `/api/tags/${tag.id}/restore`)).body.archived).toBe(false);
    expect((await service.call('POST', '/api/tags', { name: ' ' })).status).toBe(422);
  });

  it('is removed from many customers by any of its names, whichever they hold', async () => {
    const [gold, vip] = [await create('金卡'), await create('老VIP')];
    const ids = [
      await customer('金卡', '留下'),
      await customer('老VIP'),
      await customer('新贵'),
      await customer('留下'),
    ];
    await service.call('PATCH', `/api/tags/${gold.id}`, { name: '新贵' });
    const merged = await service.call('POST', `/api/tags/${gold.id}/merge`, { absorb: [vip.id] });
    expect(await tagsOf(ids[1], merged)).toEqual(['新贵']);
    const adding = { ids, add: { tags: ['新贵'] } };
    expect((await service.call('POST', '/api/customers/bulk/preview', adding)).body).toMatchObject({
      changes: 1,
      examples: [{ recordId: ids[3], fields: { tags: { after: ['留下', '新贵'] } } }],
    });
    const change = { ids, remove: { tags: ['新贵'] } };
    const { body: preview } = await service.call('POST', '/api/customers/bulk/preview', change);
    expect(preview).toMatchObject({ changes: 3, unchanged: 1 });
    const { body: batch } = await service.call('POST', '/api/customers/bulk', change);
    const { counts } = await eventually(
      async () => (await service.call('GET', `/api/batches/${batch.id}`)).body,
      ({ status }) => status === 'done',
    );
    expect(counts).toMatchObject({ changed: 3, unchanged: 1, failed: 0 });
    const left = await Promise.all(
      ids.map(async (id) => (await service.call('GET', `/api/customers/${id}`)).body.tags),
    );
    expect(left.map((names) => names ?? [])).toEqual([['留下'], [], [], ['留下']]);
  });

  it('that was renamed or merged since a table was exported changes nothing there, unless it was edited', async () => {
    const [old, absorbed] = [await create('旧名'), await create('并入')];
    const { body: there } = await service.call('POST', '/api/customers', { name: '李', tags: ['旧名', '并入', '茶'] });
    await service.call('PATCH', `/api/tags/${old.id}`, { name: '新名' });
    const merged = await service.call('POST', `/api/tags/${old.id}/merge`, { absorb: [absorbed.id] });
    expect(await tagsOf(there.id, merged)).toEqual(['新名', '茶']);
    const row = (name: string, tags: string) =>
      imported(`记录ID,记录版本,姓名,标签\n${there.id},${there.version},${name},${tags}\n`);
    const kept = async () => (await service.call('GET', `/api/customers/${there.id}/history`)).body.items.at(-1);
    for (const tags of ['旧名; 并入; 茶', '新名; 茶', '"""新名""; ""茶"""']) {
      expect((await row('李', tags)).counts).toMatchObject({ read: 1, unchanged: 1 });
    }
    expect((await row('李', '旧名; 并入; 茶; 咖啡')).counts).toMatchObject({ read: 1, updated: 1 });
    expect((await kept()).data.tags).toEqual(['新名', '茶', '咖啡']);
    expect((await row('李雷', '新名; 茶')).counts).toMatchObject({ read: 1, updated: 1, failed: 0 });
    expect((await kept()).data).not.toHaveProperty('tags');
    const { body: now } = await service.call('GET', `/api/customers/${there.id}`);
    expect(now).toMatchObject({ name: '李雷', tags: ['新名', '茶', '咖啡'] });
  });

  it('is one tag under all of its names, in what a merge or a bulk change would do, and in what it came from', async () => {
    const { id: tagId } = await create('o');
    const [one, other] = [await customer('o', '茶'), await customer('n')];
    const renamed = await service.call('PATCH', `/api/tags/${tagId}`, { name: 'n' });
    const merging = { absorb: [other] };
    expect(await tagsOf(one, renamed)).toEqual(['n', '茶']);
    const { fields } = (await service.call('POST', `/api/customers/${one}/merge/preview`, merging)).body;
    expect(fields.find(({ field }: any) => field === 'tags')).toMatchObject({
      value: ['n', '茶'],
      candidates: [
        { recordId: one, value: ['n', '茶'] },
        { recordId: other, value: ['n'] },
      ],
    });
    await service.call('POST', `/api/customers/${one}/merge`, merging);
    const { body: provenance } = await service.call('GET', `/api/customers/${one}/provenance`);
    expect(provenance.fields.tags).toMatchObject([
      { value: 'n', recordId: one },
      { value: '茶', recordId: one },
    ]);
    const examples = async (change: object) =>
      (await service.call('POST', '/api/customers/bulk/preview', { ids: [one], ...change })).body.examples;
    expect(await examples({ add: { tags: ['z'] } })).toMatchObject([
      { recordId: one, fields: { tags: { before: ['n', '茶'], after: ['n', '茶', 'z'] } } },
    ]);
    expect(await examples({ remove: { tags: ['n', '茶'] } })).toMatchObject([
      { fields: { tags: { before: ['n', '茶'], after: [] } } },
    ]);
  });
});
