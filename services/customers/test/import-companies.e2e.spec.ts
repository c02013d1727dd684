import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestService, type TestService } from '@throughline/service/testing';
import { CustomersModule } from '../src/customers.module.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

const { get, byNumber, upload, mapped, run, imported, told, reasonsOf, carriedOutAgain, eventsOf, undone } = importing(
  () => service,
);
const create = async (body: object) => (await service.call('POST', '/api/customers', body)).body;
const company = (name: string, body: object = {}) => create({ kind: 'company', name, ...body });
const makes = { 所属公司: { whenMissing: 'create' } };
const employerOf = async (number: string) => get(`customers/${(await byNumber(number)).employerId}`);
const values = (list: { value: string }[] = []) => list.map(({ value }) => value);

describe('columns of the company that people work for', () => {
  const header = '编号,姓名,手机,所属公司,公司电话,公司地址,公司行业,公司规模';

  it('are known by their names where a column names the company, and only there', async () => {
    const { body } = await upload(`${header}\nA-1,甲,13800138000,青禾,021-52340000,杭州市西湖区龙井路1号,茶,50\n`);
    expect(body.suggestion.columns.map(({ field }: any) => field)).toEqual([
      'number',
      'name',
      'phones',
      'employerId',
      'employer.phones',
      'employer.address',
      'employer.industry',
      'employer.size',
    ]);
    expect(body.preview[0]).toMatchObject({
      end: 'new',
      values: {
        phones: [{ value: '13800138000' }],
        employer: {
          phones: [{ value: '021-52340000', e164: '+862152340000' }],
          addresses: [{ city: '杭州市', district: '西湖区' }],
          industry: '茶',
        },
      },
    });
    const without = (await upload('姓名,公司,公司电话,公司地址\n甲,青禾,021-52340000,龙井路1号\n')).body.suggestion;
    expect(without.columns.map(({ field }: any) => field)).toEqual(['name', 'companyName', 'address']);
    const english = (await upload('Name,Works for,Company phone,Employer: Industry\nAnn,Acme,1,Tea\n')).body.suggestion;
    expect(english.columns.map(({ field }: any) => field)).toEqual([
      'name',
      'employerId',
      'employer.phones',
      'employer.industry',
    ]);
  });

  it('make the company with what they say, and add what later rows know more', async () => {
    const content = [
      header,
      'MAKE-1,甲,13800138000,龙井商行,021-52340000,杭州市西湖区龙井路1号,茶,',
      'MAKE-2,乙,13800138001,龙井商行,021-99990000,,酒,50',
      'MAKE-3,丙,13800138002,龙井商行,,,,',
    ].join('\n');
    const id = await mapped(content, makes);
    const before = await eventsOf();
    expect(await told(id)).toMatchObject({
      counts: { new: 3, error: 0 },
      errors: [],
      warnings: [2, 3, 4].map((line) => [line, 'relation-created']),
    });
    expect(await eventsOf()).toBe(before);
    expect((await run(id)).counts).toMatchObject({ read: 3, created: 3, failed: 0 });
    const made = await employerOf('MAKE-1');
    expect(made).toMatchObject({ kind: 'company', name: '龙井商行', industry: '茶', size: '50', source: 'import' });
    expect(values(made.phones)).toEqual(['021-52340000']);
    expect(made.addresses).toMatchObject([{ city: '杭州市', district: '西湖区', street: '龙井路1号' }]);
    expect(await employerOf('MAKE-2')).toMatchObject({ id: made.id });
    expect(values((await byNumber('MAKE-1')).phones)).toEqual(['13800138000']);

    const after = await eventsOf();
    expect((await imported(content, makes)).counts).toMatchObject({ read: 3, unchanged: 3 });
    expect(await eventsOf()).toBe(after);
    await undone(id);
    expect(await get(`customers/${made.id}`)).toMatchObject({ archived: true });
    expect((await imported(content, makes)).counts).toMatchObject({ read: 3, updated: 3 });
    expect(await employerOf('MAKE-1')).toMatchObject({ id: made.id, archived: false, industry: '茶' });
  });

  it('fill what the company lacks, or replace what it has where the mapping says so', async () => {
    const { id: known } = await company('虎跑泉业', {
      number: 'KEEP-9',
      industry: '水',
      phones: [{ value: '0571-87650000' }],
    });
    const content = `${header}\nKEEP-1,甲,13800138010,KEEP-9,021-52340000,,茶,50\n`;
    const kept = await imported(content);
    expect(kept.counts).toMatchObject({ created: 1, failed: 0 });
    const filled = await get(`customers/${known}`);
    expect(filled).toMatchObject({ name: '虎跑泉业', industry: '水', size: '50' });
    expect(values(filled.phones)).toEqual(['0571-87650000']);
    await undone(kept.id);
    expect(await get(`customers/${known}`)).toMatchObject({ industry: '水', archived: false });
    expect(await get(`customers/${known}`)).not.toHaveProperty('size');

    const policies = { 'employer.industry': 'overwrite', 'employer.phones': 'add', 'employer.size': 'never' };
    await imported(content, {}, { policies });
    const replaced = await get(`customers/${known}`);
    expect(replaced).toMatchObject({ industry: '茶' });
    expect(replaced).not.toHaveProperty('size');
    expect(values(replaced.phones)).toEqual(['0571-87650000', '021-52340000']);
  });

  it('are said of the one that a merged company is, and of one that comes back', async () => {
    const [one, other] = [await company('双井贸易'), await company('双井贸易分部', { number: 'MERGED-9' })];
    await service.call('POST', `/api/customers/${one.id}/merge`, { absorb: [other.id] });
    const rows = 'MERGED-1,甲,13800138020,MERGED-9,,,茶,\nMERGED-2,乙,13800138021,MERGED-9,,,酒,50\n';
    await imported(`${header}\n${rows}`, {}, { policies: {} });
    expect(await get(`customers/${one.id}`)).toMatchObject({ industry: '茶', size: '50' });

    const { id: gone } = await company('归去来居');
    await service.call('POST', `/api/customers/${gone}/archive`);
    const back = await imported(`${header}\nBACK-1,甲,13800138030,归去来居,,,茶,\n`, makes);
    expect(await get(`customers/${gone}`)).toMatchObject({ archived: false, industry: '茶' });
    expect((await reasonsOf(back.id, 'warnings.csv'))[0]).toContain('was archived, and comes back');
  });

  it('that are wrong are errors of their rows, and nothing is carried out of those', async () => {
    const define = (key: string, more: object) =>
      service.call('POST', '/api/fields', { object: 'customer', key, label: { en: key }, ...more });
    const gold = { value: 'gold', label: { en: 'Gold' } };
    expect((await define('rank', { type: 'choice', options: [gold] })).status).toBe(201);
    const content = [
      '编号,姓名,所属公司,公司电话,Employer: rank,公司邮箱',
      'WRONG-1,甲,错号商行,1.38E+10,,',
      'WRONG-2,乙,错号商行,无,,nobody',
      'WRONG-3,丙,错级商行,,tin,',
      'WRONG-4,丁,对级商行,,gold,',
    ].join('\n');
    const id = await mapped(content, makes);
    expect(await told(id)).toMatchObject({
      counts: { new: 1, error: 3 },
      errors: [
        [2, 'scientific-number'],
        [3, 'wrong-type', 'wrong-type'],
        [4, 'not-allowed'],
      ],
    });
    expect((await run(id)).counts).toMatchObject({ read: 4, created: 1, failed: 3 });
    const reasons = await reasonsOf(id, 'errors.csv', 'zh');
    expect(reasons.map((row) => row.split(',').slice(7).join(',').split(/[:：]/)[0])).toEqual([
      '公司电话',
      '公司邮箱',
      'Employer',
    ]);
    expect((await imported('编号,姓名,所属公司\nWRONG-5,戊,错号商行\n')).counts).toMatchObject({ failed: 1 });
    expect((await employerOf('WRONG-4')).custom).toEqual({ rank: 'gold' });

    // Of several custom fields each one is filled for itself.
    await define('desk', { type: 'text' });
    await imported('编号,姓名,所属公司,Employer: rank,Employer: desk\nWRONG-6,己,对级商行,gold,3F\n');
    expect((await employerOf('WRONG-4')).custom).toEqual({ rank: 'gold', desk: '3F' });

    const open = '编号,姓名,所属公司,Employer: rank\nWRONG-7,庚,新级商行,tin\n';
    const chosen = await mapped(open, makes, { createMissingOptions: true });
    expect((await told(chosen)).counts).toMatchObject({ new: 1, error: 0 });
    expect((await run(chosen)).counts).toMatchObject({ created: 1 });
    expect((await employerOf('WRONG-7')).custom).toEqual({ rank: 'tin' });
  });

  it('leave alone the companies of rows that are not taken', async () => {
    const { id: known } = await company('安分商行');
    await create({ name: '早到', number: 'ALONE-1' });
    const content = [
      '编号,姓名,生日,所属公司,公司行业',
      'ALONE-1,早到,,安分商行,茶',
      'ALONE-2,未来人,2199-01-01,未来商行,酒',
      'ALONE-3,本分,,安分商行,水',
    ].join('\n');
    const id = await mapped(content, makes, { mode: 'create' });
    expect((await told(id)).counts).toMatchObject({ skipped: 1, error: 1, new: 1 });
    expect((await run(id)).counts).toMatchObject({ created: 1, skipped: 1, failed: 1 });
    expect(await get(`customers/${known}`)).toMatchObject({ industry: '水' });
    expect((await imported('编号,姓名,所属公司\nALONE-4,乙,未来商行\n')).counts).toMatchObject({ failed: 1 });
  });

  it('are left out, and that is told, where a row names no company', async () => {
    const content = `${header}\nLEFT-1,甲,13800138040,查无此商行,021-52340000,,,\nLEFT-2,乙,13800138041,,,,茶,\n`;
    const id = await mapped(content, { 所属公司: { whenMissing: 'leave-empty' } });
    const warnings = [
      [2, 'relation-left-empty', 'company-left-out'],
      [3, 'company-left-out'],
    ];
    expect(await told(id)).toMatchObject({ counts: { new: 2, error: 0 }, warnings });
    expect((await run(id)).counts).toMatchObject({ created: 2, failed: 0 });
    expect(await byNumber('LEFT-2')).not.toHaveProperty('industry');
    expect((await reasonsOf(id, 'warnings.csv', 'zh'))[1]).toContain('公司行业: 未记录');
  });

  it('make what the rules want of a company, whichever row says it', async () => {
    const message = { zh: '请填写行业', en: 'say the industry' };
    const when = { field: 'kind', in: ['company'] };
    const rules = [{ id: 'industry', kind: 'dependent', field: 'industry', when, message }];
    expect((await service.call('PUT', '/api/rules/customers', { rules })).status).toBe(200);
    const content = [
      '编号,姓名,所属公司,公司行业',
      'RULED-1,甲,合规商行,',
      'RULED-2,乙,合规商行,茶',
      'RULED-3,丙,违规商行,',
    ].join('\n');
    const id = await mapped(content, makes);
    const { errors } = await told(id);
    const { counts } = await run(id);
    await service.call('PUT', '/api/rules/customers', { rules: [] });
    expect(errors).toEqual([[4, 'relation-not-made']]);
    expect(counts).toMatchObject({ created: 2, failed: 1 });
    expect(await employerOf('RULED-1')).toMatchObject({ name: '合规商行', industry: '茶' });
  });

  it('make no second company of a value that the duplicate rules keep for one', async () => {
    const setRules = (...rules: object[]) => service.call('PUT', '/api/duplicate-rules', { rules });
    await setRules({ ways: ['import'], operations: ['create', 'change'], fields: ['phone'], action: 'block' });
    const rows = ['KEPT-1,甲,独号商行,021-52347777', 'KEPT-2,乙,抢号商行,021 5234 7777'];
    const { counts, id } = await imported(`编号,姓名,所属公司,公司电话\n${rows.join('\n')}\n`, makes);
    expect(counts).toMatchObject({ created: 1, failed: 1 });
    expect((await reasonsOf(id, 'errors.csv'))[0]).toContain('cannot be made a company: 抢号商行');
    const again = await mapped('编号,姓名,所属公司,公司电话\nKEPT-2,乙,抢号商行,021 5234 7777\n', makes);
    expect((await told(again)).errors).toEqual([[2, 'relation-not-made']]);
    await setRules();
  });

  it('killed, change nothing twice and count the same', async () => {
    await company('常在商行', { number: 'KILL-9' });
    const content = [
      header,
      'KILL-1,甲,13800138050,新来商行,021-52340000,,茶,',
      'KILL-2,乙,13800138051,新来商行,,,酒,50',
      'KILL-3,丙,13800138052,KILL-9,,,米,',
      'KILL-4,丁,13800138053,KILL-9,,,面,',
      'KILL-5,戊,13800138054,KILL-9,,,米,',
    ].join('\n');
    const done = await imported(content, makes, { policies: { 'employer.industry': 'overwrite' } });
    expect(done.counts).toMatchObject({ read: 5, created: 5, failed: 0 });
    expect(await byNumber('KILL-9')).toMatchObject({ industry: '米' });
    expect(await employerOf('KILL-1')).toMatchObject({ industry: '酒', size: '50' });
    const before = await eventsOf();
    const warnings = await reasonsOf(done.id, 'warnings.csv');
    expect(warnings).toHaveLength(2);
    expect(await carriedOutAgain(done.id)).toMatchObject({ state: 'done', error: null, counts: done.counts });
    expect(await eventsOf()).toBe(before);
    expect(await reasonsOf(done.id, 'warnings.csv')).toEqual(warnings);
  });
});

