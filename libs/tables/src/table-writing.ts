/** A value to write: a date is `2024-01-05` or, as the clocks of its reader show it, `2024-01-05T13:30:00`. */
export type WritableCell = string | number | boolean | { date: string } | null;
export type WritableRow = readonly WritableCell[];
export type WritableRows = AsyncIterable<WritableRow> | Iterable<WritableRow>;
