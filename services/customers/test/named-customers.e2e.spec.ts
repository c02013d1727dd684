import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestService, type TestService } from '@throughline/service/testing';
import { NamedCustomers } from '../src/customer/named-customers.store.ts';
import { CustomersModule } from '../src/customers.module.ts';
import { ImportTargets } from '../src/import/import-targets.store.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const { get, mapped, run } = importing(() => service);
const byEmail = (email: string) => service.call('GET', `/api/customers/by/email/${email}`);
const upsert = (email: string, body: object, headers = {}) =>
  service.call('PUT', `/api/customers/by/email/${email}`, body, headers);
const batch = (operations: object[], more: object = {}) =>
  service.call('POST', '/api/customers/batch', { operations, ...more });

/** Customers that an import made: they reserve no e-mail address. */
const imported = async (content: string, more: object = {}) => (await run(await mapped(content, {}, more))).counts;

describe('a customer that an import made', () => {
  it('is found and changed by its e-mail, so that nobody makes a second one', async () => {
    const file = 'name,email\nFirst,Fx@ex.cn\nSecond,gx@ex.cn\n';
    expect(await imported(file)).toMatchObject({ created: 2 });
    const found = await byEmail('fx@EX.cn');
    expect([found.status, found.body.name]).toEqual([200, 'First']);
    const { status, body } = await upsert('fx@ex.cn', { title: 'CEO' });
    expect([status, body]).toMatchObject([200, { id: found.body.id, name: 'First', title: 'CEO' }]);
    const items = [
      { op: 'upsert', key: 'email/gx@ex.cn', data: { title: 'CTO' } },
      { op: 'update', key: 'email/gx@ex.cn', data: { department: 'R&D' } },
    ];
    for (const allOrNone of [false, true]) {
      const { body: done } = await batch(items, { allOrNone });
      expect(done.items.map(({ id }: any) => id)).toEqual(Array(2).fill((await byEmail('gx@ex.cn')).body.id));
    }
    expect(await imported(file)).toMatchObject({ unchanged: 2, failed: 0 });
  });

  it('that shares its e-mail with another is not guessed at', async () => {
    await imported('number,name,email\nS-1,One,both@ex.cn\nS-2,Two,both@ex.cn\n', { matchBy: 'number' });
    for (const { status, body } of [await byEmail('both@ex.cn'), await upsert('both@ex.cn', { title: 'CEO' })]) {
      expect([status, body.code, body.customerIds.length]).toEqual([409, 'several-matches', 2]);
    }
    for (const allOrNone of [false, true]) {
      const { body } = await batch([{ op: 'upsert', key: 'email/both@ex.cn', data: { title: 'x' } }], { allOrNone });
      expect(body.items).toMatchObject([{ status: 409, problem: { code: 'several-matches' } }]);
    }
    const [one, two] = [await get('customers/by/number/S-1'), await get('customers/by/number/S-2')];
    await service.call('POST', `/api/customers/${one.id}/merge`, { absorb: [two.id] });
    expect((await upsert('both@ex.cn', { title: 'CEO' })).body).toMatchObject({ id: one.id, title: 'CEO' });
    expect((await get('customers/by/number/S-2')).id).toBe(one.id);
  });

  it('gives way to whoever has reserved the address, and is not found any more once it is archived', async () => {
    await imported('number,name,email\nW-1,Imported,way@ex.cn\n', { matchBy: 'number' });
    const own = await service.call('POST', '/api/customers', { name: 'Own', emails: [{ value: 'way@ex.cn' }] });
    expect((await byEmail('way@ex.cn')).body.id).toBe(own.body.id);
    await service.call('DELETE', `/api/customers/${own.body.id}`);
    const { id } = await get('customers/by/number/W-1');
    expect((await byEmail('way@ex.cn')).body.id).toBe(id);
    await service.call('DELETE', `/api/customers/${id}`);
    expect((await byEmail('way@ex.cn')).status).toBe(404);
    const made = await upsert('way@ex.cn', { name: 'New' });
    expect([own.body.id, id]).not.toContain(made.body.id);
  });

  it('is changed once by an upsert that comes again, whoever has its address by then', async () => {
    await imported('number,name,email\nR-1,Once,once@ex.cn\n', { matchBy: 'number' });
    const key = { 'idempotency-key': 'once' };
    const first = await upsert('once@ex.cn', { title: 'CEO' }, key);
    await imported('number,name,email\nR-2,Twice,once@ex.cn\n', { matchBy: 'number' });
    expect((await upsert('once@ex.cn', { title: 'CTO' })).body.code).toBe('several-matches');
    expect((await upsert('once@ex.cn', { title: 'CEO' }, key)).body).toEqual(first.body);
    const rule = { ways: ['api', 'person'], operations: ['create', 'change'], band: 'review', action: 'block' };
    await service.call('PUT', '/api/duplicate-rules', { rules: [rule] });
    expect((await upsert('once@ex.cn', { title: 'CEO' }, key)).body).toEqual(first.body);
    await service.call('PUT', '/api/duplicate-rules', { rules: [] });
  });
});

