import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { administrator, eventually, fresh, startTestService, type TestService } from '@throughline/service/testing';
import { bytesInMemory, openTable } from '@throughline/tables';
import { AnalyticsModule } from '../src/analytics.module.ts';
import { customerPast } from '../src/exports/customer-past.view.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(AnalyticsModule, {
    listensTo: ['customers', 'sales', 'interactions', 'gateway'],
    config: { keyCacheSeconds: 1 },
  });
});
afterAll(() => service.end());

const path = '/api/customers/export';
const append = async (id: string, ...events: { type: string; [key: string]: unknown }[]) =>
  `customers@${await service.log('customers').append({ type: 'customer', id }, ...events)}`;
let numbers = 0;
const created = (fields: object) => ({
  type: 'CustomerCreated',
  number: `C-${(numbers += 1)}`,
  emailsReserved: false,
  ...fields,
});
/** A source of its own for each case: what its filter finds is its own. */
const ofSource = async (count: number) => {
  const source = newId();
  let after = '';
  for (let index = 0; index < count; index += 1) after = await append(newId(), created({ name: `王${index}`, source }));
  return { source, after };
};
const exportOf = async (filter: object, after: string, more: object = {}, headers = {}) => {
  await fresh(() => service.call('GET', '/api/customers?limit=1', undefined, { 'x-after': after }));
  return service.call('POST', path, { format: 'csv', filter, fields: ['name'], ...more }, headers);
};
const rowsOf = async ({ body }: { body: unknown }): Promise<(string | undefined)[][]> => {
  const table = await openTable(bytesInMemory(new TextEncoder().encode(String(body))));
  const rows: (string | undefined)[][] = [];
  for await (const { cells } of table.rows) rows.push(cells.map(({ text }) => text));
  return rows;
};
const limit = (rowsPerDay: number) => service.call('PUT', '/api/export-settings', { rowsPerDay });
beforeEach(() => limit(0));

/** What was recorded of exports of a source. */
const recorded = async (of: string) =>
  (await eventually(
    async () => (await service.call('GET', '/api/exports')).body.items.filter(isOf(of)),
    (items) => items.length > 0,
  )) as any[];
const isOf = (source: string) => (item: any) => item.selection.filter?.source === source;
/** What somebody takes counts for the day: each case has a caller of its own. */
const capOf = async (rowsPerDay: number) => {
  const { body } = await service.call('GET', '/api/exports');
  const taken = body.items.reduce((sum: number, { rows }: any) => sum + rows, 0);
  return limit(taken + rowsPerDay);
};

