import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, recordId } from '@throughline/event-sourcing';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule);
});
afterAll(() => service.end());

const send = (operations: unknown, more: object = {}, headers: Record<string, string> = {}) =>
  service.call('POST', '/api/customers/batch', { operations, ...more }, headers);
const statuses = (body: any) => body.items.map(({ status }: any) => status);
const codes = (body: any) => body.items.map(({ problem }: any) => problem?.code);
const read = async (id: string) => (await service.call('GET', `/api/customers/${id}`)).body;
/** What is recorded of customers; what the service notices of duplicates comes when it comes. */
const ofCustomers = `select count(*) from events where stream_type = 'customer'`;
const count = async () => Number((await service.kernel.pool.query(ofCustomers)).rows[0].count);

describe('a batch', () => {
  it('answers each operation as it would be alone, in their order', async () => {
    const { body: known } = await service.call('POST', '/api/customers', { name: '已有' });
    const connection = newId();
    const { status, headers, body } = await send([
      { op: 'create', data: { name: '张三', phones: [{ value: '138 0013 8000' }] } },
      { op: 'create', data: { name: 5, colour: 'red' } },
      { op: 'create', data: { birthDate: '2025-02-30' } },
      { op: 'update', id: known.id, data: { title: 'CEO' } },
      { op: 'update', id: newId(), data: { title: 'CEO' } },
      { op: 'upsert', key: 'email/New@example.com', data: { name: 'New' } },
      { op: 'upsert', key: `external/${connection}/a/b`, data: { name: 'External' } },
      { op: 'upsert', key: 'nmuber/1', data: {} },
      { op: 'upsert', data: { name: 'No key' } },
      { op: 'archive', key: `number/${known.number}` },
    ]);
    expect(status).toBe(200);
    expect(headers.get('x-position')).toMatch(/^customers@\d+$/);
    expect(statuses(body)).toEqual([201, 400, 422, 200, 404, 201, 201, 404, 400, 200]);
    expect(body.items[0]).toEqual({ status: 201, id: expect.any(String), version: 1 });
    expect(body.items[9]).toEqual({ status: 200, id: known.id, version: 3 });
    expect(body.items[6].id).toBe(recordId(connection, 'a/b'));
    const failing = (index: number) => body.items[index].problem.errors.map(({ path }: any) => path).sort();
    expect([failing(1), failing(2), failing(8)]).toEqual([['colour', 'name'], ['birthDate', 'name'], ['key']]);
    expect(body.items[1].problem).toMatchObject({ type: '/problems/invalid-request', status: 400 });
    expect((await read(body.items[0].id)).phones[0].e164).toBe('+8613800138000');
    expect((await read(body.items[5].id)).emails).toEqual([{ value: 'New@example.com', primary: true }]);
  });

  it('carries out several operations on one record in their order', async () => {
    const operations = [
      { op: 'upsert', key: 'email/order@example.com', data: { name: 'First' } },
      ...Array.from({ length: 20 }, (_, index) => ({
        op: 'upsert',
        key: 'email/Order@Example.com',
        data: { title: `t${index}` },
      })),
      { op: 'archive', key: 'email/order@example.com' },
    ];
    const { body } = await send(operations);
    expect(statuses(body)).toEqual([201, ...operations.slice(1).map(() => 200)]);
    expect(body.items.map(({ version }: any) => version)).toEqual(operations.map((_, index) => index + 1));
    expect(await read(body.items[0].id)).toMatchObject({ name: 'First', title: 't19', archived: true });
  });

  it('takes 200 full records, and not one more, nor none', async () => {
    const full = (index: number) => ({
      op: 'create',
      data: {
        name: `客户 ${index}`,
        kind: 'person',
        givenName: 'a',
        familyName: 'b',
        companyName: 'c',
        title: 'd',
        department: 'e',
        emails: ['x', 'y', 'z'].map((name) => ({
          value: `${name}${index}@full.example`,
          label: 'work',
          primary: false,
        })),
        phones: ['1', '2', '3'].map((tail) => ({ value: `1380013800${tail}`, label: 'work', primary: false })),
        addresses: ['home', 'work'].map((label) => ({
          country: 'CN',
          province: '上海',
          city: '上海',
          street: 's',
          label,
        })),
        socials: ['wechat', 'weibo', 'qq'].map((network) => ({ network, value: 'v' })),
        tags: Array.from({ length: 20 }, String),
        custom: Object.fromEntries(Array.from({ length: 60 }, (_, field) => [`f${field}`, field])),
      },
    });
    const operations = Array.from({ length: 201 }, (_, index) => full(index));
    const { body } = await send(operations.slice(0, 200));
    expect(body.items).toHaveLength(200);
    expect(new Set(statuses(body))).toEqual(new Set([201]));
    for (const wrong of [operations.map(({ op }) => ({ op, data: {} })), [], [[]], 'x', undefined]) {
      expect(await send(wrong)).toMatchObject({ status: 400, body: { errors: [{ path: expect.any(String) }] } });
    }
    expect((await send([{ op: 'explode' }])).body.errors).toMatchObject([{ path: 'operations.0.op' }]);
  });

  it('with a key does once what it is asked for, whatever became of the records since', async () => {
    const key = { 'idempotency-key': 'batch-1' };
    const operations = [
      { op: 'create', data: { name: 'A', emails: [{ value: 'keyed@example.com' }] } },
      { op: 'create', data: { name: 'B', emails: [{ value: 'keyed@example.com' }] } },
      { op: 'upsert', key: 'email/keyed@example.com', data: { title: 'x' } },
    ];
    const first = await send(operations, {}, key);
    expect(codes(first.body)).toEqual([undefined, 'email-taken', undefined]);
    await service.call('DELETE', `/api/customers/${first.body.items[0].id}`);
    const before = await count();
    const again = await send(operations, {}, key);
    const withoutTrace = (body: any) =>
      body.items.map(({ problem, ...item }: any) => ({ ...item, problem: { ...problem, traceId: '' } }));
    expect(withoutTrace(again.body)).toEqual(withoutTrace(first.body));
    expect(await count()).toBe(before);
    expect(await send(operations.slice(1), {}, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
  });

  it('with a key moves several companies below another, once', async () => {
    const company = async (name: string) =>
      (await service.call('POST', '/api/customers', { name, kind: 'company' })).body.id as string;
    const [top, first, second] = [await company('总公司'), await company('一分公司'), await company('二分公司')];
    const operations = [first, second].map((id) => ({ op: 'update', id, data: { parentId: top } }));
    const key = { 'idempotency-key': 'batch-below' };
    const { body } = await send(operations, {}, key);
    expect(statuses(body)).toEqual([200, 200]);
    expect([await read(first), await read(second)]).toMatchObject([{ parentId: top }, { parentId: top }]);
    const before = await count();
    expect((await send(operations, {}, key)).body).toEqual(body);
    expect(await count()).toBe(before);
  });

  it('carries out what names a record of another operation after that one, or before it, as they stand', async () => {
    for (let round = 0; round < 3; round += 1) {
      const [company, person, made] = [newId(), newId(), newId()];
      const create = (id: string, data: object) => ({ op: 'create', id, data: { name: id, ...data } });
      const { body } = await send([
        create(company, { kind: 'company' }),
        create(person, { employerId: company }),
        create(made, { kind: 'company', parentId: company }),
      ]);
      expect(statuses(body)).toEqual([201, 201, 201]);
      const changed = await send([
        { op: 'update', id: person, data: { kind: 'person', employerId: null } },
        { op: 'update', id: made, data: { employerId: person, referredBy: made } },
      ]);
      expect(statuses(changed.body)).toEqual([200, 422]);
      expect(changed.body.items[1].problem.errors).toMatchObject([
        { path: 'employerId', code: 'not-a-company' },
        { path: 'referredBy', code: 'not-itself' },
      ]);
    }
  });

  it('that was broken off in the middle does what is missing when it is sent again', async () => {
    const { store } = service.kernel;
    const append = store.append.bind(store);
    let left = 7;
    store.append = async (what) => {
      const isOfCustomers = what.streams.some(({ type }) => type === 'customer');
      if (isOfCustomers && (left -= 1) < 0) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
      return append(what);
    };
    const operations = Array.from({ length: 20 }, (_, index) => ({ op: 'create', data: { name: `Broken ${index}` } }));
    const key = { 'idempotency-key': 'batch-2' };
    const broken = await send(operations, {}, key).finally(() => (store.append = append));
    expect(statuses(broken.body).toSorted()).toEqual([...Array(7).fill(201), ...Array(13).fill(503)]);
    const whole = await send(operations, {}, key);
    expect(new Set(statuses(whole.body))).toEqual(new Set([201]));
    expect(new Set(whole.body.items.map(({ id }: any) => id)).size).toBe(20);
    const done = broken.body.items.filter(({ status }: any) => status === 201);
    expect(whole.body.items).toEqual(expect.arrayContaining(done));
    const { rows } = await service.kernel.pool.query(`select count(*) from events where stream_id::text = any($1)`, [
      whole.body.items.map(({ id }: any) => id),
    ]);
    expect(rows).toEqual([{ count: '20' }]);
  });
});

describe('a batch with records of a merged customer', () => {
  const merged = async () => {
    const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
    const top = await create({ name: 'Top' });
    const below = await create({
      name: 'Below',
      department: 'Sales',
      emails: [{ value: `${newId()}@merged.example` }],
    });
    await service.call('POST', `/api/customers/${top.id}/merge`, { absorb: [below.id] });
    const operations = [
      { op: 'update', id: below.id, data: { title: 'CEO' } },
      { op: 'upsert', key: `email/${below.emails[0].value}`, data: { department: 'Board' } },
      { op: 'archive', id: top.id },
      { op: 'update', id: below.id, data: { title: 'late' } },
      { op: 'create', data: { name: 'Next', emails: [{ value: below.emails[0].value }] } },
    ];
    return { top, below, operations };
  };

  it('carries out each on the whole customer, in their order, and once', async () => {
    const { top, below, operations } = await merged();
    const key = { 'idempotency-key': 'batch-merged' };
    const { body } = await send(operations, {}, key);
    expect([statuses(body), codes(body)[3]]).toEqual([[200, 200, 200, 409, 201], 'customer-archived']);
    expect(body.items.slice(0, 3).map(({ id }: any) => id)).toEqual([top.id, top.id, top.id]);
    expect(await read(below.id)).toMatchObject({ id: top.id, title: 'CEO', department: 'Board', archived: true });
    const before = await count();
    expect(statuses((await send(operations, {}, key)).body)).toEqual(statuses(body));
    expect(await count()).toBe(before);
  });

  it('of which all or none is to be done writes to all of its records in one append, or to none', async () => {
    const { top, below, operations } = await merged();
    const before = await count();
    const refused = await send(operations, { allOrNone: true });
    expect(statuses(refused.body)).toEqual([424, 424, 424, 409, 424]);
    expect(await count()).toBe(before);
    const twice = { name: 'Twin', emails: [{ value: 'twin@batch.example' }] };
    const twins = await send(
      [twice, twice].map((data) => ({ op: 'create', data })),
      { allOrNone: true },
    );
    expect(statuses(twins.body)).toEqual([424, 409]);
    expect(twins.body.items[1].problem).toMatchObject({ code: 'email-taken', operation: 0 });
    expect(twins.body.items[1].problem).not.toHaveProperty('holder');
    const head = await service.kernel.feed().head();
    const { body } = await send(
      operations.filter((_, index) => index !== 3),
      { allOrNone: true },
    );
    expect(statuses(body)).toEqual([200, 200, 200, 201]);
    expect(body.items.map(({ version }: any) => version)).toEqual([3, 4, 5, 1]);
    expect(await read(below.id)).toMatchObject({
      id: top.id,
      title: 'CEO',
      department: 'Board',
      archived: true,
      version: 5,
    });
    const { rows } = await service.kernel.pool.query(
      'select count(distinct command_id) from events where stream_id::text = any($1) and position > $2',
      [[top.id, below.id, body.items[3].id], head],
    );
    expect(rows).toEqual([{ count: '1' }]);
  });
});

describe('a batch of which all or none is to be done', () => {
  it('writes nothing where one operation is refused, and says which', async () => {
    const before = await count();
    const { status, body } = await send(
      [
        { op: 'create', data: { name: 'Fine' } },
        { op: 'update', id: newId(), data: { title: 'x' } },
        { op: 'create', data: { name: 'x', birthDate: '2999-01-01' } },
      ],
      { allOrNone: true },
    );
    expect([status, statuses(body)]).toEqual([200, [424, 404, 422]]);
    expect(codes(body)).toEqual(['batch-refused', 'customer-not-found', 'invalid-customer']);
    const shape = await send(
      [
        { op: 'create', data: { name: 'Fine' } },
        { op: 'create', data: { name: 5 } },
      ],
      {
        allOrNone: true,
      },
    );
    expect(statuses(shape.body)).toEqual([424, 400]);
    expect(await count()).toBe(before);
  });

  it('writes all in one append, whose operations see each other', async () => {
    const { body: known } = await service.call('POST', '/api/customers', {
      name: 'Moving',
      emails: [{ value: 'swap@example.com' }],
    });
    const { body } = await send(
      [
        { op: 'update', id: known.id, data: { emails: [] } },
        { op: 'create', data: { name: 'Taker', emails: [{ value: 'swap@example.com' }] } },
        { op: 'upsert', key: 'email/swap@example.com', data: { title: 'CEO' } },
        { op: 'update', id: known.id, data: { emails: [] } },
      ],
      { allOrNone: true },
    );
    expect(statuses(body)).toEqual([200, 201, 200, 200]);
    expect(body.items.map(({ version }: any) => version)).toEqual([2, 1, 2, 2]);
    expect(await read(body.items[1].id)).toMatchObject({
      title: 'CEO',
      version: 2,
      number: expect.stringMatching(/^C-/),
    });
    const { rows } = await service.kernel.pool.query(
      'select count(distinct command_id) from events where stream_id::text = any($1) and version > 1 or stream_id = $2',
      [[known.id], body.items[1].id],
    );
    expect(rows).toEqual([{ count: '1' }]);
  });

  it('makes a customer of a key that an operation before it has freed', async () => {
    const { body: first } = await service.call('PUT', '/api/customers/by/email/freed@example.com', { name: 'First' });
    const { body } = await send(
      [
        { op: 'archive', key: 'email/freed@example.com' },
        { op: 'upsert', key: 'email/freed@example.com', data: { name: 'Second' } },
        { op: 'upsert', key: 'email/freed@example.com', data: { title: 'CEO' } },
      ],
      { allOrNone: true },
    );
    expect(statuses(body)).toEqual([200, 201, 200]);
    expect([body.items[0].id, body.items[2].id]).toEqual([first.id, body.items[1].id]);
    expect(await read(body.items[1].id)).toMatchObject({
      name: 'Second',
      title: 'CEO',
      number: expect.stringMatching(/^C-/),
      version: 2,
    });
  });

  it('answers a repeat as the first time, done or refused', async () => {
    const key = (name: string) => ({ 'idempotency-key': name });
    const operations = [
      { op: 'upsert', key: 'email/none@example.com', data: { name: 'A' } },
      { op: 'create', data: { name: 'B' } },
    ];
    const first = await send(operations, { allOrNone: true }, key('all-1'));
    expect(statuses(first.body)).toEqual([201, 201]);
    await service.call('DELETE', `/api/customers/${first.body.items[0].id}`);
    const before = await count();
    expect((await send(operations, { allOrNone: true }, key('all-1'))).body).toEqual(first.body);
    const missing = newId();
    const wrong = [...operations, { op: 'archive', id: missing }];
    const refused = await send(wrong, { allOrNone: true }, key('all-2'));
    expect(statuses(refused.body)).toEqual([424, 424, 404]);
    await service.call('POST', '/api/customers', { id: missing, name: 'Now there' });
    expect(statuses((await send(wrong, { allOrNone: true }, key('all-2'))).body)).toEqual([424, 424, 404]);
    expect(await send(operations, { allOrNone: true }, key('all-2'))).toMatchObject({ status: 422 });
    expect(await count()).toBe(before + 1);
  });

  it('of two that want one e-mail at once leaves one', async () => {
    for (let round = 0; round < 5; round += 1) {
      const operations = [
        { op: 'create', data: { name: 'One', emails: [{ value: `race${round}@example.com` }] } },
        { op: 'create', data: { name: 'Two' } },
      ];
      const replies = await Promise.all([1, 2, 3].map(() => send(operations, { allOrNone: true })));
      expect(replies.map(({ body }) => codes(body)[0]).filter((code) => code === 'email-taken')).toHaveLength(2);
      expect(replies.flatMap(({ body }) => statuses(body)).filter((status) => status === 201)).toHaveLength(2);
    }
  });
});

describe('a batch of which all or none is to be done, with companies', () => {
  const company = async (name: string, more: object = {}): Promise<string> =>
    (await service.call('POST', '/api/customers', { name, kind: 'company', ...more })).body.id;
  const move = (id: string, parentId: string | null) => ({ op: 'update', id, data: { parentId } });
  const errors = (body: any) =>
    body.items.map(({ problem }: any) => problem?.errors?.map(({ path, code }: any) => `${path} ${code}`));
  const all = async (...operations: object[]) => (await send(operations, { allOrNone: true })).body;

  it('closes no ring of them, with those above counted in as they stand', async () => {
    const [a, b] = [await company('甲'), await company('乙')];
    const c = await company('丙', { parentId: b });
    const refused = await all(move(a, c), move(b, a));
    expect([statuses(refused), errors(refused)[1]]).toEqual([[424, 422], ['parentId circular']]);
    expect(await read(a)).not.toHaveProperty('parentId');
    expect(errors(await all(move(a, a)))).toEqual([['parentId not-itself']]);
  });

  it('may turn a hierarchy round where each move is right by itself', async () => {
    const a = await company('甲');
    const b = await company('乙', { parentId: a });
    const c = await company('丙', { parentId: b });
    expect(statuses(await all(move(b, null), move(a, c), move(c, b)))).toEqual([200, 200, 200]);
    expect([await read(a), await read(c)]).toMatchObject([{ parentId: c }, { parentId: b }]);
  });

  it('names only customers that are there, those made by operations before among them', async () => {
    const [a, b, self] = [newId(), newId(), newId()];
    const create = (id: string, data: object) => ({ op: 'create', id, data: { name: id, kind: 'company', ...data } });
    const ring = await all(create(a, { parentId: b }), create(b, { parentId: a }), create(self, { parentId: self }));
    expect([statuses(ring), errors(ring)[2]]).toEqual([[422, 422, 422], ['parentId unknown-record']]);
    const person = { op: 'create', data: { name: 'x', kind: 'person', employerId: b } };
    expect(statuses(await all(create(a, {}), create(b, { parentId: a })))).toEqual([201, 201]);
    const changed = await all({ op: 'update', id: b, data: { kind: 'person' } }, person);
    expect(errors(changed)[1]).toEqual(['employerId not-a-company']);
  });

  it('closes no ring with another that is sent at once', async () => {
    for (let round = 0; round < 3; round += 1) {
      const [a, b] = [await company('甲'), await company('乙')];
      const replies = await Promise.all([all(move(a, b)), all(move(b, a))]);
      expect(new Set(replies.flatMap(statuses))).toEqual(new Set([200, 422]));
    }
  });
});
