import { openTable } from './table.ts';
import { failureOf, open, rowsOf, textsOf, workbook, workbookFiles, zip } from './tables.fixtures.ts';

const inline = (text: string) => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
const row = (...cells: string[]) => `<row>${cells.join('')}</row>`;
const header = (columns: number) => row(...Array.from({ length: columns }, (_, i) => inline(`h${i}`)));
const sheet = async (content: string | Iterable<string>, parts = {}) =>
  open(await workbook({ sheets: { Data: content }, ...parts }));

/** The cells of one row, as `type text`. */
async function cellsOf(cells: string[], parts = {}): Promise<string[]> {
  const table = await sheet(header(cells.length) + row(...cells), parts);
  const [first] = await rowsOf(table);
  return first!.cells.map(({ type, text, formula }) => `${type} ${text}${formula ? ' (formula)' : ''}`);
}

describe('an XLSX file', () => {
  it('has texts of its own, shared ones and rich ones, without how they are pronounced', async () => {
    const texts =
      '<si><t>张三</t></si><si><r><t>rich </t></r><r><rPr><b/></rPr><t xml:space="preserve">text</t></r><rPh><t>no</t></rPh></si><si/>';
    const cells = [
      '<c t="s"><v>0</v></c>',
      '<c t="s"><v>1</v></c>',
      '<c t="s"><v>2</v></c>',
      inline('&lt;a&gt; &amp; 😀'),
    ];
    expect(await cellsOf(cells, { texts })).toEqual(['text 张三', 'text rich text', 'empty ', 'text <a> & 😀']);
    expect(await cellsOf([inline('a_x000D__x005F_x0041_&#10;')])).toEqual(['text a\r_x0041_\n']);
  });

  it('has numbers as Excel shows them in full, and long ids to the last digit', async () => {
    const numbers = [
      '0.30000000000000004',
      '1.3800138E+10',
      '123456789012345678',
      '1E-7',
      '-2.5',
      '1E21',
      '00',
      '1234567.8899999999',
    ];
    expect(await cellsOf(numbers.map((number) => `<c><v>${number}</v></c>`))).toEqual([
      'number 0.3',
      'number 13800138000',
      'number 123456789012345678',
      'number 0.0000001',
      'number -2.5',
      'number 1000000000000000000000',
      'number 0',
      'number 1234567.89',
    ]);
  });

  it('has booleans, errors, and formulas with what they came to', async () => {
    const cells = [
      '<c t="b"><v>1</v></c>',
      '<c t="b"><v>0</v></c>',
      '<c t="e"><v>#N/A</v></c>',
      '<c><f>1+1</f><v>2</v></c>',
      '<c t="str"><f>A1&amp;B1</f><v>ab</v></c>',
      '<c><f t="shared" si="0"/></c>',
    ];
    expect(await cellsOf(cells)).toEqual([
      'boolean TRUE',
      'boolean FALSE',
      'error #N/A',
      'number 2 (formula)',
      'text ab (formula)',
      'empty  (formula)',
    ]);
  });

  const dated = { formats: [0, 14, 164, 165, 166, 167, 168, 22, 46, 57, 10] };
  const numFmts = [
    [164, 'yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@'],
    [165, '[$-F400]h:mm:ss\\ AM/PM'],
    [166, '[h]:mm'],
    [167, '#,##0.00\\ [$€-407];[Red]-0.00E+00'],
    [168, '&quot;day&quot; 0'],
  ]
    .map(([id, code]) => `<numFmt numFmtId="${id}" formatCode="${code}"/>`)
    .join('');
  const styled = (serial: number | string, style: number) => `<c s="${style}"><v>${serial}</v></c>`;

  it('has dates where the number format says so', async () => {
    const cells = [
      styled(45296, 0),
      styled(45296, 1),
      styled(45296.5625, 2),
      styled(0.5625, 3),
      styled(45296.5625, 3),
      styled(1.5, 4),
      styled(45296, 5),
      styled(45296, 6),
      styled(45296.590277777781, 7),
      styled(2.25, 8),
      styled(45296, 9),
      styled(0.5, 10),
      '<c t="d"><v>2024-01-05T13:30:00</v></c>',
    ];
    expect(await cellsOf(cells, { ...dated, numFmts })).toEqual([
      'number 45296',
      'date 2024-01-05',
      'date 2024-01-05T13:30:00',
      'time 13:30:00',
      'date 2024-01-05T13:30:00',
      'time 36:00:00',
      'number 45296',
      'number 45296',
      'date 2024-01-05T14:10:00',
      'time 54:00:00',
      'date 2024-01-05',
      'number 0.5',
      'date 2024-01-05T13:30:00',
    ]);
  });

  it.each([
    ['000000', 10001, 'text 010001'],
    ['000000;@', 42, 'text 000042'],
    ['[$-804]000000', 1234567, 'text 1234567'],
    ['00000\\-0000', 21380001, 'text 02138-0001'],
    ['000&quot;-&quot;0000-0000', 1380013800, 'text 013-8001-3800'],
    ['000-0000-0000', 8613800138000, 'text 86138-0013-8000'],
    ['000000', 1.5, 'number 1.5'],
    ['000000', -42, 'number -42'],
    ['0', 42, 'number 42'],
    ['0.00', 42, 'number 42'],
  ])('fills up with zeros as %s does: %d is %s', async (code, value, text) => {
    const zeros = { formats: [164], numFmts: `<numFmt numFmtId="164" formatCode="${code}"/>` };
    expect(await cellsOf([styled(value, 0)], zeros)).toEqual([text]);
  });

  it.each([
    [false, 1, 'date 1900-01-01'],
    [false, 59, 'date 1900-02-28'],
    [false, 60, 'number 60'], // 29 February 1900 was none
    [false, 61, 'date 1900-03-01'],
    [false, 0, 'number 0'],
    [false, -1, 'number -1'],
    [false, 2958465, 'date 9999-12-31'],
    [false, 2958466, 'number 2958466'],
    [true, 0, 'date 1904-01-01'],
    [true, 43834, 'date 2024-01-05'],
  ])('counts days (from 1904: %s): %d is %s', async (date1904, serial, text) => {
    expect(await cellsOf([styled(serial, 1)], { ...dated, date1904 })).toEqual([text]);
  });

  it('may leave out cells and rows', async () => {
    const table = await sheet(
      '<row r="2"><c r="A2" t="inlineStr"><is><t>a</t></is></c><c r="C2" t="inlineStr"><is><t>c</t></is></c></row>' +
        '<row r="5"><c r="B5"><v>1</v></c></row><row r="6"><c r="A6" s="1"/></row><row r="9"><c r="A9"><v>2</v></c><c r="XFD9" s="1"/></row>',
    );
    expect(table.header).toEqual(['a', '', 'c']);
    expect((await rowsOf(table)).map(({ line, cells }) => [line, ...cells.map(({ text }) => text)])).toEqual([
      [5, '', '1', ''],
      [9, '2', '', ''],
    ]);
  });

  it('has the value of merged cells in each of their rows, but for those in which nothing else stands', async () => {
    const content =
      header(4) +
      row(inline('王小明'), '<c/>', inline('甲公司'), inline('杭州')) +
      row(inline('李雷')) +
      row('<c/>', '<c/>', '<c/>', '<c/>') +
      row('<c r="D5"><v>1</v></c>') +
      row(inline('韩梅梅'));
    expect(await textsOf(await sheet(content, { merged: ['A1:B1', 'A2:B2', 'C2:D5'] }))).toEqual([
      ['王小明', '', '甲公司', '杭州'],
      ['李雷', '', '甲公司', ''],
      ['', '', '甲公司', '1'],
      ['韩梅梅', '', '', ''],
    ]);
  });

  it('does not grow beyond its limits by merged cells', async () => {
    const long = 'x'.repeat(600);
    const cells = row(inline(long), '<c/>') + row('<c/>', inline(long));
    const bytes = await workbook({ sheets: { Data: header(2) + cells }, merged: ['A2:A3', 'B3:B9'] });
    const table = await open(bytes, { limits: { rowCharacters: 1000 } });
    expect(await failureOf(rowsOf(table))).toEqual({ code: 'record-too-long', params: { line: 3, limit: 1000 } });
    expect(await failureOf(open(bytes, { limits: { mergedCells: 1 } }))).toEqual({
      code: 'archive-too-large',
      params: { what: 'merged-cells', limit: 1 },
    });
  });

  it('gives a row with more cells than the header an error', async () => {
    const rows = await rowsOf(await sheet(header(1) + row(inline('a'), inline('b')) + row(inline('c'))));
    expect(rows.map(({ line, error }) => [line, error?.code])).toEqual([
      [2, 'too-many-cells'],
      [3, undefined],
    ]);
  });

  it('has sheets: the first one that is not hidden, or the one that is asked for', async () => {
    const bytes = await workbook({ sheets: { Old: header(1), Data: header(2), 客户: header(3) }, hidden: ['Old'] });
    const sheets = [
      { name: 'Old', hidden: true },
      { name: 'Data', hidden: false },
      { name: '客户', hidden: false },
    ];
    expect(await open(bytes)).toMatchObject({ format: 'xlsx', sheets, sheet: 'Data', header: ['h0', 'h1'] });
    expect(await open(bytes, { sheet: '客户' })).toMatchObject({ sheet: '客户', header: ['h0', 'h1', 'h2'] });
    expect(await open(bytes, { sheet: 'Old' })).toMatchObject({ header: ['h0'] });
    expect(await failureOf(open(bytes, { sheet: 'None' }))).toEqual({
      code: 'sheet-not-found',
      params: { sheets: ['Data', '客户'] },
    });
  });

  it('may prefix all its names, as some programs do', async () => {
    const files = workbookFiles({ sheets: { Data: '' } });
    files['xl/worksheets/s0.xml'] =
      '<x:worksheet xmlns:x="m"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>';
    expect(await open(await zip(files))).toMatchObject({ header: ['a'] });
  });

  it('is streamed: its first rows come before its last are parsed', async () => {
    const many = Array.from({ length: 200 }, (_, i) => row(inline(`${i}${'x'.repeat(2000)}`)));
    const broken = await workbook({ sheets: { Data: [header(1), ...many, '<row></wrong>'] } });
    const table = await open(broken);
    let read = 0;
    const all = (async () => {
      for await (const _ of table.rows) read++;
    })();
    expect(await failureOf(all)).toEqual({ code: 'unreadable-archive', params: {} });
    expect(read).toBeGreaterThan(100);
  });

  it.each([
    ['nothing in its sheet', { sheets: { Data: '' } }, 'empty-file', {}],
    [
      'nothing in its first sheet',
      { sheets: { 说明: '', Old: header(1), Data: header(1) }, hidden: ['Old'] },
      'sheet-without-rows',
      { sheet: '说明', sheets: ['Data'] },
    ],
    ['no visible sheet', { sheets: { Data: header(1) }, hidden: ['Data'] }, 'no-sheet', {}],
    [
      'a name twice',
      { sheets: { Data: row(inline('a'), inline('a ')) } },
      'duplicate-header',
      { line: 1, column: 2, first: 1 },
    ],
    ['too many columns', { sheets: { Data: header(1001) } }, 'too-many-columns', { columns: 1001, limit: 1000 }],
    [
      'a shared text that is not there',
      { sheets: { Data: row('<c t="s"><v>7</v></c>') }, texts: '' },
      'unreadable-archive',
      {},
    ],
    ['a number that is none', { sheets: { Data: row('<c><v>x</v></c>') } }, 'unreadable-archive', {}],
    ['a column beyond the last', { sheets: { Data: row('<c r="ZZZZ1"><v>1</v></c>') } }, 'unreadable-archive', {}],
  ])('is refused: %s', async (_, parts, code, params) => {
    expect(await failureOf(open(await workbook(parts as never)))).toEqual({ code, params });
  });

  it('may be nothing but a header', async () => {
    expect(await textsOf(await sheet(header(2)))).toEqual([]);
  });
});

