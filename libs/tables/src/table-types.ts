import type { TableError } from './table-error.ts';

/** A cell as it is in the file; only XLSX knows other types than text. */
export interface Cell {
  type: 'empty' | 'text' | 'number' | 'boolean' | 'date' | 'time' | 'error';
  /**
   * - `number`: decimal, never with an exponent, with the 15 digits that Excel keeps: `13800138000`, `0.3`
   * - `boolean`: `TRUE` or `FALSE`
   * - `date`: `2024-01-05`, or `2024-01-05T13:30:00` without a zone
   * - `time`: `13:30:00`; of a duration the hours go beyond 24
   * - `error`: `#N/A`, `#REF!`, …
   */
  text: string;
  /** The text is what a formula came to when the file was last saved, empty if that is not in it. */
  formula?: true;
}

export interface TableRow {
  /** Line of the file (of a CSV record, the first), or row of the sheet, from 1. */
  line: number;
  /** As many as the header has; more where the error is `too-many-cells`. */
  cells: Cell[];
  /** Why this row cannot be taken: `too-many-cells`, `stray-quote`, `damaged-text`. The others are not touched by it. */
  error?: TableError;
}

export interface Sheet {
  name: string;
  hidden: boolean;
}

export type Table = {
  /** Without blanks around the names. A blank one within is '', blank ones at the end are none. */
  header: string[];
  /** All rows below the header in which something stands. */
  rows: AsyncIterable<TableRow>;
} & (
  | { format: 'csv'; encoding: string; hasBom: boolean; delimiter: string }
  | { format: 'xlsx'; sheets: Sheet[]; sheet: string }
);

export interface TableOptions {
  /** CSV: instead of a guess. */
  encoding?: string;
  /** CSV: one character, instead of a guess. */
  delimiter?: string;
  /** XLSX: the name of the sheet; the first one that is not hidden. */
  sheet?: string;
  /** False: the first row is data, and the columns are named A, B, C, … as in a spreadsheet. */
  header?: boolean;
  /** Line of the file, or row of the sheet, that the table begins with, from 1: what stands above is no part of it. */
  headerRow?: number;
  limits?: Partial<Limits>;
}

/** What a file may cost. */
export interface Limits {
  columns: number;
  /** Characters of a row, so of a cell too. */
  rowCharacters: number;
  /** XLSX: files in the archive. */
  entries: number;
  /** XLSX: bytes of all files in the archive, unpacked. */
  unpackedBytes: number;
  /** XLSX: how many times its packed size a large file of the archive may have. */
  packingRatio: number;
  /** XLSX: bytes of the texts that all sheets share, held outside the heap. */
  sharedTextBytes: number;
  /** XLSX: merged cells over several rows of a sheet, held in memory. */
  mergedCells: number;
}

export const LIMITS: Limits = {
  columns: 1000,
  rowCharacters: 4 * 1024 * 1024,
  entries: 10_000,
  unpackedBytes: 4 * 1024 ** 3,
  packingRatio: 300,
  sharedTextBytes: 256 * 1024 * 1024,
  mergedCells: 200_000,
};

export const EMPTY: Cell = { type: 'empty', text: '' };
