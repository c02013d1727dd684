import { columnOf, isFilledRow } from './header.ts';
import { TableError } from './table-error.ts';
import { EMPTY, type Cell, type Limits, type TableRow } from './table-types.ts';

/** First row of ranges over several rows -> their first columns, and the last row of each. */
export type MergedCells = ReadonlyMap<number, ReadonlyMap<number, number>>;

const TAG = /<(?:\w+:)?mergeCell\s[^<>]*?ref="([A-Z]+)(\d+):[A-Z]+(\d+)"[^<>]*>/g;
const LONGEST_TAG = 200;

/**
 * Looks for the merged cells of a sheet, which stand behind its rows, without parsing these.
 * @throws TableError `archive-too-large` with more than are held in memory
 */
export async function mergedCells(pieces: AsyncIterable<Buffer>, { mergedCells: limit }: Limits): Promise<MergedCells> {
  const merged = new Map<number, Map<number, number>>();
  let count = 0;
  let rest = '';
  for await (const piece of pieces) {
    const text = rest + piece.toString('latin1');
    for (const [, column = '', top, bottom] of text.matchAll(TAG)) {
      if (top === bottom) continue;
      if (++count > limit) throw new TableError('archive-too-large', { what: 'merged-cells', limit });
      const below = merged.get(Number(top)) ?? new Map<number, number>();
      merged.set(Number(top), below.set(columnOf(column), Number(bottom)));
    }
    rest = text.slice(text.lastIndexOf('>') + 1).slice(-LONGEST_TAG);
  }
  return merged;
}

/**
 * Rows in which something stands, each with the values of cells that are merged over it.
 * @throws TableError `record-too-long` where they make it so
 */
export async function* withMerged(
  rows: AsyncIterable<TableRow>,
  merged: MergedCells,
  { rowCharacters: limit }: Limits,
): AsyncGenerator<TableRow> {
  const open = new Map<number, { cell: Cell; bottom: number }>();
  for await (const row of rows) {
    const { line, cells } = row;
    if (!isFilledRow(row)) continue;
    for (const [column, { cell, bottom }] of open) {
      if (bottom < line) open.delete(column);
      else {
        while (cells.length < column) cells.push(EMPTY);
        cells[column - 1] = cell;
      }
    }
    const characters = open.size === 0 ? 0 : cells.reduce((sum, { text }) => sum + text.length, 0);
    if (characters > limit) throw new TableError('record-too-long', { line, limit });
    for (const [column, bottom] of merged.get(line) ?? []) {
      const cell = cells[column - 1];
      if (cell) open.set(column, { cell, bottom });
    }
    yield row;
  }
}
