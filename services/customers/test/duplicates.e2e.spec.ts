import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkpointOf, newId, passed } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { duplicateQueue } from '../src/duplicates/duplicate-queue.view.ts';
import { MatchQuestions } from '../src/duplicates/match-questions.store.ts';
import { MatchRecords } from '../src/duplicates/match-records.store.ts';
import { comparable, matchRecords } from '../src/duplicates/match-records.view.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const post = (path: string, body: object = {}, headers = {}) => service.call('POST', `/api/${path}`, body, headers);
const create = (body: object, headers = {}) => post('customers', body, headers);
const get = async (path: string) => (await service.call('GET', `/api/${path}`)).body;
const setRules = (rules: object[]) => service.call('PUT', '/api/duplicate-rules', { rules });
const matchOf = async (body: object) => (await post('customers/match', body)).body.matches;

let next = 1000;
/** A phone that nobody else has. */
const phone = () => `138 0013 ${(next += 7)}`;

/** The pair of two customers in the queue, once it is there. */
const queued = async (a: string, b: string, status = 'open') => {
  const isPair = ({ records }: any) => [a, b].every((id) => records.some(({ recordId }: any) => recordId === id));
  const items = await eventually(
    async () => (await get(`duplicates?status=${status}&limit=200`)).items,
    (list: any[]) => list.some(isPair),
  );
  return items.find(isPair);
};
/** Waits until what was recorded so far has been compared with everything. */
const settled = async () => {
  const { rows } = await service.kernel.pool.query<{ last: string }>('select max(position) as last from events');
  const followers = [
    checkpointOf(matchRecords),
    checkpointOf(duplicateQueue),
    'policy:record-duplicates-when-customer-changes',
  ];
  expect(await passed(service.kernel.pool, followers, 'customers', Number(rows[0]?.last), 20_000)).toBe(true);
};

describe('a match', () => {
  it('says who a customer may be, with score and reasons, in Chinese and Latin letters, and records nothing', async () => {
    const number = phone();
    const { body: zhang } = await create({
      name: '张国强',
      phones: [{ value: number }],
      addresses: [{ city: '杭州' }],
    });
    await settled();
    const matches = await matchOf({ name: 'Guoqiang Zhang', phones: [{ value: `+86${number}` }] });
    expect(matches[0]).toMatchObject({
      customerId: zhang.id,
      number: zhang.number,
      name: '张国强',
      band: 'review',
    });
    expect(matches[0].reasons[0]).toMatchObject({ field: 'phone', level: 'exact' });
    expect(matches[0].probability).toBeGreaterThan(0.9);
    expect(await matchOf({ name: 'Ottilie Brandstätter' })).toEqual([]);
  });

  it('tells who has the same e-mail, phone or number under another name, and queues only who has the number', async () => {
    const registrationNumber = '91440300708461136T';
    const emails = [{ value: 'front.desk88@moved.example' }];
    const number = phone();
    const { body: one } = await create({
      kind: 'company',
      name: '杭州云栖科技有限公司',
      registrationNumber,
      phones: [{ value: number }],
      emails,
    });
    await settled();
    const other = { kind: 'company', name: '上海晨光贸易有限公司' };
    for (const [shared, band] of [
      [{ emails }, 'none'],
      [{ phones: [{ value: number }] }, 'none'],
      [{ registrationNumber }, 'review'],
    ] as const) {
      const [found, ...more] = await matchOf({ ...other, ...shared });
      expect(more).toEqual([]);
      expect(found).toMatchObject({ customerId: one.id, band });
      expect(found.reasons.map(({ level }: any) => level)).toContain('exact');
    }
    const { body: sharing } = await create({
      kind: 'company',
      name: '深圳华信电子有限公司',
      phones: [{ value: number }],
    });
    const { body: renamed } = await create({ ...other, registrationNumber });
    expect(await queued(one.id, renamed.id)).toMatchObject({ band: 'review', by: 'create' });
    const { items } = await get('duplicates?limit=200');
    expect(items.flatMap(({ records }: any) => records).map(({ recordId }: any) => recordId)).not.toContain(sharing.id);
  });

  it('is with what a record says now, whoever asked before', async () => {
    const { id } = (await create({ name: '欧阳修远', emails: [{ value: 'xiuyuan@example.cn' }] })).body;
    await settled();
    const asked = { name: '欧阳修远', emails: [{ value: 'xiuyuan@example.cn' }] };
    const [before] = await matchOf(asked);
    expect(before).toMatchObject({ customerId: id });
    expect(await matchOf(asked)).toEqual([before]);
    await service.call('PATCH', `/api/customers/${id}`, { name: '司马相如' });
    await settled();
    const [after] = await matchOf(asked);
    expect(after).toMatchObject({ customerId: id, name: '司马相如' });
    expect(after.score).toBeLessThan(before.score);
  });

  it('does not match a customer with itself, nor with what is archived or merged into it', async () => {
    const number = phone();
    const twin = { name: '欧阳修文', phones: [{ value: number }] };
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push((await create(twin)).body.id);
    await settled();
    const duplicates = async () =>
      (await get(`customers/${ids[0]}/duplicates`)).matches.map(({ customerId }: any) => customerId).toSorted();
    expect(await duplicates()).toEqual(ids.slice(1).toSorted());
    await post(`customers/${ids[1]}/archive`);
    await post(`customers/${ids[0]}/merge`, { absorb: [ids[2]] });
    await settled();
    expect(await duplicates()).toEqual([]);
    expect((await matchOf(twin)).map(({ customerId }: any) => customerId)).toEqual([ids[0]]);
    await post(`customers/${ids[1]}/restore`);
    await settled();
    expect(await duplicates()).toEqual([ids[1]]);
  });
});

