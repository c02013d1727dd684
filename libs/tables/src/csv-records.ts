import { TableError } from './table-error.ts';

/** A record of a CSV file. */
export interface CsvRecord {
  /** The line of the file that it begins on, from 1. */
  line: number;
  cells: string[];
  /** The column, from 1, of a cell that goes on behind its closing quote: what its author meant cannot be known. */
  strayQuote?: number;
}

/** Splits text that comes in pieces: the records of each are to be taken before the next is written. */
export interface CsvSplitter {
  write(text: string): Iterable<CsvRecord>;
  end(): Iterable<CsvRecord>;
}

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const BLANKS = [0x20, 0x09];

/**
 * RFC 4180, as Excel reads it: any line end, doubled quotes, a quote within a bare cell is that character, blanks between a
 * closing quote and the delimiter are none. Lines without anything are left out.
 *
 * Not csv-parse: it counts a CR LF within quotes as two lines, and joins lines without a word where a quote is astray.
 * @param delimiter one character
 * @param limit characters of a record, so that a quote that is never closed does not take the whole file into memory
 * @param firstLine the number of the line that the text begins with
 * @throws TableError `unclosed-quote` with where it opens, `record-too-long`
 */
export function csvSplitter(delimiter: string, limit: number, firstLine = 1): CsvSplitter {
  const delimiterCode = delimiter.charCodeAt(0);
  const blanks = BLANKS.filter((code) => code !== delimiterCode);
  let text = ''; // not split yet
  let line = firstLine; // where it begins
  let open: { line: number; column: number } | undefined; // the quote that was not closed so far

  function* split(piece: string, atEnd: boolean): Generator<CsvRecord> {
    text += piece;
    let start = 0;
    while (start < text.length) {
      const found = recordAt(start, atEnd);
      if ((found?.next ?? text.length) - start > limit || (atEnd && open)) {
        throw open ? new TableError('unclosed-quote', open) : new TableError('record-too-long', { line, limit });
      }
      if (!found) break;
      const { record, next, lines } = found;
      if (record.cells.length > 1 || record.cells[0] !== '' || text.charCodeAt(start) === QUOTE) yield record;
      start = next;
      line += lines;
    }
    text = text.slice(start);
  }

  /** The record at `start`, or nothing when its end has not come yet. */
  function recordAt(start: number, atEnd: boolean): { record: CsvRecord; next: number; lines: number } | undefined {
    const record: CsvRecord = { line, cells: [] };
    let lines = 0;
    let at = start;
    open = undefined;
    for (;;) {
      const column = record.cells.length + 1;
      let quoted = '';
      if (text.charCodeAt(at) === QUOTE) {
        const closing = closingQuote(at + 1, atEnd);
        if (closing < 0) {
          open = { line: line + lines, column };
          return undefined;
        }
        quoted = text.slice(at + 1, closing);
        lines += lineEndsIn(quoted);
        at = closing + 1;
        while (blanks.includes(text.charCodeAt(at))) at++;
        if (!isCellEnd(at)) record.strayQuote ??= column;
      }
      const end = bareEnd(at);
      record.cells.push(quoted.replaceAll('""', '"') + text.slice(at, end));
      at = end + 1;

      if (end === text.length) return atEnd ? { record, next: end, lines } : undefined;
      const code = text.charCodeAt(end);
      if (code === delimiterCode) continue;
      if (code === CR && at === text.length && !atEnd) return undefined;
      return { record, next: code === CR && text.charCodeAt(at) === LF ? at + 1 : at, lines: lines + 1 };
    }
  }

  /** -1 when it has not come yet; the last quote of a piece may be the first of two. */
  function closingQuote(from: number, atEnd: boolean): number {
    let at = text.indexOf('"', from);
    while (at >= 0 && text.charCodeAt(at + 1) === QUOTE) at = text.indexOf('"', at + 2);
    return at + 1 === text.length && !atEnd ? -1 : at;
  }

  function bareEnd(from: number): number {
    let at = from;
    while (!isCellEnd(at)) at++;
    return at;
  }

  function isCellEnd(at: number): boolean {
    if (at >= text.length) return true;
    const code = text.charCodeAt(at);
    return code === delimiterCode || code === LF || code === CR;
  }

  return { write: (piece) => split(piece, false), end: () => split('', true) };
}

const lineEndsIn = (text: string) => text.match(/\r\n?|\n/g)?.length ?? 0;
