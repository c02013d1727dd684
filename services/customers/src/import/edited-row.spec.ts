import { describe, expect, it } from '@jest/globals';
import { customerCell, customerColumns, emptyLedger, permissionsOf, type FieldType } from '@throughline/contracts';
import type { Cell } from '@throughline/tables';
import { builtInRules } from '../customer/customer-rules.ts';
import { editedRow } from './edited-row.ts';
import { customerImportFields, importFields } from './import-fields.ts';
import type { ImportMapping } from './import-mapping.ts';
import { rowReader } from './import-row.ts';

const seen = {
  number: 'C-000001',
  name: '王伟',
  title: '经理',
  phones: [{ value: '+8613800138000', e164: '+8613800138000', label: '手机', primary: true }],
  emails: [{ value: 'wie@example.cn', label: 'work', primary: true }, { value: 'office@example.org' }],
  addresses: [
    { city: '北京市' },
    { province: '广东省', city: '深圳市', postcode: '010000', regionCode: '440300', primary: true },
  ],
  socials: [
    { network: 'wechat', value: 'wei' },
    { network: 'x', value: '@wei' },
    { network: 'qq', value: '1001', primary: true },
    { network: 'qq', value: '1002', label: '旧' },
  ],
  standing: 'decision-maker',
  hobbies: ['登山, 徒步', '茶'],
  servicePreference: { channel: 'wechat', times: '周末' },
  review: { satisfaction: 4 },
  tags: ['VIP', 'B2B', '华东,重点', 'say "hi"; 再见'],
};
const mapping: ImportMapping = {
  columns: customerColumns.map((field) => ({ column: field, field })),
  defaults: {},
  matchBy: 'id',
  mode: 'update',
  policies: {},
};
const never = permissionsOf(emptyLedger);
const withdrawn = { ...never, marketingEmail: 'no' as const, optOuts: ['marketing:email'] };
const read = rowReader(customerColumns, mapping, customerImportFields);

/** The record's row with some cells as somebody left them. */
function edited(cells: Readonly<Record<string, string>>) {
  const row = customerColumns.map((field): Cell => {
    const text = cells[field] ?? customerCell({ ...seen, ...never }, field);
    return { type: text === '' ? 'empty' : 'text', text };
  });
  const { changes, errors } = editedRow(row, customerColumns, mapping, seen, read, [never, withdrawn]);
  return { changes, errors: errors.map(({ column, code }) => [column, code]) };
}

describe('an edited row with fields of the own', () => {
  const field = (key: string, type: FieldType) => ({ key, type, sensitivity: 'normal' as const, retired: false });
  const own = [
    field('likes', 'multi-choice'),
    field('credit', 'money'),
    field('vip', 'boolean'),
    field('signed', 'date'),
  ];
  const fieldSet = { ...builtInRules.fieldSet, fields: Object.fromEntries(own.map((one) => [one.key, one])) };
  const custom = {
    likes: ['tea, green', 'b'],
    credit: { amount: '12.50', currency: 'EUR' },
    vip: true,
    signed: '2024-02-01',
  };
  const header = own.map(({ key }) => `custom.${key}`);
  const columns = header.map((name) => ({ column: name, field: name }));
  const fields = importFields({ ...builtInRules, fieldSet });
  const changed = (cells: Readonly<Record<string, string>>) => {
    const texts = own.map(({ key }) => cells[key] ?? customerCell({ custom }, `custom.${key}`));
    const row = texts.map((text): Cell => ({ type: 'text', text }));
    const told = { ...mapping, columns };
    return editedRow(row, header, told, { custom }, rowReader(header, told, fields)).changes;
  };
  it('is written as it is read', () => {
    const cells = header.map((name) => customerCell({ custom }, name));
    expect(cells).toEqual(['"tea, green"; b', '12.50 EUR', 'yes', '2024-02-01']);
    expect(changed({})).toEqual({});
  });
  it('changes what was edited alone, however the rest is written', () => {
    const same = { credit: '€12.50', vip: 'TRUE', signed: '2024/2/1' };
    expect(changed({ ...same, likes: '["tea, green","b"]' })).toEqual({});
    expect(changed({ ...same, likes: 'b; c' })).toEqual({ custom: { likes: ['b', 'c'] } });
  });
});