describe('an archive', () => {
  it.each([
    ['ods', { mimetype: 'application/vnd.oasis.opendocument.spreadsheet', 'content.xml': '<a/>' }],
    ['docx', { '[Content_Types].xml': '<Types/>', 'word/document.xml': '<a/>' }],
    ['xlsb', { '[Content_Types].xml': '<Types/>', 'xl/workbook.bin': 'x' }],
    ['zip', { 'readme.txt': 'hello' }],
  ])('that is no XLSX file is named: %s', async (found, files) => {
    expect(await failureOf(open(await zip(files)))).toEqual({ code: 'not-a-table', params: { found } });
  });

  it('that is cut off or damaged is refused', async () => {
    const whole = await workbook({ sheets: { Data: header(3) } });
    for (const bytes of [
      whole.subarray(0, -30),
      whole.subarray(0, 40),
      Buffer.concat([whole.subarray(0, 60), whole]),
    ]) {
      expect(await failureOf(open(bytes))).toEqual({ code: 'unreadable-archive', params: {} });
    }
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 31 + '[Content_Types].xml'.length + 40, 400);
    expect(await failureOf(open(damaged))).toEqual({ code: 'unreadable-archive', params: {} });
  });

  it('under a password is refused', async () => {
    const bytes = await workbook({ sheets: { Data: header(1) } });
    const name = bytes.lastIndexOf('xl/workbook.xml');
    bytes[name - 46 + 8]! |= 1; // in the central directory
    expect(await failureOf(open(bytes))).toEqual({ code: 'encrypted-file', params: {} });
  });

  it('passes on what its source throws', async () => {
    const bytes = await workbook({ sheets: { Data: header(1) } });
    const gone = new Error('the database is away');
    let reads = 0;
    const source = {
      size: bytes.length,
      read: (offset: number, length: number) =>
        ++reads > 4 ? Promise.reject(gone) : Promise.resolve(bytes.subarray(offset, offset + length)),
    };
    expect(await failureOf(openTable(source))).toBe(gone);
  });

  const big = function* (text: string, times: number) {
    for (let i = 0; i < times; i++) yield text;
  };

  it('that unpacks to too much is refused before it is', async () => {
    const bomb = await workbook({ sheets: { Data: big('<row></row>'.repeat(1000), 400) } });
    expect(bomb.length).toBeLessThan(60_000);
    expect(await failureOf(open(bomb, { limits: { unpackedBytes: 1e6 } }))).toEqual({
      code: 'archive-too-large',
      params: { what: 'unpacked-bytes', limit: 1e6 },
    });
    expect(await failureOf(open(bomb))).toEqual({
      code: 'archive-too-large',
      params: { what: 'packing-ratio', limit: 300 },
    });
    expect(await failureOf(open(bomb, { limits: { entries: 5 } }))).toEqual({
      code: 'archive-too-large',
      params: { what: 'entries', limit: 5 },
    });
  });

  it('that lies about its sizes is unpacked no further than it said', async () => {
    const bomb = await workbook({ sheets: { Data: big('<row></row>'.repeat(1000), 400) } });
    const name = bomb.lastIndexOf('xl/worksheets/s0.xml');
    bomb.writeUInt32LE(200_000, name - 46 + 24);
    expect(await failureOf(open(bomb))).toEqual({ code: 'unreadable-archive', params: {} });
  });

  it.each([
    [
      'shared texts',
      { texts: '<si><t>0123456789</t></si>'.repeat(200) },
      'archive-too-large',
      { what: 'shared-texts', limit: 2000 },
    ],
    [
      'shared texts of nothing',
      { texts: '<si/>'.repeat(300) },
      'archive-too-large',
      { what: 'shared-texts', limit: 2000 },
    ],
    ['one text', { texts: `<si><t>${'x'.repeat(300_000)}</t></si>` }, 'cell-too-long', { limit: 50_000 }],
    ['one tag', { texts: `<si a="${'x'.repeat(300_000)}"/>` }, 'cell-too-long', { limit: 50_000 }],
    [
      'runs of one text',
      { texts: `<si>${'<r><t>0123456789</t></r>'.repeat(20_000)}</si>` },
      'cell-too-long',
      { limit: 50_000 },
    ],
    ['nested tags', { texts: '<a>'.repeat(1000) }, 'unreadable-archive', {}],
  ])('with too much of %s is refused', async (_, parts, code, params) => {
    const bytes = await workbook({ sheets: { Data: header(1) }, ...parts });
    const limits = { sharedTextBytes: 2000, rowCharacters: 50_000, packingRatio: 10_000 };
    expect(await failureOf(open(bytes, { limits }))).toEqual({ code, params });
  });

  it('whose row repeats a long shared text is refused', async () => {
    const texts = `<si><t>${'x'.repeat(4000)}</t></si>`;
    const table = await sheet(header(1) + row(...Array.from({ length: 10_000 }, () => '<c t="s"><v>0</v></c>')), {
      texts,
    });
    expect(await failureOf(rowsOf(table))).toMatchObject({ code: 'record-too-long', params: { line: 2 } });
  });

  it('with a document type is refused', async () => {
    const files = workbookFiles({ sheets: { Data: header(1) } });
    files['xl/sharedStrings.xml'] = '<!DOCTYPE sst [<!ENTITY a "aaaa">]><sst><si><t>&a;</t></si></sst>';
    expect(await failureOf(open(await zip(files)))).toEqual({ code: 'unreadable-archive', params: {} });
  });
});
