import { describe, expect, it } from '@jest/globals';
import { builtInLifecycle } from '@throughline/contracts';
import type { Refusal } from '@throughline/event-sourcing';
import type { Cell } from '@throughline/tables';
import { builtInRules } from '../customer/customer-rules.ts';
import { noFields } from '../field/field-set.ts';
import { customerImportFields, importFields } from './import-fields.ts';
import { checkMapping, suggestedColumns, type ImportMapping, type MappedColumn } from './import-mapping.ts';
import { matchValues, rowReader } from './import-row.ts';

const text = (value: string): Cell => ({ type: value === '' ? 'empty' : 'text', text: value });

/** Reads one row under a header whose columns are matched by their names. */
function read(row: Readonly<Record<string, string | Cell>>, mapping: Partial<ImportMapping> = {}) {
  const header = Object.keys(row);
  const whole: ImportMapping = {
    columns: suggestedColumns(header, customerImportFields),
    defaults: {},
    matchBy: 'none',
    mode: 'both',
    policies: {},
    ...mapping,
  };
  const cells = Object.values(row).map((cell) => (typeof cell === 'string' ? text(cell) : cell));
  return rowReader(header, whole, customerImportFields)(cells);
}
const errorsOf = (...asked: Parameters<typeof read>) => read(...asked).errors.map(({ column, code }) => [column, code]);

describe('the columns of a header', () => {
  it.each([
    ['姓名', { field: 'name' }],
    ['客户名称 *', { field: 'name' }],
    ['手机2', { field: 'phones' }],
    ['Phone 2', { field: 'phones' }],
    ['Email (work)', { field: 'emails', label: 'work' }],
    ['邮箱（公司）', { field: 'emails', label: '公司' }],
    ['E-Mail Address', { field: 'emails' }],
    ['所属行业', { field: 'industry' }],
    ['统一社会信用代码', { field: 'registrationNumber' }],
    ['省', { field: 'address.province' }],
    ['详细地址', { field: 'address' }],
    ['客户来源', { field: 'source' }],
    ['ＣＯＭＰＡＮＹ', { field: 'companyName' }],
    ['custom.level', { field: 'custom.level' }],
    ['公司', { field: 'companyName' }],
    ['Employer', { field: 'companyName' }],
    ['所属公司', { field: 'employerId' }],
    ['上级公司', { field: 'parentId' }],
    ['Parent company id', { field: 'parentId' }],
    ['推荐人', { field: 'referredBy' }],
    ['電話', { field: 'phones' }],
    ['客戶名稱', { field: 'name' }],
    ['電子郵件（公司）', { field: 'emails', label: '公司' }],
    ['郵箱', { field: 'emails' }],
    ['地址', { field: 'address' }],
    ['\u200b手\u200d机\ufeff', { field: 'phones' }],
    ['Email\u200b (work)\u200b', { field: 'emails', label: 'work' }],
  ])('%s is known', (column, wanted) => {
    expect(suggestedColumns([column], customerImportFields)).toEqual([{ column, ...wanted }]);
  });
  it('are fields of the own by their labels, told apart by their keys', () => {
    const own = (key: string, en: string, zh: string) => ({
      key,
      type: 'text' as const,
      label: { en, zh },
      sensitivity: 'normal' as const,
      retired: false,
    });
    const all = [
      own('tea', 'Tea', '茶'),
      own('tea2', 'Tea', '茶叶'),
      own('kind2', 'Kind', '种类'),
      own('cell', 'Mobile', '编号'),
    ];
    const fieldSet = { ...builtInRules.fieldSet, fields: Object.fromEntries(all.map((one) => [one.key, one])) };
    const fields = importFields({ ...builtInRules, fieldSet });
    const labels = fields.filter(({ kind }) => kind === 'custom').map(({ label }) => label);
    expect(labels).toEqual([
      { en: 'Tea (tea)', zh: '茶' },
      { en: 'Tea (tea2)', zh: '茶叶' },
      { en: 'Kind (kind2)', zh: '种类' },
      { en: 'Mobile', zh: '编号' },
    ]);
    for (const language of ['en', 'zh'] as const) {
      const header = labels.map((label) => label[language]);
      const found = suggestedColumns(header, fields).map(({ field }) => field);
      expect(found).toEqual(['custom.tea', 'custom.tea2', 'custom.kind2', 'custom.cell']);
    }
  });
  it('tell whom one may write to only in a table that was exported', () => {
    const fieldsOf = (...header: string[]) => suggestedColumns(header, customerImportFields).map(({ field }) => field);
    expect(fieldsOf('记录ID', '记录版本', '请勿联系', 'Opt-outs')).toEqual([
      'id',
      'version',
      'doNotContact',
      'optOuts',
    ]);
    expect(fieldsOf('姓名', '请勿联系', 'Opt-outs')).toEqual(['name']);
  });
  it('are those of a company where another one names it', () => {
    const fieldsOf = (...header: string[]) => suggestedColumns(header, customerImportFields).map(({ field }) => field);
    expect(fieldsOf('姓名', '所属公司', '公司电话', '单位地址', '公司规模', '详细地址')).toEqual([
      'name',
      'employerId',
      'employer.phones',
      'employer.address',
      'employer.size',
      'address',
    ]);
    expect(fieldsOf('姓名', '所属公司', '地址', '公司地址')).toEqual([
      'name',
      'employerId',
      'address',
      'employer.address',
    ]);
    expect(fieldsOf('Name', 'Works for', 'Company phone 2', 'Employer: Email', 'employer.industry', 'Company')).toEqual(
      ['name', 'employerId', 'employer.phones', 'employer.emails', 'employer.industry', 'companyName'],
    );
    expect(fieldsOf('姓名', '上级公司', '上级公司电话', '公司电话')).toEqual(['name', 'parentId', 'parent.phones']);
    expect(fieldsOf('姓名', '公司', '公司电话', '公司地址', 'employer.phones')).toEqual([
      'name',
      'companyName',
      'address',
    ]);
  });
  it('that are not known, or known already, are left out', () => {
    const header = ['name', '姓名', '', 'colour', 'phone', 'mobile'];
    expect(suggestedColumns(header, customerImportFields).map(({ column }) => column)).toEqual([
      'name',
      'phone',
      'mobile',
    ]);
  });
});

