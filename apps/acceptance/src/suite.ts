import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { newId, recordId } from '@throughline/event-sourcing';
import { startSapSystem } from '@throughline/gateway-service/sap-system';
import { caller, eventually, fresh, type Reply } from '@throughline/service/testing';
import pg from 'pg';
import type { Instance } from './instance.ts';
import {
  deliver,
  sapEvent,
  secrets,
  shopifyCustomer,
  shopifyOrder,
  shopifyRefund,
  tillSale,
  wooOrder,
  type Message,
} from './shops.ts';

type Sap = Awaited<ReturnType<typeof startSapSystem>>;
type Connections = Record<'shopify' | 'woocommerce' | 'sap' | 'till', string>;

const tillMapping = {
  object: 'order',
  fields: {
    externalId: '/sale/no',
    updatedAt: '/sale/when',
    placedAt: '/sale/when',
    total: '/sale/sum',
    currency: { const: 'CNY' },
    customer: { pointer: '/member', fields: { externalId: '/code', name: '/name', phone: '/mobile' } },
  },
};

/** Makes the four connections, under ids that are the same on every instance. */
async function connect(instance: Instance, sap: Sap, ids: Connections): Promise<void> {
  const make = async (body: object) => {
    const { status, body: made } = await instance.call('POST', '/api/connections', body);
    if (status !== 201) throw new Error(JSON.stringify(made));
  };
  const auth = { type: 'bearer', token: secrets.sapToken };
  await make({ id: ids.shopify, name: 'Shop', kind: 'shopify', secret: secrets.shopify });
  await make({ id: ids.woocommerce, name: 'Tea', kind: 'woocommerce', secret: secrets.woocommerce });
  await make({ id: ids.sap, name: 'ERP', kind: 'sap', auth, readBack: { url: sap.url, user: 'crm', password: 'pw' } });
  await make({ id: ids.till, name: 'Till', kind: 'json', secret: secrets.json, mapping: tillMapping });
}

const found = (reply: Reply): string[] => (reply.body.items ?? []).map(({ id }: { id: string }) => id);
const cents = (amount: string | undefined): number => Math.round(Number(amount ?? 0) * 100);

