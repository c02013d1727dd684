import { withApostrophe } from './formulas.ts';
import { plainDecimal } from './numbers.ts';
import type { WritableCell, WritableRow, WritableRows } from './table-writing.ts';

const PIECE_CHARACTERS = 64 * 1024;
const SPECIAL = /[",;\t\r\n|]|^\s|\s$|^sep=/i;

/**
 * A CSV file as RFC 4180 has it, in UTF-8 with a byte order mark, by which Excel knows it.
 * @param options.neutraliseFormulas an apostrophe before text that a spreadsheet would run (`=`, `+`, `-`, `@`, tab, line
 * end), but not before numbers and E.164 phones; `openTable` takes it away again. On unless false.
 */
export async function* writeCsv(
  header: readonly string[],
  rows: WritableRows,
  { neutraliseFormulas = true }: { neutraliseFormulas?: boolean } = {},
): AsyncGenerator<Uint8Array> {
  const lineOf = (row: WritableRow) => `${row.map((cell) => field(cell, neutraliseFormulas)).join(',')}\r\n`;
  let text = `\ufeff${lineOf(header)}`;
  for await (const row of rows) {
    text += lineOf(row);
    if (text.length < PIECE_CHARACTERS) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

function field(cell: WritableCell, neutralise: boolean): string {
  if (typeof cell !== 'string') return cell === null ? '' : plainField(cell);
  const text = neutralise ? withApostrophe(cell) : cell;
  return SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function plainField(cell: number | boolean | { date: string }): string {
  if (typeof cell === 'number') return plainDecimal(cell);
  if (typeof cell === 'boolean') return cell ? 'TRUE' : 'FALSE';
  return cell.date.replace('T', ' '); // Excel knows no T
}
