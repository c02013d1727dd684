import { columnName } from './header.ts';
import { plainDecimal } from './numbers.ts';
import { serialOf } from './serial-dates.ts';
import { TableError } from './table-error.ts';
import type { WritableCell, WritableRows } from './table-writing.ts';
import { writeZip } from './zip-writer.ts';

// What Excel opens.
const MAX_ROWS = 1_048_576;
const MAX_COLUMNS = 16_384;
const MAX_CHARACTERS = 32_767;

const PIECE_CHARACTERS = 64 * 1024;
const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const RELATIONS = 'http://schemas.openxmlformats.org/package/2006/relationships';
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const TYPES = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

const CONTENT_TYPES = `${XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${TYPES}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="${TYPES}.styles+xml"/></Types>`;
const PACKAGE_RELATIONS = `${XML}<Relationships xmlns="${RELATIONS}"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`;
const WORKBOOK_RELATIONS = `${XML}<Relationships xmlns="${RELATIONS}"><Relationship Id="rId1" Type="${OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${OFFICE}/styles" Target="styles.xml"/></Relationships>`;

// Places in cellXfs below.
const STYLE = { general: 0, header: 1, text: 2, date: 3, time: 4, longInteger: 5 };
const STYLES = `${XML}<styleSheet xmlns="${MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="6">${[
  [0, 0],
  [49, 1],
  [49, 0],
  [164, 0],
  [165, 0],
  [1, 0],
]
  .map(
    ([format, font]) =>
      `<xf numFmtId="${format}" fontId="${font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>`,
  )
  .join('')}</cellXfs></styleSheet>`;

/**
 * An XLSX file of one sheet: its header bold and frozen, text as text (leading zeros, phones and ids survive), dates before
 * March 1900 too, other dates as dates, numbers as numbers. Memory does not grow with the rows.
 * @param options.sheet its name; what Excel does not allow in one becomes a blank
 * @throws TableError `too-many-rows`, `too-many-columns`, `cell-too-long`: what Excel would not open
 */
export function writeXlsx(
  header: readonly string[],
  rows: WritableRows,
  { sheet = 'Sheet1' }: { sheet?: string } = {},
): AsyncGenerator<Uint8Array> {
  const name = escape(sheetName(sheet));
  const workbook = `${XML}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="${name}" sheetId="1" r:id="rId1"/></sheets></workbook>`;
  return writeZip([
    { name: '[Content_Types].xml', content: [CONTENT_TYPES] },
    { name: '_rels/.rels', content: [PACKAGE_RELATIONS] },
    { name: 'xl/workbook.xml', content: [workbook] },
    { name: 'xl/_rels/workbook.xml.rels', content: [WORKBOOK_RELATIONS] },
    { name: 'xl/styles.xml', content: [STYLES] },
    { name: 'xl/worksheets/sheet1.xml', content: sheetXml(header, rows) },
  ]);
}

async function* sheetXml(header: readonly string[], rows: WritableRows): AsyncGenerator<string> {
  const width = Math.max(1, header.length);
  let line = 1;
  let xml =
    `${XML}<worksheet xmlns="${MAIN}"><sheetViews><sheetView tabSelected="1" workbookViewId="0">` +
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>' +
    `<cols><col min="1" max="${width}" width="20" customWidth="1"/></cols><sheetData>` +
    rowXml(header, line, STYLE.header);
  for await (const row of rows) {
    if (++line > MAX_ROWS) throw new TableError('too-many-rows', { limit: MAX_ROWS });
    xml += rowXml(row, line, STYLE.text);
    if (xml.length < PIECE_CHARACTERS) continue;
    yield xml;
    xml = '';
  }
  yield `${xml}</sheetData></worksheet>`;
}

function rowXml(row: readonly WritableCell[], line: number, textStyle: number): string {
  if (row.length > MAX_COLUMNS)
    throw new TableError('too-many-columns', { line, columns: row.length, limit: MAX_COLUMNS });
  const cells = row.map((cell, i) => (cell === null || cell === '' ? '' : cellXml(cell, i + 1, line, textStyle)));
  return `<row r="${line}">${cells.join('')}</row>`;
}

function cellXml(cell: Exclude<WritableCell, null>, column: number, line: number, textStyle: number): string {
  const at = `r="${columnName(column)}${line}"`;
  if (typeof cell === 'number') {
    const style = Number.isInteger(cell) && Math.abs(cell) >= 1e11 ? STYLE.longInteger : STYLE.general;
    return `<c ${at} s="${style}"><v>${plainDecimal(cell)}</v></c>`;
  }
  if (typeof cell === 'boolean') return `<c ${at} t="b"><v>${cell ? 1 : 0}</v></c>`;
  const serial = typeof cell === 'string' ? undefined : serialOf(cell.date);
  if (serial !== undefined) {
    return `<c ${at} s="${Number.isInteger(serial) ? STYLE.date : STYLE.time}"><v>${serial}</v></c>`;
  }
  const text = typeof cell === 'string' ? cell : cell.date;
  if (text.length > MAX_CHARACTERS) throw new TableError('cell-too-long', { line, column, limit: MAX_CHARACTERS });
  return `<c ${at} s="${textStyle}" t="inlineStr"><is><t xml:space="preserve">${escape(text)}</t></is></c>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
// Lone surrogates match only with the flag `u`.
const NOT_IN_XML = /(?![\t\n])\p{Cc}|[\ud800-\udfff\ufffe\uffff]|_(?=x[0-9a-f]{4}_)/giu;

/** What XML cannot hold, and what would be read as such, as `_x0001_`. */
function escape(text: string): string {
  return text
    .replace(NOT_IN_XML, (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
    .replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

/** At most 31 characters, without `[]:*?/\` and apostrophes at its ends. */
function sheetName(wanted: string): string {
  const allowed = wanted
    .toWellFormed()
    .replace(/[[\]:*?/\\\p{Cc}]/gu, ' ')
    .slice(0, 31)
    .toWellFormed()
    .replace(/^'+|'+$/g, '')
    .trim();
  return allowed === '' ? 'Sheet1' : allowed;
}
