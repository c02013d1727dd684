import { cleanCustomer } from '../cleaning/clean-customer.ts';
import { asFields, asShown, inNormalForm, withConverted, type CustomerInput } from '../customer/customer-fields.ts';
import type { FieldSet } from '../field/field-set.ts';
import type { CompanyRole } from './import-company-fields.ts';
import type { ImportMapping } from './import-mapping.ts';
import { columnOf, type RowError, type RowReading } from './import-row.ts';
import type { FileRow } from './import-table.ts';

/** What a row says in the form in which it would be recorded, right or wrong; nothing of what its record says already. */
export function recordedValues(row: CustomerInput, reading: RowReading, fieldSet: FieldSet): CustomerInput {
  const { number, createdAt } = reading;
  const given = withConverted(asFields(cleanCustomer(row).fields), fieldSet);
  return {
    ...(number !== undefined && { number }),
    ...asShown(inNormalForm(given, {})),
    ...(createdAt !== undefined && { createdAt }),
  };
}

/** What a row says of companies that it names, by what they are to it, as `recordedValues`. */
export const recordedCompanies = (
  { companies }: RowReading,
  fieldSet: FieldSet,
): Partial<Record<CompanyRole, CustomerInput>> =>
  Object.fromEntries(companies.map(({ role, reading }) => [role, recordedValues(reading.row, reading, fieldSet)]));

/** What a person may want to look at, though it would be taken. */
export function doubtsOf(
  { cells }: FileRow,
  reading: RowReading,
  values: CustomerInput & ReturnType<typeof recordedCompanies>,
  { header, columns }: { header: readonly string[] } & Pick<ImportMapping, 'columns'>,
): RowError[] {
  const names = new Set(columns.map(({ column }) => column));
  return [
    ...header.flatMap((column, place) =>
      names.has(column) && cells[place]?.formula ? [{ column, code: 'formula-taken' }] : [],
    ),
    ...phoneDoubts(reading, values),
    ...reading.companies.flatMap((company) => phoneDoubts(company.reading, values[company.role] ?? {})),
  ];
}

const phoneDoubts = (reading: RowReading, { phones }: CustomerInput): RowError[] =>
  (phones ?? []).flatMap(({ e164, value }, index) =>
    e164 === undefined && /\d/.test(value.normalize('NFKC'))
      ? [{ column: columnOf(`phones.${index}`, reading), code: 'phone-not-recognised' }]
      : [],
  );