describe('a mapping of the columns', () => {
  const problems = (...columns: MappedColumn[]) => {
    const mapping: ImportMapping = { columns, defaults: {}, matchBy: 'none', mode: 'both', policies: {} };
    try {
      checkMapping(mapping, ['a', 'b'], customerImportFields);
      return [];
    } catch (error) {
      return (error as Refusal).errors.map(({ path, code }) => `${path} ${code}`);
    }
  };

  it('may say how the customers of relations are found, and what is done where there is none', () => {
    expect(problems({ column: 'a', field: 'employerId', whenMissing: 'create' })).toEqual([]);
    expect(problems({ column: 'a', field: 'referredBy', findBy: 'email', whenMissing: 'leave-empty' })).toEqual([]);
  });

  it('makes nobody of an address or a number, nor a company of somebody who recommends', () => {
    expect(
      problems(
        { column: 'a', field: 'referredBy', whenMissing: 'create' },
        { column: 'b', field: 'parentId', findBy: 'number', whenMissing: 'create' },
      ),
    ).toEqual(['columns.0.whenMissing not-allowed', 'columns.1.whenMissing not-allowed']);
  });

  it('says it of relations only, and whose external ids they are', () => {
    expect(
      problems(
        { column: 'a', field: 'title', findBy: 'name', whenMissing: 'fail' },
        { column: 'b', field: 'parentId', findBy: 'externalId' },
      ),
    ).toEqual(['columns.0.findBy not-allowed', 'columns.0.whenMissing not-allowed', 'connectionId required']);
  });

  it('says nothing of a company that no column names, nor what a company does not have', () => {
    const employer = { column: 'a', field: 'employerId' };
    expect(problems(employer, { column: 'b', field: 'employer.phones' })).toEqual([]);
    expect(problems(employer, { column: 'b', field: 'employer.custom.rank' })).toEqual([]);
    expect(problems({ column: 'a', field: 'employer.phones' })).toEqual(['columns.0.field relation-missing']);
    expect(problems(employer, { column: 'b', field: 'parent.phones' })).toEqual(['columns.1.field relation-missing']);
    for (const field of ['gender', 'name', 'number', 'parentId', 'employer.phones', 'custom.a.b', '']) {
      expect(problems(employer, { column: 'b', field: `employer.${field}` })).toContain(
        'columns.1.field unknown-field',
      );
    }
  });

  it('takes a column of that name for a field of the own rather than for a relation', () => {
    const custom = {
      key: 'ref',
      type: 'reference',
      sensitivity: 'normal',
      retired: false,
      target: 'customer',
    } as const;
    const named = { ...custom, label: { en: 'ref', zh: '推荐人' } };
    for (const own of [named, { ...named, type: 'text' } as const]) {
      const fields = importFields({ fieldSet: { ...noFields, fields: { ref: own } }, lifecycle: builtInLifecycle });
      expect(suggestedColumns(['推荐人'], fields)).toEqual([{ column: '推荐人', field: 'custom.ref' }]);
    }
  });

  it('takes a column of an exported table for what it is called there, whatever fields a company has', () => {
    const own = { field: 'custom.badge', kind: 'custom', label: { en: 'ID', zh: '工号' } } as const;
    const fields = [...customerImportFields, own];
    const header = ['Record version', 'Parent company', 'Parent company id'];
    expect(suggestedColumns(header, fields).map(({ field }) => field)).toEqual(['version', 'parentId']);
  });
});

