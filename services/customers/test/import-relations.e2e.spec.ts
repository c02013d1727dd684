import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const {
  get,
  byNumber,
  mapped,
  run,
  imported,
  told: checked,
  checked: errorsOf,
  reasonsOf,
  carriedOutAgain,
  eventsOf,
  undone,
} = importing(() => service);
const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
const company = (name: string, body: object = {}) => create({ kind: 'company', name, ...body });

describe('a relation of a row', () => {
  it('is found by number, e-mail, register number, id or whole name', async () => {
    const tea = await company('青禾茶业有限公司', {
      number: 'TEA-1',
      emails: [{ value: 'office@qinghe.example.cn' }],
      registrationNumber: '91330106MA27XQYT5N',
    });
    await company('青禾茶业（上海）有限公司');
    const cells = ['TEA-1', 'Office@QINGHE.example.cn', '91330106-MA27 XQYT5N', tea.id, '青禾茶業 有限公司'];
    const rows = cells.map((cell, index) => `REL-${index},甲${index},${cell}`);
    const { counts } = await imported(`编号,姓名,所属公司\n${rows.join('\n')}\n`);
    expect(counts).toMatchObject({ read: 5, created: 5, failed: 0 });
    for (const index of cells.keys()) expect(await byNumber(`REL-${index}`)).toMatchObject({ employerId: tea.id });
  });

  it('is found by a number in any case, as is the record of the row', async () => {
    const tea = await company('龙井', { number: 'Case-Tea' });
    const content =
      '编号,姓名,所属公司,推荐人\nCASE-TEA,龙井茶,,\ncase-9,甲,case-tea,Case-8\nCASE-8,乙,,\nCase-9,丙,,\n';
    const id = await mapped(content, {}, { matchBy: 'number' });
    expect(await checked(id)).toMatchObject({ counts: { update: 1, new: 2, duplicate: 1, error: 0 } });
    expect((await run(id)).counts).toMatchObject({ updated: 1, created: 2, skipped: 1 });
    expect(await get(`customers/${tea.id}`)).toMatchObject({ name: '龙井茶', number: 'Case-Tea' });
    const referredBy = (await byNumber('case-8')).id;
    expect(await byNumber('case-9')).toMatchObject({ name: '甲', employerId: tea.id, referredBy });
  });

  it('is found by an external id, and by what the mapping says alone', async () => {
    const connectionId = '0198c2f2-0000-7000-8000-000000000001';
    await imported('编号,姓名,外部编号\nEXT-1,山间茶社,M-17\n', {}, { connectionId, matchBy: 'externalId' });
    const { counts, id } = await imported(
      '编号,姓名,推荐人\nEXT-2,乙,M-17\nEXT-3,丙,山间茶社\n',
      { 推荐人: { findBy: 'externalId' } },
      { connectionId },
    );
    expect(counts).toMatchObject({ created: 1, failed: 1 });
    expect(await byNumber('EXT-2')).toMatchObject({ referredBy: (await byNumber('EXT-1')).id });
    expect(await reasonsOf(id, 'errors.csv', 'zh')).toEqual(['EXT-3,丙,山间茶社,3,推荐人: 找不到客户：山间茶社']);
  });

  it('that fits nobody or several is told by the check as by the run, in both languages', async () => {
    const twins = [await company('双子贸易'), await company('双子贸易')].map(({ number }) => number);
    await create({ kind: 'person', name: '双子贸易' });
    await create({ kind: 'person', name: '慕容复', number: 'P-9' });
    const content = '编号,姓名,所属公司\nBAD-1,甲,双子贸易\nBAD-2,乙,无此公司\nBAD-3,丙,P-9\nBAD-4,丁,慕容复\n';
    const id = await mapped(content);
    expect(await checked(id)).toMatchObject({
      counts: { read: 4, new: 0, error: 4 },
      errors: [
        [2, 'relation-ambiguous'],
        [3, 'relation-not-found'],
        [4, 'not-a-company'],
        [5, 'relation-not-found'],
      ],
    });
    expect((await run(id)).counts).toMatchObject({ read: 4, failed: 4 });
    const [several = '', nobody, person] = await reasonsOf(id, 'errors.csv');
    expect(twins.every((number) => several.includes(number))).toBe(true);
    expect([nobody, person]).toEqual([
      'BAD-2,乙,无此公司,3,所属公司: finds no customer: 无此公司',
      'BAD-3,丙,P-9,4,"所属公司: is a person, not a company"',
    ]);
    expect((await reasonsOf(id, 'errors.csv', 'zh'))[0]).toContain('匹配到多个客户：双子贸易');
  });

  it('that fails does not hide what else is wrong with its row', async () => {
    const there = await create({ kind: 'person', name: '己', number: 'ALL-2', title: '经理' });
    const rule = (field: string) => ({
      id: field.toLowerCase(),
      kind: 'required',
      field,
      message: { zh: '必填', en: 'needed' },
    });
    const rules = ['title', 'referredBy'].map(rule);
    expect((await service.call('PUT', '/api/rules/customers', { rules })).status).toBe(200);
    const content =
      '编号,姓名,邮箱,推荐人,公司邮箱,所属公司,生日\nALL-1,甲,坏,没有人,坏,没有它\nALL-2,己,坏,没有人,,\nALL-3,庚,,没有人,,,昨天\n';
    const id = await mapped(content, {}, { matchBy: 'number' });
    const all = [
      [
        2,
        '推荐人 relation-not-found',
        '所属公司 relation-not-found',
        '邮箱 wrong-type',
        'null rule-failed',
        '公司邮箱 wrong-type',
      ],
      [3, '推荐人 relation-not-found', '邮箱 wrong-type'],
      [4, '生日 impossible-date', 'null rule-failed', '推荐人 relation-not-found'],
    ];
    const named = (rows: any[]) =>
      rows
        .filter(({ errors }) => errors.length > 0)
        .map(({ line, errors }) => [line, ...errors.map(({ column, code }: any) => `${column} ${code}`)]);
    expect(named((await errorsOf(id)).errors)).toEqual(all);
    expect(named((await get(`imports/${id}`)).preview)).toEqual(all);
    expect((await run(id)).counts).toMatchObject({ failed: 3 });
    const reasons = await reasonsOf(id, 'errors.csv', 'zh');
    expect(reasons[0]).toMatch(/推荐人: 找不到客户：没有人.*邮箱/);
    const { version } = await get(`customers/${there.id}`);
    const edited = await mapped(`记录ID,记录版本,姓名,邮箱,推荐人标识\n${there.id},${version},己,坏,没有人\n`);
    expect(named((await errorsOf(edited)).errors)).toEqual([[2, '推荐人标识 relation-not-found', '邮箱 wrong-type']]);
    await service.call('PUT', '/api/rules/customers', { rules: [] });
  });

  it('is the one company where a person is called alike', async () => {
    const one = await company('唯一商行');
    await create({ name: '唯一商行' });
    expect((await imported('编号,姓名,所属公司\nONE-1,甲,唯一商行\n')).counts).toMatchObject({ created: 1 });
    expect(await byNumber('ONE-1')).toMatchObject({ employerId: one.id });
  });

  it('takes no column that means the name of the company, unless it is mapped so', async () => {
    const maker = await company('本真茶坊');
    await imported('编号,姓名,公司\nTXT-1,甲,本真茶坊\n');
    expect(await byNumber('TXT-1')).toMatchObject({ companyName: '本真茶坊' });
    expect(await byNumber('TXT-1')).not.toHaveProperty('employerId');
    await imported('编号,姓名,公司\nTXT-2,乙,本真茶坊\n', { 公司: { field: 'employerId' } });
    expect(await byNumber('TXT-2')).toMatchObject({ employerId: maker.id });
    expect(await byNumber('TXT-2')).not.toHaveProperty('companyName');
  });
});

