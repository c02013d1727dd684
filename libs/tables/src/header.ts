import { TableError } from './table-error.ts';
import { EMPTY, type Cell, type TableOptions, type TableRow } from './table-types.ts';

const isFilled = ({ type, formula }: Cell) => type !== 'empty' || formula === true;

/** Something stands in the row. */
export const isFilledRow = ({ cells, error }: { cells: readonly Cell[]; error?: unknown }): boolean =>
  error !== undefined || cells.some(isFilled);

/**
 * Takes the first row for the header, and holds the others against it.
 * @param readAll begins anew each time
 * @throws TableError `empty-file`, `duplicate-header`, `too-many-columns`, or what is wrong with the first row
 */
export async function underHeader(
  readAll: () => AsyncIterable<TableRow>,
  {
    header: hasHeader = true,
    headerRow,
    maxColumns,
  }: Pick<TableOptions, 'header' | 'headerRow'> & { maxColumns: number },
): Promise<{ header: string[]; rows: AsyncIterable<TableRow> }> {
  const read = headerRow === undefined ? readAll : () => since(readAll(), headerRow);
  const first = await firstOf(read());
  if (!first) throw new TableError('empty-file');
  if (first.error) throw first.error;
  const width = widthOf(first.cells);
  if (width > maxColumns) throw new TableError('too-many-columns', { columns: width, limit: maxColumns });

  const names = first.cells.slice(0, width).map(({ text }) => text.trim());
  if (hasHeader) forbidDuplicates(names, first.line);
  return {
    header: hasHeader ? names : names.map((_, i) => columnName(i + 1)),
    rows: {
      async *[Symbol.asyncIterator]() {
        let skip = hasHeader;
        for await (const row of read()) {
          if (!skip) yield fitted(row, width);
          skip = false;
        }
      },
    },
  };
}

async function* since(rows: AsyncIterable<TableRow>, first: number): AsyncGenerator<TableRow> {
  for await (const row of rows) if (row.line >= first) yield row;
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

/** Cells up to the last one that is filled. */
const widthOf = (cells: Cell[]) => cells.findLastIndex(isFilled) + 1;

function forbidDuplicates(names: string[], line: number): void {
  const seen = new Map<string, number>();
  names.forEach((name, i) => {
    const first = seen.get(name);
    if (first !== undefined) throw new TableError('duplicate-header', { line, column: i + 1, first });
    if (name !== '') seen.set(name, i + 1);
  });
}

/** Missing cells at the end are empty; filled ones beyond the header would lose their meaning. */
function fitted(row: TableRow, columns: number): TableRow {
  const { line, cells, error } = row;
  if (cells.length === columns) return row;
  const width = widthOf(cells);
  if (width > columns) {
    const tooMany = new TableError('too-many-cells', { line, column: columns + 1, cells: width, columns });
    return { line, cells: cells.slice(0, width), error: error ?? tooMany };
  }
  const missing = Array.from({ length: Math.max(0, columns - cells.length) }, () => EMPTY);
  return { ...row, cells: [...cells.slice(0, columns), ...missing] };
}

/** The name of a column, from 1, in a spreadsheet: A, Z, AA. */
export function columnName(column: number): string {
  let name = '';
  for (let rest = column; rest > 0; rest = Math.floor((rest - 1) / 26)) {
    name = String.fromCharCode(65 + ((rest - 1) % 26)) + name;
  }
  return name;
}

/** The column, from 1, of a reference like `AB12`. */
export function columnOf(reference: string): number {
  let column = 0;
  for (let i = 0; i < reference.length; i++) {
    const code = reference.charCodeAt(i) & ~0x20;
    if (code < 65 || code > 90) break;
    column = column * 26 + code - 64;
  }
  return column;
}