describe('an export', () => {
  it('is refused where it names nothing for what it may leave out', async () => {
    for (const field of ['fields', 'q', 'asOf', 'language', 'filter', 'sort']) {
      const { status, body } = await service.call('POST', path, { format: 'csv', [field]: null });
      expect([status, body.errors?.map((error: any) => error.path)]).toEqual([400, [field]]);
    }
  });

  it('is described as what it takes', async () => {
    const { components } = (await service.call('GET', '/openapi.json')).body;
    const { required, properties } = components.schemas.ExportBody;
    expect(required).toEqual(['format']);
    expect(properties).toMatchObject({ sort: { type: 'string' }, filter: { type: 'object' } });
  });

  it('is recorded with who took what', async () => {
    const { source, after } = await ofSource(3);
    const reply = await exportOf({ source }, after, { sort: '-name' });
    expect(reply.status).toBe(200);
    expect((await rowsOf(reply)).map(([, , name]) => name)).toEqual(['王2', '王1', '王0']);
    expect(await recorded(source)).toEqual([
      {
        id: expect.any(String),
        at: expect.any(String),
        actor: { type: 'user', id: administrator.id },
        rows: 3,
        format: 'csv',
        columns: ['id', 'version', 'name'],
        selection: { filter: { source }, sort: '-name' },
        asOf: null,
      },
    ]);
  });

  it('tells whom one may not write to, also of a moment before they said so', async () => {
    const { source } = await ofSource(1);
    const id = newId();
    await append(id, created({ name: '李勿扰', source }));
    const asOf = new Date().toISOString();
    const said = [
      { type: 'ConsentWithdrawn', customerId: id, purpose: 'news', channel: 'email', how: 'form', withdrawnAt: asOf },
      { type: 'ContactForbidden', customerId: id, how: 'phone', forbiddenAt: asOf },
    ];
    const after = `customers@${await service.log('customers').append({ type: 'consent', id: newId() }, ...said)}`;
    const reply = await exportOf({ source }, after, { fields: undefined, language: 'zh' });
    const [header = '', ...rows] = String(reply.body).replace('\uFEFF', '').trim().split('\r\n');
    expect(header).toContain('请勿联系,邮件营销许可,电话营销许可,短信营销许可,即时通讯营销许可,邮寄营销许可');
    expect(rows.find((row) => row.includes('李勿扰'))).toContain('yes,no,no,no,no,no');
    expect(rows.find((row) => row.includes('王0'))).toContain('no,unknown,unknown,unknown,unknown,unknown');
    const fields = ['doNotContact', 'marketingEmail', 'optOuts'];
    for (const more of [{ fields }, { fields, asOf }]) {
      const told = await rowsOf(await exportOf({ id }, after, more));
      expect(told).toEqual([[id, '1', 'yes', 'no', 'news:email']]);
    }
  });

  it('is recorded without what may name people, whom nobody could forget there', async () => {
    const { source, after } = await ofSource(1);
    const asked = {
      source,
      or: [
        { name: '王0' },
        { emails: { hasAny: ['wang@example.cn'] }, not: { city: { startsWith: '临安' } } },
        { 'custom.nick': { exists: true }, birthDate: { between: ['1990-01-02', '1990-01-03'] } },
      ],
    };
    const nick = { type: 'FieldDefined', object: 'customer', key: 'nick', fieldType: 'text', label: { en: 'Nick' } };
    await service.log('customers').append({ type: 'field-set', id: newId() }, nick);
    expect((await exportOf(asked, after, { q: '王0' })).status).toBe(200);
    const [item] = await recorded(source);
    expect(item.selection).toEqual({
      q: '…',
      filter: {
        source,
        or: [
          { name: '…' },
          { emails: { hasAny: '…' }, not: { city: { startsWith: '…' } } },
          { 'custom.nick': { exists: true }, birthDate: { between: '…' } },
        ],
      },
    });
  });

  it('is recorded each time, whatever is repeated, and not where nothing was handed out', async () => {
    const { source, after } = await ofSource(1);
    const key = { 'idempotency-key': newId() };
    for (let time = 0; time < 2; time += 1) expect((await exportOf({ source }, after, {}, key)).status).toBe(200);
    expect((await exportOf({ source, colour: 'red' }, after)).status).toBe(422);
    const items = await eventually(
      () => recorded(source),
      ({ length }) => length === 2,
    );
    expect(items.map(({ rows }) => rows)).toEqual([1, 1]);
  });

  it('is as large as the day allows, also where several are asked for at once', async () => {
    const { source, after } = await ofSource(3);
    await exportOf({ source }, after);
    await recorded(source);
    await capOf(7);
    const replies = await Promise.all([1, 2, 3].map(() => exportOf({ source }, after)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(2);
    const refused = replies.find(({ status }) => status !== 200);
    expect([refused?.status, refused?.body.code]).toEqual([429, 'export-cap-reached']);
    const seconds = Number(refused?.headers.get('retry-after'));
    expect([seconds > 0, seconds <= 86_400]).toEqual([true, true]);
    await limit(0);
    expect((await exportOf({ source }, after)).status).toBe(200);
  });

  it('is filtered and sorted by fields of the installation’s own as well', async () => {
    const source = newId();
    const field = { type: 'FieldDefined', object: 'customer', key: 'tea', fieldType: 'text', label: { en: 'Tea' } };
    await service.log('customers').append({ type: 'field-set', id: newId() }, field);
    await append(newId(), created({ name: '王伟', source, custom: { tea: 'green' } }));
    await append(newId(), created({ name: '李雷', source, custom: { tea: 'black' } }));
    const after = await append(newId(), created({ name: '韩梅梅', source }));
    const names = async (filter: object, more: object = {}) =>
      (await rowsOf(await exportOf({ source, ...filter }, after, more))).map(([, , name]) => name);
    expect(await names({ 'custom.tea': 'green' })).toEqual(['王伟']);
    expect(await names({ 'custom.tea': { exists: true } }, { sort: '-custom.tea' })).toEqual(['王伟', '李雷']);
    const asOf = new Date().toISOString();
    expect(await names({ 'custom.tea': 'black' }, { asOf })).toEqual(['李雷']);
  });

  it('has fields of the installation’s own under their labels, but for those that were retired', async () => {
    const source = newId();
    const define = (key: string, fieldType: string, label: object) => ({
      type: 'FieldDefined',
      object: 'customer',
      key,
      fieldType,
      label,
    });
    const retired: object = { object: 'customer', key: 'gone' };
    await service
      .log('customers')
      .append(
        { type: 'field-set', id: newId() },
        define('drinks', 'multi-choice', { en: 'Drinks', zh: '饮品' }),
        define('drinks2', 'text', { en: 'Drinks' }),
        define('credit', 'money', { zh: '授信额度' }),
        define('gone', 'text', { en: 'Gone' }),
        { type: 'FieldRetired', ...retired },
      );
    const custom = { drinks: ['tea, green', 'mate'], credit: { amount: '12.50', currency: 'EUR' }, gone: 'x' };
    const after = await append(newId(), created({ name: '王伟', source, custom }));
    const linesOf = async (more: object) =>
      String((await exportOf({ source }, after, more)).body)
        .replace('\uFEFF', '')
        .split('\r\n');
    const fields = ['custom.drinks', 'custom.drinks2', 'custom.credit', 'custom.gone'];
    expect(await linesOf({ fields, language: 'zh' })).toEqual([
      '记录ID,记录版本,饮品,Drinks (drinks2),授信额度,custom.gone',
      expect.stringMatching(/,1,"""tea, green""; mate",,12.50 EUR,x$/),
      '',
    ]);
    const [header, row] = await linesOf({ fields: undefined, language: 'en' });
    expect(header).toContain('授信额度,Drinks (drinks),Drinks (drinks2)');
    expect(header).not.toContain('gone');
    expect(row).toContain('12.50 EUR,"""tea, green""; mate"');
  });

  it('tells what customers need, like and think', async () => {
    const [id, source] = [newId(), newId()];
    const told = {
      standing: 'user',
      hobbies: ['茶', '登山, 徒步'],
      productNeeds: { price: '便宜' },
      review: { satisfaction: 5, suggestion: '快' },
    };
    const after = await append(id, created({ name: '王伟', source, ...told }));
    const fields = ['standing', 'hobbies', 'productNeeds.price', 'servicePreference.times', 'review.satisfaction'];
    expect(await rowsOf(await exportOf({ source }, after, { fields }))).toEqual([
      [id, '1', 'user', '茶; "登山, 徒步"', '便宜', '', '5'],
    ]);
  });

  it('is limited by what administrators say', async () => {
    expect((await limit(5_000)).body).toEqual({ rowsPerDay: 5_000 });
    expect((await service.call('GET', '/api/export-settings')).body).toEqual({ rowsPerDay: 5_000 });
    for (const wrong of [-1, 1.5, '10', null]) {
      expect((await service.call('PUT', '/api/export-settings', { rowsPerDay: wrong })).status).toBe(400);
    }
  });
});

describe('an export as of a moment', () => {
  const as = async (at: string, filter: object, fields = ['name']) => {
    const reply = await service.call('POST', path, { format: 'csv', filter, fields, asOf: at });
    expect(reply.status).toBe(200);
    return (await rowsOf(reply)).map((cells) => cells.join(' ')).toSorted();
  };
  const moment = async () => {
    const at = new Date().toISOString();
    await new Promise((done) => setTimeout(done, 5));
    return at;
  };
  const shownNow = (after: string) => exportOf({}, after);

  it('means by any record of a customer the customer of then, as lists do', async () => {
    const [source, shop, till, worker, mergeId] = [newId(), newId(), newId(), newId(), newId()];
    const [first, second] = [created({ name: '茶店', source }), created({ name: '茶舍', source })];
    await append(shop, first);
    await append(till, second);
    await append(worker, created({ name: '王伟', source, employerId: till }));
    const before = await moment();
    await append(shop, { type: 'CustomersMerged', mergeId, absorbed: [till], rules: {} });
    await append(till, { type: 'CustomerAbsorbed', mergeId, into: shop, goldenId: shop });
    const between = await moment();
    await append(shop, { type: 'CustomersUnmerged', mergeId, released: [till] });
    await shownNow(await append(till, { type: 'CustomerReleased', mergeId, from: shop }));
    for (const filter of [{ id: till }, { number: second.number }])
      expect(await as(between, filter)).toEqual([`${shop} 2-2 茶店`]);
    expect(await as(between, { employerId: shop })).toEqual([`${worker} 1 王伟`]);
    expect(await as(between, { source, employerId: { exists: true }, not: { employerId: shop } })).toEqual([]);
    expect(await as(before, { id: till })).toEqual([`${till} 1 茶舍`]);
    expect(await as(before, { number: second.number })).toEqual([`${till} 1 茶舍`]);
    expect(await as(before, { employerId: shop })).toEqual([]);
    expect(await as(between, { employerId: 'nobody' })).toEqual([]);
  });

  it('tells and selects customers as they were, those of later not at all', async () => {
    const [source, wang, li, later] = [newId(), newId(), newId(), newId()];
    await append(wang, created({ name: '王伟', source, tags: ['vip'], custom: { tea: 'green' } }));
    await append(li, created({ name: '李雷', source }));
    const before = await moment();
    const changed = { type: 'CustomerDetailsChanged', emailsReserved: false };
    await append(wang, { ...changed, name: '王小伟', custom: { tea: 'black' } });
    await append(li, { type: 'CustomerArchived' });
    await shownNow(await append(later, created({ name: '韩梅梅', source })));
    expect(await as(before, { source })).toEqual([`${wang} 1 王伟`, `${li} 1 李雷`].toSorted());
    expect(await as(before, { source, name: '王伟' }, ['custom.tea', 'tags'])).toEqual([`${wang} 1 green vip`]);
    expect(await as(before, { source, name: '王小伟' })).toEqual([]);
    const now = await moment();
    expect(await as(now, { source })).toEqual([`${wang} 2 王小伟`, `${later} 1 韩梅梅`].toSorted());
    expect(await as(now, { source, archived: true })).toEqual([`${li} 2 李雷`]);
    const items = await eventually(
      () => recorded(source),
      ({ length }) => length === 5,
    );
    expect(items.map(({ asOf, rows }) => [asOf, rows])).toEqual([
      [now, 1],
      [now, 2],
      [before, 0],
      [before, 1],
      [before, 2],
    ]);
  });

  it('tells merged customers apart before the merge, and as one after it', async () => {
    const [source, one, other, mergeId] = [newId(), newId(), newId(), newId()];
    await append(one, created({ name: '王伟', source }));
    await append(other, created({ name: 'Wang Wei', title: '经理', source }));
    const before = await moment();
    await append(one, { type: 'CustomersMerged', mergeId, absorbed: [other], rules: {} });
    const after = await append(other, { type: 'CustomerAbsorbed', mergeId, into: one, goldenId: one });
    expect((await rowsOf(await exportOf({ id: other }, after))).map(([id]) => id)).toEqual([one]);
    expect(await as(before, { source })).toHaveLength(2);
    expect(await as(await moment(), { source }, ['name', 'title'])).toEqual([`${one} 2-2 王伟 经理`]);
  });

  it('goes through all records, however many', async () => {
    const source = newId();
    const ids = Array.from({ length: 620 }, () => newId());
    const appended = await Promise.all(ids.map((id) => append(id, created({ name: id, source }))));
    await shownNow(`customers@${Math.max(...appended.map((after) => Number(after.split('@')[1])))}`);
    const rows = await as(await moment(), { source });
    expect(rows).toEqual(ids.map((id) => `${id} 1 ${id}`).toSorted());
  });

  it('tells nothing any more of somebody who was erased', async () => {
    const [id, source] = [newId(), newId()];
    await append(id, created({ name: '王被忘', source }));
    const after = await append(id, { type: 'CustomerDetailsChanged', emailsReserved: false, title: '王经理' });
    const asOf = new Date().toISOString();
    expect(await rowsOf(await exportOf({ source }, after, { asOf }))).toEqual([[id, '2', '王被忘']]);
    await service.log('customers').kernel.keyring.destroy(id);
    const erased: { type: string; [key: string]: unknown } = { type: 'PersonErased', customerId: id };
    await service.log('customers').append({ type: 'erasure', id: newId() }, erased);
    const { rows } = await eventually(
      () => service.kernel.pool.query(`select data from "${customerPast.table}" where record_id = $1`, [id]),
      (found) => !JSON.stringify(found.rows).includes('王'),
    );
    expect(rows).toHaveLength(2);
  });

  it('says what cannot be asked of the past', async () => {
    const refused = async (body: object) =>
      (await service.call('POST', path, { format: 'csv', ...body })).body.errors.map(
        (error: any) => `${error.path} ${error.code}`,
      );
    const asOf = await moment();
    expect(await refused({ asOf, q: '王', sort: 'name' })).toEqual(['q not-allowed', 'sort not-allowed']);
    expect(await refused({ asOf, filter: { revenue: { gt: 1 } } })).toEqual(['filter.revenue unknown-field']);
    expect(await refused({ asOf: '2999-01-01T00:00:00Z' })).toEqual(['asOf in-the-future']);
    expect((await service.call('POST', path, { format: 'csv', asOf: 'yesterday' })).status).toBe(400);
  });
});