describe('a row', () => {
  it('is read field by field', () => {
    const { row, errors, createdAt } = read(
      {
        姓名: ' 王伟 ',
        '手机 (家)': '13800138000；010-65541234',
        手机2: '13800138001',
        邮箱: 'a@example.cn, b@example.cn',
        标签: 'VIP、老客户|VIP',
        省: '广东省',
        邮编: '518000',
        微信: 'wei',
        生日: '1980年5月17日',
        创建时间: '2020/3/5',
        'custom.level': '3',
      },
      { timeZone: 'Asia/Shanghai' },
    );
    expect(errors).toEqual([]);
    expect(row).toEqual({
      name: '王伟',
      phones: [{ value: '13800138000', label: '家' }, { value: '010-65541234', label: '家' }, { value: '13800138001' }],
      emails: [{ value: 'a@example.cn' }, { value: 'b@example.cn' }],
      tags: ['VIP', '老客户'],
      addresses: [{ province: '广东省', postcode: '518000' }],
      socials: [{ network: 'wechat', value: 'wei' }],
      birthDate: '1980-05-17',
      custom: { level: '3' },
    });
    expect(createdAt).toBe('2020-03-04T16:00:00.000Z');
  });

  it('has its whole address taken apart, where its parts have no columns', () => {
    expect(read({ 详细地址: '广东省深圳市南山区科技路1号' }).row.addresses).toEqual([
      { province: '广东省', city: '深圳市', district: '南山区', street: '科技路1号', regionCode: '440305' },
    ]);
  });

  it('says all that is wrong with its cells', () => {
    const formula: Cell = { type: 'empty', text: '', formula: true };
    const broken: Cell = { type: 'error', text: '#N/A' };
    expect(
      errorsOf({
        name: 'a\0b',
        phone: '1.38E+10',
        编号: '1.2E+5',
        kind: '外星人',
        birthday: '03/04/1980',
        created: 'soon',
        title: formula,
        industry: broken,
        city: 'x\ud800',
      }),
    ).toEqual([
      ['name', 'invalid-text'],
      ['phone', 'scientific-number'],
      ['编号', 'scientific-number'],
      ['kind', 'not-allowed'],
      ['birthday', 'ambiguous-date'],
      ['created', 'impossible-date'],
      ['title', 'formula-without-value'],
      ['industry', 'cell-error'],
      ['city', 'invalid-text'],
    ]);
  });

  it.each([
    ['阶段', '成交', { lifecycle: 'closed' }],
    ['阶段', 'closed', { lifecycle: 'closed' }],
    ['客户阶段', '意向客户', { lifecycle: 'intending' }],
    ['stage', ' LOST ', { lifecycle: 'lost' }],
    ['客户类型', '老客户', { type: 'existing' }],
    ['类型', '潜在', { type: 'potential' }],
    ['Customer type', 'new customer', { type: 'new' }],
  ])('under %s names %s by itself or by its name', (column, cell, wanted) => {
    expect(read({ [column]: cell })).toMatchObject({ row: wanted, errors: [] });
  });

  it('has no stage that there is none of, unless the mapping says what is meant; a type may be any', () => {
    expect(errorsOf({ 阶段: '跟进中', 客户类型: '经销商' })).toEqual([['阶段', 'not-allowed']]);
    expect(read({ 客户类型: '经销商' }).row).toEqual({ type: '经销商' });
    const columns = [{ column: '阶段', field: 'lifecycle', values: { 跟进中: '意向', 成交: 'loyal' } }];
    expect(read({ 阶段: '跟进中' }, { columns }).row).toEqual({ lifecycle: 'intending' });
    expect(read({ 阶段: '成交' }, { columns }).row).toEqual({ lifecycle: 'loyal' });
  });

  it('takes what formulas came to, and counts them', () => {
    const { row, formulas } = read({ name: { type: 'text', text: 'Anna', formula: true }, title: 'CEO' });
    expect([row, formulas]).toEqual([{ name: 'Anna', title: 'CEO' }, 1]);
  });

  it('has values mapped, and defaults where it has none, which never replace what a record has', () => {
    const columns = [
      { column: '来源', field: 'source', values: { 展: 'fair' } },
      { column: 'x', field: 'industry', values: { 无: '' } },
      { column: '生日', field: 'birthDate', values: { 无: '' } },
    ];
    const { row, policies } = read(
      { 来源: '展', x: '无', 生日: '无' },
      { columns, defaults: { industry: '零售', source: 'web' } },
    );
    expect(row).toEqual({ source: 'fair', industry: '零售' });
    expect(policies).toEqual({ industry: 'if-empty' });
  });

  it('reads dates in the order that was said, and phones of the country that was said', () => {
    expect(read({ birthday: '03/04/1980' }, { dateOrder: 'dmy' }).row.birthDate).toBe('1980-04-03');
    expect(read({ phone: '(415) 555-2671' }, { country: 'US' }).row.phones).toEqual([{ value: '+14155552671' }]);
  });

  it('is known by what it says in normal form', () => {
    const reading = read({ email: 'A@Example.org; b@example.org', phone: '010-65541234', 编号: 'C-1' });
    expect(matchValues(reading, { matchBy: 'email' })).toEqual(['a@example.org', 'b@example.org']);
    expect(matchValues(reading, { matchBy: 'phone' })).toEqual(['+861065541234']);
    expect(matchValues(reading, { matchBy: 'number' })).toEqual(['C-1']);
    expect(matchValues(reading, { matchBy: 'id' })).toEqual([]);
    const company = read({ 税号: '９１-4403 0070.8461136t' });
    expect(matchValues(company, { matchBy: 'registrationNumber' })).toEqual(['91440300708461136T']);
  });

  it('has its phones read as of the country that it names, or else as of the one of the file', () => {
    const keysOf = (row: Record<string, string>, country?: string) =>
      matchValues(read(row, country === undefined ? {} : { country }), { matchBy: 'phone', country });
    expect(keysOf({ phone: '020 7946 0958', country: 'gb' }, 'US')).toEqual(['+442079460958']);
    expect(keysOf({ phone: '(415) 555-2671' }, 'US')).toEqual(['+14155552671']);
    expect(keysOf({ phone: '010-65541234' })).toEqual(['+861065541234']);
    const { row } = read({ phone: '020 7946 0958', country: 'GB' }, { country: 'US' });
    expect(row.phones).toEqual([{ value: '020 7946 0958' }]);
  });

  it('says of its company what that one’s columns say, in the same ways as of itself', () => {
    const { row, companies, errors, formulas } = read(
      {
        姓名: '王伟',
        手机: '13800138000',
        所属公司: '青禾茶业',
        '公司电话 (总机)': '021 5234 0000；(415) 555-2671',
        公司地址: '杭州市西湖区龙井路1号',
        公司行业: { type: 'text', text: '茶', formula: true },
      },
      {
        country: 'US',
        defaults: { 'employer.region': '华东', 'employer.industry': '酒' },
        policies: { phones: 'add' },
      },
    );
    expect([row, errors, formulas]).toEqual([{ name: '王伟', phones: [{ value: '13800138000' }] }, [], 1]);
    const [{ role, reading } = { role: undefined, reading: undefined }, ...others] = companies;
    expect([role, others]).toEqual(['employer', []]);
    expect(reading).toMatchObject({
      row: {
        phones: [
          { value: '021 5234 0000', label: '总机' },
          { value: '+14155552671', label: '总机' },
        ],
        addresses: [{ city: '杭州市', district: '西湖区' }],
        industry: '茶',
        region: '华东',
      },
      policies: { region: 'if-empty' },
    });
    expect(reading?.places.get('phones.1')).toBe('公司电话 (总机)');
  });

  it('that says nothing of its company says nothing, and a wrong cell of that one is its own error', () => {
    expect(read({ 姓名: '甲', 所属公司: '青禾', 公司电话: '' }).companies).toEqual([]);
    expect(errorsOf({ 姓名: '甲', 所属公司: '青禾', 公司电话: '1.38E+10', 公司税号: '1.2E+5' })).toEqual([
      ['公司电话', 'scientific-number'],
      ['公司税号', 'scientific-number'],
    ]);
  });

  it('says whom it names, and leaves open who that is', () => {
    const columns = [
      { column: '公司', field: 'employerId', findBy: 'name' as const, whenMissing: 'create' as const },
      { column: '推荐人', field: 'referredBy', values: { 老王: 'C-000001' } },
    ];
    const { row, relations } = read({ 公司: ' 青禾茶业 ', 推荐人: '老王' }, { columns, defaults: { parentId: 'K-1' } });
    expect(row).toEqual({});
    expect(relations).toEqual([
      { field: 'employerId', column: '公司', value: '青禾茶业', findBy: 'name', whenMissing: 'create' },
      { field: 'referredBy', column: '推荐人', value: 'C-000001', whenMissing: 'fail' },
      { field: 'parentId', column: null, value: 'K-1', whenMissing: 'fail' },
    ]);
    expect(errorsOf({ 推荐人: '1.38E+10', 上级公司: 'x'.repeat(501) })).toEqual([
      ['推荐人', 'scientific-number'],
      ['上级公司', 'too-long'],
    ]);
  });
});
