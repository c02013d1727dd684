import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@throughline/event-sourcing';
import { eventually, startTestService, type TestService } from '@throughline/service/testing';
import { writeXlsx } from '@throughline/tables';
import { ForgetImports } from '../src/import/forget-imports.worker.ts';
import { CustomersModule } from '../src/customers.module.ts';
import { importing } from './importing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(CustomersModule, { listensTo: ['gateway'] });
});
afterAll(() => service.end());

type Cell = { line: number; column: string; value: string | null };

const { get, byNumber, upload, checked } = importing(() => service);
const edit = (id: string, cells: readonly Cell[], headers = {}) =>
  service.call('PATCH', `/api/imports/${id}/cells`, { cells }, headers);

async function uploaded(content: string | Uint8Array, fields: Record<string, string> = {}): Promise<any> {
  const { status, body } = await upload(content, { fields });
  expect(status).toBe(201);
  return body;
}

/** A file that is uploaded, and mapped as it is suggested, but for what is said. */
async function mapped(content: string | Uint8Array, mapping: object = {}): Promise<any> {
  const { id, suggestion } = await uploaded(content);
  const { status, body } = await service.call('POST', `/api/imports/${id}/mapping`, { ...suggestion, ...mapping });
  expect([status, body.errors]).toEqual([200, undefined]);
  return body;
}

async function run(id: string): Promise<any> {
  expect((await service.call('POST', `/api/imports/${id}/run`)).status).toBe(202);
  return eventually(
    () => get(`imports/${id}`),
    ({ status, progress }) => progress?.state === 'failed' || (status === 'done' && progress?.state === 'done'),
    30_000,
  );
}

const linesOf = async (id: string, file: string) =>
  String((await service.call('GET', `/api/imports/${id}/${file}`)).body)
    .replace('\ufeff', '')
    .trim()
    .split('\r\n');
const codesOf = (errors: any[]) => errors.map(({ column, code }) => [column, code]);
const keptCells = async () =>
  (await service.kernel.pool.query('select line, sealed, edit_id from import_cells')).rows as { sealed: Buffer }[];

describe('the preview of an import', () => {
  it('shows what each row would become beside what the file says', async () => {
    await service.call('POST', '/api/fields', {
      object: 'customer',
      key: 'quota',
      type: 'money',
      label: { zh: '额度', en: 'Quota' },
    });
    const { body: there } = await service.call('POST', '/api/customers', { number: 'P-1', name: '王伟' });
    const { preview } = await mapped(
      [
        '编号,姓名,手机,邮箱,生日,额度',
        'P-1,　王　伟 ,138 0013 8000,Wei@Example.CN,1980/5/17,"￥1,200"',
        'P-2,李娜,110-1,na(at)example.cn,2199-01-01,many',
        'P-3,赵六,,,,',
        'P-3,赵六,,,,',
      ].join('\n'),
    );
    expect(there.number).toBe('P-1');
    expect(preview[0]).toMatchObject({
      line: 2,
      cells: ['P-1', '　王　伟 ', '138 0013 8000', 'Wei@Example.CN', '1980/5/17', '￥1,200'],
      edited: [],
      cut: [],
      end: 'update',
      values: {
        number: 'P-1',
        phones: [{ value: '138 0013 8000', e164: '+8613800138000' }],
        birthDate: '1980-05-17',
        custom: { quota: { amount: '1200', currency: 'CNY' } },
      },
      errors: [],
      warnings: [],
      times: 1,
    });
    expect(preview[0].values.name).not.toMatch(/^\s|\s$/);
    expect([preview[1].end, codesOf(preview[1].errors), codesOf(preview[1].warnings)]).toEqual([
      'error',
      expect.arrayContaining([
        ['邮箱', 'wrong-type'],
        ['生日', 'in-the-future'],
        ['额度', 'wrong-type'],
      ]),
      [['手机', 'phone-not-recognised']],
    ]);
    expect(preview.slice(2).map(({ end, times }: any) => [end, times])).toEqual([
      ['new', 2],
      ['duplicate', 2],
    ]);
  });

  it('counts how often a key comes in the whole file once that was checked, until a cell is edited', async () => {
    const rows = Array.from({ length: 120 }, (_, i) => `P${i % 60 === 0 ? 0 : i}-count,Name ${i}`);
    const { id, preview } = await mapped(['number,name', ...rows, 'P0-count,Again'].join('\n'));
    expect(preview[0].times).toBe(2);
    expect(await checked(id)).toMatchObject({ isStale: false, counts: { new: 119, duplicate: 2 } });
    expect((await get(`imports/${id}`)).preview[0].times).toBe(3);
    const { body } = await edit(id, [{ line: 62, column: 'number', value: 'P60-count' }]);
    expect([body.check.isStale, body.preview[0].times]).toEqual([true, 1]);
    expect(await checked(id)).toMatchObject({ isStale: false, counts: { new: 120, duplicate: 1 } });
  });

  it('holds long cells, and says of one that is too long to be shown', async () => {
    const long = ['x'.repeat(400), 'x'.repeat(300_000)].map((title, index) => `P-9${index},Anna,${title}`);
    const { id, preview } = await mapped(['number,name,title', ...long].join('\n'));
    expect(preview.map(({ cells, cut, end }: any) => [cells[2].length, cut, end])).toEqual([
      [400, [], 'error'],
      [200, ['title'], null],
    ]);
    const { body } = await edit(id, [{ line: 3, column: 'title', value: 'short' }]);
    expect(body.preview[1]).toMatchObject({ cut: [], end: 'new', values: { title: 'short' } });
  });
});

