import { TableError, bytesOnDisk, openTable } from '@throughline/tables';
import { Failure } from '../operations/command.ts';

export interface Csv {
  header: readonly string[];
  rows: readonly ReadonlyMap<string, string>[];
}

/**
 * Reads a table with a header, as imports do: whatever its encoding and delimiter.
 *
 * @throws Failure where there is no such file, a row does not fit, or a header is there twice
 */
export async function readCsv(file: string): Promise<Csv> {
  try {
    await using source = await bytesOnDisk(file);
    const { header, rows } = await openTable(source);
    const read: ReadonlyMap<string, string>[] = [];
    for await (const { cells, error } of rows) {
      if (error) throw error;
      read.push(new Map(header.map((name, i) => [name, cells[i]?.text.trim() ?? ''])));
    }
    if (read.length === 0) throw new Failure(`${file} has no rows`);
    return { header, rows: read };
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (!(error instanceof TableError)) throw new Failure(`${file} cannot be read: ${(error as Error).message}`);
    const place = error.params['line'] === undefined ? '' : ` in line ${String(error.params['line'])}`;
    throw new Failure(`${file} is no table that can be read: ${error.code}${place}`);
  }
}
