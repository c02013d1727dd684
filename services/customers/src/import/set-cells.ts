import { csvCell, isDamaged } from '@throughline/tables';
import type { FileRow } from './import-table.ts';

/** A cell set by hand. `place`: that of its column in the header, from 0. `value`: null takes the file's own again. */
export type SetCell = { line: number; place: number; value: string | null };

/** What was set by hand in a row: place of the column -> text. */
export type SetCells = ReadonlyMap<number, string>;

/** A row as if what was set by hand stood in a CSV file. */
export function withSetCells(row: FileRow, set: SetCells | undefined): FileRow {
  if (!set || set.size === 0) return row;
  const { line, error } = row;
  const cells = row.cells.map((cell, place) => {
    const text = set.get(place);
    return text === undefined ? cell : csvCell(text);
  });
  const isMended = error?.code === 'damaged-text' && !cells.some(({ text }) => isDamaged(text));
  return { line, cells, ...(error && !isMended && { error }) };
}

/** Each cell once, as it was set last. */
export const lastWords = (cells: readonly SetCell[]): SetCell[] => [
  ...new Map(cells.map((cell) => [`${cell.line} ${cell.place}`, cell])).values(),
];