describe('the queue', () => {
  it('holds what comes in alike, explains it, and remembers that two are two', async () => {
    const number = phone();
    const { body: one } = await create({ name: '诸葛明亮', phones: [{ value: number }] });
    const { body: two } = await create({ name: '诸葛明亮', phones: [{ value: number }] });
    const pair = await queued(one.id, two.id);
    expect(pair).toMatchObject({ band: 'automatic', by: 'create', status: 'open' });
    expect(pair.records).toEqual(
      expect.arrayContaining([
        { recordId: one.id, customerId: one.id, number: one.number, name: '诸葛明亮' },
        { recordId: two.id, customerId: two.id, number: two.number, name: '诸葛明亮' },
      ]),
    );
    const explained = await get(`duplicates/${pair.id}`);
    const sum = explained.reasons.reduce((total: number, { weight }: any) => total + weight, explained.prior);
    expect(sum).toBeCloseTo(explained.score, 6);

    const told = async () =>
      (await get(`customers/${one.id}/duplicates`)).matches.map(({ customerId }: any) => customerId);
    expect(await told()).toEqual([two.id]);
    const dismissed = await post(`duplicates/${pair.id}/dismiss`, { reason: '父子同名' });
    expect(dismissed).toMatchObject({ status: 200, body: { status: 'dismissed' } });
    await service.call('PATCH', `/api/customers/${two.id}`, { addresses: [{ city: '成都' }] });
    await settled();
    await settled();
    expect(await queued(one.id, two.id, 'dismissed')).toMatchObject({ id: pair.id });
    expect((await get('duplicates?limit=200')).items.map(({ id }: any) => id)).not.toContain(pair.id);
    expect(await told()).toEqual([]);
    const { items, nextCursor, total } = await get('duplicates?limit=200');
    expect([total, nextCursor]).toEqual([{ value: items.length, exact: true }, null]);
    await post(`duplicates/${pair.id}/reopen`);
    await settled();
    expect(await get('duplicates?limit=1')).toMatchObject({
      items: [{}],
      total: { value: items.length + 1, exact: true },
    });
    expect((await queued(one.id, two.id)).id).toBe(pair.id);
    expect(await told()).toEqual([two.id]);
  });

  it('merges a pair, after which it is gone', async () => {
    const number = phone();
    const { body: one } = await create({ name: '司马相如', title: '诗人', phones: [{ value: number }] });
    const { body: two } = await create({ name: 'Sima Xiangru', phones: [{ value: number }] });
    const pair = await queued(one.id, two.id);
    const key = { 'idempotency-key': newId() };
    const merge = () => post(`duplicates/${pair.id}/merge`, { survivor: two.id, fields: { name: one.id } }, key);
    expect(await merge()).toMatchObject({ status: 200, body: { status: 'merged' } });
    expect(await merge()).toMatchObject({ status: 200, body: { status: 'merged' } });
    expect(await get(`customers/${one.id}`)).toMatchObject({ id: two.id, name: '司马相如', title: '诗人' });
    await settled();
    expect((await get('duplicates?limit=200')).items.map(({ id }: any) => id)).not.toContain(pair.id);
    const wrong = await post(`duplicates/${pair.id}/merge`, { survivor: newId() });
    expect(wrong).toMatchObject({ status: 422, body: { code: 'invalid-merge' } });
    expect((await post(`duplicates/${newId()}/dismiss`)).status).toBe(404);
  });
});

