import { invalid, type Refusal } from '@throughline/event-sourcing';
import {
  TableError,
  guessDateOrder,
  openTable,
  type ByteSource,
  type Cell,
  type DateOrder,
  type Table,
  type TableErrorCode,
} from '@throughline/tables';
import { mappedFieldOf } from './import-company-fields.ts';
import type { ImportField } from './import-fields.ts';
import type { MappedColumn } from './import-mapping.ts';
import type { FileReading } from './import.ts';

/** What is read of a file differently than it would be found out. */
export type ReadingWishes = {
  encoding?: string;
  delimiter?: string;
  sheet?: string;
  header?: boolean;
  headerRow?: number;
};

const mostColumns = 400;
const longestName = 200;
/** So that a sample of 100 rows stays small: longer cells are whole until they come to so many characters together. */
const sampleRows = 100;
const longestSampled = 200;
const mostLong = 256 * 1024;

/** A row of a table, as far as it is kept. */
export type FileRow = {
  line: number;
  /** `cut`: the cell is longer than what is kept of it. */
  cells: readonly (Cell & { cut?: true })[];
  /** Why it cannot be taken as it is. */
  error?: { code: TableErrorCode; params: Readonly<Record<string, unknown>> };
};

/** @throws Refusal with the code and the place of what is wrong with the file */
export async function openImportTable(source: ByteSource, wishes: ReadingWishes): Promise<Table> {
  try {
    const table = await openTable(source, { ...wishes, limits: { columns: mostColumns } });
    return { ...table, rows: { [Symbol.asyncIterator]: () => refusing(table.rows) } };
  } catch (error) {
    throw refusalOf(error);
  }
}

/** As the file was read when its columns were mapped: nothing is guessed again. */
export const wishesOf = ({ encoding, delimiter, sheet, hasHeader, headerRow }: FileReading): ReadingWishes => ({
  ...(encoding !== undefined && { encoding }),
  ...(delimiter !== undefined && { delimiter }),
  ...(sheet !== undefined && { sheet }),
  ...(headerRow !== undefined && { headerRow }),
  header: hasHeader,
});

/** What was found out of a table, and its first rows; of those, cells are cut that are very long. */
export async function readingOf(
  table: Table,
  { header: hasHeader = true, headerRow }: ReadingWishes,
  fingerprintOf: (header: string) => string,
): Promise<{ reading: FileReading; sample: FileRow[] }> {
  const { header } = table;
  const long = header.findIndex((name) => name.length > longestName);
  if (long >= 0) throw invalid('header-too-long', [], { column: long + 1, limit: longestName });
  const sample: FileRow[] = [];
  const sampled = sampler();
  for await (const { line, cells, error } of table.rows) {
    const { code, params } = error ?? {};
    sample.push({ line, cells: cells.map(sampled), ...(code && params && { error: { code, params } }) });
    if (sample.length === sampleRows) break;
  }
  if (sample.length === 0) throw withoutRows(table);
  const facts = { hasHeader, headerRow, header, fingerprint: fingerprintOf(header.join('\u001f')) };
  const reading: FileReading =
    table.format === 'csv'
      ? { format: 'csv', encoding: table.encoding, delimiter: table.delimiter, ...facts }
      : {
          format: 'xlsx',
          sheet: table.sheet,
          sheets: table.sheets.filter(({ hidden }) => !hidden).map(({ name }) => name),
          ...facts,
        };
  return { reading, sample };
}

/** The line of the row that is likely to name the columns, where what was taken for it is only a title. */
export function headerRowBelow({ hasHeader, header }: FileReading, [first]: readonly FileRow[]): number | undefined {
  const isFilled = (text: string) => text !== '';
  const isTitle = hasHeader && header.filter(isFilled).length === 1;
  return isTitle && first && first.cells.filter(({ text }) => isFilled(text)).length > 1 ? first.line : undefined;
}

function withoutRows(table: Table): Refusal {
  if (table.format === 'csv') return invalid('no-rows');
  const { sheet } = table;
  const others = table.sheets.filter(({ name, hidden }) => !hidden && name !== sheet).map(({ name }) => name);
  return others.length === 0 ? invalid('no-rows') : invalid('sheet-without-rows', [], { sheet, sheets: others });
}

function sampler(): (cell: Cell) => FileRow['cells'][number] {
  let spare = mostLong;
  return (cell) => {
    const { length } = cell.text;
    if (length <= longestSampled) return cell;
    if (length > spare) return { ...cell, text: cell.text.slice(0, longestSampled), cut: true };
    spare -= length;
    return cell;
  };
}

/** The order in which the dates of a sample are written; nothing where they leave it open. */
export function dateOrderOf(
  header: readonly string[],
  sample: readonly { cells: readonly { text: string }[] }[],
  columns: readonly MappedColumn[],
  fields: readonly ImportField[],
): DateOrder | undefined {
  const dates = columns
    .filter(({ field }) => {
      const { kind = '', custom } = mappedFieldOf(fields, field) ?? {};
      return ['date', 'instant'].includes(custom?.type ?? kind);
    })
    .map(({ column }) => header.indexOf(column));
  return guessDateOrder(sample.flatMap(({ cells }) => dates.flatMap((index) => cells[index]?.text || [])));
}

async function* refusing<T>(rows: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* rows;
  } catch (error) {
    throw refusalOf(error);
  }
}

const refusalOf = (error: unknown): unknown =>
  error instanceof TableError ? invalid(error.code, [], error.params) : error;
