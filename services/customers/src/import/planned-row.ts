import type { Instant } from '@throughline/contracts';
import type { CustomerInput } from '../customer/customer-fields.ts';
import type { ImportCustomer } from '../customer/customer-import.ts';
import { customKeyOf } from '../rules/rule-values.ts';
import type { ImportMapping } from './import-mapping.ts';
import type { Named, NamedCompany, Settled } from './import-relations.ts';
import type { RowError, RowReading } from './import-row.ts';
import { withOthers } from './row-errors.ts';

/** What the relations of a row come to: `companies` are those to be made or changed before it is carried out. */
type Related = { links: Named; companies: readonly NamedCompany[]; warnings: readonly RowError[] };

/** What becomes of a row: nothing, for these reasons, or a command on a record. */
export type PlannedRow = { line: number; cells: readonly string[]; reading: RowReading } & (
  | { fate: 'failed' | 'skipped'; errors: readonly RowError[] }
  | ({
      fate: 'command';
      id: string;
      /** It is there already. */
      isThere: boolean;
      /** Its customer is made of several records. */
      isGrouped: boolean;
      /** Without links, and without a number where the row gives none. */
      command: ImportCustomer;
      occurredAt: Instant | undefined;
    } & Related)
  /** Cells of an exported table that somebody changed, without links. */
  | ({ fate: 'edit'; id: string; versions: readonly number[]; changes: CustomerInput } & Related)
);

/** What a row would come to. */
export const checkedEnds = ['new', 'update', 'unchanged', 'duplicate', 'skipped', 'error'] as const;
export type CheckedEnd = (typeof checkedEnds)[number];
export type CheckedOutcome = {
  end: CheckedEnd;
  errors?: readonly RowError[] | undefined;
  warnings?: readonly RowError[] | undefined;
  /** Of one that is taken: what nobody else may have of what it brings. */
  claims?: readonly string[];
};

export const unrelated: Related = { links: {}, companies: [], warnings: [] };

/** The custom fields that rows give, also those of their companies. */
export const customOf = (rows: readonly PlannedRow[]): Readonly<Record<string, unknown>>[] =>
  rows.flatMap((row) => {
    if (row.fate !== 'command' && row.fate !== 'edit') return [];
    const given = row.fate === 'command' ? row.command.row : row.changes;
    const companies = row.companies.flatMap(({ said }) => said?.reading.row ?? []);
    return [given, ...companies].flatMap(({ custom }) => (custom ? [custom] : []));
  });

export function commandOf({ mode, connectionId }: ImportMapping, reading: RowReading): ImportCustomer {
  const { row, policies, number = '', externalId } = reading;
  const external = externalId !== undefined && connectionId !== undefined && { connectionId, id: externalId };
  return { type: 'ImportCustomer', number, ...(external && { externalId: external }), mode, row, policies };
}

/**
 * The row with the customers that it names; it fails where one of them is not there.
 *
 * @param others what else is wrong with it then
 */
export function withRelations(
  row: PlannedRow,
  settled: Settled | undefined,
  others: readonly RowError[] = [],
): PlannedRow {
  if (!settled || row.fate === 'skipped') return row;
  const { links, companies, warnings, errors } = settled;
  if ('errors' in row) return { ...row, errors: withOthers(row.errors, errors) };
  if (errors.length === 0) return { ...row, links, companies, warnings };
  const { line, cells, reading } = row;
  return { line, cells, reading, fate: 'failed', errors: withOthers(errors, others) };
}

/** A row's links, those to the companies that were made for it among them. */
export const linksIn = ({ links, companies }: Related): Named => ({
  ...links,
  ...Object.fromEntries(companies.map(({ id, relation }) => [relation.field, id])),
});

/** What is said with the customers that are named. */
export const withLinks = (said: CustomerInput, links: Named): CustomerInput =>
  Object.entries(links).reduce<CustomerInput>((one, [field, id]) => {
    const own = customKeyOf(field);
    return own === undefined ? { ...one, [field]: id } : { ...one, custom: { ...one.custom, [own]: id } };
  }, said);

/** What is above a company is decided over together with it, as if it were several records. */
export const movesInHierarchy = (row: Extract<PlannedRow, { fate: 'command' }>): boolean =>
  row.isThere && linksIn(row).parentId !== undefined;

export const skipped = (
  row: Pick<PlannedRow, 'line' | 'cells' | 'reading'>,
  code: string,
  params?: RowError['params'],
): PlannedRow => ({ ...row, fate: 'skipped', errors: [{ column: null, code, ...(params && { params }) }] });