describe('a relation to another row of the file', () => {
  it('is found whether that one stands before or after it, however long the chain', async () => {
    const content = [
      '编号,姓名,客户性质,所属公司,上级公司,推荐人',
      'FILE-1,甲,个人,流水茶庄,,FILE-2',
      'FILE-2,乙,个人,FILE-5,,',
      'FILE-3,流水茶庄,公司,,流水控股,',
      'FILE-4,流水控股,公司,,流水集团,',
      'FILE-5,流水集团,公司,,,',
    ].join('\n');
    const id = await mapped(content);
    expect(await checked(id)).toMatchObject({ counts: { read: 5, new: 5, error: 0 }, errors: [] });
    expect((await run(id)).counts).toMatchObject({ read: 5, created: 5, failed: 0 });
    const [one, two, house, holding, group] = await Promise.all([1, 2, 3, 4, 5].map((i) => byNumber(`FILE-${i}`)));
    expect(one).toMatchObject({ employerId: house.id, referredBy: two.id });
    expect(two).toMatchObject({ employerId: group.id });
    expect([house.parentId, holding.parentId]).toEqual([holding.id, group.id]);
    expect((await imported(content)).counts).toMatchObject({ read: 5, unchanged: 5 });
    const { rows } = await service.kernel.pool.query('select count(*)::int as n from import_waiting');
    expect(rows[0].n).toBe(0);
  });

  it('is not found where that row is not taken, nor where rows wait for each other', async () => {
    const content = [
      '编号,姓名,客户性质,所属公司,上级公司,生日',
      'LOST-1,甲,个人,断崖商行,,',
      'LOST-2,断崖商行,公司,,,2199-01-01',
      'LOST-3,环一,公司,,环二,',
      'LOST-4,环二,公司,,环一,',
      'LOST-5,自在,公司,,自在,',
    ].join('\n');
    const { counts, id } = await imported(content);
    expect(counts).toMatchObject({ read: 5, created: 0, failed: 5 });
    const reasons = await reasonsOf(id, 'errors.csv');
    expect(reasons.map((row) => row.split(',').slice(6).join(','))).toEqual([
      '2,所属公司: finds no customer: 断崖商行',
      expect.stringMatching(/^3,生日/),
      expect.stringMatching(/^4,上级公司: cannot be settled/),
      expect.stringMatching(/^5,上级公司: cannot be settled/),
      '6,上级公司: is the customer itself',
    ]);
  });

  it('closes no ring of companies that are there', async () => {
    const top = await company('顶层', { number: 'RING-1' });
    await company('底层', { number: 'RING-2', parentId: top.id });
    const id = await mapped('编号,上级公司\nRING-1,底层\nRING-2,顶层\n');
    expect((await checked(id)).errors).toEqual([[2, 'circular']]);
    expect((await run(id)).counts).toMatchObject({ read: 2, unchanged: 1, failed: 1 });
    expect(await byNumber('RING-1')).not.toHaveProperty('parentId');
    const moved = await imported('编号,上级公司\nRING-2,RING-3\n', { 上级公司: { whenMissing: 'create' } });
    expect(moved.counts).toMatchObject({ updated: 1 });
    expect((await byNumber('RING-2')).parentId).not.toBe(top.id);
  });
});

