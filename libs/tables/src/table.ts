import type { ByteSource } from './byte-source.ts';
import { openCsv } from './csv-reader.ts';
import { kindOf } from './file-kind.ts';
import type { Table, TableOptions } from './table-types.ts';
import { openXlsx } from './xlsx-reader.ts';

/**
 * Opens a CSV or XLSX file, told by its bytes. Nothing stays open and nothing is read ahead: `rows` begins anew each time.
 * @throws TableError also from the iteration of `rows`, when the file cannot be read on. What the source throws comes through
 * as it is.
 */
export async function openTable(source: ByteSource, options: TableOptions = {}): Promise<Table> {
  return (await kindOf(source)) === 'zip' ? openXlsx(source, options) : openCsv(source, options);
}