/** What the CRM must do, on whatever it runs. */
export function acceptance(start: () => Promise<Instance>): void {
  jest.setTimeout(120_000);
  let crm: Instance;
  let sap: Sap;
  let bi: pg.Client;
  const ids: Connections = { shopify: newId(), woocommerce: newId(), sap: newId(), till: newId() };

  beforeAll(async () => {
    sap = await startSapSystem({ user: 'crm', password: 'pw' });
    crm = await start();
    await crm.call('PATCH', '/api/settings', { timeZone: 'Asia/Shanghai', baseCurrency: 'CNY' });
    await connect(crm, sap, ids);
    bi = new pg.Client({ connectionString: crm.bi });
    await bi.connect();
  }, 120_000);
  afterAll(async () => {
    await bi?.end();
    await crm?.stop();
    await sap?.stop();
  }, 60_000);

  const search = async (q: string) =>
    found(await crm.call('GET', `/api/customers?q=${encodeURIComponent(q)}&limit=200`));
  const listed = async (id: string, instance = crm) =>
    (await instance.call('GET', `/api/customers?filter=${encodeURIComponent(JSON.stringify({ id }))}`)).body.items?.[0];
  const revenue = async (id: string) => cents((await listed(id))?.revenue?.amount);
  const bySql = async (id: string) => {
    const { rows } = await bi.query<{ sum: string | null }>(
      'select sum(amount_base) as sum from bi.fact_order_line where customer_id = $1',
      [id],
    );
    return cents(rows[0]?.sum ?? '0');
  };
  const byMonth = async (month: string) => {
    const { body } = await crm.call('GET', '/api/reports/revenue-by-month');
    return cents(body.rows.find((row: { month: string }) => row.month === month)?.revenue);
  };
  const becomes = (id: string, amount: number) =>
    eventually(
      () => revenue(id),
      (now) => now === amount,
      60_000,
    );
  const send = async (message: Message) => expect((await deliver(crm, message)).status).toBe(202);

  describe('what a shop sends', () => {
    const orderId = '9007199254740993';
    const ada = recordId(ids.shopify, '9223372036854775001');
    const base = { id: orderId, customerId: '9223372036854775001' };

    it('is found by name, part of the e-mail and last digits of the phone, stands on the timeline, and adds up', async () => {
      const before = await byMonth('2026-01');
      await send(shopifyOrder(ids.shopify, { ...base, updatedAt: '2026-01-10T11:00:00-05:00' }));
      await becomes(ada, 41_244);
      for (const q of ['Ada', 'lovelace', 'engines', 'ada.love', '0199']) expect(await search(q)).toContain(ada);
      expect(await bySql(ada)).toBe(41_244);
      expect((await byMonth('2026-01')) - before).toBe(41_244);
      const timeline = await crm.call('GET', `/api/customers/${ada}/timeline`);
      expect(timeline.body.items.map(({ type }: { type: string }) => type)).toContain('OrderPlaced');
    });

    it('keeps every id exact', async () => {
      const order = await crm.call('GET', `/api/orders/${recordId(ids.shopify, `order:${orderId}`)}`);
      expect(order.body.externalIds).toEqual([{ connectionId: ids.shopify, id: orderId }]);
      expect(order.body.lines[0]).toMatchObject({ lineId: `${orderId}0`, productId: '9223372036854775807' });
      const customer = await crm.call('GET', `/api/customers/${ada}`);
      expect(customer.body.externalIds).toEqual([{ connectionId: ids.shopify, id: base.customerId }]);
    });

    it('does not win when it is older than what is known', async () => {
      await send(shopifyOrder(ids.shopify, { ...base, updatedAt: '2026-01-12T00:00:00Z', total: '500.00' }));
      await becomes(ada, 50_000);
      await send(
        shopifyOrder(ids.shopify, {
          ...base,
          updatedAt: '2026-01-11T00:00:00Z',
          total: '100.00',
          name: ['Old', 'Name'],
        }),
      );
      await send(
        shopifyCustomer(ids.shopify, { id: '77', updatedAt: '2026-01-12T00:00:00Z', name: ['Marker', 'One'] }),
      );
      await eventually(
        () => search('marker one'),
        (hits) => hits.length === 1,
      );
      expect(await revenue(ada)).toBe(50_000);
      expect((await crm.call('GET', `/api/customers/${ada}`)).body.name).toBe('Ada Lovelace');
    });

    it('lowers the totals by a refund in its own month, and by a cancellation', async () => {
      const [january, february] = [await byMonth('2026-01'), await byMonth('2026-02')];
      await send(shopifyRefund(ids.shopify, { id: '555', orderId, amount: '120.50', at: '2026-02-20T10:00:00Z' }));
      await becomes(ada, 37_950);
      expect([(await byMonth('2026-01')) - january, (await byMonth('2026-02')) - february]).toEqual([0, -12_050]);
      const cancelledAt = '2026-02-21T10:00:00Z';
      await send(shopifyOrder(ids.shopify, { ...base, updatedAt: cancelledAt, cancelledAt, total: '500.00' }));
      await becomes(ada, 0);
      expect(await bySql(ada)).toBe(0);
    });
  });

  describe('other sources', () => {
    it('WooCommerce: one guest of two orders by their e-mail, beside a customer with an account', async () => {
      const guest = {
        customerId: 0,
        email: 'Guest@Tea.example',
        name: ['小明', '王'] as [string, string],
        total: '29.35',
      };
      await send(wooOrder(ids.woocommerce, { ...guest, id: 727, modified: '2026-02-03T16:28:08' }));
      await send(wooOrder(ids.woocommerce, { ...guest, id: 728, modified: '2026-02-04T16:28:08' }));
      await send(
        wooOrder(ids.woocommerce, {
          ...guest,
          id: 729,
          customerId: 25,
          email: 'account@tea.example',
          modified: '2026-02-04T16:28:08',
        }),
      );
      await becomes(recordId(ids.woocommerce, '25'), 2_935);
      const [one] = await eventually(
        () => search('guest@tea.example'),
        (hits) => hits.length === 1,
      );
      await becomes(one as string, 5_870);
      expect(await search('wangxm')).toContain(one);
    });

    it('SAP: what an event only names is read back', async () => {
      sap.putBusinessPartner({
        BusinessPartner: '1000992',
        Customer: '1000992',
        BusinessPartnerCategory: '2',
        OrganizationBPName1: '臺灣精密機械股份有限公司',
      });
      sap.putSalesOrder({
        SalesOrder: '1',
        SoldToParty: '1000992',
        CreationDate: '/Date(1767225600000)/',
        SalesOrderDate: '/Date(1767225600000)/',
        LastChangeDateTime: '/Date(1767312000000+0000)/',
        TotalNetAmount: '100.00',
        TransactionCurrency: 'CNY',
        OverallSDProcessStatus: 'A',
        to_Item: {
          results: [
            {
              SalesOrderItem: '10',
              Material: 'M1',
              SalesOrderItemText: '轴承',
              RequestedQuantity: '4',
              NetAmount: '100.00',
              TaxAmount: '13.00',
            },
          ],
        },
      });
      await send(sapEvent(ids.sap, 'SalesOrder', '1', '2026-01-02T00:00:00Z'));
      await send(sapEvent(ids.sap, 'BusinessPartner', '1000992', '2026-01-02T00:00:00Z'));
      const company = recordId(ids.sap, '1000992');
      await becomes(company, 11_300);
      await eventually(
        () => search('台湾精密'),
        (hits) => hits.includes(company),
      );
    });

    it('any JSON by a mapping of its own', async () => {
      await send(
        tillSale(ids.till, {
          key: 'T1',
          name: '欧阳修',
          mobile: '139 0013 9000',
          amount: '88.80',
          at: '2026-03-01T10:00:00+08:00',
        }),
      );
      const member = recordId(ids.till, 'M-T1');
      await becomes(member, 8_880);
      for (const q of ['ouyang', 'oyx', '9000']) expect(await search(q)).toContain(member);
    });

    it('get the answers that they expect to what they begin with', async () => {
      const ping = await fetch(`${crm.url}/hooks/${ids.woocommerce}`, {
        method: 'POST',
        body: 'webhook_id=12',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
      expect(ping.status).toBe(200);
      const greeting = await fetch(`${crm.url}/hooks/${ids.sap}`, {
        method: 'OPTIONS',
        headers: { 'webhook-request-origin': 'sap.example' },
      });
      expect([greeting.status, greeting.headers.get('webhook-allowed-origin')]).toEqual([200, 'sap.example']);
    });
  });

  describe('deliveries', () => {
    /** A day's worth, in its natural order. */
    const day = (connections: Connections): Message[] => {
      const messages: Message[] = [];
      for (let n = 0; n < 6; n += 1) {
        const customer = {
          customerId: `92233720368547750${n % 3}`,
          email: `day${n % 3}@example.com`,
          name: ['Day', `Number${n % 3}`] as [string, string],
        };
        const order = { id: `900719925474${1000 + n}`, ...customer };
        messages.push(
          shopifyOrder(
            connections.shopify,
            { ...order, updatedAt: `2026-04-0${n + 1}T08:00:00Z`, createdAt: '2026-04-01T08:00:00Z' },
            `a${n}`,
          ),
          shopifyOrder(
            connections.shopify,
            {
              ...order,
              updatedAt: `2026-04-0${n + 1}T09:00:00Z`,
              createdAt: '2026-04-01T08:00:00Z',
              total: `4${n}0.01`,
            },
            `b${n}`,
          ),
          shopifyCustomer(
            connections.shopify,
            { id: customer.customerId, updatedAt: `2026-04-0${n + 1}T10:00:00Z`, name: ['Daily', `Person${n}`] },
            `c${n}`,
          ),
        );
        if (n % 2 === 0)
          messages.push(
            shopifyRefund(
              connections.shopify,
              { id: `70${n}`, orderId: order.id, amount: '10.10', at: '2026-04-20T00:00:00Z' },
              `d${n}`,
            ),
          );
        messages.push(
          wooOrder(
            connections.woocommerce,
            {
              id: 900 + n,
              customerId: 0,
              modified: `2026-04-0${n + 1}T01:00:00`,
              total: `1${n}.35`,
              email: 'daily@tea.example',
              name: ['天', '每'],
            },
            `e${n}`,
          ),
        );
      }
      return messages;
    };
    const shuffled = <T>(list: readonly T[]): T[] =>
      list
        .map((item, index) => ({ item, rank: (index * 7919 + 13) % 101 }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ item }) => item);

    const settle = async (instance: Instance, connections: Connections) => {
      for (const connection of [connections.shopify, connections.woocommerce]) {
        await eventually(
          async () =>
            (await instance.call('GET', `/api/connections/${connection}/deliveries?status=received`)).body.items
              .length as number,
          (waiting) => waiting === 0,
          60_000,
        );
      }
      // Taken in everywhere: all the day's people are there, and nothing has moved for three seconds.
      let last = '';
      let since = Date.now();
      await eventually(
        async () => {
          const now = await everything(instance, connections);
          const text = JSON.stringify(now);
          if (text !== last) since = Date.now();
          last = text;
          return { people: now.customers.length, still: Date.now() - since };
        },
        ({ people, still }) => people >= 4 && still > 3_000,
        120_000,
      );
    };

    /** Records and totals of the day, without what depends on the moment: numbers and versions. */
    const everything = async (instance: Instance, connections: Connections) => {
      const people = (await instance.call('GET', `/api/customers?limit=200&sort=id`)).body.items as Record<
        string,
        unknown
      >[];
      const customers = people.map(
        ({ number: _, numbers: __, createdAt: ___, updatedAt: ____, version: _____, ...rest }) => rest,
      );
      const orders = await Promise.all(
        Array.from({ length: 6 }, async (_, n) => {
          const { body } = await instance.call(
            'GET',
            `/api/orders/${recordId(connections.shopify, `order:900719925474${1000 + n}`)}`,
          );
          return { ...body, version: 0 };
        }),
      );
      const { body } = await instance.call('GET', '/api/reports/revenue-by-month');
      return { customers, orders, months: body.rows };
    };

    it('sent once more in any order change nothing at all: same history, same totals', async () => {
      const messages = day(ids);
      for (const message of messages) await send(message);
      await settle(crm, ids);
      const histories = async () => {
        const { customers } = await everything(crm, ids);
        const paths = customers.map(({ id }) => `/api/customers/${id as string}/history?limit=200`);
        return Promise.all(paths.map(async (path) => (await crm.call('GET', path)).body));
      };
      const [before, historyBefore] = [await everything(crm, ids), await histories()];
      for (const message of shuffled(messages)) await send(message);
      // The same content under new delivery ids, as a shop sends it again by hand.
      for (const { headers, ...message } of shuffled(messages)) {
        await send({ ...message, headers: { ...headers, ...again(headers) } });
      }
      await settle(crm, ids);
      expect(await everything(crm, ids)).toEqual(before);
      expect(await histories()).toEqual(historyBefore);
    }, 240_000);

    it('in different orders end with the same records and totals on two fresh instances', async () => {
      const results: unknown[] = [];
      for (const order of [(list: Message[]) => list, shuffled<Message>, (list: Message[]) => list.reverse()]) {
        const instance = await start();
        try {
          await connect(instance, sap, ids);
          await instance.call('PATCH', '/api/settings', { timeZone: 'Asia/Shanghai', baseCurrency: 'CNY' });
          for (const message of order(day(ids))) expect((await deliver(instance, message)).status).toBe(202);
          await settle(instance, ids);
          results.push(await everything(instance, ids));
        } finally {
          await instance.stop();
        }
      }
      expect((results[0] as { customers: unknown[] }).customers).toHaveLength(4);
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    }, 300_000);
  });

  describe('search', () => {
    const make = async (body: object) => (await crm.call('POST', '/api/customers', body)).body.id as string;

    it('finds names however they are typed', async () => {
      const people = {
        张三: ['张', '张三', 'zhang san', 'zs', 'zhangs'],
        Zoë: ['zoe'],
        'John Smithson': ['Jonh', 'smithson'],
        'ＡＢＣ Trading': ['ABC', 'abc'],
        臺灣茶行: ['台湾', '臺灣'],
        'ABC Reversed': ['ＡＢＣ'],
        台湾茶馆: ['臺灣'],
      };
      for (const [name, queries] of Object.entries(people)) {
        const id = await make({ name });
        for (const q of queries)
          await eventually(
            () => search(q),
            (hits) => hits.includes(id),
          );
      }
    });

    it('shows a caller their own write at once', async () => {
      const created = await crm.call('POST', '/api/customers', { name: 'Immediately Visible' });
      const position = created.headers.get('x-position') ?? '';
      const { headers, body } = await crm.call('GET', '/api/customers?q=immediately', undefined, {
        'x-after': position,
      });
      // A machine that is too slow says so, and never passes off an old answer as a new one.
      const isThere = found({ status: 200, headers, body }).includes(created.body.id as string);
      expect(isThere || headers.get('x-stale') === 'true').toBe(true);
      await eventually(
        () => search('immediately'),
        (hits) => hits.includes(created.body.id),
      );
    });
  });

  describe('a customer', () => {
    it('can be seen as it was, with who did what from where', async () => {
      const { body: made } = await crm.call(
        'POST',
        '/api/customers',
        { name: 'Before' },
        { 'idempotency-key': 'asof-1' },
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      const between = new Date().toISOString();
      await new Promise((resolve) => setTimeout(resolve, 20));
      await crm.call('PATCH', `/api/customers/${made.id}`, { name: 'After' });
      expect((await crm.call('GET', `/api/customers/${made.id}?asOf=${between}`)).body.name).toBe('Before');
      const { body } = await crm.call('GET', `/api/customers/${made.id}/history`);
      expect(body.items[0]).toMatchObject({
        type: 'CustomerCreated',
        actor: { type: 'user' },
        source: 'web',
        commandId: 'asof-1',
      });
    });

    it('changed by two people at once keeps both fields; of the same field the second is told', async () => {
      const { body: made } = await crm.call('POST', '/api/customers', { name: 'Shared' });
      const change = (body: object) => crm.call('PATCH', `/api/customers/${made.id}`, body, { 'if-match': '"1"' });
      const [a, b] = await Promise.all([change({ title: 'CTO' }), change({ industry: 'tea' })]);
      expect([a.status, b.status]).toEqual([200, 200]);
      expect((await crm.call('GET', `/api/customers/${made.id}`)).body).toMatchObject({
        title: 'CTO',
        industry: 'tea',
      });
      const lost = await change({ title: 'CFO' });
      expect(lost).toMatchObject({
        status: 412,
        body: { conflicts: [{ field: 'title', mine: 'CFO', theirs: 'CTO', original: null }] },
      });
    });

    it('of fifty created at once with one e-mail is one; a connector with it is never refused', async () => {
      const body = { name: 'Fifty', emails: [{ value: 'fifty@example.com' }] };
      const replies = await Promise.all(Array.from({ length: 50 }, () => crm.call('POST', '/api/customers', body)));
      expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(
        replies.filter(({ status, body: problem }) => status === 409 && problem.code === 'email-taken'),
      ).toHaveLength(49);
      await send(
        shopifyCustomer(ids.shopify, {
          id: '50',
          updatedAt: '2026-01-01T00:00:00Z',
          name: ['Fifty', 'One'],
          email: 'fifty@example.com',
        }),
      );
      await eventually(
        () => search('fifty@example.com'),
        (hits) => hits.length === 2,
      );
    });
  });

  describe('a bulk change', () => {
    it('reaches everything that a filter finds, as one batch, and is undone but for what was changed since', async () => {
      const people = ['钱一', '钱二', '钱三'].map((name) => ({ name, industry: '茶叶批发', tags: ['old'] }));
      const made = [];
      for (const body of people) made.push(await crm.call('POST', '/api/customers', body));
      const after = { 'x-after': made.map(({ headers }) => headers.get('x-position')).join() };
      const filter = { industry: { eq: '茶叶批发' } };
      const matching = async (more: object) => {
        const both = encodeURIComponent(JSON.stringify({ and: [filter, more] }));
        return found(await crm.call('GET', `/api/customers?filter=${both}`)).toSorted();
      };
      const ids = made.map(({ body }) => body.id as string).toSorted();
      await eventually(
        () => matching({ tags: { hasAny: ['old'] } }),
        (hits) => hits.length === 3,
      );
      const change = { filter, set: { region: '华东' }, add: { tags: ['fair'] }, remove: { tags: ['old'] } };
      const preview = await crm.call('POST', '/api/customers/bulk/preview', change);
      expect(preview.body).toMatchObject({ matches: 3, changes: 3, invalid: 0 });
      const finished = (id: string) =>
        eventually(
          async () => (await crm.call('GET', `/api/batches/${id}`)).body,
          ({ status }) => status === 'done',
          60_000,
        );
      const key = { 'idempotency-key': newId(), ...after };
      const started = await crm.call('POST', '/api/customers/bulk', change, key);
      expect(started.status).toBe(202);
      expect((await finished(started.body.id)).counts).toEqual({ changed: 3, unchanged: 0, failed: 0 });
      expect((await crm.call('POST', '/api/customers/bulk', change, key)).body.id).toBe(started.body.id);
      await eventually(
        () => matching({ and: [{ tags: { hasAny: ['fair'] } }, { region: '华东' }] }),
        (hits) => hits.join() === ids.join(),
      );
      await crm.call('PATCH', `/api/customers/${ids[0]}`, { region: '华南' });
      const undo = await crm.call('POST', `/api/batches/${started.body.id}/undo`);
      await finished(undo.body.id);
      await eventually(
        () => matching({ and: [{ tags: { hasAny: ['old'] } }, { region: { exists: false } }] }),
        (hits) => hits.join() === ids.slice(1).join(),
      );
      expect(await matching({ region: '华南' })).toEqual(ids.slice(0, 1));
    });
  });

  describe('a consent', () => {
    it('is taken back by the link at the foot of a message, and lists know it', async () => {
      const { id } = (await crm.call('POST', '/api/customers', { name: 'Reader of Letters' })).body;
      const path = `/api/customers/${id}/consents`;
      const about = { purpose: 'marketing', channel: 'email' };
      const proof = { how: 'form', page: 'https://example.cn/join' };
      const given = await crm.call('POST', path, { ...about, basis: 'consent', textVersion: '1', proof });
      const permitted = async (after: string) => {
        const query = { filter: { id, marketingEmail: 'yes' } };
        return found(await fresh(() => crm.call('POST', '/api/customers/query', query, { 'x-after': after })));
      };
      expect(await permitted(given.headers.get('x-position') ?? '')).toEqual([id]);
      const link = (await crm.call('GET', `${path}/unsubscribe-link?purpose=marketing&channel=email`)).body.url;
      const { pathname } = new URL(link);
      const asked = await fetch(crm.url + pathname);
      expect([asked.status, asked.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      const clicked = { 'content-type': 'application/x-www-form-urlencoded' };
      const body = 'List-Unsubscribe=One-Click';
      expect((await fetch(crm.url + pathname, { method: 'POST', headers: clicked, body })).status).toBe(200);
      expect((await fetch(`${crm.url}/unsubscribe/nonsense`, { method: 'POST' })).status).toBe(404);
      await eventually(
        () => permitted(''),
        (ids) => ids.length === 0,
      );
    });
  });

  describe('a person', () => {
    it('is told what all services know about them, also as a table, and what hangs on them', async () => {
      const { id } = (await crm.call('POST', '/api/customers', { name: '赵敏', birthDate: '1990-01-01' })).body;
      const made = { customerId: id, title: 'Tea for all', value: { amount: '9', currency: 'CNY' } };
      await crm.call('POST', '/api/deals', made);
      const logged = await crm.call('POST', '/api/interactions', { customerId: id, kind: 'call', subject: 'Tea' });
      const proof = { how: 'form', reference: 'form 7' };
      const service = { purpose: 'service', basis: 'contract', proof };
      const said = await crm.call('POST', `/api/customers/${id}/consents`, service);
      const after = [logged, said].map(({ headers }) => headers.get('x-position')).join();
      const ask = async (path: string, headers = {}) =>
        fresh(() => crm.call('GET', `/api/customers/${id}/${path}`, undefined, { 'x-after': after, ...headers }));
      const counted = await eventually(
        () => ask('impact'),
        ({ body }) => body.openDeals?.count === 1,
      );
      expect(counted.body).toMatchObject({ interactions: 1, consents: 1, orders: { count: 0 } });
      const { body } = await ask('personal-data', { 'accept-language': 'zh-CN' });
      expect(body.records[0].fields).toContainEqual(
        expect.objectContaining({ field: 'birthDate', label: '出生日期', class: 'sensitive', source: 'web' }),
      );
      expect(body.consents).toEqual([expect.objectContaining({ purpose: 'service', basisLabel: '订立或履行合同' })]);
      expect([body.deals.length, body.interactions.length, body.exports.length]).toEqual([1, 1, 1]);
      const table = await ask('personal-data?format=csv&language=en');
      expect(table.headers.get('content-type')).toBe('text/csv; charset=utf-8');
      expect(table.body).toContain('Date of birth,1990-01-01,Sensitive,Entered by hand');
    });
  });

  describe('one person from two sources', () => {
    const [shop, tea] = [recordId(ids.shopify, '4711'), recordId(ids.woocommerce, '4712')];
    const name: [string, string] = ['Grace', 'Hopper'];
    const [inShop, atTea] = ['grace@navy.example', 'hopper@tea.example'];
    const teaOrder = (id: number, total: string) =>
      wooOrder(ids.woocommerce, { id, customerId: 4712, email: atTea, name, total, modified: '2026-05-02T00:00:00' });
    const numberOf = async (id: string) => (await crm.call('GET', `/api/customers/${id}`)).body.number as string;
    const timeline = async (id: string) =>
      (await crm.call('GET', `/api/customers/${id}/timeline?limit=200`)).body.items as { type: string }[];
    const goldenIds = async () => {
      const { rows } = await bi.query<{ dim: string[]; fact: string[] }>(
        `select (select array_agg(customer_id) from bi.dim_customer where customer_id = any($1)) as dim,
           (select array_agg(distinct customer_id) from bi.fact_order_line where record_id = any($1)) as fact`,
        [[shop, tea]],
      );
      return [rows[0]?.dim, rows[0]?.fact];
    };

    it('is one customer once they are merged, with everything of both, and two again once they are not', async () => {
      const bought = { id: '80001', customerId: '4711', email: inShop, name };
      await send(shopifyOrder(ids.shopify, { ...bought, updatedAt: '2026-05-01T00:00:00Z' }));
      await send(teaOrder(4001, '29.35'));
      await becomes(shop, 41_244);
      await becomes(tea, 2_935);
      const numbers = [await numberOf(shop), await numberOf(tea)];

      expect((await crm.call('POST', `/api/customers/${shop}/merge`, { absorb: [tea] })).status).toBe(200);
      await becomes(shop, 44_179);
      for (const q of [inShop, atTea, ...numbers]) expect(await search(q)).toEqual([shop]);
      expect(await search('grace hopper')).toEqual([shop]);

      await send(teaOrder(4002, '10.65'));
      await becomes(shop, 45_244);
      // What follows from the orders by rules comes in between.
      const { whole, other } = await eventually(
        async () => ({ whole: await timeline(tea), other: await timeline(shop) }),
        ({ whole, other }) =>
          whole.filter(({ type }) => type === 'OrderPlaced').length === 3 && isDeepStrictEqual(whole, other),
      );
      expect(other).toEqual(whole);
      expect(whole.map(({ type }) => type)).toEqual(expect.arrayContaining(['CustomersMerged', 'CustomerAbsorbed']));
      expect(await goldenIds()).toEqual([[shop], [shop]]);
      expect(await bySql(shop)).toBe(45_244);

      expect((await crm.call('POST', `/api/customers/${shop}/unmerge`, { record: tea })).status).toBe(200);
      await becomes(shop, 41_244);
      await becomes(tea, 4_000);
      expect([await bySql(shop), await bySql(tea)]).toEqual([41_244, 4_000]);
      expect(await search(atTea)).toEqual([tea]);
      expect((await timeline(tea)).map(({ type }) => type)).toContain('CustomerReleased');
    });
  });

  describe('an operator', () => {
    const operations = (method: string, path: string) => crm.call(method, `/api/operations/${path}`);

    it('sees all services as one, and nobody else does', async () => {
      const owners = async (what: string) => {
        const { body } = await operations('GET', what);
        expect(body.unreachable).toEqual([]);
        return new Set((body.items as { service: string }[]).map(({ service }) => service));
      };
      expect([...(await owners('subscriptions'))].toSorted()).toEqual(expect.arrayContaining(['analytics', 'sales']));
      expect([...(await owners('views'))].toSorted()).toEqual(expect.arrayContaining(['analytics', 'sales']));
      expect([...(await owners('dead-letters')), ...(await owners('broken-keys'))]).toEqual([]);
      const { body: issued } = await crm.call('POST', '/api/api-keys', { name: 'Reader', roles: ['reader'] });
      const reader = caller(crm.url, () => issued.key);
      expect((await reader('GET', '/api/operations/views')).status).toBe(403);
      expect((await crm.anonymous('GET', '/api/operations/views')).status).toBe(401);
    });

    it.each(['analytics.dim_customer', 'analytics.customer_document', 'sales.pipeline_board'])(
      'has %s verified and rebuilt, with equal hashes',
      async (view) => {
        for (const kind of ['verify', 'rebuild']) {
          const { status, body: asked } = await operations('POST', `views/${view}/${kind}`);
          expect(status).toBe(202);
          const job = await eventually(
            async () => (await operations('GET', `view-jobs/${asked.id}`)).body,
            ({ finishedAt }) => finishedAt !== null,
            60_000,
          );
          expect(job).toMatchObject({ state: 'done', result: { different: 0, broken: 0 } });
          expect(job.result.rebuiltHash).toBe(job.result.hash);
        }
      },
    );
  });

  describe('bad input', () => {
    it('is refused with a clear word and leaves nothing', async () => {
      const message = shopifyOrder(ids.shopify, { id: '1', customerId: '2', updatedAt: '2026-01-01T00:00:00Z' }, 'bad');
      const hook = async (headers: Record<string, string>, body: string) =>
        (await deliver(crm, { ...message, headers, body })).status;
      const before = (await crm.call('GET', `/api/connections/${ids.shopify}/deliveries`)).body.items[0].id;
      expect(await hook({ ...message.headers, 'x-shopify-hmac-sha256': 'wrong' }, message.body)).toBe(401);
      expect(await hook(message.headers, `${message.body} `)).toBe(401);
      expect((await crm.call('GET', `/api/connections/${ids.shopify}/deliveries`)).body.items[0].id).toBe(before);

      const failing = async (body: unknown, path = '/api/customers', method = 'POST') => {
        const reply = await crm.call(method, path, body);
        return [
          reply.status,
          reply.body.code,
          ...(reply.body.errors ?? []).map(({ path: at }: { path: string }) => at),
        ];
      };
      expect(await failing('{"name"')).toEqual([400, 'unreadable-json']);
      expect(await failing({ name: 'x'.repeat(1_100_000) })).toEqual([413, 'too-large']);
      expect(await failing({ name: 5, colour: 'red' })).toEqual([400, 'invalid-request', 'colour', 'name']);
      expect(await failing({ name: 'x', birthDate: '2025-02-30' })).toEqual([422, 'invalid-customer', 'birthDate']);
      expect((await failing(undefined, '/api/customers?limit=1000', 'GET'))[0]).toBe(400);
      expect((await failing(undefined, '/api/reports/nothing', 'GET')).slice(0, 2)).toEqual([404, 'report-not-found']);
      expect((await crm.anonymous('GET', '/api/customers')).status).toBe(401);
    });

    it('of another method than an address knows is told which ones it does, whoever answers them', async () => {
      for (const [method, path, allow] of [
        ['DELETE', '/api/customers', 'GET, HEAD, POST'],
        ['OPTIONS', '/api/orders/', 'GET, HEAD, POST'],
        ['GET', '/api/customers/query', 'POST'],
        ['PUT', '/api/reports/funnel', 'GET, HEAD'],
        ['PATCH', '/api/pipelines', 'GET, HEAD, POST'],
      ] as const) {
        const { status, body, headers } = await crm.call(method, path);
        expect([status, body.code, headers.get('allow')]).toEqual([405, 'method-not-allowed', allow]);
      }
    });

    it('never brings a stack trace or a statement to light', async () => {
      const odd = [
        "/api/customers?filter={'}",
        '/api/customers?cursor=%00',
        '/api/customers/%27%3B--',
        '/api/customers?sort=;drop',
        '/api/orders/x?asOf=1',
        '/api/search?q=%F0%9F%98%80%27%22%5C',
      ];
      for (const path of odd) {
        const { status, body } = await crm.call('GET', path);
        expect(status).toBeLessThan(500);
        expect(JSON.stringify(body)).not.toMatch(/\bat .*\.ts|select |syntax error|relation "/i);
      }
    });
  });
}

/** Another delivery id for the same message. */
function again(headers: Record<string, string>): Record<string, string> {
  const name = ['x-shopify-webhook-id', 'x-wc-webhook-delivery-id'].find((candidate) => candidate in headers);
  return name ? { [name]: `${headers[name]}-again` } : {};
}
