import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { builtInCare, type Entry } from '@throughline/contracts';
import { newId, runInContext, systemContext } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { customer } from '../src/customer/customer.ts';
import { builtInRules } from '../src/customer/customer-rules.ts';
import { CustomersModule } from '../src/customers.module.ts';
import { placeOrder } from './placed-order.ts';

const databasePrefix = `t${randomBytes(5).toString('hex')}_`;
const ownerId = newId();
const [forgotten, fresh, bought] = [newId(), newId(), newId()];
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();

let service: TestService;
const start = () =>
  startTestService(CustomersModule, { listensTo: ['gateway', 'sales', 'interactions'], config: { databasePrefix } });
const get = async (id: string) => (await service.call('GET', `/api/customers/${id}/care`)).body;
const post = (id: string, verb: string, body?: object) => service.call('POST', `/api/customers/${id}/${verb}`, body);

/** As it was entered so many days ago. */
async function entered(id: string, days: number, fields: object, entry: Entry = 'person') {
  const command = { type: 'CreateCustomer', number: `C-${id}`, fields: { name: '王伟', ...fields } } as const;
  await runInContext({ ...systemContext('test'), entry }, () =>
    service.kernel.commands.execute(customer, id, command, { rules: builtInRules, occurredAt: daysAgo(days) }),
  );
}

beforeAll(async () => {
  service = await start();
  await entered(forgotten, 200, { kind: 'person', ownerId });
  await entered(fresh, 10, {});
  await entered(bought, 10, {});
  // A round comes every few minutes, and whenever a process begins to lead.
  await service.stop();
  service = await start();
}, 60_000);
afterAll(() => service.end());

describe('a customer whom nobody confirmed for long', () => {
  it('is to be asked, and is fine again with one click', async () => {
    const asked = await eventually(
      () => get(forgotten),
      ({ due }) => due,
    );
    expect(asked).toMatchObject({ due: true, askBy: 'call', escalatedAt: null, confirmedBy: 'change' });
    expect(asked.qualityIssues).toContain('stale');
    expect(Date.parse(asked.dueAt) - Date.parse(asked.confirmedAt)).toBe(180 * 86_400_000);
    expect(await get(fresh)).toMatchObject({ due: false });

    const confirmed = await post(forgotten, 'confirm');
    expect(confirmed).toMatchObject({ status: 200, body: { due: false, confirmedBy: 'person' } });
    expect(confirmed.body.quality).toBe(asked.quality + 10);
    expect((await post(forgotten, 'confirm', { how: 'customer' })).body.confirmedBy).toBe('customer');
    expect((await post(newId(), 'confirm')).status).toBe(404);
  });

  it('is not changed by being asked: its own stream stays as it was', async () => {
    expect((await service.call('GET', `/api/customers/${forgotten}`)).body.version).toBe(1);
  });
});

describe('the care of a customer', () => {
  it('knows which addresses bounced, while the customer has them', async () => {
    const address = `wang.${newId()}@example.cn`;
    await service.call('PATCH', `/api/customers/${fresh}`, { emails: [{ value: address }] });
    const { body } = await post(fresh, 'emails/bounced', { address, reason: '550 用户不存在' });
    expect(body).toMatchObject({ bounced: [{ address, reason: '550 用户不存在' }] });
    expect(body.qualityIssues).toContain('bounced:emails');
    await service.call('PATCH', `/api/customers/${fresh}`, { emails: [{ value: `new.${address}` }] });
    expect((await get(fresh)).qualityIssues).not.toContain('bounced:emails');
  });

  it('keeps a bounce with the record that has the address, also when a merge is taken apart', async () => {
    const [top, other] = [`top.${newId()}@example.cn`, `other.${newId()}@example.cn`];
    const create = async (value: string) =>
      (await service.call('POST', '/api/customers', { name: '李娜', emails: [{ value }] })).body.id as string;
    const [golden, absorbed] = [await create(top), await create(other)];
    await post(golden, 'merge', { absorb: [absorbed] });
    await post(golden, 'emails/bounced', { address: other.toUpperCase() });
    const { body } = await post(absorbed, 'emails/bounced', { address: top });
    expect(body).toMatchObject({ customerId: golden, bounced: [{ address: top }, { address: other.toUpperCase() }] });
    expect((await post(golden, 'emails/bounced', { address: 'nobody@example.cn' })).body.bounced).toHaveLength(3);
    await post(golden, 'unmerge', { record: absorbed });
    expect((await get(golden)).bounced).toMatchObject([{ address: top }, { address: 'nobody@example.cn' }]);
    const released = await get(absorbed);
    expect(released).toMatchObject({ bounced: [{ address: other.toUpperCase() }] });
    expect(released.qualityIssues).toContain('bounced:emails');
  });

  it('tells of a bounce every record that has the address, once', async () => {
    const address = `both.${newId()}@example.cn`;
    const [golden, absorbed] = [newId(), newId()];
    const fields = { name: '李娜', emails: [{ value: address }] };
    // What is imported reserves no address.
    for (const id of [golden, absorbed]) await entered(id, 1, fields, 'import');
    await post(golden, 'merge', { absorb: [absorbed] });
    const key = { 'idempotency-key': newId() };
    for (let times = 0; times < 2; times += 1) {
      const path = `/api/customers/${golden}/emails/bounced`;
      const { body } = await service.call('POST', path, { address }, key);
      expect(body.bounced).toMatchObject([{ address }]);
    }
    await post(golden, 'unmerge', { record: absorbed });
    for (const id of [golden, absorbed]) expect((await get(id)).bounced).toMatchObject([{ address }]);
  });

  it('is configured by days', async () => {
    expect((await service.call('GET', '/api/care-settings')).body).toEqual(builtInCare);
    const own = { ...builtInCare, confirmAfterDays: { person: 30, company: 365 }, askBy: 'email' };
    expect(await service.call('PUT', '/api/care-settings', own)).toMatchObject({ status: 200, body: own });
    expect((await get(fresh)).askBy).toBe('email');
    expect((await service.call('PUT', '/api/care-settings', { ...own, newForDays: 0 })).status).toBe(400);
    await service.call('PUT', '/api/care-settings', builtInCare);
  });

  it('notes at once that a customer whose old order came late is no new one', async () => {
    const placedAt = daysAgo(100);
    await placeOrder(service, bought, placedAt);
    const { items } = await eventually(
      async () => (await service.call('GET', `/api/customers/${bought}/history`)).body,
      (history) => history.items.length === 2,
    );
    expect(items[1]).toMatchObject({ type: 'CustomerDetailsChanged', data: { lifecycle: 'closed' } });
    const ended = async () =>
      (
        await service.kernel.pool.query<{ until: Date }>(
          `select ordered_until as until from care_records_v3 where record_id = $1`,
          [bought],
        )
      ).rows;
    const [row] = await eventually(ended, ([one]) => Boolean(one?.until));
    expect(new Date(row?.until ?? 0).toISOString()).toBe(placedAt);
  });
});