describe('an upsert by an e-mail that no rule reserves', () => {
  it('finds whom the one before it made', async () => {
    await service.call('PUT', '/api/duplicate-rules', { rules: [] });
    const made = await upsert('loose@ex.cn', { name: 'Loose' });
    expect((await upsert('loose@ex.cn', { title: 'CEO' })).body).toMatchObject({ id: made.body.id, title: 'CEO' });
    const operations = [
      { op: 'upsert', key: 'email/chain@ex.cn', data: { name: 'Chain' } },
      { op: 'upsert', key: 'email/chain@ex.cn', data: { title: 'CEO' } },
      { op: 'archive', key: 'email/chain@ex.cn' },
    ];
    for (const allOrNone of [false, true]) {
      const { body } = await batch(operations, { allOrNone });
      expect(body.items.map(({ version }: any) => version)).toEqual([1, 2, 3]);
      expect(new Set(body.items.map(({ id }: any) => id)).size).toBe(1);
    }
  });
});

describe('an upsert at the very moment of an import', () => {
  /** Once, between looking for somebody and recording them. */
  const between = (store: object, name: string, first: () => Promise<unknown>) => {
    const looking = store as Record<string, (...given: unknown[]) => Promise<unknown>>;
    const find = looking[name] as (typeof looking)[string];
    looking[name] = async (...given) => {
      const found = await find.apply(store, given);
      looking[name] = find;
      await first();
      return found;
    };
  };
  const inBatch = (allOrNone: boolean) => async (key: string, name: string) =>
    (await batch([{ op: 'upsert', key, data: { name } }], { allOrNone })).body.items[0];
  /** By what an upsert looks for somebody last, or first. */
  const upserts = {
    alone: {
      looking: 'findOrNew',
      upsert: (key: string, name: string) => service.call('PUT', `/api/customers/by/${key}`, { name }),
    },
    'one of a batch': { looking: 'find', upsert: inBatch(false) },
    'with others or not at all': { looking: 'findEach', upsert: inBatch(true) },
  };
  const cases = ['email', 'number'].flatMap((key) =>
    Object.entries(upserts).map(([how, one]) => ({ key, how, ...one })),
  );
  let values = 0;
  const fresh = (key: string) => `race${(values += 1)}${key === 'email' ? '@ex.cn' : ''}`;
  const count = async () => {
    const { rows } = await service.kernel.pool.query(`select count(*)::int as n from streams where type = 'customer'`);
    return rows[0].n;
  };

  it.each(cases)('by $key, $how, makes one record with it, whichever comes first', async ({ key, looking, upsert }) => {
    const before = await count();
    const [first, second] = [fresh(key), fresh(key)];
    const file = (value: string) => `name,title,${key}\nImported,CEO,${value}\n`;

    const id = await mapped(file(first), {}, { matchBy: key });
    between(service.app.get(ImportTargets), 'find', () => upsert(`${key}/${first}`, 'Upserted'));
    expect((await run(id)).counts).toMatchObject({ updated: 1, failed: 0 });
    expect(await get(`customers/by/${key}/${first}`)).toMatchObject({ name: 'Imported', title: 'CEO' });

    between(service.app.get(NamedCustomers), looking, () => imported(file(second), { matchBy: key }));
    expect(await upsert(`${key}/${second}`, 'Upserted')).toMatchObject({ status: 200 });
    expect(await get(`customers/by/${key}/${second}`)).toMatchObject({ name: 'Upserted', title: 'CEO' });
    expect((await count()) - before).toBe(2);
  });
});
