import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, secretsFrom } from '@throughline/event-sourcing';
import {
  administrator,
  caller,
  eventually,
  startTestService,
  type TestService,
  testMasterKey,
} from '@throughline/service/testing';
import { Tokens } from '@throughline/service';
import { writeXlsx } from '@throughline/tables';
import { ForgetImports } from '../src/import/forget-imports.worker.ts';
import { CustomersModule } from '../src/customers.module.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const tokens = new Tokens(secretsFrom(testMasterKey));
const { get, byNumber, upload, checked, carriedOutAgain } = importing(() => service);

/** Calls by somebody of this role. */
const as = (role: string) =>
  caller(service.url, async () => (await tokens.issue({ ...administrator, roles: [role] }, 'internal', 60)).token);
const map = (id: string, mapping: object) => service.call('POST', `/api/imports/${id}/mapping`, mapping);
const finished = (id: string) =>
  eventually(
    () => get(`imports/${id}`),
    ({ status, progress }) => status === 'done' && progress?.state === 'done',
  );
/** Uploads and imports a file as it is suggested, but for what is said. */
async function imported(content: string | Uint8Array, mapping: object = {}) {
  const { body } = await upload(content);
  const mapped = await map(body.id, { ...body.suggestion, ...mapping });
  expect([mapped.status, mapped.body.code]).toEqual([200, undefined]);
  expect((await service.call('POST', `/api/imports/${body.id}/run`)).status).toBe(202);
  return finished(body.id);
}
const errorsOf = async (id: string, language = 'en') =>
  String((await service.call('GET', `/api/imports/${id}/errors.csv`, undefined, { 'accept-language': language })).body)
    .replace('\ufeff', '')
    .trim()
    .split('\r\n');

