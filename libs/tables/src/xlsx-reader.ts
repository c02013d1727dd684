import { openArchive, type Archive } from './archive.ts';
import type { ByteSource } from './byte-source.ts';
import { underHeader } from './header.ts';
import { mergedCells, withMerged } from './merged-cells.ts';
import { sheetRows } from './sheet-rows.ts';
import { TableError } from './table-error.ts';
import { LIMITS, type Table, type TableOptions } from './table-types.ts';
import { readWorkbook } from './workbook.ts';

/** Opens an XLSX file: its shared parts are read, the sheet is streamed. */
export async function openXlsx(source: ByteSource, options: TableOptions): Promise<Table> {
  const limits = { ...LIMITS, ...options.limits };
  const archive = await openArchive(source, limits);
  await forbidOtherKinds(archive);
  const workbook = await readWorkbook(archive, limits);
  const sheet = workbook.sheets.find(({ name, hidden }) =>
    options.sheet === undefined ? !hidden : name === options.sheet,
  );
  const shown = workbook.sheets.filter(({ hidden }) => !hidden).map(({ name }) => name);
  if (!sheet) {
    throw options.sheet === undefined
      ? new TableError('no-sheet')
      : new TableError('sheet-not-found', { sheets: shown });
  }

  const merged = await mergedCells(archive.read(sheet.part), limits);
  const read = () => withMerged(sheetRows(archive.read(sheet.part), workbook, limits), merged, limits);
  const { header, rows } = await underHeader(read, {
    ...options,
    maxColumns: limits.columns,
  }).catch((error: unknown) => {
    const others = shown.filter((name) => name !== sheet.name);
    const isEmpty = error instanceof TableError && error.code === 'empty-file';
    throw isEmpty && others.length > 0
      ? new TableError('sheet-without-rows', { sheet: sheet.name, sheets: others })
      : error;
  });
  const sheets = workbook.sheets.map(({ name, hidden }) => ({ name, hidden }));
  return { format: 'xlsx', sheets, sheet: sheet.name, header, rows };
}

const OTHER_KINDS: [part: string, found: string][] = [
  ['xl/workbook.bin', 'xlsb'],
  ['word/document.xml', 'docx'],
  ['ppt/presentation.xml', 'pptx'],
  ['Index/Document.iwa', 'numbers'],
];

async function forbidOtherKinds(archive: Archive): Promise<void> {
  const found = OTHER_KINDS.find(([part]) => archive.has(part))?.[1] ?? (await openDocument(archive));
  if (found) throw new TableError('not-a-table', { found });
  const isPackage = archive.has('[Content_Types].xml') || archive.has('xl/workbook.xml');
  if (!isPackage) throw new TableError('not-a-table', { found: 'zip' });
}

async function openDocument(archive: Archive): Promise<string | undefined> {
  for await (const piece of archive.read('mimetype')) {
    const type = piece.toString('latin1', 0, 100);
    if (type.includes('opendocument')) return type.includes('spreadsheet') ? 'ods' : 'odf';
  }
  return undefined;
}
