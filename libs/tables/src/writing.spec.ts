import fc from 'fast-check';
import { writeCsv } from './csv-writer.ts';
import { collect, failureOf, open, rowsOf, textsOf } from './tables.fixtures.ts';
import type { WritableCell } from './table-writing.ts';
import { writeXlsx } from './xlsx-writer.ts';

const csv = async (...rows: WritableCell[][]) => (await collect(writeCsv(['a', 'b'], rows))).toString();
const xlsx = async (...rows: WritableCell[][]) => open(await collect(writeXlsx(['a', 'b'], rows)));

/** Han, emoji, quotes, line ends, formulas, what XML cannot hold and what it is escaped with. */
const unit = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 3 }),
  fc.constantFrom(...'"\',;\t|\r\n=+-@_x张三😀<>&\0\ufffd\ufeff \u0001', '\r\n', '_x0041_', '_x005F_', ']]>', "'="),
);
const text = fc.array(unit, { maxLength: 8 }).map((units) => units.join('').toWellFormed());
const rows = fc.array(fc.tuple(text, text, text), { maxLength: 12 });
const filled = (table: string[][]) => table.filter((cells) => cells.some((cell) => cell !== ''));

describe('a written CSV file', () => {
  it('is UTF-8 with a mark, with CR LF, quoted where it must be', async () => {
    expect(await csv(['x', 'a "b"'], ['1,2', 'l\nm'], [null, ''], ['张三', '00123'])).toBe(
      '\ufeffa,b\r\nx,"a ""b"""\r\n"1,2","l\nm"\r\n,\r\n张三,00123\r\n',
    );
  });

  it('has numbers without exponents, dates as Excel reads them, and booleans', async () => {
    expect(await csv([1e21, 1e-7], [-0.5, true], [{ date: '2024-01-05' }, { date: '2024-01-05T13:30:00' }])).toBe(
      '\ufeffa,b\r\n1000000000000000000000,0.0000001\r\n-0.5,TRUE\r\n2024-01-05,2024-01-05 13:30:00\r\n',
    );
  });

  it('runs no formula, and leaves numbers and phones alone', async () => {
    const cells = [
      '=1+1',
      '@SUM(A1)',
      '-2+3',
      '+cmd',
      '\t=1',
      '＝1',
      "'=1",
      '+8613800138000',
      '-12.50',
      '-',
      "it's",
      "'00125",
    ];
    const written = await collect(
      writeCsv(
        ['a'],
        cells.map((cell) => [cell]),
      ),
    );
    expect(written.toString().split('\r\n').slice(1, -1)).toEqual([
      "'=1+1",
      "'@SUM(A1)",
      "'-2+3",
      "'+cmd",
      '"\'\t=1"',
      "'＝1",
      "''=1",
      '+8613800138000',
      '-12.50',
      "'-",
      "it's",
      "''00125",
    ]);
    expect((await textsOf(await open(written))).flat()).toEqual(cells);
    const raw = await collect(writeCsv(['a'], [['=1+1']], { neutraliseFormulas: false }));
    expect(raw.toString()).toBe('\ufeffa\r\n=1+1\r\n');
  });

  it('is read as what was written', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (table) => {
        // NUL is refused in text files.
        const written = table.map((cells) => cells.map((cell) => cell.replaceAll('\0', '')));
        expect(await textsOf(await open(await collect(writeCsv(['x', 'y', 'z'], written))))).toEqual(filled(written));
      }),
      { numRuns: 300 },
    );
  });
});

it.each([NaN, Infinity])('%d is not written', async (number) => {
  await expect(collect(writeCsv(['a'], [[number]]))).rejects.toThrow(RangeError);
  await expect(collect(writeXlsx(['a'], [[number]]))).rejects.toThrow(RangeError);
});

describe('a written XLSX file', () => {
  it('keeps texts as texts, numbers as numbers, dates as dates', async () => {
    const table = await xlsx(
      ['00123', '+8613800138000'],
      [0.1, 123456789012345],
      [{ date: '2024-01-05' }, { date: '2024-01-05T13:30:00' }],
      [{ date: '1899-05-06' }, { date: '2024-01-05 00:00:01' }],
      [true, null],
      ['=1+1', ' x '],
    );
    expect((await rowsOf(table)).map(({ cells }) => cells.map(({ type, text: shown }) => `${type} ${shown}`))).toEqual([
      ['text 00123', 'text +8613800138000'],
      ['number 0.1', 'number 123456789012345'],
      ['date 2024-01-05', 'date 2024-01-05T13:30:00'],
      ['text 1899-05-06', 'date 2024-01-05T00:00:01'],
      ['boolean TRUE', 'empty '],
      ['text =1+1', 'text  x '],
    ]);
  });

  it('is read as what was written', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (table) => {
        expect(await textsOf(await open(await collect(writeXlsx(['x', 'y', 'z'], table))))).toEqual(filled(table));
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['Kunden: [neu]/alt?', 'Kunden   neu  alt'],
    ["'客户 & Co <1>'", '客户 & Co <1>'],
    ['', 'Sheet1'],
    ['x'.repeat(40), 'x'.repeat(31)],
  ])('may name its sheet: %j becomes %j', async (wanted, sheet) => {
    expect(await open(await collect(writeXlsx(['a'], [], { sheet: wanted })))).toMatchObject({ sheet, header: ['a'] });
  });

  it('is not written where Excel would not open it', async () => {
    const endless = function* () {
      for (;;) yield ['x'];
    };
    const failing = (header: string[], given: Iterable<WritableCell[]>) => failureOf(collect(writeXlsx(header, given)));
    expect(await failing(['a'], [['x'], ['x'.repeat(32_768)]])).toEqual({
      code: 'cell-too-long',
      params: { line: 3, column: 1, limit: 32_767 },
    });
    expect(await failing(Array.from({ length: 16_385 }, String), [])).toMatchObject({ code: 'too-many-columns' });
    expect(await failing(['a'], endless())).toEqual({ code: 'too-many-rows', params: { limit: 1_048_576 } });
  });

  it('fails with what its rows fail with, and lets go of them when nobody reads on', async () => {
    const gone = new Error('the database is away');
    let released = 0;
    const failing = async function* (error?: Error) {
      try {
        for (let i = 0; i < 20_000; i++) yield [`row ${i * Math.PI}`];
        if (error) throw error;
      } finally {
        released++;
      }
    };
    expect(await failureOf(collect(writeXlsx(['a'], failing(gone))))).toBe(gone);
    let pieces = 0;
    for await (const _ of writeXlsx(['a'], failing())) if (++pieces === 18) break;
    await new Promise(setImmediate);
    expect(released).toBe(2);
  });
});