describe('cells that are set by hand', () => {
  it('count in preview, check, run and what is left over, and leave the file as it is', async () => {
    const content = '编号,姓名,手机,职务\nE-1,,13800138000,CEO\nE-2,李娜,1.38E+10,CTO\nE-3,,,\n';
    const { id } = await mapped(content);
    const { status, body } = await edit(id, [
      { line: 2, column: '姓名', value: '王伟😀' },
      { line: 2, column: '职务', value: '' },
      { line: 3, column: '手机', value: '138 0013 8001' },
      { line: 4, column: '职务', value: '=SUM(A1)' },
    ]);
    expect([status, body.cellsEdited]).toEqual([200, 4]);
    expect(body.preview[0]).toMatchObject({
      cells: ['E-1', '王伟😀', '13800138000', ''],
      edited: [
        { column: '姓名', fileText: '' },
        { column: '职务', fileText: 'CEO' },
      ],
      values: { name: '王伟😀' },
      end: 'new',
    });
    expect(body.preview[0].values.title).toBeUndefined();
    expect((await checked(id)).counts).toMatchObject({ new: 2, error: 1 });
    expect((await run(id)).counts).toMatchObject({ created: 2, failed: 1 });
    expect(await byNumber('E-1')).toMatchObject({ name: '王伟😀' });
    expect((await byNumber('E-1')).title).toBeUndefined();
    expect(await byNumber('E-2')).toMatchObject({ phones: [{ e164: '+8613800138001' }], title: 'CTO' });
    expect((await linesOf(id, 'errors.csv')).slice(1)).toEqual(["E-3,,,'=SUM(A1),4,姓名: is required"]);
  });

  it('are read as the same text in a CSV file', async () => {
    const texts = [
      "'=1+1",
      '=1+1',
      ' 王　伟 ',
      '',
      '\t',
      '-5',
      '+8613800138000',
      '😀',
      'a\nb',
      '"q", ;',
      "'",
      '1.38E+10',
    ];
    const quoted = texts.map((text, index) => `T-${index},x,"${text.replaceAll('"', '""')}"`);
    const written = await mapped(['number,name,title', ...quoted].join('\n'));
    const plain = await mapped(['number,name,title', ...texts.map((_, index) => `T-${index},x,there`)].join('\n'));
    const line = (index: number) => plain.preview[index].line as number;
    const { body } = await edit(
      plain.id,
      texts.map((value, index) => ({ line: line(index), column: 'title', value })),
    );
    const seen = (rows: any[]) => rows.map(({ cells, values, errors }) => ({ cells, values, errors }));
    expect(seen(body.preview)).toEqual(seen(written.preview));
  });

  it('count in a table that was exported as well', async () => {
    const { body: there } = await service.call('POST', '/api/customers', { name: 'Anna', title: 'CEO' });
    const { id, preview } = await mapped(`id,version,name,title\n${there.id},${there.version},Anna,CEO\n`);
    expect(preview[0]).toMatchObject({ end: 'unchanged', values: {} });
    const { body } = await edit(id, [{ line: 2, column: 'title', value: ' CTO ' }]);
    expect(body.preview[0]).toMatchObject({ end: 'update', values: { title: 'CTO' } });
    expect((await run(id)).counts).toMatchObject({ read: 1, updated: 1 });
    expect(await get(`customers/${there.id}`)).toMatchObject({ name: 'Anna', title: 'CTO' });
  });

  it('give way to the file again, and to whoever speaks last, cell by cell', async () => {
    const { id } = await mapped('number,name,title\nL-1,Anna,A\nL-2,Berta,B\n');
    const both = [
      edit(id, [{ line: 2, column: 'name', value: 'Ann' }]),
      edit(id, [{ line: 2, column: 'title', value: 'X' }]),
    ];
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([200, 200]);
    const cells = async () => (await get(`imports/${id}`)).preview.map((row: any) => row.cells);
    expect(await cells()).toEqual([
      ['L-1', 'Ann', 'X'],
      ['L-2', 'Berta', 'B'],
    ]);
    await edit(id, [
      { line: 2, column: 'name', value: 'Once' },
      { line: 2, column: 'name', value: 'Twice' },
      { line: 2, column: 'title', value: null },
    ]);
    expect(await cells()).toEqual([
      ['L-1', 'Twice', 'A'],
      ['L-2', 'Berta', 'B'],
    ]);
    const emptied = await edit(
      id,
      ['number', 'name', 'title'].map((column) => ({ line: 3, column, value: '' })),
    );
    expect(emptied.body.preview[1]).toMatchObject({ cells: ['', '', ''], end: null, values: null, errors: [] });
    expect((await run(id)).counts).toMatchObject({ read: 1, created: 1, failed: 0 });
  });

  it('set twice the same are set once; sent again under one key it is one edit', async () => {
    const { id } = await mapped('number,name\nS-1,Anna\n');
    const cells = [{ line: 2, column: 'name', value: '安娜' }];
    const headers = { 'idempotency-key': newId() };
    expect((await edit(id, cells, headers)).body.cellsEdited).toBe(1);
    expect((await edit(id, cells)).body.cellsEdited).toBe(1);
    await edit(id, [{ line: 2, column: 'name', value: 'Anne' }]);
    const again = await edit(id, cells, headers);
    expect([again.status, again.body.cellsEdited, again.body.preview[0].cells]).toEqual([200, 2, ['S-1', 'Anne']]);
    const other = await edit(id, [{ line: 2, column: 'name', value: 'Other' }], headers);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-key-reused']);
    expect((await get(`imports/${id}`)).preview[0].cells).toEqual(['S-1', 'Anne']);
  });

  it('have to be there: what is not is named, and nothing is set', async () => {
    const rows = Array.from({ length: 150 }, (_, i) => `N-${i},Name ${i}`);
    const { id } = await mapped(['number,,name', ...rows.map((row) => row.replace(',', ',,'))].join('\n'));
    const late = { line: 151, column: 'name', value: 'Late' };
    const { status, body } = await edit(id, [
      late,
      { line: 1, column: 'name', value: 'x' },
      { line: 152, column: '姓名', value: 'x' },
      { line: 2, column: '', value: 'x' },
    ]);
    expect([status, body.code]).toEqual([422, 'invalid-cells']);
    expect(body.errors.map(({ path, code, params }: any) => [path, code, params])).toEqual([
      ['cells.1.line', 'unknown-line', { line: 1 }],
      ['cells.2.line', 'unknown-line', { line: 152 }],
      ['cells.2.column', 'unknown-column', { column: '姓名' }],
      ['cells.3.column', 'unknown-column', { column: '' }],
    ]);
    expect((await get(`imports/${id}`)).cellsEdited).toBe(0);
    const bad = await edit(id, [{ line: 0, column: 'name', value: 5 as never }]);
    expect([bad.status, bad.body.errors.map(({ path }: any) => path)]).toEqual([
      400,
      ['cells.0.line', 'cells.0.value'],
    ]);
    expect((await edit(id, [late])).status).toBe(200);
    expect((await run(id)).counts).toMatchObject({ created: 150 });
    expect(await byNumber('N-149')).toMatchObject({ name: 'Late' });
    expect((await edit(newId(), [late])).body.code).toBe('import-not-found');
  });

  it('are refused once the import was started, and change nothing', async () => {
    const { id } = await mapped('number,name\nA-1,\n');
    expect((await run(id)).counts).toMatchObject({ failed: 1 });
    const { status, body } = await edit(id, [{ line: 2, column: 'name', value: 'Late' }]);
    expect([status, body.code]).toEqual([409, 'import-started']);
    expect((await get(`imports/${id}`)).preview[0]).toMatchObject({ cells: ['A-1', ''], end: null, values: null });
  });

  it('set at the moment of the start count, or are refused', async () => {
    for (let round = 0; round < 6; round += 1) {
      const { id } = await mapped(`number,name\nR-${round},Before\n`);
      const [edited] = await Promise.all([edit(id, [{ line: 2, column: 'name', value: 'After' }]), run(id)]);
      const { name } = await byNumber(`R-${round}`);
      expect([edited.status, name]).toEqual(edited.status === 200 ? [200, 'After'] : [409, 'Before']);
    }
  });

  it('are void where the file is read in another way', async () => {
    const { id } = await mapped('number,name\nV-1,Anna\n');
    await edit(id, [{ line: 2, column: 'name', value: 'Ann' }]);
    const { body } = await service.call('POST', `/api/imports/${id}/reading`, { header: false });
    expect([body.cellsEdited, body.preview.map(({ cells }: any) => cells)]).toEqual([
      0,
      [
        ['number', 'name'],
        ['V-1', 'Anna'],
      ],
    ]);
  });

  it('mend a cell that did not fit the encoding, and one of a spreadsheet', async () => {
    const damaged = Buffer.concat([
      Buffer.from('number,name\nD-1,'),
      Buffer.from([0xff]),
      Buffer.from('\nD-2,Berta\n'),
    ]);
    const { id, suggestion } = await uploaded(damaged, { encoding: 'utf-8' });
    const { body } = await service.call('POST', `/api/imports/${id}/mapping`, suggestion);
    expect(codesOf(body.preview[0].errors)).toEqual([[null, 'damaged-text']]);
    await edit(id, [{ line: 2, column: 'name', value: 'Änne' }]);
    expect((await run(id)).counts).toMatchObject({ created: 2 });

    const pieces: Uint8Array[] = [];
    const rows = [['X-1', { date: '1980-05-17' }]];
    for await (const piece of writeXlsx(['编号', '生日'], rows, { sheet: '客户' })) pieces.push(piece);
    const sheet = await mapped(Buffer.concat(pieces), { defaults: { name: 'x' } });
    const edited = await edit(sheet.id, [{ line: 2, column: '生日', value: '1981/1/2' }]);
    expect(edited.body.preview[0].values).toMatchObject({ birthDate: '1981-01-02' });
  });

  it('are kept encrypted, named by no event, and gone with the file', async () => {
    const { id } = await mapped('number,name\nG-1,Anna\n');
    await edit(id, [{ line: 2, column: 'name', value: 'Secret-Name' }]);
    const kept = await keptCells();
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.some(({ sealed }) => sealed?.includes('Secret-Name'))).toBe(false);
    const { rows } = await service.kernel.pool.query(
      `select data, personal from events where stream_id = $1 and type = 'ImportCellsEdited'`,
      [id],
    );
    expect(rows).toEqual([{ data: { editId: expect.any(String), cells: 1 }, personal: null }]);
    await service.app.get(ForgetImports).forget(new Date(Date.now() + 31 * 86_400_000));
    expect(await keptCells()).toEqual([]);
    const { status, body } = await edit(id, [{ line: 2, column: 'name', value: 'x' }]);
    expect([status, body.code]).toEqual([404, 'import-file-gone']);
  });
});
