import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, fresh } from '@throughline/service/testing';
import { bytesInMemory, openTable, writeCsv, type TableRow } from '@throughline/tables';
import { adminEmail, adminPassword, startEmbedded, type Instance } from '../src/instance.ts';

let crm: Instance;
let token: string;
beforeAll(async () => {
  crm = await startEmbedded();
  const { body } = await crm.anonymous('POST', '/api/sessions', { email: adminEmail, password: adminPassword });
  token = body.token;
}, 60_000);
afterAll(() => crm?.stop(), 60_000);

const filter = { source: 'sheet' };
const create = async (body: object) => {
  const { body: made, headers } = await crm.call('POST', '/api/customers', { source: 'sheet', ...body });
  const after = { 'x-after': headers.get('x-position') ?? '' };
  await fresh(() => crm.call('GET', '/api/customers', undefined, after));
  return made;
};

/** The exported table: its header, and its rows by the record's id. */
async function exported(format: 'csv' | 'xlsx', language = 'en') {
  const response = await fetch(`${crm.url}/api/customers/export`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'accept-language': language },
    body: JSON.stringify({ format, filter }),
  });
  expect(response.status).toBe(200);
  const table = await openTable(bytesInMemory(new Uint8Array(await response.arrayBuffer())));
  const rows: TableRow[] = [];
  for await (const row of table.rows) rows.push(row);
  return {
    header: table.header,
    rows: new Map(rows.map(({ cells }) => [cells[0]?.text ?? '', cells.map(({ text }) => text)])),
  };
}

/** Uploads a table through the one door and imports it as it is suggested. */
async function imported({ header, rows }: Awaited<ReturnType<typeof exported>>) {
  const pieces: Uint8Array[] = [];
  for await (const piece of writeCsv(header, rows.values())) pieces.push(piece);
  const form = new FormData();
  form.append('object', 'customers');
  form.append('file', new Blob(pieces as never[]), 'customers.csv');
  const response = await fetch(`${crm.url}/api/imports`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  const { id, suggestion } = (await response.json()) as any;
  expect([response.status, suggestion.matchBy, suggestion.mode]).toEqual([201, 'id', 'update']);
  expect((await crm.call('POST', `/api/imports/${id}/mapping`, suggestion)).status).toBe(200);
  await crm.call('POST', `/api/imports/${id}/check`);
  const { check } = await eventually(
    async () => (await crm.call('GET', `/api/imports/${id}`)).body,
    (one) => one.check?.state === 'done',
  );
  await crm.call('POST', `/api/imports/${id}/run`);
  const { counts } = await eventually(
    async () => (await crm.call('GET', `/api/imports/${id}`)).body,
    (one) => one.status === 'done',
  );
  const errors = String((await crm.call('GET', `/api/imports/${id}/errors.csv`)).body)
    .trim()
    .split('\r\n')
    .slice(1);
  return { check: check.counts, counts, errors };
}

describe('a list that is exported, edited in a spreadsheet and imported again', () => {
  it('changes the cells that the user changed, and no others', async () => {
    const wang = await create({
      name: '王伟',
      title: '经理',
      industry: '零售',
      phones: [{ value: '13800138000', label: '手机' }, { value: '010-65541234' }],
      addresses: [{ province: '广东省', city: '深圳市', postcode: '518000', label: '公司' }],
      birthDate: '1980-05-17',
      tags: ['VIP', '华东,重点'],
    });
    const li = await create({ name: '李娜', title: '医生', department: '内科' });
    for (const format of ['csv', 'xlsx'] as const) {
      expect((await imported(await exported(format, 'zh'))).counts).toMatchObject({
        read: 2,
        unchanged: 2,
        updated: 0,
      });
    }
    const table = await exported('xlsx');
    const cell = (id: string, column: string) => {
      const row = table.rows.get(id) as string[];
      const place = table.header.indexOf(column);
      return { text: row[place], set: (text: string) => void (row[place] = text) };
    };
    cell(wang.id, 'Title').set('总监');
    cell(wang.id, 'Industry').set('');
    cell(wang.id, 'Phone').set('13800138000; 010-65541235');
    cell(wang.id, 'City').set('广州市');
    cell(wang.id, 'Tags').set(`${cell(wang.id, 'Tags').text}; 新`);
    cell(wang.id, 'Birth date').set('1980/5/17');
    cell(wang.id, 'Postcode').set('518000');
    cell(li.id, 'Department').set('外科');
    cell(li.id, 'Title').set('主任');
    // Somebody else works at the same time.
    await crm.call('PATCH', `/api/customers/${wang.id}`, { source: 'sheet', region: '华南' });
    await crm.call('PATCH', `/api/customers/${li.id}`, { title: '护士' });

    const { check, counts, errors } = await imported(table);
    expect(check).toMatchObject({ read: 2, update: 1, error: 1 });
    expect(counts).toMatchObject({ read: 2, updated: 1, failed: 1 });
    expect(errors).toEqual([expect.stringContaining('Title: Somebody changed the same field')]);
    const { body } = await crm.call('GET', `/api/customers/${wang.id}`);
    expect(body).toMatchObject({
      title: '总监',
      region: '华南',
      birthDate: '1980-05-17',
      addresses: [{ province: '广东省', city: '广州市', postcode: '518000', label: '公司' }],
      tags: ['VIP', '华东,重点', '新'],
    });
    expect(body.phones).toMatchObject([{ value: '13800138000', label: '手机' }, { value: '010-65541235' }]);
    expect(body).not.toHaveProperty('industry');
    const { items } = (await crm.call('GET', `/api/customers/${wang.id}/history`)).body;
    const changed = items.find(({ data, type }: any) => type === 'CustomerDetailsChanged' && 'title' in data);
    expect(Object.keys(changed.data).toSorted()).toEqual([
      'addresses',
      'corrections',
      'emailsReserved',
      'industry',
      'phones',
      'tags',
      'title',
    ]);
    expect((await crm.call('GET', `/api/customers/${li.id}`)).body).toMatchObject({
      title: '护士',
      department: '内科',
    });
  }, 60_000);

  it('finds merged customers by all their versions', async () => {
    const [one, other] = [await create({ name: '张三' }), await create({ name: '张三', title: '工程师' })];
    const { headers } = await crm.call('POST', `/api/customers/${one.id}/merge`, { absorb: [other.id] });
    const after = { 'x-after': headers.get('x-position') ?? '' };
    await fresh(() => crm.call('GET', '/api/customers', undefined, after));
    const table = await exported('csv');
    const row = table.rows.get(one.id) as string[];
    expect([row[1], table.rows.has(other.id)]).toEqual([expect.stringMatching(/^\d+-\d+$/), false]);
    row[table.header.indexOf('Title')] = '架构师';
    expect((await imported({ ...table, rows: new Map([[one.id, row]]) })).counts).toMatchObject({ updated: 1 });
    expect((await crm.call('GET', `/api/customers/${other.id}`)).body).toMatchObject({ id: one.id, title: '架构师' });
  }, 60_000);

  it('names other customers by their ids, and takes them by their names', async () => {
    const [old, next] = [
      await create({ kind: 'company', name: '旧东家' }),
      await create({ kind: 'company', name: '新东家' }),
    ];
    const links = { employerId: old.id, referredBy: next.id };
    const person = await create({ kind: 'person', name: '周瑜', ...links });
    const table = await exported('xlsx');
    const row = table.rows.get(person.id) as string[];
    const at = (column: string) => table.header.indexOf(column);
    expect([row[at('Employer id')], row[at('Referrer id')]]).toEqual([old.id, next.id]);
    const only = { ...table, rows: new Map([[person.id, row]]) };
    expect((await imported(only)).counts).toMatchObject({ unchanged: 1 });
    row[at('Employer id')] = '新东家';
    row[at('Referrer id')] = '';
    expect((await imported(only)).counts).toMatchObject({ updated: 1 });
    const { body } = await crm.call('GET', `/api/customers/${person.id}`);
    expect([body.employerId, body.referredBy]).toEqual([next.id, undefined]);
  }, 60_000);

  it('has a header in the caller’s language, and names columns that are not known', async () => {
    const { header } = await exported('csv', 'zh');
    expect(header.slice(0, 3)).toEqual(['记录ID', '记录版本', '姓名']);
    const wrong = await crm.call('POST', '/api/customers/export', { format: 'csv', fields: ['colour'], filter: {} });
    expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'fields.colour']);
  });
});