describe('the duplicate rules', () => {
  const rule = (more: object) => ({ ways: ['person', 'api'], operations: ['create', 'change'], ...more });

  it('are those that come with the product until somebody sets others, each checked', async () => {
    expect(await get('duplicate-rules')).toMatchObject({
      version: 0,
      rules: [{ fields: ['email'], action: 'block', among: 'reserved' }],
      autoMerge: { enabled: false },
    });
    const wrong = await setRules([
      rule({ action: 'warn' }),
      rule({ ways: ['connector'], band: 'review', action: 'block' }),
    ]);
    expect(wrong).toMatchObject({ status: 422, body: { code: 'invalid-duplicate-rules' } });
    expect(wrong.body.errors.map(({ path }: any) => path)).toEqual(['rules.0.fields', 'rules.1.action']);
    expect((await setRules([rule({ fields: ['phone'], action: 'explode' })])).status).toBe(400);
  });

  it('warn of a likely duplicate, which is recorded and queued', async () => {
    await setRules([rule({ band: 'review', action: 'warn' })]);
    const number = phone();
    const { body: first } = await create({ name: '上官婉儿', phones: [{ value: number }] });
    await settled();
    const { status, body } = await create({ name: '上官婉兒', phones: [{ value: number }] });
    expect(status).toBe(201);
    expect(body.warnings).toEqual([
      expect.objectContaining({ code: 'possible-duplicate', customerId: first.id, name: '上官婉儿' }),
    ]);
    expect((await get(`customers/${body.id}`)).warnings).toBeUndefined();
    await queued(first.id, body.id);
    const quiet = await create({ name: '上官婉儿', phones: [{ value: number }] }, { 'x-skip-duplicate-check': 'true' });
    expect(quiet).toMatchObject({ status: 201, body: { name: '上官婉儿' } });
    expect(quiet.body.warnings).toBeUndefined();
  });

  it('know a quick entry from others', async () => {
    await setRules([rule({ ways: ['quick-add'], fields: ['phone'], action: 'block' })]);
    const contact = { phones: [{ value: phone() }] };
    await create({ name: '赵敏', ...contact });
    await settled();
    const quick = await create({ name: '周芷若', ...contact, interaction: { kind: 'call' } });
    expect(quick).toMatchObject({ status: 409, body: { code: 'duplicate-found' } });
    expect((await create({ name: '周芷若', ...contact })).status).toBe(201);
  });

  it('block, but for the roles that may pass and say so', async () => {
    await setRules([rule({ fields: ['name', 'phone'], action: 'block', bypass: ['administrator'] })]);
    const number = phone();
    const twin = { name: 'Zoë Müller', phones: [{ value: number }] };
    const { body: first } = await create(twin);
    await settled();
    const blocked = await create(twin);
    expect(blocked).toMatchObject({ status: 409, body: { code: 'duplicate-found' } });
    expect(blocked.body.matches).toEqual([
      expect.objectContaining({ customerId: first.id, number: first.number, name: 'Zoë Müller' }),
    ]);
    expect((await create({ ...twin, name: 'Ken Ito' })).status).toBe(201);
    const { body: other } = await create({ name: 'Zoe Muller' });
    const patched = await service.call('PATCH', `/api/customers/${other.id}`, {
      name: 'Zoë Müller',
      phones: twin.phones,
    });
    expect(patched).toMatchObject({ status: 409, body: { code: 'duplicate-found' } });
    expect((await service.call('PATCH', `/api/customers/${other.id}`, { title: 'CEO' })).status).toBe(200);
    const passing = await create(twin, { 'x-skip-duplicate-check': 'true' });
    expect(passing.status).toBe(201);
    await queued(first.id, passing.body.id);
    const version = await service.kernel.pool.query(
      `select meta->>'rulesVersion' as version from events where stream_id = $1`,
      [passing.body.id],
    );
    expect(version.rows[0].version).toMatch(/^duplicate-rules@\d+$/);
  });

  it.each([
    ['a company', { name: '唯一名称有限公司' }, { name: '唯一名称 有限公司' }, { name: '唯一名号有限公司' }],
    ['a person', { name: '慕容复兴' }, { familyName: '慕容', givenName: '复兴' }, { name: '慕容富星' }],
    ['one word', { name: 'Madonnella' }, { name: 'MADONNELLA' }, { name: 'Madonnello' }],
  ])('find %s by the name alone, where they ask for nothing else', async (_, known, same, alike) => {
    await setRules([rule({ fields: ['name'], action: 'block' })]);
    const { body: first } = await create(known);
    await settled();
    const blocked = await create(same);
    expect(blocked).toMatchObject({ status: 409, body: { code: 'duplicate-found' } });
    expect(blocked.body.matches).toMatchObject([{ customerId: first.id, name: known.name }]);
    expect((await create(alike)).status).toBe(201);
  });

  it('find a name among many who are called alike, and queue no more of them than anybody can look at', async () => {
    await setRules([]);
    const namesakes = Array.from({ length: 30 }, () => ({ op: 'create', data: { name: '欧阳静文' } }));
    expect((await post('customers/batch', { operations: namesakes })).status).toBe(200);
    await settled();
    await setRules([rule({ fields: ['name'], action: 'warn' })]);
    const { status, body } = await create({ name: '欧阳静文' });
    expect([status, body.warnings.length]).toEqual([201, 10]);
    await settled();
    const { items } = await get('duplicates?limit=200');
    const own = items.filter(({ records }: any) => records.some(({ recordId }: any) => recordId === body.id));
    expect(own.length).toBeGreaterThan(0);
    expect(own.length).toBeLessThanOrEqual(20);
  });

  it('let one of twenty equal ones through that come at once, and give its answer again', async () => {
    await setRules([rule({ fields: ['phone'], action: 'block' })]);
    const number = phone();
    const names = Array.from({ length: 20 }, (_, i) => `客户${i}`);
    const replies = await Promise.all(names.map((name) => create({ name, phones: [{ value: number }] })));
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    const [winner] = replies.filter(({ status }) => status === 201);
    for (const { status, body } of replies.filter((reply) => reply !== winner)) {
      expect([status, body.code]).toEqual([409, 'duplicate-found']);
      expect(body.matches[0]).toMatchObject({ customerId: winner!.body.id, name: winner!.body.name });
    }
    const key = { 'idempotency-key': newId() };
    const fresh = { name: '客户', phones: [{ value: phone() }] };
    expect([(await create(fresh, key)).body.id]).toEqual([(await create(fresh, key)).body.id]);
    // Archiving gives the number free.
    await post(`customers/${winner!.body.id}/archive`);
    await settled();
    expect((await create({ name: '新客户', phones: [{ value: number }] })).status).toBe(201);
    expect(await post(`customers/${winner!.body.id}/restore`)).toMatchObject({ status: 409 });
  });

  it('never hold up a source, whose pairs are queued', async () => {
    await setRules([rule({ band: 'review', action: 'block' })]);
    const number = phone();
    const { body: first } = await create({ name: '独孤求败', phones: [{ value: number }] });
    await settled();
    const connectionId = newId();
    const customerId = newId();
    await service.log('gateway').append({ type: 'seen-customer', id: customerId }, {
      type: 'CustomerSeen',
      customerId,
      externalId: { connectionId, id: '17' },
      name: '独孤求败',
      kind: 'person',
      phones: [{ value: number }],
      stamp: { rank: 'profile', at: '2026-01-01T00:00:00.000Z', hash: 'a' },
    } as never);
    await queued(first.id, customerId);
    expect(await get(`customers/${customerId}`)).toMatchObject({ name: '独孤求败' });
  });
});