describe('a relation to nobody who is there', () => {
  const header = '编号,姓名,所属公司';
  const makes = { 所属公司: { whenMissing: 'create' } };
  const companyOf = async (number: string) => get(`customers/${(await byNumber(number)).employerId}`);

  it('makes the company, once for the whole file, as part of the import', async () => {
    const content = `${header}\nNEW-1,甲,ACME 有限公司\nNEW-2,乙,Acme有限公司\nNEW-3,丙,另一家\n`;
    const id = await mapped(content, makes);
    expect(await checked(id)).toMatchObject({
      counts: { new: 3, error: 0 },
      warnings: [2, 3, 4].map((line) => [line, 'relation-created']),
    });
    expect((await run(id)).counts).toMatchObject({ read: 3, created: 3, failed: 0 });
    const made = await companyOf('NEW-1');
    expect(made).toMatchObject({ kind: 'company', name: 'ACME 有限公司', source: 'import', archived: false });
    expect(await companyOf('NEW-2')).toMatchObject({ id: made.id });
    expect(await reasonsOf(id, 'warnings.csv', 'zh')).toContain(
      'NEW-3,丙,另一家,4,所属公司: 原先没有，将新建为公司：另一家',
    );

    await undone(id);
    expect(await get(`customers/${made.id}`)).toMatchObject({ archived: true });
    const again = await imported(content, makes);
    expect(again.counts).toMatchObject({ read: 3, updated: 3 });
    expect(await get(`customers/${made.id}`)).toMatchObject({ archived: false, name: 'ACME 有限公司' });
    expect(await reasonsOf(again.id, 'warnings.csv')).toContain(
      'NEW-1,甲,ACME 有限公司,2,"所属公司: was archived, and comes back: ACME 有限公司"',
    );
  });

  it('brings nobody back who is a person', async () => {
    const { id } = await create({ kind: 'person', name: '退隐', number: 'GONE-1' });
    await service.call('POST', `/api/customers/${id}/archive`);
    expect((await imported(`${header}\nGONE-2,甲,GONE-1\n`, makes)).counts).toMatchObject({ failed: 1 });
    expect(await get(`customers/${id}`)).toMatchObject({ archived: true });
  });

  it('is left empty where the mapping says so, and told', async () => {
    const { counts, id } = await imported(`${header}\nLEFT-1,甲,无名氏公司\n`, {
      所属公司: { whenMissing: 'leave-empty' },
    });
    expect(counts).toMatchObject({ created: 1, failed: 0 });
    expect(await byNumber('LEFT-1')).not.toHaveProperty('employerId');
    expect(await reasonsOf(id, 'warnings.csv')).toEqual([
      'LEFT-1,甲,无名氏公司,2,"所属公司: was not found, and is left empty: 无名氏公司"',
    ]);
  });

  it('makes none that the rules refuse, and takes no row that needs it', async () => {
    const message = { zh: '请填写行业', en: 'say the industry' };
    const rules = [{ id: 'industry', kind: 'required', field: 'industry', message }];
    expect((await service.call('PUT', '/api/rules/customers', { rules })).status).toBe(200);
    const id = await mapped(`${header},行业\nRULE-1,甲,不合规公司,茶\n`, makes);
    expect((await checked(id)).errors).toEqual([[2, 'relation-not-made']]);
    expect((await run(id)).counts).toMatchObject({ failed: 1 });
    expect((await reasonsOf(id, 'errors.csv'))[0]).toContain('cannot be made a company: 不合规公司 (industry)');
    await service.call('PUT', '/api/rules/customers', { rules: [] });
  });

  it('killed, makes nothing twice and counts the same', async () => {
    const content = `${header}\nKILL-1,甲,杀青影业\nKILL-2,乙,后来商行\nKILL-3,后来商行,\nKILL-4,丁,KILL-9\n`;
    const done = await imported(content, { 所属公司: { whenMissing: 'create', findBy: 'name' } });
    expect(done.counts).toMatchObject({ read: 4, created: 4, failed: 0 });
    const before = await eventsOf();
    const warnings = await reasonsOf(done.id, 'warnings.csv');
    expect(warnings).toHaveLength(2);
    expect(await carriedOutAgain(done.id)).toMatchObject({ state: 'done', error: null, counts: done.counts });
    expect(await eventsOf()).toBe(before);
    expect(await reasonsOf(done.id, 'warnings.csv')).toEqual(warnings);
  });
});

