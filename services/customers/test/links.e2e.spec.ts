import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, fresh, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const { mapped, run, told } = importing(() => service);
const create = async (body: object) => (await service.call('POST', '/api/customers', { name: 'x', ...body })).body;
const company = (name: string, body: object = {}) => create({ kind: 'company', name, ...body });
const patch = (id: string, body: object, headers = {}) => service.call('PATCH', `/api/customers/${id}`, body, headers);
const read = async (path: string, after = '') =>
  (await fresh(() => service.call('GET', path, undefined, { 'x-after': after }))).body;
const codes = ({ body }: { body: any }) => body.errors.map(({ path, code }: any) => `${path} ${code}`);

describe('what a customer says of itself', () => {
  it('is kept as it was said', async () => {
    const employer = await company('青禾茶业');
    const said = {
      standing: 'decision-maker',
      employerId: employer.id,
      addresses: [{ city: '杭州', use: 'visit' }],
      socials: [{ network: 'wechat', value: 'wei', label: '工作', primary: true }],
      productNeeds: { function: '冷链', price: '不超过 200 元' },
      servicePreference: { channel: 'wechat', times: '工作日下午' },
      productInterests: ['龙井'],
      hobbies: ['书法'],
      competitors: [{ name: '山间', product: '绿茶', price: { amount: '168', currency: 'CNY' }, comment: '包装简单' }],
      review: { satisfaction: 4, suggestion: '小包装' },
      referredBy: employer.id,
      referralChannel: 'wechat',
    };
    const { id, ...body } = await create(said);
    expect(body).toMatchObject(said);
    const wrong = { standing: 'boss', addresses: [{ use: 'lunch' }], review: { satisfaction: 6 }, hobbies: [''] };
    expect(codes(await patch(id, wrong))).toEqual([
      'standing not-allowed',
      'addresses.0.use not-allowed',
      'hobbies required',
      'review.satisfaction out-of-range',
    ]);
  });

  it('names only customers that there are, companies where somebody works', async () => {
    const person = await create({ kind: 'person' });
    const reply = await patch(person.id, { employerId: person.id, parentId: newId(), name: '', referredBy: newId() });
    expect(reply.status).toBe(422);
    expect(codes(reply)).toEqual([
      'name required',
      'employerId not-itself',
      'parentId unknown-record',
      'referredBy unknown-record',
    ]);
    const other = await create({ kind: 'person' });
    expect(codes(await patch(other.id, { employerId: person.id }))).toEqual(['employerId not-a-company']);
    const email = `${newId()}@x.cn`;
    const named = await create({ kind: 'person', emails: [{ value: email }] });
    const byEmail = `/api/customers/by/email/${email}`;
    const itself = await service.call('PUT', byEmail, { referredBy: named.id });
    expect(codes(itself)).toEqual(['referredBy not-itself']);
    expect((await service.call('POST', '/api/customers', { name: 'y', parentId: newId() })).status).toBe(422);
  });
});

