import { Injectable } from '@nestjs/common';
import type { Instant } from '@throughline/contracts';
import { Refusal, eachOf, notFound } from '@throughline/event-sourcing';
import { shapeErrorsOf } from '@throughline/service';
import type { Cell, TableRow } from '@throughline/tables';
import { tidyFields, type CustomerInput } from '../customer/customer-fields.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { builtInRules } from '../customer/customer-rules.ts';
import { ChangeCustomerDto } from '../customer/customer.dto.ts';
import type { CustomerCommand } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import type { Match } from '../duplicates/duplicate-check.store.ts';
import { editedRow } from './edited-row.ts';
import { importFields, type ImportField } from './import-fields.ts';
import { ImportFiles } from './import-files.store.ts';
import type { ImportMapping } from './import-mapping.ts';
import { columnOf, matchValues, rowReader, type RowError, type RowReading } from './import-row.ts';
import { ImportRows } from './import-rows.store.ts';
import { openImportTable, wishesOf } from './import-table.ts';
import { ImportTargets, type Target } from './import-targets.store.ts';
import type { Import } from './import.ts';

export type ImportCommandOfRow = Extract<CustomerCommand, { type: 'ImportCustomer' }>;

/** What becomes of a row: nothing, for these reasons, or a command on a record. */
export type PlannedRow = { line: number; cells: readonly string[]; reading: RowReading } & (
  | { fate: 'failed' | 'skipped'; errors: readonly RowError[] }
  | {
      fate: 'command';
      id: string;
      /** It is there already. */
      isThere: boolean;
      /** Its customer is made of several records. */
      isGrouped: boolean;
      /** Without a number where the row gives none. */
      command: ImportCommandOfRow;
      occurredAt: Instant | undefined;
    }
  /** Cells of an exported table that somebody changed. */
  | { fate: 'edit'; id: string; versions: readonly number[]; changes: CustomerInput }
);

/** The custom fields that rows give. */
export const customOf = (rows: readonly PlannedRow[]): Readonly<Record<string, unknown>>[] =>
  rows.flatMap((row) => {
    const given = row.fate === 'command' ? row.command.row : row.fate === 'edit' ? row.changes : {};
    return given.custom ? [given.custom] : [];
  });

/** A piece of the file: its rows, and the line up to which it was read. */
export type PlannedChunk = { rows: readonly PlannedRow[]; line: number };

const chunkRows = 500;
/** So that very wide rows do not add up. */
const chunkCharacters = 4 * 1024 * 1024;

/** Reads an uploaded file row by row and finds out what each one means, without changing anything. */
@Injectable()
export class ImportPlans {
  constructor(
    private readonly files: ImportFiles,
    private readonly rows: ImportRows,
    private readonly targets: ImportTargets,
    private readonly customers: GoldenCustomers,
    private readonly current: CurrentRules,
  ) {}

  /** How many rows there are. */
  async count(state: Import): Promise<number> {
    let count = 0;
    for await (const _ of (await this.#open(state)).rows) count += 1;
    return count;
  }

  /**
   * @param importId what the ids of rows without a key derive from
   * @param jobId whose memory of the rows it is
   * @param after the line up to which the rows are done
   */
  async *plan(importId: string, jobId: string, state: Import, after = 0): AsyncGenerator<PlannedChunk> {
    const { mapping } = state;
    if (!mapping) throw notFound('import-not-found');
    const table = await this.#open(state);
    const isEdited = mapping.columns.some(({ field }) => field === 'version');
    const readable = isEdited ? { ...mapping, defaults: {} } : mapping;
    const fields = importFields((await this.current.read()).rules.fieldSet);
    const read = rowReader(table.header, readable, fields);
    let chunk: TableRow[] = [];
    let characters = 0;
    const planned = async (): Promise<PlannedChunk> => {
      const rows = isEdited
        ? await this.#edited(jobId, mapping, table.header, chunk, { read, fields })
        : await this.#planned(importId, jobId, mapping, chunk, read);
      const { line } = chunk.at(-1) as TableRow;
      [chunk, characters] = [[], 0];
      return { rows, line };
    };
    for await (const row of table.rows) {
      if (row.line <= after) continue;
      chunk.push(row);
      characters += row.cells.reduce((sum, { text }) => sum + text.length, 0);
      if (chunk.length === chunkRows || characters > chunkCharacters) yield await planned();
    }
    if (chunk.length > 0) yield await planned();
  }

  async #open({ file, reading }: Import) {
    if (!file || !reading || !(await this.files.exists(file.fileId))) throw notFound('import-file-gone');
    return openImportTable(this.files.source(file.fileId, file.bytes), wishesOf(reading));
  }

  async #planned(
    importId: string,
    jobId: string,
    mapping: ImportMapping,
    chunk: readonly TableRow[],
    read: (cells: readonly Cell[]) => RowReading,
  ): Promise<PlannedRow[]> {
    const rows = chunk.map((row) => {
      const reading = read(row.cells);
      const errors = row.error ? [{ column: null, code: row.error.code, params: row.error.params }] : errorsOf(reading);
      const values = matchValues(reading, mapping.matchBy);
      return { line: row.line, cells: row.cells.map(({ text }) => text), reading, errors, values };
    });
    const sound = rows.filter(({ errors }) => errors.length === 0);
    const duplicates = await this.rows.duplicates(jobId, sound);
    const sought = sound.filter(({ line }) => !duplicates.has(line));
    const targets = await this.targets.find(importId, mapping, sought);
    return rows.map(({ values, errors, ...row }): PlannedRow => {
      if (errors.length > 0) return { ...row, fate: 'failed', errors };
      const first = duplicates.get(row.line);
      if (first !== undefined) return skipped(row, 'duplicate-in-file', { first });
      const target = targets.get(row.line) as Target;
      if (target === 'several') return { ...row, fate: 'failed', errors: [{ column: null, code: 'several-matches' }] };
      if (mapping.mode === 'update' && !target.isThere) {
        return skipped(row, values.length === 0 ? 'key-empty' : 'no-match');
      }
      const occurredAt = target.isThere ? undefined : row.reading.createdAt;
      return { ...row, fate: 'command', ...target, command: commandOf(mapping, row.reading), occurredAt };
    });
  }