describe('a field of the installation’s own that names a customer', () => {
  const label = { en: 'Mentor', zh: '导师' };
  const mentor = { key: 'mentor', type: 'reference', target: 'customer', label, required: ['person'] };
  beforeAll(() => service.call('POST', '/api/fields', mentor));
  afterAll(() => service.call('POST', '/api/fields/mentor/retire'));
  const mentorOf = async (number: string) => (await byNumber(number)).custom.mentor;

  it('finds that one by number, e-mail, name or id', async () => {
    const emails = [{ value: 'zhou@example.org' }];
    const zhou = await company('周先生', { number: 'MEN-1', emails });
    const cells = ['MEN-1', 'Zhou@Example.org', '周先生', zhou.id];
    const rows = cells.map((cell, index) => `MEN-1${index},学生${index},个人,${cell}`);
    const id = await mapped(`编号,姓名,kind,导师\n${rows.join('\n')}\n`);
    const { preview } = await get(`imports/${id}`);
    expect(preview.map(({ end }: any) => end)).toEqual(cells.map(() => 'new'));
    expect(await checked(id)).toMatchObject({ counts: { new: 4, error: 0 } });
    expect((await run(id)).counts).toMatchObject({ created: 4, failed: 0 });
    for (const index of cells.keys()) expect(await mentorOf(`MEN-1${index}`)).toBe(zhou.id);
  });

  it('waits for a row of the file, and counts as filled until then', async () => {
    const id = await mapped('编号,姓名,kind,导师\nWAIT-1,徒弟,个人,WAIT-2\nWAIT-2,师傅,公司,\n');
    expect(await checked(id)).toMatchObject({ counts: { new: 2, error: 0 } });
    expect((await run(id)).counts).toMatchObject({ created: 2, failed: 0 });
    expect(await mentorOf('WAIT-1')).toBe((await byNumber('WAIT-2')).id);
  });

  it('is refused where it fits nobody or several, or left empty, and makes none', async () => {
    await company('双生');
    await company('双生');
    const id = await mapped('编号,姓名,kind,导师\nTWO-1,甲,公司,双生\nTWO-2,乙,公司,没有谁\n');
    const errors = [
      [2, 'relation-ambiguous'],
      [3, 'relation-not-found'],
    ];
    expect(await checked(id)).toMatchObject({ counts: { error: 2 }, errors });
    expect((await run(id)).counts).toMatchObject({ failed: 2 });
    const left = { 导师: { whenMissing: 'leave-empty' } };
    const { counts } = await imported('编号,姓名,kind,导师\nTWO-3,丙,公司,没有谁\n', left);
    expect(counts).toMatchObject({ created: 1 });
    const { suggestion, id: other } = (await service.call('GET', `/api/imports/${id}`)).body;
    const columns = suggestion.columns.map((one: any) =>
      one.field === 'custom.mentor' ? { ...one, whenMissing: 'create' } : one,
    );
    const { body } = await service.call('POST', `/api/imports/${other}/mapping`, { ...suggestion, columns });
    expect(body.errors).toMatchObject([{ path: 'columns.3.whenMissing', code: 'not-allowed' }]);
  });

  it('is changed by an exported table, by name', async () => {
    const [old, next] = [await company('旧导师'), await company('新导师')];
    const one = await create({ kind: 'company', name: '门生', custom: { mentor: old.id } });
    const { counts } = await imported(`记录ID,记录版本,导师\n${one.id},${one.version},新导师\n`);
    expect(counts).toMatchObject({ updated: 1 });
    expect((await get(`customers/${one.id}`)).custom).toEqual({ mentor: next.id });
  });
});

