import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { Failure } from '../operations/command.ts';

export interface Csv {
  header: readonly string[];
  rows: readonly ReadonlyMap<string, string>[];
}

/**
 * Reads a CSV file in UTF-8 with a header, separated by whatever its header has most of: comma, semicolon, tab or bar.
 * @throws Failure where there is no such file, a line does not fit, or a header is there twice
 */
export function readCsv(file: string): Csv {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(`${file} cannot be read: ${(error as Error).message}`);
  }
  const line = text.slice(0, /\r?\n|$/.exec(text)!.index);
  const [delimiter] = [',', ';', '\t', '|'].toSorted((a, b) => line.split(b).length - line.split(a).length);
  let records: string[][];
  try {
    records = parse(text, { bom: true, delimiter: delimiter!, trim: true, skip_empty_lines: true });
  } catch (error) {
    throw new Failure(`${file} is no CSV: ${(error as Error).message}`);
  }
  const [header, ...cells] = records;
  if (!header || cells.length === 0) throw new Failure(`${file} has no rows`);
  const twice = header.find((name, i) => header.indexOf(name) !== i);
  if (twice !== undefined) throw new Failure(`${file} has two columns ${twice}`);
  return { header, rows: cells.map((row) => new Map(header.map((name, i) => [name, row[i]!]))) };
}