  /** Rows of an exported table: each is held against its record as it was exported. */
  async #edited(
    jobId: string,
    mapping: ImportMapping,
    header: readonly string[],
    chunk: readonly TableRow[],
    { read, fields }: { read: (cells: readonly Cell[]) => RowReading; fields: readonly ImportField[] },
  ): Promise<PlannedRow[]> {
    const keyColumns = mapping.columns.filter(({ field }) => field === 'id' || field === 'version');
    const readKeys = rowReader(header, { ...mapping, columns: keyColumns, defaults: {} }, fields);
    const rows = chunk.map((row) => ({ row, keys: readKeys(row.cells) }));
    const ids = rows.map(({ row, keys }) => ({ line: row.line, values: matchValues(keys, 'id') }));
    const duplicates = await this.rows.duplicates(jobId, ids);
    const planned: PlannedRow[] = [];
    await eachOf(rows.entries(), atOnce, async ([index, { row, keys }]) => {
      const first = duplicates.get(row.line);
      const plain = { line: row.line, cells: row.cells.map(({ text }) => text), reading: keys };
      planned[index] =
        first === undefined
          ? { ...plain, ...(await this.#edit(mapping, header, row, keys, read)) }
          : skipped(plain, 'duplicate-in-file', { first });
    });
    return planned;
  }

  async #edit(
    mapping: ImportMapping,
    header: readonly string[],
    { cells, error }: TableRow,
    keys: RowReading,
    read: (cells: readonly Cell[]) => RowReading,
  ): Promise<Edited> {
    if (error) return failed([{ column: null, code: error.code, params: error.params }]);
    if (keys.errors.length > 0) return failed(keys.errors);
    const { id, version } = keys;
    if (id === undefined || version === undefined) return failed([{ column: null, code: 'key-empty' }]);
    const versions = version.split('-').map(Number);
    try {
      const seen = await this.customers.fieldsAt(id, versions);
      if (!seen) return failed([{ column: null, code: 'changed-meanwhile' }]);
      const { changes, errors, reading } = editedRow(cells, header, mapping, seen, read);
      const wrong = [...errors, ...asRowErrors(reading, shapeErrorsOf(ChangeCustomerDto, changes))];
      return wrong.length > 0 ? failed(wrong) : { fate: 'edit', id, versions, changes, reading };
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return failed(rowErrorsOf(keys, thrown));
    }
  }
}

type Edited =
  | { fate: 'failed'; errors: readonly RowError[] }
  | { fate: 'edit'; id: string; versions: readonly number[]; changes: CustomerInput; reading: RowReading };
const failed = (errors: readonly RowError[]): Edited => ({ fate: 'failed', errors });
const atOnce = 16;

function commandOf({ mode, connectionId }: ImportMapping, reading: RowReading): ImportCommandOfRow {
  const { row, policies, number = '', externalId } = reading;
  const external = externalId !== undefined && connectionId !== undefined && { connectionId, id: externalId };
  return { type: 'ImportCustomer', number, ...(external && { externalId: external }), mode, row, policies };
}

const skipped = (
  row: Pick<PlannedRow, 'line' | 'cells' | 'reading'>,
  code: string,
  params?: RowError['params'],
): PlannedRow => ({ ...row, fate: 'skipped', errors: [{ column: null, code, ...(params && { params }) }] });

/** All that is wrong with a row, as far as it can be told without its record. */
function errorsOf(reading: RowReading): readonly RowError[] {
  const errors = [...reading.errors, ...asRowErrors(reading, shapeErrorsOf(ChangeCustomerDto, reading.row))];
  if (errors.length === 0) return errors;
  // The rest is the decider's to say, who is not asked any more.
  try {
    const known = { name: reading.row.name ?? '-' };
    tidyFields(reading.row, known, { now: new Date().toISOString(), entry: 'import', rules: builtInRules });
    return errors;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [...errors, ...asRowErrors(reading, error.errors)];
  }
}

/** What a row is told that may be about a customer who is there already. */
export const duplicateError = (code: string, matches: readonly Pick<Match, 'number'>[]): RowError => ({
  column: null,
  code,
  params: { numbers: matches.map(({ number }) => number).join(', ') },
});

/** A refusal as what is wrong with a row. */
export function rowErrorsOf(reading: RowReading, { code, params, errors }: Refusal): readonly RowError[] {
  if (errors.length > 0) return asRowErrors(reading, errors);
  if (code === 'duplicate-found') return [duplicateError(code, params['matches'] as readonly Match[])];
  const conflicts = (params['conflicts'] ?? []) as readonly { field: string }[];
  if (conflicts.length === 0) return [{ column: null, code, params }];
  return asRowErrors(
    reading,
    conflicts.map(({ field }) => ({ path: field, code })),
  );
}

const asRowErrors = (reading: RowReading, errors: Refusal['errors']): RowError[] =>
  errors.map(({ path, code, params }) => {
    const column = columnOf(path, reading);
    // Where no column is to blame, the field is to be named.
    return { column, code, params: { ...params, ...(column === null && { field: path }) } };
  });
