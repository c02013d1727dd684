import iconv from 'iconv-lite';
import { bytesInMemory } from './byte-source.ts';
import { openTable } from './table.ts';
import type { Table, TableOptions, TableRow } from './table-types.ts';
import { writeZip } from './zip-writer.ts';

/** Opens text in an encoding, or bytes. */
export const open = (content: string | Uint8Array, options?: TableOptions, encoding = 'utf-8'): Promise<Table> =>
  openTable(bytesInMemory(typeof content === 'string' ? iconv.encode(content, encoding) : content), options);

export async function rowsOf({ rows }: Pick<Table, 'rows'>): Promise<TableRow[]> {
  const all: TableRow[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

export const textsOf = async (table: Pick<Table, 'rows'>): Promise<string[][]> =>
  (await rowsOf(table)).map(({ cells }) => cells.map(({ text }) => text));

/** The code and the parameters of what a promise fails with, or what it does not fail with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    const { message, code, params } = error as Error & { code: unknown; params: unknown };
    return message === code ? { code, params } : error;
  }
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

export const zip = (files: Record<string, string | Iterable<string>>): Promise<Buffer> =>
  collect(
    writeZip(
      Object.entries(files).map(([name, content]) => ({
        name,
        content: typeof content === 'string' ? [content] : content,
      })),
    ),
  );

export interface WorkbookParts {
  /** What stands in `sheetData`, by the name of the sheet. */
  sheets: Record<string, string | Iterable<string>>;
  hidden?: string[];
  /** Items of `sst`. */
  texts?: string;
  numFmts?: string;
  /** Number formats of the styles 0, 1, 2, … */
  formats?: number[];
  date1904?: boolean;
  /** Ranges of the first sheet, like `A2:A3`. */
  merged?: string[];
}

const TYPE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

/** The files of a workbook, as Excel writes them. */
export function workbookFiles({ sheets, hidden = [], texts, numFmts = '', formats = [0], ...parts }: WorkbookParts) {
  const { date1904, merged = [] } = parts;
  const names = Object.keys(sheets);
  const relation = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="${TYPE}/${type}" Target="${target}"/>`;
  const files: Record<string, string | Iterable<string>> = {
    '[Content_Types].xml': '<Types/>',
    '_rels/.rels': `<Relationships>${relation('rId1', 'officeDocument', 'xl/workbook.xml')}</Relationships>`,
    'xl/workbook.xml': `<workbook xmlns:r="${TYPE}"><workbookPr date1904="${date1904 ? 1 : 0}"/><sheets>${names
      .map((name, i) => `<sheet name="${name}" r:id="s${i}"${hidden.includes(name) ? ' state="hidden"' : ''}/>`)
      .join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': `<Relationships>${names
      .map((_, i) => relation(`s${i}`, 'worksheet', i === 0 ? `/xl/worksheets/s${i}.xml` : `worksheets/s${i}.xml`))
      .join(
        '',
      )}${relation('st', 'styles', 'styles.xml')}${relation('t', 'sharedStrings', 'sharedStrings.xml')}</Relationships>`,
    'xl/styles.xml': `<styleSheet><numFmts>${numFmts}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>${formats
      .map((id) => `<xf numFmtId="${id}"/>`)
      .join('')}</cellXfs></styleSheet>`,
  };
  if (texts !== undefined) files['xl/sharedStrings.xml'] = `<sst>${texts}</sst>`;
  names.forEach((name, i) => {
    const content = sheets[name]!;
    files[`xl/worksheets/s${i}.xml`] = (function* () {
      yield '<worksheet><sheetData>';
      yield* typeof content === 'string' ? [content] : content;
      const cells = i === 0 ? merged.map((ref) => `<mergeCell ref="${ref}"/>`) : [];
      yield `</sheetData><mergeCells>${cells.join('')}</mergeCells></worksheet>`;
    })();
  });
  return files;
}

export const workbook = (parts: WorkbookParts): Promise<Buffer> => zip(workbookFiles(parts));
