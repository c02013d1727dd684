import type { Instant } from '@throughline/contracts';
import type { CustomerInput } from '../customer/customer-fields.ts';
import type { ImportCustomer } from '../customer/customer-import.ts';
import type { Links } from '../customer/customer-links.ts';
import type { ImportMapping } from './import-mapping.ts';
import type { MissingCompany, Settled } from './import-relations.ts';
import type { RowError, RowReading } from './import-row.ts';

/** What the relations of a row come to: `missing` are companies to be made before it is carried out. */
type Related = { links: Links; missing: readonly MissingCompany[]; warnings: readonly RowError[] };

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
};

export const unrelated: Related = { links: {}, missing: [], warnings: [] };

/** The custom fields that rows give. */
export const customOf = (rows: readonly PlannedRow[]): Readonly<Record<string, unknown>>[] =>
  rows.flatMap((row) => {
    const given = row.fate === 'command' ? row.command.row : row.fate === 'edit' ? row.changes : {};
    return given.custom ? [given.custom] : [];
  });

export function commandOf({ mode, connectionId }: ImportMapping, reading: RowReading): ImportCustomer {
  const { row, policies, number = '', externalId } = reading;
  const external = externalId !== undefined && connectionId !== undefined && { connectionId, id: externalId };
  return { type: 'ImportCustomer', number, ...(external && { externalId: external }), mode, row, policies };
}

/** The row with the customers that it names; it fails where one of them is not there. */
export function withRelations(row: PlannedRow, settled: Settled | undefined): PlannedRow {
  if (!settled || (row.fate !== 'command' && row.fate !== 'edit')) return row;
  const { links, missing, warnings, errors } = settled;
  if (errors.length === 0) return { ...row, links, missing, warnings };
  const { line, cells, reading } = row;
  return { line, cells, reading, fate: 'failed', errors };
}

/** A row's links, those to the companies that were made for it among them. */
export const linksIn = ({ links, missing }: Related): Links => ({
  ...links,
  ...Object.fromEntries(missing.map(({ id, relation }) => [relation.field, id])),
});

export const skipped = (
  row: Pick<PlannedRow, 'line' | 'cells' | 'reading'>,
  code: string,
  params?: RowError['params'],
): PlannedRow => ({ ...row, fate: 'skipped', errors: [{ column: null, code, ...(params && { params }) }] });