describe('a batch', () => {
  const rule = (more: object) => ({ ways: ['api', 'person'], operations: ['create', 'change'], ...more });
  const send = (operations: object[], more: object = {}, headers = {}) =>
    post('customers/batch', { operations, ...more }, headers);
  const codes = ({ body }: any) => body.items.map(({ status, problem }: any) => problem?.code ?? status);
  const skipped = { 'x-skip-duplicate-check': 'true' };

  it('holds up what the rules block, each for itself, and says who it may be', async () => {
    await setRules([rule({ fields: ['name', 'phone'], action: 'block', bypass: ['administrator'] })]);
    const twin = { name: '司空摘星', phones: [{ value: phone() }] };
    const { body: first } = await create(twin);
    await settled();
    const operations = [
      { op: 'create', data: { name: '陆小凤' } },
      { op: 'create', data: twin },
      { op: 'upsert', key: `number/N-${phone().replaceAll(' ', '')}`, data: twin },
      { op: 'update', id: first.id, data: { title: '神偷' } },
      { op: 'upsert', key: `number/${first.number}`, data: twin },
      { op: 'create', id: newId(), data: { name: '花满楼', phones: twin.phones } },
    ];
    const reply = await send(operations);
    expect(codes(reply)).toEqual([201, 'duplicate-found', 'duplicate-found', 200, 200, 201]);
    expect(reply.body.items[1].problem.matches).toEqual([
      expect.objectContaining({ customerId: first.id, number: first.number }),
    ]);
    // What an operation leaves is what the next one is compared by.
    const id = newId();
    const inTwoSteps = [
      { op: 'create', data: { id, name: twin.name } },
      { op: 'update', id, data: { phones: twin.phones } },
    ];
    expect(codes(await send(inTwoSteps))).toEqual([201, 'duplicate-found']);
    expect(codes(await send([{ op: 'create', data: twin }], {}, skipped))).toEqual([201]);
  });

  it('knows a quick entry from others, as it would be alone', async () => {
    await setRules([rule({ ways: ['quick-add'], fields: ['phone'], action: 'block' })]);
    const known = { name: '赵灵儿', phones: [{ value: phone() }] };
    await create(known);
    await settled();
    const quick = (data: object) => ({ op: 'create', data: { ...data, interaction: { kind: 'call' } } });
    for (const allOrNone of [false, true])
      expect(codes(await send([quick({ ...known, name: '林月如' })], { allOrNone }))).toEqual(['duplicate-found']);
    expect(codes(await send([{ op: 'create', data: known }]))).toEqual([201]);
    const fresh = { name: '阿奴', phones: [{ value: phone() }] };
    expect(codes(await send([quick(fresh), quick(fresh)])).toSorted()).toEqual([201, 'duplicate-found']);
    expect((await create({ ...fresh, interaction: { kind: 'call' } })).body.code).toBe('duplicate-found');
    expect((await create(fresh)).status).toBe(201);
  });

  it('warns in the answer of each, and queues', async () => {
    await setRules([rule({ band: 'review', action: 'warn' })]);
    const twin = { name: '西门吹雪', phones: [{ value: phone() }] };
    const { body: first } = await create(twin);
    await settled();
    const key = { 'idempotency-key': newId() };
    const operations = [
      { op: 'create', data: { name: '叶孤城' } },
      { op: 'create', data: twin },
    ];
    const reply = await send(operations, {}, key);
    expect(codes(reply)).toEqual([201, 201]);
    expect(reply.body.items.map(({ warnings }: any) => warnings)).toEqual([
      undefined,
      [expect.objectContaining({ code: 'possible-duplicate', customerId: first.id })],
    ]);
    await queued(first.id, reply.body.items[1].id);
    const again = await send(operations, {}, key);
    expect(again.body.items.map(({ id }: any) => id)).toEqual(reply.body.items.map(({ id }: any) => id));
    const quiet = await send([{ op: 'create', data: twin }], {}, skipped);
    expect(quiet.body.items[0].warnings).toBeUndefined();
  });

  it('answers a repeat as the first time, whatever came in since', async () => {
    await setRules([rule({ fields: ['name', 'phone'], action: 'block' })]);
    const { body: first } = await create({ name: '楚留香' });
    const key = { 'idempotency-key': newId() };
    const operations = [{ op: 'update', id: first.id, data: { phones: [{ value: phone() }] } }];
    expect(codes(await send(operations, {}, key))).toEqual([200]);
    await setRules([]);
    await create({ name: '楚留香', phones: operations[0]!.data.phones });
    await setRules([rule({ fields: ['name', 'phone'], action: 'block' })]);
    await settled();
    expect(codes(await send(operations, {}, key))).toEqual([200]);
  });

  it('of which all or none is to be done is held up as a whole, until they are no duplicates any more', async () => {
    await setRules([rule({ fields: ['name', 'phone'], action: 'block' })]);
    const twin = { name: '李寻欢', phones: [{ value: phone() }] };
    const { body: first } = await create(twin);
    await settled();
    const key = { 'idempotency-key': newId() };
    const operations = [
      { op: 'create', data: { name: '阿飞' } },
      { op: 'create', data: twin },
      { op: 'update', id: newId(), data: { title: 'x' } },
    ];
    const held = await send(operations, { allOrNone: true });
    expect(codes(held)).toEqual(['batch-refused', 'duplicate-found', 'customer-not-found']);
    expect(held.body.items[1].problem.matches[0]).toMatchObject({ customerId: first.id });
    const two = operations.slice(0, 2);
    expect(codes(await send(two, { allOrNone: true }, key))).toEqual(['batch-refused', 'duplicate-found']);
    await post(`customers/${first.id}/archive`);
    await settled();
    expect(codes(await send(two, { allOrNone: true }, key))).toEqual([201, 201]);
    await setRules([rule({ band: 'review', action: 'warn' })]);
    await settled();
    const warned = await send([{ op: 'create', data: twin }], { allOrNone: true });
    expect(warned.body.items[0].warnings).toHaveLength(1);
  });

  it('reserves what a rule blocks on, also where all or none is to be done', async () => {
    await setRules([rule({ fields: ['phone'], action: 'block' })]);
    const phones = [{ value: phone() }];
    const operations = [
      { op: 'create', data: { name: '甲', phones } },
      { op: 'create', data: { name: '乙', phones } },
    ];
    const reply = await send(operations);
    expect(codes(reply).toSorted()).toEqual([201, 'duplicate-found']);
    const one = { op: 'create', data: { name: '丙', phones } };
    expect(codes(await send([one], { allOrNone: true }))).toEqual(['duplicate-found']);
    const other = { op: 'create', data: { name: '丁', phones: [{ value: phone() }] } };
    expect(codes(await send([other], { allOrNone: true }))).toEqual([201]);
    expect(codes(await send([other], { allOrNone: true }))).toEqual(['duplicate-found']);
  });
});

