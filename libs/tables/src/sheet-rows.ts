import { columnOf } from './header.ts';
import { cellNumber } from './numbers.ts';
import { serialText, zeroFilled } from './serial-dates.ts';
import { TableError } from './table-error.ts';
import { EMPTY, type Cell, type Limits, type TableRow } from './table-types.ts';
import type { Workbook } from './workbook.ts';
import { parseXml, type Attributes, type XmlHandlers } from './xml.ts';

const MAX_COLUMNS = 16_384;

/**
 * The rows of a sheet as they stand in its file, empty ones too. Of merged cells only the first one has their value.
 * @throws TableError `unreadable-archive`, `cell-too-long`, `record-too-long`
 */
export async function* sheetRows(
  pieces: AsyncIterable<Uint8Array>,
  workbook: Workbook,
  { rowCharacters }: Limits,
): AsyncGenerator<TableRow> {
  let rows: TableRow[] = [];
  let ended = false;
  const handlers = rowsInto((row) => rows.push(row), workbook, rowCharacters);
  const close = (name: string) => {
    handlers.close(name);
    if (name === 'sheetData') ended = true;
  };
  for await (const _ of parseXml(pieces, { ...handlers, close }, rowCharacters)) {
    yield* rows;
    rows = [];
    if (ended) return;
  }
}

function rowsInto(take: (row: TableRow) => void, workbook: Workbook, limit: number): Required<XmlHandlers> {
  let row: TableRow = { line: 0, cells: [] };
  let column = 0;
  let characters = 0;
  let attributes: Attributes = {};
  let value = '';
  let formula = false;
  let taking = false;
  let phonetic = false;

  return {
    open(name, given) {
      if (name === 'row') {
        row = { line: Number(given['r'] ?? row.line + 1), cells: [] };
        column = characters = 0;
      } else if (name === 'c') {
        attributes = given;
        column = given['r'] === undefined ? column + 1 : columnOf(given['r']);
        if (!(column >= 1 && column <= MAX_COLUMNS)) throw new TableError('unreadable-archive');
        value = '';
        formula = false;
      } else if (name === 'f') {
        formula = true;
      } else if (name === 'rPh') {
        phonetic = true;
      } else if (name === 'v' || name === 't') {
        taking = !phonetic;
      }
    },
    text(text) {
      if (taking) value += text;
      if (value.length > limit) throw new TableError('cell-too-long', { line: row.line, column, limit });
    },
    close(name) {
      if (name === 'v' || name === 't') taking = false;
      if (name === 'rPh') phonetic = false;
      if (name === 'row') take(row);
      if (name !== 'c') return;
      const cell = cellOf(value, attributes, workbook);
      characters += cell.text.length;
      if (characters > limit) throw new TableError('record-too-long', { line: row.line, limit });
      while (row.cells.length < column - 1) row.cells.push(EMPTY);
      row.cells[column - 1] = formula ? { ...cell, formula } : cell;
    },
  };
}

function cellOf(value: string, { t: type = 'n', s: style = '0' }: Attributes, workbook: Workbook): Cell {
  switch (type) {
    case 's':
      return value === '' ? EMPTY : text(sharedText(value, workbook));
    case 'inlineStr':
    case 'str':
      return text(value);
    case 'b':
      return value === '' ? EMPTY : { type: 'boolean', text: value.trim() === '1' ? 'TRUE' : 'FALSE' };
    case 'e':
      return { type: 'error', text: value };
    case 'd':
      return { type: 'date', text: value };
    default:
      return value === '' ? EMPTY : number(value, Number(style), workbook);
  }
}

function sharedText(index: string, { texts }: Workbook): string {
  const found = texts.at(Number(index));
  if (found === undefined) throw new TableError('unreadable-archive');
  return found;
}

// What XML cannot hold is written `_x0001_` (ECMA-376 part 1, 22.9.2.19).
const ESCAPED = /_x([0-9a-f]{4})_/gi;

function text(stored: string): Cell {
  if (stored === '') return EMPTY;
  const unescaped = stored.includes('_x')
    ? stored.replace(ESCAPED, (_, code: string) => String.fromCharCode(parseInt(code, 16)))
    : stored;
  return { type: 'text', text: unescaped };
}

function number(stored: string, style: number, { kindOfStyle, date1904 }: Workbook): Cell {
  const kind = kindOfStyle[style] ?? 'number';
  const time = serialText(Number(stored), kind, date1904);
  if (time !== undefined) return { type: time.includes('-') ? 'date' : 'time', text: time };
  const decimal = cellNumber(stored);
  if (decimal === undefined) throw new TableError('unreadable-archive');
  const filled = zeroFilled(decimal, kind);
  return filled === undefined ? { type: 'number', text: decimal } : { type: 'text', text: filled };
}
