import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkpointOf, newId, passed } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { duplicateQueue } from '../src/duplicates/duplicate-queue.view.ts';
import { matchRecords } from '../src/duplicates/match-records.view.ts';

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

    const dismissed = await post(`duplicates/${pair.id}/dismiss`, { reason: '父子同名' });
    expect(dismissed).toMatchObject({ status: 200, body: { status: 'dismissed' } });
    await service.call('PATCH', `/api/customers/${two.id}`, { addresses: [{ city: '成都' }] });
    await settled();
    await settled();
    expect(await queued(one.id, two.id, 'dismissed')).toMatchObject({ id: pair.id });
    expect((await get('duplicates?limit=200')).items.map(({ id }: any) => id)).not.toContain(pair.id);
    await post(`duplicates/${pair.id}/reopen`);
    expect((await queued(one.id, two.id)).id).toBe(pair.id);
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