describe('the match view', () => {
  it('is asked for many records together, and answers each as it would alone', async () => {
    await setRules([]);
    const phones = Array.from({ length: 30 }, phone);
    for (const [index, value] of phones.entries()) await create({ name: `同名${index % 3}`, phones: [{ value }] });
    await settled();
    const sought = phones.map((value, index) => ({
      record: comparable(newId(), { name: `同名${index % 3}`, phones: [value] }),
      goldenId: null,
    }));
    const { pool } = service.kernel;
    let asked = 0;
    const counting = {
      query: pool.query.bind(pool),
      connect: (connected: never) => {
        asked += 1;
        pool.connect(connected);
      },
    };
    const kernel = { pool: counting } as never;
    const matches = new MatchRecords(kernel, new MatchQuestions(kernel));
    const together = await matches.candidatesOfEach(sought);
    expect(asked).toBeLessThanOrEqual(3);
    expect([...together.values()].every((found) => found.length > 0)).toBe(true);
    for (const one of sought) {
      const alone = await matches.candidatesOf(one.record, null);
      expect(together.get(one)?.map(({ customerId }) => customerId)).toEqual(alone.map(({ customerId }) => customerId));
    }
    const sharing = await matches.sharingWithEach(sought);
    expect(sought.map((one) => sharing.get(one)?.length)).toEqual(sought.map(() => 1));
  });
});