describe('an export', () => {
  it('is handed out to those alone who may, and shown to administrators', async () => {
    const keyOf = async (...roles: string[]) => ({
      authorization: `Bearer ${(await crm.call('POST', '/api/api-keys', { name: roles.join(), roles })).body.key}`,
    });
    const [member, exporter] = [await keyOf('member'), await keyOf('reader', 'exporter')];
    const status = async (method: string, path: string, headers: object, body?: object) =>
      (await crm.anonymous(method, path, body, { ...headers })).status;
    const asked = { format: 'csv', filter };
    expect(await status('POST', '/api/customers/export', member, asked)).toBe(403);
    expect(await status('POST', '/api/customers/export', exporter, asked)).toBe(200);
    expect(await status('GET', '/api/exports', exporter)).toBe(403);
    const { items } = await eventually(
      async () => (await crm.call('GET', '/api/exports')).body,
      (page) => page.items[0]?.actor.type === 'api-key',
    );
    expect(items[0]).toMatchObject({ format: 'csv', selection: { filter } });
    expect(await status('PUT', '/api/export-settings', exporter, { rowsPerDay: 0 })).toBe(403);
  });
});

describe('a large file', () => {
  it('passes the gateway, and a form where none belongs does not', async () => {
    const rows = Array.from({ length: 2_000 }, (_, i) => `N,${i}@example.org,${'x'.repeat(2_000)}`);
    for (const [path, content, status] of [
      ['/api/imports', `name,email,note\n${rows.join('\n')}\n`, 201],
      ['/api/customers', 'name\nN\n', 415],
    ] as const) {
      const form = new FormData();
      form.append('object', 'customers');
      form.append('file', new Blob([content]), 'a.csv');
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${crm.url}${path}`, { method: 'POST', headers, body: form });
      expect([path, response.status]).toEqual([path, status]);
    }
  });
});