describe('an import that is killed before it has remembered what changed nothing', () => {
  it('leaves a company the last word that was said of it', async () => {
    await company('定论商行', { number: 'WORD-9', industry: '米' });
    const content = `编号,姓名,所属公司,公司行业\nWORD-1,甲,WORD-9,米\nWORD-2,乙,WORD-9,面\n`;
    const done = await imported(content, {}, { policies: { 'employer.industry': 'overwrite' } });
    const before = await eventsOf();
    await service.kernel.pool.query('delete from commands where position is null');
    expect(await carriedOutAgain(done.id)).toMatchObject({ state: 'done', counts: done.counts });
    expect([await eventsOf(), (await byNumber('WORD-9')).industry]).toEqual([before, '面']);
  });
});

describe('columns of the company that a company belongs to', () => {
  it('are those of another customer than the row', async () => {
    const content = '编号,姓名,客户性质,行业,上级公司,上级公司：行业\nSUB-1,支流商行,公司,茶,干流集团,水\n';
    const { counts } = await imported(content, { 上级公司: { whenMissing: 'create' } });
    expect(counts).toMatchObject({ created: 1, failed: 0 });
    const { industry, parentId } = await byNumber('SUB-1');
    expect([industry, await get(`customers/${parentId}`)]).toMatchObject(['茶', { name: '干流集团', industry: '水' }]);
  });
});

