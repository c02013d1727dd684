import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import {
  customerCell,
  customerColumnLabels,
  customerColumns,
  ownColumnLabels,
  type TableFormat,
} from '@throughline/contracts';
import { invalid } from '@throughline/event-sourcing';
import type { Language } from '@throughline/service';
import { writeCsv, writeXlsx, type WritableCell } from '@throughline/tables';
import type { OwnField } from './own-fields.reader.ts';

const types = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};
const keys = ['id', 'version'];

/** The record's id and version first, by which the table is imported again. @throws Refusal `invalid-query` */
export function exportColumns(own: readonly OwnField[], given?: readonly string[]): readonly string[] {
  const fields = given ?? [...customerColumns, ...own.map(({ key }) => `custom.${key}`)];
  const errors = fields.flatMap((field) =>
    customerColumns.includes(field) || /^(custom|socials)\.[^.]{1,100}$/.test(field)
      ? []
      : [{ path: `fields.${field}`, code: 'unknown-field' }],
  );
  if (errors.length > 0) throw invalid('invalid-query', errors);
  return [...new Set([...keys, ...fields])];
}

/** Records as a table, written while it is sent. */
export function tableOf(
  columns: readonly string[],
  records: AsyncIterable<Record<string, unknown>>,
  { format, language, own }: { format: TableFormat; language: Language; own: readonly OwnField[] },
): StreamableFile {
  const ownLabels = ownColumnLabels(own);
  const labelOf = (field: string) => customerColumnLabels[field] ?? ownLabels.get(field.replace(/^custom\./, ''));
  const header = columns.map((field) => labelOf(field)?.[language] ?? field);
  const dates = new Set(['birthDate', ...own.flatMap(({ key, type }) => (type === 'date' ? [`custom.${key}`] : []))]);
  const rows = rowsOf(columns, records, dates);
  const bytes = format === 'csv' ? writeCsv(header, rows) : writeXlsx(header, rows, { sheet: 'Customers' });
  return new StreamableFile(Readable.from(bytes, { objectMode: false }), {
    type: types[format],
    disposition: `attachment; filename="customers.${format}"`,
  });
}

async function* rowsOf(
  columns: readonly string[],
  records: AsyncIterable<Record<string, unknown>>,
  dates: ReadonlySet<string>,
): AsyncGenerator<WritableCell[]> {
  for await (const { type, ...told } of records) {
    // A type that follows from orders is nobody's word: imported again, it would become one.
    const record = told['typeSetBy'] === 'automatic' ? told : { ...told, type };
    yield columns.map((field) => {
      const text = customerCell(record, field);
      return dates.has(field) && text !== '' ? { date: text } : text;
    });
  }
}