describe('an exported table with links', () => {
  it('changes those that were edited, by id or by name', async () => {
    const [old, next] = [await company('旧东家'), await company('新东家')];
    const people = [];
    for (const name of ['甲', '乙', '丙']) people.push(await create({ kind: 'person', name, employerId: old.id }));
    const cells = [old.id, '新东家', ''];
    const rows = people.map(({ id, version, name }, index) => `${id},${version},${name},${cells[index]}`);
    const id = await mapped(`记录ID,记录版本,姓名,任职公司标识\n${rows.join('\n')}\n`);
    expect(await checked(id)).toMatchObject({ counts: { update: 2, unchanged: 1, error: 0 } });
    expect((await run(id)).counts).toMatchObject({ read: 3, updated: 2, unchanged: 1 });
    const now = await Promise.all(people.map((person) => get(`customers/${person.id}`)));
    expect(now.map(({ employerId }) => employerId)).toEqual([old.id, next.id, undefined]);
    const wrong = await imported(`记录ID,记录版本,姓名,任职公司标识\n${people[0].id},${now[0].version},甲,没有这家\n`);
    expect(wrong.counts).toMatchObject({ failed: 1 });
    expect((await reasonsOf(wrong.id, 'errors.csv'))[0]).toContain('finds no customer: 没有这家');
  });
});

describe('what a row is found by', () => {
  it('is its register number however it is written, and its phone as of the country that it names', async () => {
    const made = await company('London Tea', {
      registrationNumber: 'GB-123 456.789',
      phones: [{ value: '+44 20 7946 0958' }],
    });
    for (const [content, matchBy] of [
      ['name,税号,title\nLondon Tea,gb123456789,A\n', 'registrationNumber'],
      ['name,phone,country,title\nLondon Tea,020 7946 0958,GB,B\n', 'phone'],
    ] as const) {
      const { counts } = await imported(content, {}, { matchBy, mode: 'update' });
      expect([matchBy, counts.updated]).toEqual([matchBy, 1]);
    }
    expect(await get(`customers/${made.id}`)).toMatchObject({ title: 'B' });
  });
});