describe('an edited row', () => {
  it('changes nothing where nothing was edited', () => {
    expect(edited({})).toEqual({ changes: {}, errors: [] });
  });
  it('changes what was edited, and clears what was emptied', () => {
    expect(edited({ title: '总监', industry: '零售', tags: '' }).changes).toEqual({
      title: '总监',
      industry: '零售',
      tags: null,
    });
  });
  it('changes one part of a field and leaves the others', () => {
    expect(
      edited({ 'servicePreference.times': '', 'review.satisfaction': '5', 'review.suggestion': '多送货' }),
    ).toEqual({
      changes: {
        servicePreference: { channel: 'wechat', times: null },
        review: { satisfaction: 5, suggestion: '多送货' },
      },
      errors: [],
    });
    expect(edited({ 'review.satisfaction': '' }).changes).toEqual({ review: { satisfaction: null } });
    expect(edited({ standing: '审批者', hobbies: '茶', 'productNeeds.price': '便宜' }).changes).toEqual({
      standing: 'approver',
      hobbies: ['茶'],
      productNeeds: { price: '便宜' },
    });
    expect(edited({ 'review.satisfaction': '很好' }).errors).toEqual([['review.satisfaction', 'wrong-type']]);
  });
  it('leaves alone what a spreadsheet spoiled by itself', () => {
    expect(edited({ phones: '8613800138000' }).changes).toEqual({});
    expect(edited({ phones: '8.6138E+12' }).changes).toEqual({});
    expect(edited({ 'address.postcode': '10000' }).changes).toEqual({});
    expect(edited({ phones: '8.7E+12' }).errors).toEqual([['phones', 'scientific-number']]);
  });
  it('keeps of a list what the table does not show', () => {
    expect(edited({ phones: '+8613800138000; 010-65541234' }).changes).toEqual({
      phones: [{ value: '+8613800138000', label: '手机', primary: true }, { value: '010-65541234' }],
    });
    expect(edited({ 'address.city': '广州市', 'address.postcode': '' }).changes).toEqual({
      addresses: [{ city: '北京市' }, { province: '广东省', city: '广州市', primary: true }],
    });
    expect(edited({ 'socials.wechat': '' }).changes).toEqual({
      socials: seen.socials.filter(({ network }) => network !== 'wechat'),
    });
  });
  it('keeps the label of the one entry that was corrected, and whether it is the primary one', () => {
    const marked = { label: '手机', primary: true };
    expect(edited({ phones: '+8613800138009' }).changes).toEqual({ phones: [{ value: '+8613800138009', ...marked }] });
    expect(edited({ emails: 'wei@example.cn; office@example.org' }).changes).toEqual({
      emails: [{ value: 'wei@example.cn', label: 'work', primary: true }, { value: 'office@example.org' }],
    });
    expect(edited({ emails: 'a@example.cn; b@example.cn' }).changes).toEqual({
      emails: [{ value: 'a@example.cn' }, { value: 'b@example.cn' }],
    });
    expect(edited({ 'socials.qq': '1001; 1003' }).changes.socials).toEqual([
      { network: 'wechat', value: 'wei' },
      { network: 'x', value: '@wei' },
      { network: 'qq', value: '1001', primary: true },
      { network: 'qq', value: '1003', label: '旧' },
    ]);
  });
  it('leaves the entries alone that hold what separates entries', () => {
    expect(customerCell(seen, 'tags')).toBe('VIP; B2B; "华东,重点"; "say ""hi""; 再见"');
    expect(edited({ tags: `${customerCell(seen, 'tags')}; 新` }).changes).toEqual({ tags: [...seen.tags, '新'] });
  });
  it('changes nothing where its file was exported without quotes', () => {
    expect(edited({ tags: seen.tags.join('; ') })).toEqual({ changes: {}, errors: [] });
  });
  it('cannot say whom one may write to, but say it as it was at another time', () => {
    expect(edited({ doNotContact: 'yes', marketingEmail: 'no', marketingSms: '' })).toEqual({
      changes: {},
      errors: [
        ['doNotContact', 'permission-stays'],
        ['marketingSms', 'permission-stays'],
      ],
    });
    expect(edited({ marketingEmail: 'no', optOuts: 'marketing:email' }).errors).toEqual([]);
  });
  it('cannot give its record another number', () => {
    expect(edited({ number: 'C-000002' }).errors).toEqual([['number', 'number-stays']]);
  });
});