describe('a company', () => {
  it('shows who works there, a page at a time, also for the records that were merged into it', async () => {
    const [head, old] = [await company('青禾'), await company('青禾（旧）')];
    const people: string[] = [];
    for (const employer of [head, head, old]) {
      people.push((await create({ kind: 'person', employerId: employer.id, title: '经理' })).id);
    }
    const merged = await service.call('POST', `/api/customers/${head.id}/merge`, { absorb: [old.id] });
    const after = merged.headers.get('x-position') ?? '';
    const first = await read(`/api/customers/${old.id}/people?limit=2`, after);
    const second = await read(`/api/customers/${head.id}/people?cursor=${first.nextCursor}`, after);
    const shown = [...first.items, ...second.items].map(({ id }: any) => String(id));
    expect(shown).toEqual(people);
    expect(first.items[0]).toMatchObject({ title: '经理', archived: false });
    expect(second.nextCursor).toBeNull();
  });

  it('is not its own employer nor who referred it, once it is merged with somebody whom it employs or referred', async () => {
    const employer = await company('云栖茶业');
    const person = await create({ employerId: employer.id, referredBy: employer.id });
    const merge = (verb: string) =>
      service.call('POST', `/api/customers/${employer.id}/${verb}`, { absorb: [person.id] });
    const named = (fields: any[]) => fields.filter(({ field }) => ['employerId', 'referredBy'].includes(field));
    expect(named((await merge('merge/preview')).body.fields)).toEqual([]);
    const merged = await merge('merge');
    expect(merged).toMatchObject({ status: 200 });
    expect(merged.body).not.toHaveProperty('employerId');
    expect(merged.body).not.toHaveProperty('referredBy');
    const after = merged.headers.get('x-position') as string;
    expect((await read(`/api/customers/${employer.id}/people`, after)).items).toEqual([]);
    await service.call('POST', `/api/customers/${employer.id}/unmerge`, { record: person.id });
    const { body } = await service.call('GET', `/api/customers/${person.id}`);
    expect(body).toMatchObject({ employerId: employer.id, referredBy: employer.id });
  });

  it('stands below those that it belongs to and above those that belong to it', async () => {
    const top = await company('集团');
    const middle = await company('华东', { parentId: top.id });
    const { headers, body: bottom } = await service.call('POST', '/api/customers', {
      name: '杭州',
      kind: 'company',
      parentId: middle.id,
    });
    const names = (list: any[]) => list.map(({ name }) => name);
    const { parents, children } = await read(`/api/customers/${middle.id}/hierarchy`, headers.get('x-position') ?? '');
    expect([names(parents), names(children)]).toEqual([['集团'], ['杭州']]);
    expect(names((await read(`/api/customers/${bottom.id}/hierarchy`)).parents)).toEqual(['华东', '集团']);
    const ring = await patch(top.id, { parentId: bottom.id });
    expect([ring.status, codes(ring)]).toEqual([422, ['parentId circular']]);
    expect((await patch(bottom.id, { parentId: top.id })).body.parentId).toBe(top.id);
    expect((await patch(bottom.id, { parentId: null })).body).not.toHaveProperty('parentId');
  });

  it('never comes to belong to itself, however many changes are made at once', async () => {
    const ring = await Promise.all(['甲', '乙', '丙', '丁'].map((name) => company(name)));
    const replies = await Promise.all(
      ring.map(({ id }, index) => patch(id, { parentId: ring[(index + 1) % ring.length].id })),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(replies.filter(({ status }) => status === 422)).toHaveLength(1);
  });

  it('answers a repeated move with the first outcome, and a stale one with what changed', async () => {
    const [own, one, other] = [await company('己'), await company('庚'), await company('辛')];
    const key = { 'idempotency-key': newId() };
    await patch(own.id, { parentId: one.id }, key);
    expect((await patch(own.id, { parentId: one.id }, key)).status).toBe(200);
    expect((await patch(own.id, { parentId: other.id }, key)).body.code).toBe('idempotency-key-reused');
    const stale = await patch(own.id, { parentId: other.id }, { 'if-match': '"1"' });
    expect([stale.status, stale.body.conflicts[0].field]).toEqual([412, 'parentId']);
  });
});

describe('a company that others name', () => {
  const toPerson = { kind: 'person' };

  it('is not made a person while somebody works there or a company belongs to it', async () => {
    const [head, old] = [await company('总部'), await company('总部（旧）')];
    const worker = await create({ kind: 'person', employerId: old.id });
    const branch = await company('分部', { parentId: head.id });
    await service.call('POST', `/api/customers/${head.id}/merge`, { absorb: [old.id] });
    const refused = await patch(head.id, toPerson);
    expect([refused.status, codes(refused)]).toEqual([422, ['kind has-staff', 'kind has-subsidiaries']]);
    const operations = [{ op: 'update', id: old.id, data: toPerson }];
    const { body } = await service.call('POST', '/api/customers/batch', { operations });
    expect(body.items[0].problem.errors).toHaveLength(2);
    await patch(branch.id, { parentId: null });
    expect(codes(await patch(head.id, toPerson))).toEqual(['kind has-staff']);
    await service.call('DELETE', `/api/customers/${worker.id}`);
    expect((await patch(head.id, toPerson)).body.kind).toBe('person');
    expect((await patch(branch.id, { ...toPerson, title: 'x' })).status).toBe(200);
  });

  it('is not made one by a batch, whoever it is named by, unless the batch done whole frees it', async () => {
    const head = await company('总公司', { emails: [{ value: 'head@example.com' }] });
    const [worker, other] = [await create({ employerId: head.id }), await create({ employerId: head.id })];
    const batch = (operations: object[], allOrNone = false) =>
      service.call('POST', '/api/customers/batch', { operations, allOrNone });
    const errorsOf = ({ body }: { body: any }) => body.items.at(-1).problem?.errors.map(({ code }: any) => code);
    const named = { op: 'update', key: 'email/head@example.com', data: toPerson };
    const quits = [worker, other].map(({ id }) => ({ op: 'update', id, data: { employerId: null } }));
    for (const whole of [false, true]) {
      expect(errorsOf(await batch([named], whole))).toEqual(['has-staff']);
      expect(errorsOf(await batch([{ ...named, op: 'upsert', key: `number/${head.number}` }], whole))).toEqual([
        'has-staff',
      ]);
    }
    for (const [key, value] of [
      ['email', 'head@example.com'],
      ['number', head.number],
    ]) {
      const reply = await service.call('PUT', `/api/customers/by/${key}/${value}`, { ...toPerson, title: 'x' });
      expect([reply.status, codes(reply)]).toEqual([422, ['kind has-staff']]);
    }
    expect(errorsOf(await batch([...quits.slice(1), named], true))).toEqual(['has-staff']);
    expect(errorsOf(await batch([...quits, named], true))).toBeUndefined();
    expect((await read(`/api/customers/${head.id}`)).kind).toBe('person');
    const hires = [
      { op: 'update', id: head.id, data: { kind: 'company' } },
      { op: 'update', id: worker.id, data: { employerId: head.id } },
    ];
    expect(errorsOf(await batch([...hires, named], true))).toEqual(['has-staff']);
  });

  it('is not made one by the rows of an import, and its check says so', async () => {
    const head = await company('本部', { title: '一' });
    const person = await create({ kind: 'person' });
    await company('支部', { parentId: head.id });
    const file = `number,kind,title\n${head.number},person,二\n${person.number},person,三\n`;
    const id = await mapped(file, {}, { matchBy: 'number' });
    expect((await told(id)).errors).toEqual([[2, 'has-subsidiaries']]);
    expect((await run(id)).counts).toMatchObject({ updated: 1, failed: 1 });
    const kept = await mapped(file.replace('二', '四'), {}, { matchBy: 'number', policies: { kind: 'if-empty' } });
    expect((await run(kept)).counts).toMatchObject({ updated: 1, unchanged: 1 });
    expect(await read(`/api/customers/${head.id}`)).toMatchObject({ kind: 'company', title: '四' });
  });

  it('stays one where a source says otherwise, until nobody names it', async () => {
    const id = newId();
    const see = (day: number, fields: object) => {
      const at = `2026-01-0${day}T00:00:00.000Z`;
      const said = { customerId: id, name: '来源', ...fields, stamp: { rank: 'profile', at, hash: `${day}` } };
      return service.log('gateway').append({ type: 'seen-customer', id }, { type: 'CustomerSeen', ...said } as never);
    };
    const shows = (fields: object) =>
      eventually(
        () => service.call('GET', `/api/customers/${id}`),
        ({ body }) => Object.entries(fields).every(([field, value]) => body[field] === value),
      );
    await see(1, { kind: 'company' });
    await shows({ kind: 'company' });
    const worker = await create({ employerId: id });
    await see(2, { ...toPerson, title: '经理' });
    await shows({ kind: 'company', title: '经理' });
    const { items } = await read(`/api/customers/${id}/history`);
    expect(items.at(-1).data.leftOut).toEqual(['kind']);
    await patch(worker.id, { employerId: null });
    await see(3, toPerson);
    await shows({ kind: 'person' });
  });
});

describe('companies that are merged', () => {
  const merge = (survivor: string, absorbed: string, body: object = {}, verb = 'merge') =>
    service.call('POST', `/api/customers/${survivor}/${verb}`, { absorb: [absorbed], ...body });
  const code = ({ status, body }: { status: number; body: any }) => (status === 200 ? 200 : body.code);
  const parentsOf = async (id: string): Promise<string[]> =>
    (await read(`/api/customers/${id}/hierarchy`)).parents.map((parent: any) => parent.id);

  it('never belong to themselves afterwards, whichever of them stays, and the preview says so', async () => {
    const top = await company('集团');
    const middle = await company('华东', { parentId: top.id });
    const bottom = await company('杭州', { parentId: middle.id });
    for (const [survivor, absorbed] of [
      [top, middle],
      [middle, top],
      [top, bottom],
      [bottom, top],
    ]) {
      expect(code(await merge(survivor.id, absorbed.id, {}, 'merge/preview'))).toBe('parents-circular');
      expect(code(await merge(survivor.id, absorbed.id))).toBe('parents-circular');
    }
    expect(await parentsOf(bottom.id)).toEqual([middle.id, top.id]);
    await patch(middle.id, { parentId: null });
    expect(code(await merge(bottom.id, top.id))).toBe(200);
    expect(await parentsOf(top.id)).toEqual([middle.id]);
  });

  it('may have the other parent taken where one would close a ring', async () => {
    const [head, holding] = [await company('总部'), await company('控股')];
    await patch(head.id, { parentId: holding.id });
    const branch = await company('分部', { parentId: head.id });
    expect(code(await merge(branch.id, head.id))).toBe('parents-circular');
    expect(code(await merge(branch.id, head.id, { fields: { parentId: head.id } }))).toBe(200);
    expect(await parentsOf(branch.id)).toEqual([holding.id]);
  });

  it('close no ring together, however many merges and moves there are at once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const [q, s] = [await company('乙'), await company('丁')];
      const [p, r] = [await company('甲', { parentId: q.id }), await company('丙', { parentId: s.id })];
      const replies = await Promise.all([merge(q.id, r.id), merge(s.id, p.id)]);
      expect(new Set(replies.map(code))).toEqual(new Set([200, 'parents-circular']));
      const [x, y] = [await company('戊'), await company('己')];
      const z = await company('庚', { parentId: y.id });
      const outcomes = await Promise.all([merge(x.id, z.id), patch(y.id, { parentId: x.id })]);
      expect(outcomes.filter(({ status }) => status === 200)).toHaveLength(1);
    }
  });

  it('are not taken apart where one would belong to itself, unless it loses its parent', async () => {
    const [z, x] = [await company('癸'), await company('子')];
    const y = await company('丑', { parentId: z.id });
    await merge(x.id, y.id);
    await patch(x.id, { parentId: null });
    expect((await patch(z.id, { parentId: y.id })).status).toBe(200);
    const unmerge = (body: object = {}) =>
      service.call('POST', `/api/customers/${x.id}/unmerge`, { record: y.id, ...body });
    const refused = await unmerge();
    expect([refused.status, refused.body.code]).toEqual([409, 'parents-circular']);
    expect(await parentsOf(z.id)).toEqual([x.id]);
    expect(code(await unmerge({ move: ['parentId'] }))).toBe(200);
    expect([await parentsOf(y.id), await parentsOf(z.id)]).toEqual([[], [y.id]]);
  });

  it('are taken apart where both belong to others, and one of these to the other one', async () => {
    const [top, x] = [await company('寅'), await company('卯')];
    await patch(x.id, { parentId: top.id });
    const z = await company('辰');
    const y = await company('巳', { parentId: z.id });
    await merge(x.id, y.id);
    await patch(z.id, { parentId: x.id });
    expect(code(await service.call('POST', `/api/customers/${x.id}/unmerge`, { record: y.id }))).toBe(200);
    expect(await parentsOf(y.id)).toEqual([z.id, x.id, top.id]);
  });

  it('answer a repeated merge with the first outcome, also once they were archived', async () => {
    const [a, b] = [await company('辛'), await company('壬')];
    const key = { 'idempotency-key': newId() };
    const send = () => service.call('POST', `/api/customers/${a.id}/merge`, { absorb: [b.id] }, key);
    await send();
    await service.call('DELETE', `/api/customers/${a.id}`);
    expect(await send()).toMatchObject({ status: 200, body: { id: a.id } });
  });
});