describe('an uploaded file', () => {
  it('is read by its bytes, previewed, and its columns are matched to fields', async () => {
    const content = 'sep=;\n姓名;手机 2;Email (work);省;备注\n王伟;138 0013 8000;wei@example.cn;广东省;老客户\n';
    const { status, headers, body } = await upload(content);
    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/imports/${body.id}`);
    expect(body).toMatchObject({
      status: 'uploaded',
      object: 'customers',
      file: { name: '客户.csv', bytes: Buffer.byteLength(content) },
      reading: {
        format: 'csv',
        encoding: 'utf-8',
        delimiter: ';',
        header: ['姓名', '手机 2', 'Email (work)', '省', '备注'],
      },
      preview: [{ line: 3, cells: ['王伟', '138 0013 8000', 'wei@example.cn', '广东省', '老客户'] }],
      mapping: null,
    });
    expect(body.suggestion).toMatchObject({
      columns: [
        { column: '姓名', field: 'name' },
        { column: '手机 2', field: 'phones' },
        { column: 'Email (work)', field: 'emails', label: 'work' },
        { column: '省', field: 'address.province' },
      ],
      matchBy: 'email',
      mode: 'both',
    });
    const { items } = await eventually(
      () => get('imports'),
      (page) => page.items.length > 0,
    );
    expect(items[0]).toMatchObject({
      id: body.id,
      fileName: '客户.csv',
      status: 'uploaded',
      uploadedBy: { type: 'user' },
    });
  });

  it('sent again under the same key is the same import; other bytes under it are refused', async () => {
    const headers = { 'idempotency-key': newId() };
    const [one, again] = [await upload('name\nAnna\n', { headers }), await upload('name\nAnna\n', { headers })];
    expect([one.status, again.body.id]).toEqual([201, one.body.id]);
    const other = await upload('name\nBerta\n', { headers });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-key-reused']);
    const { rows } = await service.kernel.pool.query(
      'select count(*)::int as n from import_files f where exists (select from import_chunks where file_id = f.id)',
    );
    expect(rows[0].n).toBe(2);
  });

  it('that is no table is refused with what is wrong, in both languages, and is not kept', async () => {
    const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
    const wide = Array.from({ length: 500 }, (_, i) => `c${i}`).join(',');
    for (const [content, code] of [
      [png, 'not-a-table'],
      ['', 'empty-file'],
      ['name,name\na,b\n', 'duplicate-header'],
      [`${wide}\n1\n`, 'too-many-columns'],
      ['name\n', 'no-rows'],
      [`${'x'.repeat(300)}\na\n`, 'header-too-long'],
    ] as const) {
      const { status, body } = await upload(content, { name: 'x.csv', headers: { 'accept-language': 'zh' } });
      expect([status, body.code, /\p{Script=Han}/u.test(body.title)]).toEqual([422, code, true]);
    }
    const { rows } = await service.kernel.pool.query('select count(*)::int as n from import_files');
    expect(rows[0].n).toBe(2);
  });

  it('needs a form with a file and its object', async () => {
    expect((await service.call('POST', '/api/imports', {})).body.code).toBe('unsupported-media-type');
    const wrong = await upload('name\na\n', { fields: { object2: 'x' } });
    expect([wrong.status, wrong.body.errors]).toEqual([400, [expect.objectContaining({ path: 'object2' })]]);
  });

  it('that breaks off is not there, and neither is what came of it', async () => {
    const count = async () =>
      (await service.kernel.pool.query('select count(*)::int as n from import_files')).rows[0].n as number;
    const before = await count();
    const { token } = await tokens.issue(administrator, 'internal', 60);
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    const head = ['POST /api/imports HTTP/1.1', 'host: x', `authorization: Bearer ${token}`, 'content-length: 9000000'];
    socket.write(`${[...head, 'content-type: multipart/form-data; boundary=b'].join('\r\n')}\r\n\r\n`);
    socket.write('--b\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\n');
    socket.write(`name\n${'Anna\n'.repeat(400_000)}`);
    await eventually(count, (files) => files === before + 1);
    socket.destroy();
    expect(await eventually(count, (files) => files === before)).toBe(before);
  });

  it('is forgotten after a while, and cannot be run then', async () => {
    const { body } = await upload('number,name\nF-1,Anna\nF-1,Bea\n');
    await map(body.id, body.suggestion);
    await checked(body.id);
    const kept = async () => (await service.kernel.pool.query('select line::int, times from import_repeats')).rows;
    expect(await kept()).toEqual([{ line: 2, times: 2 }]);
    await service.app.get(ForgetImports).forget(new Date(Date.now() + 31 * 86_400_000));
    await service.call('POST', `/api/imports/${body.id}/run`);
    const { progress, preview } = await eventually(
      () => get(`imports/${body.id}`),
      (one) => one.progress?.state === 'failed',
    );
    expect([progress.error, preview, await kept()]).toEqual(['import-file-gone', [], []]);
  });

  it('can be read in another way, which voids its mapping', async () => {
    const { body } = await upload('王伟,13800138000\n李娜,13800138001\n');
    const read = await service.call('POST', `/api/imports/${body.id}/reading`, { header: false });
    expect(read.body.reading).toMatchObject({ hasHeader: false, header: ['A', 'B'] });
    expect(read.body.preview).toHaveLength(2);
  });
});

describe('a mapping', () => {
  it('names everything that does not fit', async () => {
    const { body } = await upload('name,email\nAnna,a@example.org\n');
    const { status, body: problem } = await map(body.id, {
      columns: [
        { column: 'name', field: 'colour' },
        { column: 'mail', field: 'emails' },
      ],
      matchBy: 'phone',
      mode: 'update',
      policies: { name: 'sometimes' },
    });
    expect(status).toBe(422);
    expect(problem.errors.map(({ path, code }: any) => `${path} ${code}`)).toEqual([
      'columns.0.field unknown-field',
      'columns.1.column unknown-column',
      'policies.name not-allowed',
      'matchBy column-missing',
    ]);
    expect((await service.call('POST', `/api/imports/${body.id}/run`)).body.code).toBe('import-not-mapped');
  });

  it('matches by the ids of records where there are any, and is refused where it would lose them', async () => {
    const { body } = await upload(`Record id,Name,Title\n${newId()},Anna,CEO\n`);
    expect(body.suggestion).toMatchObject({ matchBy: 'id', mode: 'update' });
    for (const matchBy of ['none', 'number']) {
      const { status, body: problem } = await map(body.id, { ...body.suggestion, matchBy, mode: 'both' });
      expect([status, problem.code]).toEqual([422, 'invalid-mapping']);
      expect(problem.errors).toContainEqual(
        expect.objectContaining({ path: 'columns.0.field', code: 'id-not-matched' }),
      );
    }
  });

  it('is offered again by the header, and by the name under which it was saved', async () => {
    const { body } = await upload('Kundenname,email\nAnna,a1@example.org\n');
    const mapping = {
      ...body.suggestion,
      columns: [{ column: 'Kundenname', field: 'name' }],
      matchBy: 'none',
      mode: 'create',
    };
    await map(body.id, { ...mapping, saveAs: 'ERP' });
    const { items } = await eventually(
      () => get('imports/mappings'),
      (saved) => saved.items.length > 0,
    );
    expect(items).toEqual([
      expect.objectContaining({ name: 'ERP', mapping: expect.objectContaining({ matchBy: 'none' }) }),
    ]);
    expect((await upload('Kundenname,email\nBerta,b1@example.org\n')).body.suggestion.columns).toEqual(mapping.columns);
  });

  it('is offered again without fields that were retired since', async () => {
    await service.call('POST', '/api/fields', { key: 'since', type: 'date', label: { en: 'Since' } });
    const offered = async () => (await upload('name,Since,note2\nAnna,2026-04-01,x\n')).body;
    const { id, suggestion } = await offered();
    await map(id, suggestion);
    const fieldsOf = async () => (await offered()).suggestion.columns.map(({ field }: any) => field);
    await eventually(fieldsOf, (fields) => fields.includes('custom.since'));
    await service.call('POST', '/api/fields/since/retire');
    await eventually(fieldsOf, (fields) => !fields.includes('custom.since'));
  });
});

describe('a template', () => {
  it('is understood without mapping, in both languages and formats', async () => {
    for (const language of ['en', 'zh']) {
      const { body } = await service.call('GET', '/api/imports/template.csv?object=customers', undefined, {
        'accept-language': language,
      });
      const header = String(body).replace('\ufeff', '').trim();
      const { body: read } = await upload(`${header}\n${'x,'.repeat(header.split(',').length - 1)}x\n`);
      expect(read.suggestion.columns.map(({ column }: any) => column)).toEqual(header.split(','));
    }
    const { status, headers } = await service.call('GET', '/api/imports/template.xlsx?object=customers');
    expect([status, headers.get('content-type')]).toEqual([200, expect.stringContaining('spreadsheetml')]);
  });
});

describe('a file with a title above its header', () => {
  it('is read from the row that is suggested, or said', async () => {
    const number = newId();
    const { body } = await upload(`客户名单,,\n编号,姓名,城市\n${number},王伟,杭州\n`);
    expect(body).toMatchObject({ reading: { header: ['客户名单'] }, suggestedHeaderRow: 2 });
    const path = `/api/imports/${body.id}`;
    const wrong = await service.call('POST', `${path}/reading`, { headerRow: 0 });
    expect([wrong.status, wrong.body.errors[0].path]).toEqual([400, 'headerRow']);
    const read = (await service.call('POST', `${path}/reading`, { headerRow: 2 })).body;
    expect(read.reading).toMatchObject({ headerRow: 2, header: ['编号', '姓名', '城市'] });
    expect(read).not.toHaveProperty('suggestedHeaderRow');
    await map(body.id, read.suggestion);
    await service.call('POST', `${path}/run`);
    expect((await finished(body.id)).counts).toMatchObject({ read: 1, created: 1 });
    expect(await byNumber(number)).toMatchObject({ name: '王伟', addresses: [{ city: '杭州' }] });
  });
});

describe('an import', () => {
  const file = [
    '编号,姓名,手机,邮箱,标签,客户来源,创建时间,生日',
    'K-1,王伟,138 0013 8000,wei@example.cn,VIP；老客户,展会,2020-03-05 10:00,1980/5/17',
    'K-2,李娜,13800138001,na@example.cn,,网站,,',
    'K-3,,13800138002,li@example.cn,,,,',
    'K-4,赵六,1.38E+10,,,,,2199-01-01',
    'K-1,王伟,,,,,,',
  ].join('\n');

  it('takes one row of a customer, by whichever of its records it is named, and says so of the others', async () => {
    const [a, b] = [newId(), newId()];
    await imported(`编号,姓名\n${a},王伟\n${b},Wang Wei`);
    const [one, other] = [await byNumber(a), await byNumber(b)];
    await service.call('POST', `/api/customers/${one.id}/merge`, { absorb: [other.id] });
    const { id, counts } = await imported(`编号,姓名\n${b},王大伟\n${a},王小伟`);
    expect(counts).toMatchObject({ read: 2, updated: 1, skipped: 1 });
    expect((await byNumber(a)).name).toBe('王大伟');
    expect((await errorsOf(id))[1]).toBe(`${a},王小伟,3,has the same key as line 2`);
  });

  it('is checked without changing anything, then makes records, and its counts add up', async () => {
    const { body } = await upload(file);
    await map(body.id, { ...body.suggestion, timeZone: 'Asia/Shanghai' });
    const check = await checked(body.id);
    expect(check).toMatchObject({ state: 'done', done: 5, total: 5 });
    expect(check.counts).toMatchObject({ read: 5, new: 2, update: 0, unchanged: 0, duplicate: 1, error: 2 });
    expect(
      check.errors.map(({ line, errors }: any) => [line, errors.map((one: any) => [one.column, one.code])]),
    ).toEqual([
      [4, [['姓名', 'required']]],
      [
        5,
        [
          ['手机', 'scientific-number'],
          ['生日', 'in-the-future'],
        ],
      ],
      [6, [[null, 'duplicate-in-file']]],
    ]);
    expect((await service.call('GET', '/api/customers/by/number/K-1')).status).toBe(404);

    await service.call('POST', `/api/imports/${body.id}/run`);
    const done = await finished(body.id);
    expect(done.counts).toEqual({
      read: 5,
      created: 2,
      updated: 0,
      unchanged: 0,
      skipped: 1,
      failed: 2,
      possibleDuplicate: 0,
    });
    const wang = await byNumber('K-1');
    expect(wang).toMatchObject({
      name: '王伟',
      phones: [{ value: '138 0013 8000', e164: '+8613800138000' }],
      emails: [{ value: 'wei@example.cn' }],
      tags: ['VIP', '老客户'],
      source: '展会',
      birthDate: '1980-05-17',
    });
    const { items } = await get(`customers/${wang.id}/history`);
    expect(items[0]).toMatchObject({ type: 'CustomerCreated', occurredAt: '2020-03-05T02:00:00.000Z' });
    expect(await errorsOf(body.id, 'zh')).toEqual([
      '编号,姓名,手机,邮箱,标签,客户来源,创建时间,生日,导入行号,导入失败原因',
      'K-3,,13800138002,li@example.cn,,,,,4,姓名: 必填',
      expect.stringContaining('1.38E+10'),
      expect.stringContaining('与第 2 行的键值重复'),
    ]);
    expect((await map(body.id, body.suggestion)).body.code).toBe('import-started');
  });

  it('mended by its errors file takes the rest, and says anew what is still wrong', async () => {
    const first = await imported('number,name\nM-1,Anna\nM-2,\nM-3,\n');
    const lines = await errorsOf(first.id);
    const second = await imported(lines.join('\n').replace('M-2,,', 'M-2,Berta,'));
    expect(second.counts).toMatchObject({ read: 2, created: 1, failed: 1 });
    expect((await errorsOf(second.id))[0]).toBe('number,name,Import line,Import reason');
  });

  it('tells of a row that may be about several customers all else that is wrong with it', async () => {
    const options = [{ value: 'big', label: { en: 'Big', zh: '大杯' } }];
    const cup = { key: 'cup', type: 'choice', label: { en: 'Cup', zh: '杯型' }, options };
    expect((await service.call('POST', '/api/fields', cup)).status).toBe(201);
    await imported('姓名,邮箱\n双甲,both@ex.cn\n双乙,both@ex.cn\n', { matchBy: 'none' });
    const { id } = await imported(
      '姓名,邮箱,生日,推荐人,杯型\n甲,both@ex.cn; 坏,,没有人,中杯\n乙,both@ex.cn,1999-02-30,,中杯\n',
      {
        matchBy: 'email',
      },
    );
    expect((await errorsOf(id, 'zh')).slice(1).map((row) => row.split(',').slice(6).join(','))).toEqual([
      '匹配到多位客户，无法确定是哪一位。；邮箱: 类型或格式不正确；杯型: 不在允许的取值之内；推荐人: 找不到客户：没有人',
      '匹配到多位客户，无法确定是哪一位。；生日: 不是存在的日期；杯型: 不在允许的取值之内',
    ]);
  });

  it('updates by key, field by field as its policies say', async () => {
    await imported('number,name,title,email,source\nP-1,Anna,CEO,p1@example.org,fair\n');
    const again = await imported('number,name,title,email,source\nP-1,Anna B,CTO,p2@example.org,web\n', {
      policies: { title: 'never', source: 'if-empty' },
    });
    expect(again.counts).toMatchObject({ read: 1, updated: 1 });
    expect(await byNumber('P-1')).toMatchObject({
      name: 'Anna B',
      title: 'CEO',
      source: 'fair',
      emails: [{ value: 'p1@example.org' }, { value: 'p2@example.org' }],
    });
    const same = await imported('number,name\nP-1,Anna B\n');
    expect(same.counts).toMatchObject({ read: 1, unchanged: 1 });
  });

  it('treats each of the installation’s own fields as its policy says, and fills those that are empty', async () => {
    await imported('number,name,custom.num,custom.lvl\nP-9,Anna,1,gold\n');
    const { counts } = await imported('number,custom.num,custom.lvl,custom.club\nP-9,2,silver,x\n', {
      policies: { custom: 'if-empty', 'custom.num': 'overwrite' },
      defaults: { 'custom.lvl': 'bronze', 'custom.new': 'y' },
    });
    expect(counts).toMatchObject({ read: 1, updated: 1 });
    expect((await byNumber('P-9')).custom).toEqual({ num: '2', lvl: 'gold', club: 'x', new: 'y' });
  });

  it('fills by default what is empty, but for fields that are never to be touched', async () => {
    await imported('number,name,custom.own\nNEVER-1,Anna,x\n');
    const more = {
      defaults: { region: '华东', industry: '酒', 'review.satisfaction': '4', 'custom.a': 'a', 'custom.b': 'b' },
      policies: { region: 'never', review: 'never', custom: 'never', 'custom.b': 'overwrite' },
    };
    const { counts } = await imported('number,name\nNEVER-1,Anna\nNEVER-2,Berta\n', more);
    expect(counts).toMatchObject({ read: 2, created: 1, updated: 1 });
    const [there, made] = [await byNumber('NEVER-1'), await byNumber('NEVER-2')];
    expect(there).toMatchObject({ industry: '酒', custom: { own: 'x', b: 'b' } });
    expect([there.region, there.review, there.custom.a]).toEqual([undefined, undefined, undefined]);
    const all = { region: '华东', industry: '酒', review: { satisfaction: 4 }, custom: { a: 'a', b: 'b' } };
    expect(made).toMatchObject(all);
  });

  it('finds records by e-mail, phone and register number as they are normalised', async () => {
    const { body: made } = await service.call('POST', '/api/customers', {
      name: '深圳某某有限公司',
      emails: [{ value: 'Office@Example.COM' }],
      phones: [{ value: '0755-26770000' }],
      registrationNumber: '91440300708461136T',
    });
    for (const [content, matchBy] of [
      ['name,email,title\nX,office@example.com,A\n', 'email'],
      ['name,phone,title\nX,+86 755 2677 0000,B\n', 'phone'],
      ['name,统一社会信用代码,title\nX,91440300708461136t,C\n', 'registrationNumber'],
      [`id,name,title\n${made.id},X,D\n`, 'id'],
    ] as const) {
      const { counts } = await imported(content, { matchBy, mode: 'update' });
      expect([matchBy, counts.updated]).toEqual([matchBy, 1]);
    }
    expect(await get(`customers/${made.id}`)).toMatchObject({ name: 'X', title: 'D' });
    const { counts } = await imported('name,email\nNobody,nobody@example.org\n', { matchBy: 'email', mode: 'update' });
    expect(counts).toMatchObject({ read: 1, skipped: 1 });
    const create = await imported('name,email\nX,office@example.com\n', { matchBy: 'email', mode: 'create' });
    expect(create.counts).toMatchObject({ read: 1, skipped: 1, created: 0 });
    expect(await errorsOf(create.id, 'en')).toContain(
      'X,office@example.com,2,email: is that of a customer who is there already',
    );
  });

  it('of an exported table without its versions changes what it says otherwise than the records, and makes none', async () => {
    const { body: there } = await service.call('POST', '/api/customers', {
      name: '孙莉',
      title: '经理',
      phones: [{ value: '13800138123', label: 'work' }],
      tags: ['vip'],
    });
    const { body: other } = await service.call('POST', '/api/customers', { name: '吴刚', title: '总监' });
    const header = '记录ID,姓名,职位,手机,标签';
    const row = ({ id, name }: any, rest: string) => `${id},${name},${rest}\n`;
    const content = `${header}\n${row(there, '总经理,13800138123,vip')}${row(other, '总监,,')}${row({ id: newId(), name: '无' }, ',,')}`;
    const { counts } = await imported(content);
    expect(counts).toMatchObject({ read: 3, created: 0, updated: 1, unchanged: 1, skipped: 1 });
    const { items } = await get(`customers/${there.id}/history`);
    const changes = items.filter(({ type }: any) => type === 'CustomerDetailsChanged').map(({ data }: any) => data);
    expect(changes).toEqual([expect.objectContaining({ title: '总经理' })]);
    for (const same of ['name', 'phones', 'tags']) expect(changes[0]).not.toHaveProperty(same);
    expect(await get(`customers/${there.id}`)).toMatchObject({ title: '总经理', tags: ['vip'] });
    expect((await get(`customers/${other.id}`)).version).toBe(other.version);
  });

  it('of an exported table leaves alone whom one may write to, and says so where that was edited', async () => {
    const { body: there } = await service.call('POST', '/api/customers', { name: '钱多', title: '经理' });
    const header = '记录ID,记录版本,姓名,职务,请勿联系,邮件营销许可';
    const row = (rest: string) => `${header}\n${there.id},${there.version},钱多,${rest}\n`;
    const before = row('经理,no,unknown');
    await service.call('POST', `/api/customers/${there.id}/forbid-contact`, { how: 'phone' });
    expect((await imported(before)).counts).toMatchObject({ read: 1, unchanged: 1 });
    expect((await imported(row('总监,yes,no'))).counts).toMatchObject({ read: 1, updated: 1 });
    const edited = await imported(row('总监,no,yes'));
    expect(edited.counts).toMatchObject({ read: 1, failed: 1 });
    expect(await errorsOf(edited.id, 'en')).toEqual([
      `${header},Import line,Import reason`,
      expect.stringContaining('邮件营销许可: cannot be changed by a table'),
    ]);
    const { id, suggestion } = (await upload('姓名,请勿联系\n钱多,yes\n')).body;
    const columns = [...suggestion.columns, { column: '请勿联系', field: 'doNotContact' }];
    const { status, body } = await map(id, { ...suggestion, columns });
    expect([status, body.errors]).toEqual([
      422,
      [expect.objectContaining({ path: 'columns.1.field', code: 'permission-stays' })],
    ]);
  });

  it('changes the customer that a record was merged into', async () => {
    const person = (email: string) =>
      service.call('POST', '/api/customers', { name: '张三', emails: [{ value: email }] });
    const [one, other] = [(await person('m1@example.cn')).body, (await person('m2@example.cn')).body];
    await service.call('POST', `/api/customers/${one.id}/merge`, { absorb: [other.id] });
    const content = 'email,title\nm2@example.cn,经理\n';
    const { counts } = await imported(content, { matchBy: 'email', mode: 'update' });
    expect(counts).toMatchObject({ read: 1, updated: 1 });
    expect(await get(`customers/${other.id}`)).toMatchObject({ id: one.id, title: '经理' });
    expect((await imported(content, { matchBy: 'email', mode: 'update' })).counts).toMatchObject({ unchanged: 1 });
  });

  it('takes what customers need, like and think, part by part', async () => {
    const header = '编号,姓名,决策地位,兴趣爱好,产品兴趣,推荐渠道,偏好服务渠道,偏好服务时间,功能需求,满意度,建议';
    const first = 'NEED-1,孙,决策者,茶;登山,机床,展会,微信,周末,精度,4,多送货';
    expect((await imported(`${header}\n${first}\n`)).counts).toMatchObject({ created: 1 });
    const next = 'NEED-1,孙,,书法,,,,工作日,,5,';
    expect((await imported(`${header}\n${next}\nNEED-2,钱,老大,,,,,,,9,\n`)).counts).toMatchObject({
      updated: 1,
      failed: 1,
    });
    expect(await byNumber('NEED-1')).toMatchObject({
      standing: 'decision-maker',
      hobbies: ['茶', '登山', '书法'],
      productInterests: ['机床'],
      referralChannel: '展会',
      servicePreference: { channel: '微信', times: '工作日' },
      productNeeds: { function: '精度' },
      review: { satisfaction: 5, suggestion: '多送货' },
    });
  });

  it('of a table that was exported before a merge changes the customer that the record was merged into', async () => {
    const person = async (fields: object) => (await service.call('POST', '/api/customers', fields)).body;
    const one = await person({ name: '周一', title: '经理', emails: [{ value: 'zhou@example.cn' }] });
    const other = await person({ name: '周伊', department: '销售', region: '华东' });
    const table = (department: string) =>
      `记录ID,记录版本,姓名,客户编号,部门,地区,职务\n${other.id},${other.version},周伊,${other.number},${department},华东,\n`;
    await service.call('POST', `/api/customers/${one.id}/merge`, { absorb: [other.id] });
    expect((await imported(table('销售'))).counts).toMatchObject({ read: 1, unchanged: 1 });
    const { body } = await upload(table('市场'));
    await map(body.id, body.suggestion);
    expect((await checked(body.id)).counts).toMatchObject({ read: 1, update: 1 });
    expect((await imported(table('市场'))).counts).toMatchObject({ read: 1, updated: 1 });
    expect(await get(`customers/${one.id}`)).toMatchObject({
      id: one.id,
      name: '周一',
      title: '经理',
      department: '市场',
    });
  });

  it('of the same file twice at once makes nothing twice', async () => {
    const rows = Array.from({ length: 600 }, (_, i) => `Twin ${i},twin${i}@example.org`);
    const content = `full name,e-mail\n${rows.join('\n')}\n`;
    const uploads = [(await upload(content)).body, (await upload(content)).body];
    for (const { id, suggestion } of uploads) await map(id, suggestion);
    await Promise.all(uploads.map(({ id }) => service.call('POST', `/api/imports/${id}/run`)));
    const counts = await Promise.all(uploads.map(async ({ id }) => (await finished(id)).counts));
    expect(counts.map(({ read, created, updated, unchanged }) => [read, created + updated + unchanged])).toEqual([
      [600, 600],
      [600, 600],
    ]);
    expect(counts[0].created + counts[1].created).toBe(600);
  }, 60_000);

  it('is undone as a batch, and taken up again by the same file', async () => {
    await service.call('POST', '/api/customers', { number: 'U-1', name: 'Old', title: 'CEO' });
    const content = 'number,name\nU-1,New\nU-2,Fresh\n';
    const done = await imported(content);
    expect(done.counts).toMatchObject({ created: 1, updated: 1 });
    expect((await get(`imports/${done.id}/undo`)).items).toHaveLength(2);
    const undo = await service.call('POST', `/api/imports/${done.id}/undo`);
    expect(undo.status).toBe(202);
    await eventually(
      () => get(`batches/${undo.body.id}`),
      ({ status }) => status === 'done',
    );
    expect(await byNumber('U-1')).toMatchObject({ name: 'Old', title: 'CEO' });
    expect(await byNumber('U-2')).toMatchObject({ archived: true });
    expect((await imported(content)).counts).toMatchObject({ read: 2, updated: 2 });
    expect(await byNumber('U-2')).toMatchObject({ archived: false, name: 'Fresh' });
  });

  it('takes spreadsheets: dates and numbers as they are', async () => {
    const pieces: Uint8Array[] = [];
    const rows = [['X-1', '王伟', { date: '1980-05-17' }, 13800138000]];
    for await (const piece of writeXlsx(['编号', '姓名', '生日', '手机'], rows, { sheet: '客户' })) pieces.push(piece);
    const { counts } = await imported(Buffer.concat(pieces));
    expect(counts).toMatchObject({ read: 1, created: 1 });
    expect(await byNumber('X-1')).toMatchObject({ birthDate: '1980-05-17', phones: [{ e164: '+8613800138000' }] });
  });

  it('reads GBK and several e-mails of a cell, and says which is none', async () => {
    const gbk = Buffer.from(
      'd0d5c3fb2cd3cacfe40acdf5ceb02c6131406578616d706c652e636e3b6132406578616d706c652e636e0ac0eec4c82c6e6f6e650a',
      'hex',
    );
    const { counts, id } = await imported(gbk, { matchBy: 'none', mode: 'create' });
    expect(counts).toMatchObject({ read: 2, created: 1, failed: 1 });
    expect(await errorsOf(id, 'en')).toEqual([
      '姓名,邮箱,Import line,Import reason',
      '李娜,none,3,邮箱: has the wrong type or form',
    ]);
  });

  it('is held to the rules, by the check as by the run', async () => {
    const message = { zh: '职务须为大写', en: 'in capitals, please' };
    const rules = [
      { id: 'capitals', kind: 'format', field: 'title', pattern: '[A-Z]+', message },
      { id: 'one-each', kind: 'unique', field: 'department', message },
    ];
    await service.call('PUT', '/api/rules/customers', { rules });
    await service.call('POST', '/api/customers', { name: 'x', department: 'D1' });
    const { body } = await upload('姓名,职务,部门\n甲,CEO,d1\n乙,ceo,D2\n丙,CEO,D3\n丁,CEO,D3\n');
    await map(body.id, { ...body.suggestion, matchBy: 'none', mode: 'create' });
    expect((await checked(body.id)).counts).toMatchObject({ read: 4, new: 1, error: 3 });
    await service.call('POST', `/api/imports/${body.id}/run`);
    expect((await finished(body.id)).counts).toMatchObject({ read: 4, created: 1, failed: 3 });
    const [, taken, wrong, later] = await errorsOf(body.id, 'zh');
    expect([taken, wrong, later]).toEqual([
      expect.stringContaining('已被其他客户使用'),
      '乙,ceo,D2,3,职务: 职务须为大写',
      expect.stringMatching(/^丁.*已被其他客户使用/),
    ]);
    await service.call('PUT', '/api/rules/customers', { rules: [] });
  });

  it('tells of a row with a cell that cannot be read all else that is wrong with it', async () => {
    const message = { zh: '请填写', en: 'please' };
    const rules = ['industry', 'birthDate', 'title'].map((field) => ({
      id: field.toLowerCase(),
      kind: 'required',
      field,
      message,
    }));
    await service.call('POST', '/api/fields', { key: 'grade', type: 'number', label: { zh: '等级' } });
    await service.call('POST', '/api/fields', { key: 'ranking', type: 'number', label: { zh: '排名' } });
    await service.call('PUT', '/api/rules/customers', { rules });
    const { id } = await imported('姓名,生日,行业,等级,排名\n甲,1990/2/30,,很高,第一\n', { matchBy: 'none' });
    const [, row] = await errorsOf(id, 'zh');
    expect(row?.split(',').slice(6).join(',').split('；').toSorted()).toEqual(
      [
        'title: 请填写',
        '生日: 不是存在的日期',
        '行业: 请填写',
        '等级: 类型或格式不正确',
        '排名: 类型或格式不正确',
      ].toSorted(),
    );
    await service.call('PUT', '/api/rules/customers', { rules: [] });
  });
});

describe('an import of fields of the own', () => {
  const define = (key: string, type: string, more: object = {}) =>
    service.call('POST', '/api/fields', { object: 'customer', key, type, ...more });

  it('knows them by their names, and reads them in their types', async () => {
    await define('signed', 'date', { label: { zh: '签约日期', en: 'Signed on' } });
    await define('credit', 'money', { label: { zh: '授信额度' } });
    await define('seats', 'number', { label: { zh: '席位', en: 'Seats' } });
    const options = [{ value: 'gold', label: { zh: '金卡' } }];
    await define('tier', 'choice', { label: { zh: '会员等级' }, options });
    const header = '编号,姓名,签约日期,授信额度,Seats,会员等级';
    const rows = [
      'OWN-1,甲,13/4/2024,"￥12,000","1,200",金卡',
      'OWN-2,乙,14/4/2024,600,many,金卡',
      'OWN-3,丙,,5 USD,3,银卡',
    ];
    const { body } = await upload([header, ...rows, ''].join('\n'));
    expect(body.suggestion).toMatchObject({ dateOrder: 'dmy' });
    expect(body.suggestion.columns.map(({ field }: any) => field)).toEqual([
      'number',
      'name',
      'custom.signed',
      'custom.credit',
      'custom.seats',
      'custom.tier',
    ]);
    expect((await map(body.id, { ...body.suggestion, currency: 'XYZ' })).body.code).toBe('invalid-mapping');
    await map(body.id, body.suggestion);
    await service.call('POST', `/api/imports/${body.id}/run`);
    expect((await finished(body.id)).counts).toMatchObject({ created: 1, failed: 2 });
    expect((await byNumber('OWN-1')).custom).toEqual({
      signed: '2024-04-13',
      credit: { amount: '12000', currency: 'CNY' },
      seats: 1200,
      tier: 'gold',
    });
    const [, second = '', third = ''] = await errorsOf(body.id);
    expect(second).toMatch(/授信额度: names no currency.*Seats: has the wrong type/);
    expect(third).toMatch(/会员等级/);
    const again = await imported(`${header}\nOWN-2,乙,2024-04-14,600,2,gold\n`, { currency: 'HKD' });
    expect(again.counts).toMatchObject({ created: 1, failed: 0 });
    expect((await byNumber('OWN-2')).custom.credit).toEqual({ amount: '600', currency: 'HKD' });
    const template = await service.call('GET', '/api/imports/template.csv?object=customers');
    expect(template.body).toContain('Signed on');
  });

  it('defines what is chosen where an administrator says so, and leaves it when it is undone', async () => {
    const options = [{ value: 'gold', label: { zh: '金卡' } }];
    await define('rank', 'choice', { label: { zh: '级别' }, options });
    await define('likes', 'multi-choice', { label: { zh: '喜好' }, options: [{ value: '茶', label: { zh: '茶' } }] });
    const { body } = await upload('编号,姓名,级别,喜好\nO-1,甲,金卡,茶\nO-2,乙,铂金卡,"茶、咖啡"\nO-3,丙,铂金卡,\n');
    const mapping = { ...body.suggestion, createMissingOptions: true };
    expect((await as('member')('POST', `/api/imports/${body.id}/mapping`, mapping)).status).toBe(403);
    await map(body.id, mapping);
    const valuesOf = async (key: string) => (await get(`fields/${key}`)).options.map(({ value }: any) => value);
    expect((await checked(body.id)).counts).toMatchObject({ new: 3, error: 0 });
    expect(await valuesOf('rank')).toEqual(['gold']);
    await service.call('POST', `/api/imports/${body.id}/run`);
    expect((await finished(body.id)).counts).toMatchObject({ created: 3, failed: 0 });
    expect([await valuesOf('rank'), await valuesOf('likes')]).toEqual([
      ['gold', '铂金卡'],
      ['茶', '咖啡'],
    ]);
    expect((await byNumber('O-2')).custom).toEqual({ rank: '铂金卡', likes: ['茶', '咖啡'] });
    const { body: undo } = await service.call('POST', `/api/imports/${body.id}/undo`);
    await eventually(
      () => get(`batches/${undo.id}`),
      ({ status }) => status === 'done',
    );
    expect(await valuesOf('rank')).toEqual(['gold', '铂金卡']);
    expect((await byNumber('O-2')).archived).toBe(true);
  });
});

describe('the rows of a file', () => {
  it('are shown to those who may write; readers see how many there are', async () => {
    const { body } = await upload('编号,姓名,推荐人\nSEE-1,甲,没有人\nSEE-2,乙,\n');
    await map(body.id, body.suggestion);
    await checked(body.id);
    const seen = async (role: string) => (await as(role)('GET', `/api/imports/${body.id}`)).body;
    const [reader, member] = [await seen('reader'), await seen('member')];
    expect(member).toMatchObject({ check: { errors: [{ cells: ['SEE-1', '甲', '没有人'] }] } });
    expect(member.preview).toHaveLength(2);
    expect(reader).toEqual({ ...member, preview: [], check: { ...member.check, errors: [], warnings: [] } });
    expect(reader.check.counts).toMatchObject({ read: 2, new: 1, error: 1 });
  });
});

describe('an import under duplicate rules', () => {
  const setRules = (...rules: object[]) => service.call('PUT', '/api/duplicate-rules', { rules });
  const rule = (more: object) => ({ ways: ['import'], operations: ['create', 'change'], ...more });
  afterAll(() => setRules());
  const warningsOf = async (id: string) =>
    String((await service.call('GET', `/api/imports/${id}/warnings.csv`)).body)
      .replace('\ufeff', '')
      .trim()
      .split('\r\n');
  const known = async (name: string, phone: string) => {
    const { body } = await service.call('POST', '/api/customers', { name, phones: [{ value: phone }] });
    await eventually(
      () => service.call('POST', '/api/customers/match', { name, phones: [{ value: phone }] }),
      (reply) => reply.body.matches.some(({ customerId }: any) => customerId === body.id),
    );
    return body;
  };
  const run = async (id: string, headers = {}) => {
    await service.call('POST', `/api/imports/${id}/run`, undefined, headers);
    return finished(id);
  };

  it('leaves out the rows that they block, and says so before', async () => {
    await setRules(rule({ fields: ['name', 'phone'], action: 'block', bypass: ['administrator'] }));
    const first = await known('慕容复', '13711112222');
    const content = '编号,姓名,手机\nD-1,慕容复,13711112222\nD-2,段誉,13711112223\nD-3,慕容复,13711112224\n';
    const { body } = await upload(content);
    await map(body.id, body.suggestion);
    const check = await checked(body.id);
    expect(check).toMatchObject({ state: 'done', counts: { read: 3, new: 2, error: 1, possibleDuplicate: 1 } });
    expect(check.errors).toEqual([
      expect.objectContaining({
        line: 2,
        errors: [{ column: null, code: 'duplicate-found', message: `may be ${first.number}, who is there already` }],
      }),
    ]);
    const done = await run(body.id);
    expect(done.counts).toMatchObject({ read: 3, created: 2, failed: 1, possibleDuplicate: 1 });
    expect((await errorsOf(body.id)).slice(1)).toEqual([
      `D-1,慕容复,13711112222,2,"may be ${first.number}, who is there already"`,
    ]);
    // A row that makes a customer the duplicate of another one is left out as well.
    const changing = await imported('编号,手机\nD-3,13711112222\nD-2,13711112229\n');
    expect(changing.counts).toMatchObject({ updated: 1, failed: 1, possibleDuplicate: 1 });
    const passing = await upload(content.replaceAll('D-', 'E-').replace('段誉,13711112223', '乔峰,13711112225'));
    await map(passing.body.id, passing.body.suggestion);
    const passed = await run(passing.body.id, { 'x-skip-duplicate-check': 'true' });
    expect(passed.counts).toMatchObject({ failed: 0, created: 3 });
  });

  it('takes the rows that they warn of, lists them, and queues the pairs', async () => {
    await setRules(rule({ fields: ['phone'], action: 'warn' }));
    const first = await known('黄蓉', '13722223333');
    const content = '姓名,手机\n郭靖,13722223333\n杨过,13722223334\n';
    const { body } = await upload(content);
    await map(body.id, { ...body.suggestion, matchBy: 'none' });
    const check = await checked(body.id);
    expect(check.counts).toMatchObject({ new: 2, error: 0, possibleDuplicate: 1 });
    expect(check.warnings.map(({ line }: any) => line)).toEqual([2]);
    const done = await run(body.id);
    expect(done.counts).toMatchObject({ created: 2, failed: 0, possibleDuplicate: 1 });
    expect(await warningsOf(body.id)).toEqual([
      '姓名,手机,Import line,Import reason',
      `郭靖,13722223333,2,"may be ${first.number}, who is there already"`,
    ]);
    expect(await errorsOf(body.id)).toHaveLength(1);
    await eventually(
      () => get('duplicates?limit=200'),
      ({ items }) => items.some(({ records }: any) => records.some(({ recordId }: any) => recordId === first.id)),
    );
  });

  it('keeps what they reserve for the first row that has it, as its check foresees', async () => {
    await setRules(rule({ fields: ['phone'], action: 'block' }));
    const others = Array.from({ length: 500 }, (_, index) => `,其他${index},`);
    const rows = [',小龙女,13733334444', ',李莫愁,13733334444', 'T-1,程英,', 'T-1,陆无双,', ...others];
    const { body: sent } = await upload(`编号,姓名,手机\n${rows.join('\n')}\n,洪凌波,13733334444\n`);
    await map(sent.id, { ...sent.suggestion, matchBy: 'none' });
    const check = await checked(sent.id);
    const told = check.errors.map(({ line, errors }: any) => [line, ...errors.map(({ message }: any) => message)]);
    expect(told).toEqual([
      [3, 'may be the customer of line 2'],
      [5, 'has a value of line 4 that only one customer may have'],
      [506, 'may be the customer of line 2'],
    ]);
    const done = await run(sent.id);
    expect(done.counts).toMatchObject({ created: 502, failed: 3, possibleDuplicate: 2 });
    expect(check.counts).toMatchObject({ new: 502, error: 3, possibleDuplicate: 2 });
    const { body } = await eventually(
      () => service.call('POST', '/api/customers/match', { name: '小龙女', phones: [{ value: '13733334444' }] }),
      (reply) => reply.body.matches.length > 0,
    );
    const [holder] = body.matches;
    const reasons = await errorsOf(done.id);
    for (const at of [1, -1]) expect(reasons.at(at)).toContain(`may be ${holder.number}, who is there already`);
  });

  it('killed, holds up nothing that was carried out, and still says what it warned of', async () => {
    await setRules(
      rule({ fields: ['name', 'phone'], action: 'block' }),
      rule({ fields: ['registrationNumber'], action: 'warn' }),
    );
    const registrationNumber = '91330000MA27XYZ12A';
    await service.call('POST', '/api/customers', { name: '桃花岛', kind: 'company', registrationNumber });
    await eventually(
      () => service.call('POST', '/api/customers/match', { name: '桃花岛', kind: 'company', registrationNumber }),
      ({ body }) => body.matches.length > 0,
    );
    const content = `姓名,手机,税号\n洪七公,13744445555,\n洪七公,13744445555,\n明教,,${registrationNumber}\n`;
    const done = await imported(content, { matchBy: 'none' });
    expect(done.counts).toMatchObject({ created: 3, failed: 0, possibleDuplicate: 1 });
    await eventually(
      () => service.call('POST', '/api/customers/match', { name: '洪七公', phones: [{ value: '13744445555' }] }),
      ({ body }) => body.matches.length === 2,
    );
    expect(await carriedOutAgain(done.id)).toMatchObject({ state: 'done', error: null, counts: done.counts });
    expect(await warningsOf(done.id)).toHaveLength(2);
  });
});
