/** What a table can be refused for. */
export type TableErrorCode =
  // The file
  | 'empty-file'
  | 'not-a-table'
  | 'encrypted-file'
  | 'unreadable-archive'
  | 'archive-too-large'
  | 'unknown-encoding'
  | 'bad-delimiter'
  | 'no-sheet'
  | 'sheet-not-found'
  | 'sheet-without-rows'
  // Its header
  | 'duplicate-header'
  | 'too-many-columns'
  // Its rows
  | 'unclosed-quote'
  | 'stray-quote'
  | 'record-too-long'
  | 'cell-too-long'
  | 'too-many-cells'
  | 'damaged-text'
  // Writing
  | 'too-many-rows'
  | 'file-too-large';

/** A file or a row that cannot be read or written. Neither message nor parameters ever hold what stands in a cell. */
export class TableError extends Error {
  constructor(
    /** Stable, part of the API. */
    readonly code: TableErrorCode,
    /** Fills the message of a catalogue: `line` and `column` count from 1, sizes are bytes or characters as named. */
    readonly params: Readonly<Record<string, string | number | readonly string[]>> = {},
    options?: ErrorOptions,
  ) {
    super(code, options);
    this.name = 'TableError';
  }
}
