import type { FieldError } from '@throughline/event-sourcing';
import { customCell } from '../import/custom-cell.ts';
import type { FieldSet } from './field-set.ts';

type Values = Readonly<Record<string, unknown>>;

/**
 * What a form's sender wrote into fields of the installation's own, in their types, as a cell of a table is read. What cannot
 * be read is left out, and named in `errors`; whether a choice is one is not judged here.
 */
export function customOfTexts(given: Values, { fields }: FieldSet): { custom: Values; errors: FieldError[] } {
  const read = Object.entries(given).map(([key, value]) => {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    return { key, ...(field && typeof value === 'string' ? customCell(field, value) : { value }) };
  });
  return {
    custom: Object.fromEntries(read.flatMap((one) => ('value' in one ? [[one.key, one.value]] : []))),
    errors: read.flatMap((one) => ('code' in one ? [{ path: `custom.${one.key}`, code: one.code }] : [])),
  };
}
