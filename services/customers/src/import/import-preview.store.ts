import { Injectable } from '@nestjs/common';
import { currentContext, runInContext } from '@throughline/event-sourcing';
import { isFilledRow } from '@throughline/tables';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { ImportCells } from './import-cells.store.ts';
import type { CompanyRole } from './import-company-fields.ts';
import { ImportFiles } from './import-files.store.ts';
import type { ImportMapping } from './import-mapping.ts';
import { ImportOutcomes } from './import-outcomes.store.ts';
import { ImportPlans } from './import-plan.store.ts';
import type { RowError } from './import-row.ts';
import type { FileRow } from './import-table.ts';
import type { Import } from './import.ts';
import type { CheckedEnd, CheckedOutcome } from './planned-row.ts';
import { doubtsOf, recordedCompanies, recordedValues } from './recorded-values.ts';

/** A row as it stands, and what it would come to. */
export type PreviewRow = {
  line: number;
  cells: readonly string[];
  /** What the file says where a cell was set by hand. */
  edited: readonly { column: string; fileText: string }[];
  /** The columns whose cells are longer than what is shown of them. */
  cut: readonly string[];
} & Becoming;

type Becoming = {
  /** Null where nothing is left of the row, where one of its cells is cut, and once the import was started. */
  end: CheckedEnd | null;
  values: (CustomerInput & Partial<Record<CompanyRole, CustomerInput>>) | null;
  errors: readonly RowError[];
  warnings: readonly RowError[];
  times: number | null;
};

/** What a check has said of rows. */
export type Checked = {
  errors: ReadonlyMap<number, readonly RowError[]>;
  warnings: ReadonlyMap<number, readonly RowError[]>;
  times: ReadonlyMap<number, number>;
};

const previewed = 20;
const nothing: Becoming = { end: null, values: null, errors: [], warnings: [], times: null };

/** The first rows of an uploaded file, and what they would become. */
@Injectable()
export class ImportPreviews {
  constructor(
    private readonly files: ImportFiles,
    private readonly cells: ImportCells,
    private readonly plans: ImportPlans,
    private readonly outcomes: ImportOutcomes,
  ) {}

  /**
   * @param mapping what the columns mean, as far as is known
   * @param checked of a check that nothing was edited since
   */
  async rows(id: string, state: Import, mapping: ImportMapping, checked?: Checked): Promise<PreviewRow[]> {
    const sample = await this.files.sample(state.file?.fileId ?? '');
    const rows = await this.cells.applied(state, sample);
    const shown = rows.slice(0, previewed);
    const header = state.reading?.header ?? [];
    const names = new Set(mapping.columns.map(({ column }) => column));
    const isWhole = (row: FileRow) => isFilledRow(row) && !cutIn(row, header).some((column) => names.has(column));
    const becoming =
      state.status === 'started'
        ? new Map<number, Becoming>()
        : await runInContext({ ...currentContext(), entry: 'import' }, () =>
            this.#becoming(id, { ...state, mapping }, { rows: shown.filter(isWhole), sample: rows, checked }),
          );
    return shown.map((row, index) => ({
      ...asItStands(row, sample[index] as FileRow, header),
      ...(becoming.get(row.line) ?? nothing),
    }));
  }

  async #becoming(
    id: string,
    state: Import & { mapping: ImportMapping },
    { rows, sample, checked }: { rows: readonly FileRow[]; sample: readonly FileRow[]; checked: Checked | undefined },
  ): Promise<ReadonlyMap<number, Becoming>> {
    const { mapping, reading } = state;
    const { planned, times } = await this.plans.look(id, state, rows, sample);
    const beside = await this.outcomes.beside(planned, state);
    const meant = { header: reading?.header ?? [], columns: mapping.columns };
    const becoming = new Map<number, Becoming>();
    const outcomes = await this.outcomes.ofEach(planned, beside);
    for (const [index, row] of planned.entries()) {
      const { line } = row;
      const { end, errors = [] } = outcomes[index] as CheckedOutcome;
      const found = checked?.errors.get(line);
      const given = row.fate === 'edit' ? row.changes : row.reading.row;
      const { fieldSet } = beside.decidedBy;
      const values = { ...recordedValues(given, row.reading, fieldSet), ...recordedCompanies(row.reading, fieldSet) };
      const doubts = doubtsOf(rows[index] as FileRow, row.reading, values, meant);
      becoming.set(line, {
        // The check knows more: whom the row names, and what the duplicate rules say.
        end: found && errors.length === 0 ? 'error' : end,
        values,
        errors: found ?? errors,
        warnings: [...doubts, ...(checked?.warnings.get(line) ?? [])],
        times: checked?.times.get(line) ?? times.get(line) ?? null,
      });
    }
    return becoming;
  }
}

/** @param stored what the file says */
function asItStands(row: FileRow, stored: FileRow, header: readonly string[]) {
  const { line, cells } = row;
  const changed = cells.flatMap((cell, place) => (cell === stored.cells[place] ? [] : [place]));
  return {
    line,
    cells: cells.map(({ text }) => text),
    edited: changed.map((place) => ({ column: header[place] as string, fileText: stored.cells[place]?.text ?? '' })),
    cut: cutIn(row, header),
  };
}

const cutIn = ({ cells }: FileRow, header: readonly string[]): string[] =>
  header.filter((_, place) => cells[place]?.cut === true);
