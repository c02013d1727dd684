export { openTable } from './table.ts';
export { LIMITS } from './table-types.ts';
export type { Cell, Limits, Sheet, Table, TableOptions, TableRow } from './table-types.ts';
export { TableError, type TableErrorCode } from './table-error.ts';
export { bytesInMemory, bytesOnDisk, type ByteSource } from './byte-source.ts';
export { guessDateOrder, readDate, type DateOrder, type DateReading } from './dates.ts';
export { isScientificNumber, readNumber } from './numbers.ts';
