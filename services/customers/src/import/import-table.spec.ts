import { describe, expect, it } from '@jest/globals';
import type { Table } from '@throughline/tables';
import { readingOf } from './import-table.ts';

describe('a spreadsheet', () => {
  const opened = (...names: string[]): Table => ({
    format: 'xlsx',
    sheet: names[0] as string,
    sheets: [...names.map((name) => ({ name, hidden: false })), { name: 'Old', hidden: true }],
    header: ['请在第二个工作表中填写'],
    rows: (async function* () {})(),
  });
  const refused = (table: Table) => readingOf(table, {}, (header) => header).catch((error: unknown) => error);

  it('whose sheet has no rows names the others', async () => {
    expect(await refused(opened('说明', '客户', '备注'))).toMatchObject({
      code: 'sheet-without-rows',
      params: { sheet: '说明', sheets: ['客户', '备注'] },
    });
    expect(await refused(opened('客户'))).toMatchObject({ code: 'no-rows' });
  });
});
