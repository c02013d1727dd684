import type { Refusal } from '@throughline/event-sourcing';
import type { CompanyRole } from './import-company-fields.ts';
import { matchFields } from './import-mapping.ts';
import { columnOf, type Relation, type RowError, type RowReading } from './import-row.ts';

/** What is wrong with fields as what is wrong with a row. @param role of a company, where they are those of one */
export const asRowErrors = (reading: RowReading, errors: Refusal['errors'], role?: CompanyRole): RowError[] =>
  errors.map(({ path, code, params }) => {
    const column = columnOf(path, reading);
    // Where no column is to blame, the field is to be named.
    const field = role ? `${role}.${path}` : path;
    return { column, code, params: { ...params, ...(column === null && { field }) } };
  });

/** A refusal as what is wrong with a row. */
export function rowErrorsOf(reading: RowReading, { code, params, errors }: Refusal): readonly RowError[] {
  if (errors.length > 0) return asRowErrors(reading, errors);
  if (code === 'customer-exists' && reading.matchBy !== 'none') {
    return [{ column: columnOf(matchFields[reading.matchBy], reading), code: 'already-there' }];
  }
  if (code === 'duplicate-found') return [duplicateError(code, params['matches'] as readonly { number: string }[])];
  const conflicts = (params['conflicts'] ?? []) as readonly { field: string }[];
  if (conflicts.length === 0) return [{ column: null, code, params }];
  return asRowErrors(
    reading,
    conflicts.map(({ field }) => ({ path: field, code })),
  );
}

/** With what else is wrong; not what is said of a cell, or of a field without one, of which something is said already. */
export function withOthers(errors: readonly RowError[], others: readonly RowError[]): readonly RowError[] {
  const placeOf = ({ column, params }: RowError) => column ?? params?.['field'];
  const told = new Set(errors.map(placeOf));
  return [...errors, ...others.filter((other) => !told.has(placeOf(other)))];
}

/** What a row is told that may be about a customer who is there already. */
export const duplicateError = (code: string, matches: readonly { number: string }[]): RowError => ({
  column: null,
  code,
  params: { numbers: matches.map(({ number }) => number).join(', ') },
});

/** What a row is told of a customer that it names. */
export const relationError = ({ field, column, value }: Relation, code: string, params: object = {}): RowError => ({
  column,
  code,
  params: { field, value, ...params },
});
