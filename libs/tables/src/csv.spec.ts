import { openTable } from './table.ts';
import { LIMITS } from './table-types.ts';
import { failureOf, open, rowsOf, textsOf } from './tables.fixtures.ts';

describe('a CSV file', () => {
  it.each([
    ['commas', 'a,b\n1;x,2', ','],
    ['semicolons', 'a;b\n1,5;2,5\n', ';'],
    ['tabs', 'a\tb\n1,5\t2;5\n', '\t'],
    ['pipes', 'a|b\n1,5|2,5\n', '|'],
    ['quoted delimiters', '"a,b,c";d\n"1,2,3";2\n', ';'],
    ['a comma in every header and not in the rows', 'Name, first;City\nWei;Paris\nLi;Rome', ';'],
    ['one column', 'note\nhello, world\nyes', ','],
    ['a first line that says it', 'sep=;\na,b;c,d\n1,2;3,4', ';'],
    ['a first line that says something rare', 'sep=!\na!b\n1!2', '!'],
  ])('shows its delimiter: %s', async (_, text, delimiter) => {
    expect(await open(text)).toMatchObject({ format: 'csv', delimiter });
  });

  it('is read with the delimiter that is asked for', async () => {
    const table = await open('a,b!c\n1,2!3\n', { delimiter: '!' });
    expect(table.header).toEqual(['a,b', 'c']);
    expect(await textsOf(table)).toEqual([['1,2', '3']]);
    expect(await failureOf(open('a', { delimiter: '"' }))).toEqual({ code: 'bad-delimiter', params: {} });
    expect(await failureOf(open('a', { delimiter: '::' }))).toEqual({ code: 'bad-delimiter', params: {} });
  });

  it.each(['\n', '\r\n', '\r'])('may end its lines with %j, also within quotes, and counts them', async (end) => {
    const lines = ['sep=,', 'a,b', '', '1,"x', 'y', '', 'z"', '2,', '', '3,c', ''];
    expect(await rowsOf(await open(lines.join(end)))).toMatchObject([
      { line: 4, cells: [{ text: '1' }, { text: ['x', 'y', '', 'z'].join(end) }] },
      { line: 8, cells: [{ text: '2' }, { type: 'empty', text: '' }] },
      { line: 10, cells: [{ text: '3' }, { text: 'c' }] },
    ]);
  });

  it('may mix line ends, and need not end its last line', async () => {
    expect(await textsOf(await open('a,b\r\n1,2\n3,4\r5,6'))).toEqual([
      ['1', '2'],
      ['3', '4'],
      ['5', '6'],
    ]);
  });

  it('doubles quotes, keeps those within a bare cell, and may have blanks behind a closing one', async () => {
    expect(await textsOf(await open('a,b\n"""The Best"" Account",5" screen\n"x" ,Bob "B" Smith\n"",y'))).toEqual([
      ['"The Best" Account', '5" screen'],
      ['x', 'Bob "B" Smith'],
      ['', 'y'],
    ]);
  });

  it('gives the row of a stray quote an error, and the others as they are', async () => {
    const rows = await rowsOf(await open('a,b\n1,2\n"x,1\ny,"z",\n3,4\n'));
    expect(rows.map(({ line, error }) => [line, error?.code, error?.params])).toEqual([
      [2, undefined, undefined],
      [3, 'stray-quote', { line: 3, column: 1 }],
      [5, undefined, undefined],
    ]);
  });

  it('fails at a quote that is never closed, with where it opens', async () => {
    const text = 'a,b\n1,"x\ny"\n2,"secret\n3,4\n';
    const failure = { code: 'unclosed-quote', params: { line: 4, column: 2 } };
    expect(await failureOf(rowsOf(await open(text)))).toEqual(failure);

    const endless = text + '5,6\n'.repeat(LIMITS.rowCharacters / 2);
    let asked = 0;
    const bytes = Buffer.from(endless);
    const source = {
      size: bytes.length,
      read: (offset: number, length: number) => {
        asked = Math.max(asked, offset + length);
        return Promise.resolve(bytes.subarray(offset, offset + length));
      },
    };
    expect(await failureOf(rowsOf(await openTable(source, { encoding: 'utf-8' })))).toEqual(failure);
    expect(asked).toBeLessThan(LIMITS.rowCharacters * 1.2);
    expect(bytes.length).toBeGreaterThan(LIMITS.rowCharacters * 1.9);
  });

  it('fails at a row beyond the limit', async () => {
    const limits = { rowCharacters: 100 };
    const table = await open(`a,b\n1,2\n${'x'.repeat(101)},2\n`, { limits });
    expect(await failureOf(rowsOf(table))).toEqual({ code: 'record-too-long', params: { line: 3, limit: 100 } });
  });

  it('has the same rows wherever its pieces are cut', async () => {
    const record = '"a ""b""\r\nc",张三😀,,"x"\r\n';
    for (const before of [0, 1, 2, 3, 5, 7]) {
      const many = Math.ceil((600 * 1024) / Buffer.byteLength(record));
      const texts = await textsOf(await open(`h${'x'.repeat(before)},i,j,k\r\n${record.repeat(many)}`));
      expect(texts).toHaveLength(many);
      expect(new Set(texts.map((cells) => cells.join('|')))).toEqual(new Set(['a "b"\r\nc|张三😀||x']));
    }
  });

  it('may have empty cells at the start, too few at the end, blank ones beyond, and lines of none', async () => {
    const table = await open('id,name,note,,\n,Wei,,\n7\n,,,,\n8,Li,x,,,\n');
    expect(table.header).toEqual(['id', 'name', 'note']);
    expect(await textsOf(table)).toEqual([
      ['', 'Wei', ''],
      ['7', '', ''],
      ['8', 'Li', 'x'],
    ]);
  });

  it('gives a row with more cells than the header an error, and its cells', async () => {
    const rows = await rowsOf(await open('a,b\n1,2\n1,2,3,4\n5,6\n'));
    expect(rows.map(({ error }) => error?.code)).toEqual([undefined, 'too-many-cells', undefined]);
    expect(rows[1]).toMatchObject({ line: 3, error: { params: { line: 3, column: 3, cells: 4, columns: 2 } } });
    expect(rows[1]!.cells.map(({ text }) => text)).toEqual(['1', '2', '3', '4']);
  });

  it('may begin with data', async () => {
    const table = await open('Wei,1\nWei,2\n', { header: false });
    expect(table.header).toEqual(['A', 'B']);
    expect(await textsOf(table)).toEqual([
      ['Wei', '1'],
      ['Wei', '2'],
    ]);
  });

  it('may have texts as formulas, so that Excel keeps their zeros', async () => {
    const table = await open('="a",b,c,d\n="013800138000","=""0571""","=""a""""b""","\'=""1"""\n="",=1,=A1&"",x\n');
    expect(table.header).toEqual(['a', 'b', 'c', 'd']);
    expect(await textsOf(table)).toEqual([
      ['013800138000', '0571', 'a"b', '="1"'],
      ['', '=1', '=A1&""', 'x'],
    ]);
  });

  it('may have an apostrophe before digits, so that they are no numbers', async () => {
    const table = await open("a,b,c\n'13800138002,'11010519491231002X,'n' Roll\n'00125,''90s,'90s\n");
    expect(await textsOf(table)).toEqual([
      ['13800138002', '11010519491231002X', "'n' Roll"],
      ['00125', "''90s", "'90s"],
    ]);
  });

  it('may begin below a title', async () => {
    const list = '客户名单,,\n2026,,\na,b,c\n1,2,3\n';
    const table = await open(list, { headerRow: 3 });
    expect(table.header).toEqual(['a', 'b', 'c']);
    expect(await textsOf(table)).toEqual([['1', '2', '3']]);
    expect(await textsOf(await open(list, { headerRow: 4, header: false }))).toEqual([['1', '2', '3']]);
    expect(await failureOf(open(list, { headerRow: 5 }))).toEqual({ code: 'empty-file', params: {} });
  });

  it('is read anew by each iteration', async () => {
    const table = await open('a\n1\n2\n');
    for await (const row of table.rows) {
      expect(row.cells).toEqual([{ type: 'text', text: '1' }]);
      break;
    }
    expect(await textsOf(table)).toEqual([['1'], ['2']]);
    expect(await textsOf(table)).toEqual([['1'], ['2']]);
  });

  it('may be nothing but a header', async () => {
    const table = await open('\n name ,,phone\n');
    expect(table.header).toEqual(['name', '', 'phone']);
    expect(await rowsOf(table)).toEqual([]);
  });

  it.each([
    ['no bytes', '', { code: 'empty-file', params: {} }],
    ['nothing but a mark', '\ufeff', { code: 'empty-file', params: {} }],
    ['nothing but line ends', '\r\n\r\n,,\n', { code: 'empty-file', params: {} }],
    ['a name twice', 'a,,b,, a ', { code: 'duplicate-header', params: { line: 1, column: 5, first: 1 } }],
    [
      'too many columns',
      'a'
        .repeat(1001)
        .split('')
        .map((a, i) => a + i)
        .join(','),
      { code: 'too-many-columns', params: { columns: 1001, limit: 1000 } },
    ],
    ['a stray quote in the header', '"a"b,c\n1,2', { code: 'stray-quote', params: { line: 1, column: 1 } }],
  ])('is refused: %s', async (_, text, failure) => {
    expect(await failureOf(open(text))).toEqual(failure);
  });

  it('may have 1,000 columns', async () => {
    const header = Array.from({ length: 1000 }, (_, i) => `c${i}`);
    const table = await open(`${header.join()}\n${header.join()}\n`);
    expect(table.header).toEqual(header);
    expect(await textsOf(table)).toEqual([header]);
  });

  it('passes on what its source throws', async () => {
    const gone = new Error('the database is away');
    const source = { size: 10, read: () => Promise.reject(gone) };
    expect(await failureOf(openTable(source))).toBe(gone);
  });
});
