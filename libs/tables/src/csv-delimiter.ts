import { csvSplitter, type CsvRecord } from './csv-records.ts';
import { TableError } from './table-error.ts';

// Where two fit equally well: a comma stands in texts the most often.
const CANDIDATES = ['\t', ';', '|', ','];
const SAMPLE_RECORDS = 200;

/** What Excel writes and reads on a first line of its own. */
const SEP_LINE = /^sep=([^\r\n"])(?:\r\n|\r|\n|$)/i;

/** A first line `sep=;`: the delimiter, and the characters that the line takes. */
export function sepLine(text: string): { delimiter: string; length: number } | undefined {
  const [whole, delimiter] = SEP_LINE.exec(text) ?? [];
  return whole === undefined || delimiter === undefined ? undefined : { delimiter, length: whole.length };
}

/** The delimiter that cuts the most records into as many cells as the header has; a comma when none cuts the header. */
export function guessDelimiter(sample: string, isWhole: boolean): string {
  const rated = CANDIDATES.map((delimiter) => ({ delimiter, ...rate(sample, isWhole, delimiter) }))
    .filter(({ width }) => width > 1)
    .toSorted((a, b) => b.consistent - a.consistent || b.width - a.width);
  return rated[0]?.delimiter ?? ',';
}

function rate(sample: string, isWhole: boolean, delimiter: string): { width: number; consistent: number } {
  const records = recordsOf(sample, isWhole, delimiter);
  const width = records[0]?.cells.length ?? 0;
  const consistent = records.filter(({ cells, strayQuote }) => cells.length === width && strayQuote === undefined);
  return { width, consistent: consistent.length / records.length };
}

function recordsOf(sample: string, isWhole: boolean, delimiter: string): CsvRecord[] {
  const splitter = csvSplitter(delimiter, Infinity);
  const records: CsvRecord[] = [];
  const take = (more: Iterable<CsvRecord>) => {
    for (const record of more) if (records.push(record) === SAMPLE_RECORDS) return;
  };
  take(splitter.write(sample));
  if (!isWhole || records.length === SAMPLE_RECORDS) return records;
  try {
    take(splitter.end());
  } catch (error) {
    if (!(error instanceof TableError)) throw error; // a quote is not closed
  }
  return records;
}
