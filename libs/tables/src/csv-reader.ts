import { type ByteSource } from './byte-source.ts';
import { guessDelimiter, sepLine } from './csv-delimiter.ts';
import { csvSplitter, type CsvRecord } from './csv-records.ts';
import { encodingOf, type Encoding } from './encodings.ts';
import { asText } from './formulas.ts';
import { isFilledRow, underHeader } from './header.ts';
import { TableError } from './table-error.ts';
import { EMPTY, LIMITS, type Cell, type Table, type TableOptions, type TableRow } from './table-types.ts';
import { textPieces } from './text-pieces.ts';

/** Opens a CSV file. */
export async function openCsv(source: ByteSource, options: TableOptions): Promise<Table> {
  if (options.delimiter !== undefined && !/^[^\r\n"]$/.test(options.delimiter)) throw new TableError('bad-delimiter');
  const limits = { ...LIMITS, ...options.limits };
  const encoding = await encodingOf(source, options.encoding);
  const sample = await sampleOf(source, encoding);
  const sep = sepLine(sample.text);
  const text = sample.text.slice(sep?.length ?? 0);
  const delimiter = options.delimiter ?? sep?.delimiter ?? guessDelimiter(text, sample.isWhole);

  const read = () => csvRows(source, encoding, { delimiter, limit: limits.rowCharacters, skip: sep?.length ?? 0 });
  const { header, rows } = await underHeader(read, {
    ...options,
    maxColumns: limits.columns,
  });
  return { format: 'csv', encoding: encoding.name, hasBom: encoding.bomBytes > 0, delimiter, header, rows };
}

async function sampleOf(source: ByteSource, encoding: Encoding): Promise<{ text: string; isWhole: boolean }> {
  let text = '';
  let pieces = 0;
  for await (const piece of textPieces(source, encoding)) {
    if (++pieces > 2) return { text, isWhole: false };
    text += piece.text;
  }
  return { text, isWhole: true };
}

async function* csvRows(
  source: ByteSource,
  encoding: Encoding,
  { delimiter, limit, skip }: { delimiter: string; limit: number; skip: number },
): AsyncGenerator<TableRow> {
  const splitter = csvSplitter(delimiter, limit, skip > 0 ? 2 : 1);
  let damaged = false;
  let toSkip = skip;
  const rowsOf = function* (records: Iterable<CsvRecord>) {
    for (const record of records) {
      const row = rowOf(record, damaged ? encoding.name : undefined);
      if (isFilledRow(row)) yield row;
    }
  };
  for await (const piece of textPieces(source, encoding)) {
    damaged = piece.damaged;
    yield* rowsOf(splitter.write(piece.text.slice(toSkip)));
    toSkip = Math.max(0, toSkip - piece.text.length);
  }
  yield* rowsOf(splitter.end());
}

function rowOf({ line, cells, strayQuote }: CsvRecord, damaged?: string): TableRow {
  const row: TableRow = { line, cells: cells.map(csvCell) };
  if (strayQuote !== undefined) row.error = new TableError('stray-quote', { line, column: strayQuote });
  if (damaged === undefined || row.error) return row;
  const column = cells.findIndex(isDamaged) + 1;
  if (column > 0) row.error = new TableError('damaged-text', { line, column, encoding: damaged });
  return row;
}

/** Something in it did not fit the encoding of its file. */
export const isDamaged = (text: string): boolean => /[\0\ufffd]/.test(text) || !text.isWellFormed();

/** What a text is as a cell of a CSV file. */
export function csvCell(raw: string): Cell {
  const text = asText(raw);
  return text === '' ? EMPTY : { type: 'text', text };
}
