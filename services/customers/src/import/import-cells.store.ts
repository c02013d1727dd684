import { Injectable } from '@nestjs/common';
import {
  Commands,
  Refusal,
  invalid,
  newId,
  notFound,
  open,
  plainTypes,
  seal,
  type FieldError,
} from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { ImportFiles } from './import-files.store.ts';
import type { FileRow } from './import-table.ts';
import { importing, type Import } from './import.ts';
import { lastWords, withSetCells, type SetCell, type SetCells } from './set-cells.ts';

/** A cell as callers name it. */
export type WantedCell = { line: number; column: string; value: string | null };

type Stored = { line: number; place: number; editId: string; sealed: Buffer | null };

/** Cells of uploaded files that somebody set by hand: encrypted like the file, and gone with it. */
@Injectable()
export class ImportCells {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly files: ImportFiles,
  ) {}

  /**
   * Sets cells by hand: all of them, or none. Where several people set the same one, the last word counts.
   *
   * @throws Refusal `invalid-cells` naming lines and columns that the file does not have; `import-file-gone`; of the decider
   */
  async edit(id: string, wanted: readonly WantedCell[]): Promise<void> {
    const { state } = await this.commands.load(importing, id);
    const { status, file, timesRead } = state;
    if (!file) throw notFound('import-not-found');
    // What was started is refused whatever is asked of it.
    const cells = status === 'started' ? [] : await this.#changing(state, await this.#placed(state, wanted));
    const editId = newId();
    // They count once the import's stream names them: what is killed in between is nobody's, and goes with the file.
    await this.#write(file.fileId, editId, cells);
    try {
      const command = { type: 'EditCells' as const, editId, cells: cells.length, timesRead };
      const { repeated } = await this.commands.execute(importing, id, command, { body: { cells: wanted } });
      if (repeated) await this.#remove(file.fileId, editId);
    } catch (error) {
      // After any other error they may have been named.
      if (error instanceof Refusal) await this.#remove(file.fileId, editId);
      throw error;
    }
  }

  /** Line -> what was set by hand in its row. */
  async of({ file, edits }: Import, lines: readonly number[]): Promise<ReadonlyMap<number, SetCells>> {
    if (!file || edits.length === 0) return new Map();
    const { rows } = await this.kernel.pool.query<Stored>({
      text: `select distinct on (line, place) line, place, edit_id as "editId", sealed from import_cells
        where file_id = $1 and line = any($2::bigint[]) and edit_id = any($3::uuid[])
        order by line, place, edit_id desc`,
      values: [file.fileId, lines, edits],
      types: plainTypes,
    });
    const set = new Map<number, Map<number, string>>();
    for (const { line, place, editId, sealed } of rows) {
      if (!sealed) continue;
      const text = open(this.#key(), sealed, contextOf(file.fileId, editId, { line, place })).toString();
      set.set(line, (set.get(line) ?? new Map<number, string>()).set(place, JSON.parse(text) as string));
    }
    return set;
  }

  /** The rows with what was set by hand in them. */
  async applied(state: Import, rows: readonly FileRow[]): Promise<readonly FileRow[]> {
    const set = await this.of(
      state,
      rows.map(({ line }) => line),
    );
    return set.size === 0 ? rows : rows.map((row) => withSetCells(row, set.get(row.line)));
  }

  async #placed(state: Import, wanted: readonly WantedCell[]): Promise<SetCell[]> {
    const header = state.reading?.header ?? [];
    const lines = await this.#linesAmong(
      state,
      wanted.map(({ line }) => line),
    );
    const placed = wanted.map(({ line, column, value }) => ({
      line,
      place: column === '' ? -1 : header.indexOf(column),
      value,
    }));
    const errors = placed.flatMap(({ line, place }, index): FieldError[] => [
      ...(lines.has(line) ? [] : [{ path: `cells.${index}.line`, code: 'unknown-line', params: { line } }]),
      ...(place >= 0 ? [] : [unknownColumn(index, wanted[index]?.column)]),
    ]);
    if (errors.length > 0) throw invalid('invalid-cells', errors);
    return lastWords(placed);
  }

  /** The lines on which the file has rows. */
  async #linesAmong(state: Import, lines: readonly number[]): Promise<ReadonlySet<number>> {
    const sample = await this.files.sample(state.file?.fileId ?? '');
    if (sample.length === 0) throw notFound('import-file-gone');
    const found = new Set(sample.map(({ line }) => line));
    const [sought, last] = [new Set(lines), lines.reduce((most, line) => Math.max(most, line), 0)];
    if (last <= (sample.at(-1)?.line ?? 0)) return found;
    const table = await this.files.table(state);
    for await (const { line } of table.rows) {
      if (sought.has(line)) found.add(line);
      if (line >= last) break;
    }
    return found;
  }

  /** Those that are set to something else than they are. */
  async #changing(state: Import, cells: readonly SetCell[]): Promise<readonly SetCell[]> {
    const set = await this.of(
      state,
      cells.map(({ line }) => line),
    );
    return cells.filter(({ line, place, value }) => (set.get(line)?.get(place) ?? null) !== value);
  }

  async #write(fileId: string, editId: string, cells: readonly SetCell[]): Promise<void> {
    if (cells.length === 0) return;
    const sealed = cells.map((cell) =>
      cell.value === null ? null : seal(this.#key(), JSON.stringify(cell.value), contextOf(fileId, editId, cell)),
    );
    await this.kernel.pool.query(
      `insert into import_cells (file_id, edit_id, line, place, sealed)
       select $1, $2, * from unnest($3::bigint[], $4::integer[], $5::bytea[])`,
      [fileId, editId, cells.map(({ line }) => line), cells.map(({ place }) => place), sealed],
    );
  }

  async #remove(fileId: string, editId: string): Promise<void> {
    await this.kernel.pool.query('delete from import_cells where file_id = $1 and edit_id = $2', [fileId, editId]);
  }

  #key() {
    return this.kernel.secrets.key('imports');
  }
}

const contextOf = (fileId: string, editId: string, { line, place }: Pick<SetCell, 'line' | 'place'>): string =>
  `${fileId} ${editId} ${line} ${place}`;

const unknownColumn = (index: number, column = ''): FieldError => ({
  path: `cells.${index}.column`,
  code: 'unknown-column',
  params: { column },
});