describe('a mapping of columns of a company', () => {
  it('has a column that names the company, and fields that companies have', async () => {
    const { id } = (await upload('编号,姓名,甲,乙\nMAP-1,王,1,2\n')).body;
    const asked = (columns: object[], more: object = {}) =>
      service.call('POST', `/api/imports/${id}/mapping`, {
        columns: [{ column: '姓名', field: 'name' }, ...columns],
        matchBy: 'none',
        mode: 'both',
        ...more,
      });
    const problems = async (...given: Parameters<typeof asked>) => {
      const { status, body } = await asked(...given);
      return [status, body.code, ...(body.errors ?? []).map(({ path, code }: any) => `${path} ${code}`)];
    };
    const phones = { column: '甲', field: 'employer.phones' };
    const employer = { column: '乙', field: 'employerId' };
    expect(await problems([phones])).toEqual([422, 'invalid-mapping', 'columns.1.field relation-missing']);
    expect(await problems([employer, { column: '甲', field: 'employer.birthDate' }])).toContain(
      'columns.2.field unknown-field',
    );
    expect(await problems([employer], { defaults: { 'parent.industry': 'x' } })).toContain(
      'defaults.parent.industry relation-missing',
    );
    expect(await problems([employer, phones], { policies: { 'employer.name': 'overwrite' } })).toContain(
      'policies.employer.name unknown-field',
    );
    const exported = [
      { column: '编号', field: 'id' },
      { column: '姓名', field: 'version' },
    ];
    expect(await problems([employer, phones, ...exported], { matchBy: 'id', mode: 'update' })).toContain(
      'columns.2.field not-allowed',
    );
    const policies = { 'employer.phones': 'overwrite' };
    const { status, body } = await asked([employer, phones], { policies, defaults: { 'employer.industry': '茶' } });
    expect([status, body.mapping.policies]).toEqual([200, policies]);
  });
});
