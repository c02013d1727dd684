import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { Commands, Refusal, eachOf, notFound } from '@throughline/event-sourcing';
import { itemId, shapeErrorsOf } from '@throughline/service';
import { isFilledRow, type Cell } from '@throughline/tables';
import { Consents } from '../consent/consents.store.ts';
import { tidyFields, type CustomerInput } from '../customer/customer-fields.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { builtInRules, type CustomerRules } from '../customer/customer-rules.ts';
import { ChangeCustomerDto } from '../customer/customer.dto.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { withChosen } from '../field/choices.ts';
import { Tags } from '../tag/tags.view.ts';
import { editedRow } from './edited-row.ts';
import { ImportCells } from './import-cells.store.ts';
import { importFieldOf, importFields, isPermission, recordFieldOf, type ImportField } from './import-fields.ts';
import { ImportFiles } from './import-files.store.ts';
import { isExported, type ImportMapping } from './import-mapping.ts';
import { ImportOutcomes } from './import-outcomes.store.ts';
import { ImportRelations, type Related } from './import-relations.store.ts';
import { calledBy, somebodyIn, type Round, type Settled } from './import-relations.ts';
import { columnOf, matchValues, rowReader, type RowError, type RowReading } from './import-row.ts';
import { ImportRows } from './import-rows.store.ts';
import type { FileRow } from './import-table.ts';
import { ImportTargets, type Target } from './import-targets.store.ts';
import type { Import } from './import.ts';
import { repeatsAmong, type Known } from './repeats.ts';
import { commandOf, skipped, unrelated, withRelations, type CheckedOutcome, type PlannedRow } from './planned-row.ts';
import { asRowErrors, rowErrorsOf, withOthers } from './row-errors.ts';

/** A piece of the file: its rows, the lines of those that wait for the next round, and the line up to which it was read. */
export type PlannedChunk = { rows: readonly PlannedRow[]; waiting: readonly number[]; line: number };

/** `importId`: what the ids of rows without a key derive from; `jobId`: whose memory of the rows it is. */
export type Planning = { importId: string; jobId: string; round: Round };

/** A look at some rows: nothing is remembered of them. `duplicates`: line -> the earlier line that has its key. */
type Look = { importId: string; round: 'look'; duplicates: ReadonlyMap<number, number> };

const chunkRows = 500;
/** So that very wide rows do not add up. */
const chunkCharacters = 4 * 1024 * 1024;

/** Reads an uploaded file row by row and finds out what each one means, without changing anything. */
@Injectable()
export class ImportPlans {
  constructor(
    private readonly files: ImportFiles,
    private readonly cells: ImportCells,
    private readonly rows: ImportRows,
    private readonly targets: ImportTargets,
    private readonly relations: ImportRelations,
    private readonly outcomes: ImportOutcomes,
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly consents: Consents,
    private readonly current: CurrentRules,
    private readonly tags: Tags,
  ) {}

  /** Goes over the rows before anything else, and remembers by what they may name each other. @returns how many there are */
  async survey(jobId: string, state: Import): Promise<number> {
    const table = await this.files.table(state);
    const { read, isRelated } = await this.#reading(state, table.header);
    let total = 0;
    for await (const stored of chunksOf(table.rows)) {
      const chunk = await this.#filled(state, stored);
      total += chunk.length;
      if (!isRelated) continue;
      const readings = chunk.flatMap(({ line, cells, error }) => (error ? [] : [{ line, reading: read(cells) }]));
      const sound = readings.filter(({ reading }) => reading.errors.length === 0);
      const known = sound.map(({ line, reading }) => ({ line, values: calledBy(reading) }));
      await this.rows.note(jobId, known);
    }
    return total;
  }

  /** @param after the line up to which the rows are done in this round */
  async *plan(planning: Planning, state: Import, after = 0): AsyncGenerator<PlannedChunk> {
    const table = await this.files.table(state);
    const reading = await this.#reading(state, table.header);
    for await (const stored of chunksOf(table.rows, after)) {
      const chunk = await this.#filled(state, stored);
      const rows = reading.isRelated ? await this.#ofRound(planning, chunk) : chunk;
      yield { ...(await this.#rows(planning, reading, rows)), line: (stored.at(-1) as FileRow).line };
    }
  }

  /**
   * What some rows would come to by themselves, whomever they name.
   *
   * @param sample rows of the file, `rows` among them, in which their keys may come again
   */
  async look(
    importId: string,
    state: Pick<Import, 'mapping' | 'reading'>,
    rows: readonly FileRow[],
    sample: readonly FileRow[],
  ): Promise<Looked> {
    const reading = await this.#reading(state, state.reading?.header ?? []);
    const known = sample.flatMap(({ line, cells, error }): Known[] => {
      const said = reading.read(cells);
      const isSound = reading.isEdited || (!error && errorsOf(said).length === 0);
      return isSound ? [{ line, values: matchValues(said, reading.mapping) }] : [];
    });
    const { duplicates, times } = repeatsAmong(known);
    const { rows: planned } = await this.#rows({ importId, round: 'look', duplicates }, reading, rows);
    return { planned, times };
  }

  #rows(planning: Planning | Look, reading: Reading, rows: readonly FileRow[]): Promise<Omit<PlannedChunk, 'line'>> {
    return reading.isEdited ? this.#edited(planning, reading, rows) : this.#planned(planning, reading, rows);
  }

  /** Rows with what was set by hand; one that was emptied so is none any more. */
  async #filled(state: Import, stored: readonly FileRow[]): Promise<readonly FileRow[]> {
    const rows = await this.cells.applied(state, stored);
    return rows === stored ? stored : rows.filter(isFilledRow);
  }

  #duplicates(planning: Planning | Look, known: readonly Known[]): Promise<ReadonlyMap<number, number>> {
    return planning.round === 'look'
      ? Promise.resolve(planning.duplicates)
      : this.rows.duplicates(planning.jobId, known);
  }

  async #reading({ mapping }: Pick<Import, 'mapping'>, header: readonly string[]): Promise<Reading> {
    if (!mapping) throw notFound('import-not-found');
    const isEdited = isExported(mapping.columns);
    const readable = isEdited ? { ...mapping, defaults: {} } : mapping;
    const { rules } = await this.current.read();
    const fields = importFields(rules);
    const mapped = [...mapping.columns.map(({ field }) => field), ...Object.keys(readable.defaults)];
    const isRelated = mapped.some((field) => importFieldOf(fields, field)?.kind === 'relation');
    const wrongIn = (row: CustomerInput, isNew: boolean) => {
      const fieldSet = mapping.createMissingOptions ? withChosen(rules.fieldSet, [row.custom ?? {}]) : rules.fieldSet;
      return fieldErrorsOf(row, { ...(isNew ? rules : builtInRules), fieldSet }, isNew);
    };
    return { header, mapping, fields, read: rowReader(header, readable, fields), wrongIn, isEdited, isRelated };
  }

  /** Those that are to be carried out in this round, and not before or after it. */
  async #ofRound({ jobId, round }: Planning, chunk: readonly FileRow[]): Promise<readonly FileRow[]> {
    if (round === 'check') return chunk;
    const rounds = await this.rows.roundsOf(
      jobId,
      chunk.map(({ line }) => line),
    );
    return chunk.filter(({ line }) => (rounds.get(line) ?? 1) === round.number);
  }

  async #planned(
    planning: Planning | Look,
    { mapping, read, wrongIn }: Reading,
    chunk: readonly FileRow[],
  ): Promise<Omit<PlannedChunk, 'line'>> {
    const rows = chunk.map((row) => {
      const reading = read(row.cells);
      const errors = row.error ? [{ column: null, code: row.error.code, params: row.error.params }] : errorsOf(reading);
      const values = matchValues(reading, mapping);
      const isReadable = row.error === undefined;
      return { line: row.line, cells: row.cells.map(({ text }) => text), reading, isReadable, errors, values };
    });
    const sound = rows.filter(({ errors }) => errors.length === 0);
    const duplicates = await this.#duplicates(planning, sound);
    const sought = rows.filter(({ line }) => !duplicates.has(line));
    const targets = await this.targets.find(planning.importId, mapping, sought);
    // A customer may be known by several keys, and by those of all records that were merged into it; a new one by its number
    // in any case.
    const known = sought.flatMap(({ line, errors }): Known[] => {
      const target = targets.get(line);
      return errors.length === 0 && typeof target === 'object' && (target.isThere || mapping.matchBy === 'number')
        ? [{ line, values: [`record ${target.id}`] }]
        : [];
    });
    const repeated = await this.#duplicates(planning, known);
    const planned = rows.map(({ values, errors, isReadable, ...row }): PlannedRow => {
      const target = targets.get(row.line) as Target;
      if (target === 'several' || errors.length > 0) {
        const wrong = target === 'several' ? [{ column: null, code: 'several-matches' }, ...errors] : errors;
        const isNew = target !== 'several' && !target.isThere && mapping.mode !== 'update';
        const others = isReadable ? othersBeside(wrong, row.reading, { mapping, wrongIn }, isNew) : [];
        return { ...row, fate: 'failed', errors: withOthers(wrong, others) };
      }
      const first = duplicates.get(row.line) ?? repeated.get(row.line);
      if (first !== undefined) return skipped(row, 'duplicate-in-file', { first });
      if (mapping.mode === 'update' && !target.isThere) {
        return skipped(row, values.length === 0 ? 'key-empty' : 'no-match');
      }
      const occurredAt = target.isThere ? undefined : row.reading.createdAt;
      const command = commandOf(mapping, row.reading);
      return { ...row, fate: 'command', ...target, command, occurredAt, ...unrelated };
    });
    return this.#related(planning, mapping, planned);
  }

  /** Rows of an exported table: each is held against its record as it was exported. */
  async #edited(
    planning: Planning | Look,
    { header, mapping, fields, read }: Reading,
    chunk: readonly FileRow[],
  ): Promise<Omit<PlannedChunk, 'line'>> {
    const keyColumns = mapping.columns.filter(({ field }) => field === 'id' || field === 'version');
    const readKeys = rowReader(header, { ...mapping, columns: keyColumns, defaults: {} }, fields);
    const rows = chunk.map((row) => ({ row, keys: readKeys(row.cells) }));
    const ids = rows.map(({ row, keys }) => ({ line: row.line, values: matchValues(keys, { matchBy: 'id' }) }));
    const duplicates = await this.#duplicates(planning, ids);
    const planned: PlannedRow[] = [];
    await eachOf(rows.entries(), atOnce, async ([index, { row, keys }]) => {
      const first = duplicates.get(row.line);
      const plain = { line: row.line, cells: row.cells.map(({ text }) => text), reading: keys };
      planned[index] =
        first === undefined
          ? { ...plain, ...(await this.#edit(mapping, header, row, keys, read)) }
          : skipped(plain, 'duplicate-in-file', { first });
    });
    return this.#related(planning, mapping, planned);
  }

  async #edit(
    mapping: ImportMapping,
    header: readonly string[],
    { cells, error }: FileRow,
    keys: RowReading,
    read: Read,
  ): Promise<Edited> {
    if (error) return failed([{ column: null, code: error.code, params: error.params }]);
    if (keys.errors.length > 0) return failed(keys.errors);
    const { id, version } = keys;
    if (id === undefined || version === undefined) return failed([{ column: null, code: 'key-empty' }]);
    const versions = version.split('-').map(Number);
    try {
      const seen = await this.customers.fieldsAt(id, versions);
      if (!seen) return failed([{ column: null, code: 'changed-meanwhile' }]);
      const permissions = mapping.columns.some(({ field }) => isPermission(field))
        ? await this.consents.permissionsEver(recordsOf(id, seen))
        : [];
      const { changes: told, errors, reading } = editedRow(cells, header, mapping, seen, read, permissions);
      const changes = await this.#withTags(told, seen);
      const wrong = [...errors, ...asRowErrors(reading, shapeErrorsOf(ChangeCustomerDto, changes))];
      if (wrong.length > 0) return failed(wrong);
      return { fate: 'edit', id, versions, changes, reading, ...unrelated };
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return failed(rowErrorsOf(keys, thrown));
    }
  }

  /** With tags by the names that they have now: what a table calls them since before they were renamed changes nothing. */
  async #withTags(changes: CustomerInput, seen: CustomerInput): Promise<CustomerInput> {
    const { tags, ...others } = changes;
    if (!tags) return changes;
    const now = (await this.tags.naming(tags))(tags);
    return isDeepStrictEqual(now, seen.tags) ? others : { ...others, tags: now };
  }

  /** With the customers that the rows name. */
  async #related(
    planning: Planning | Look,
    mapping: ImportMapping,
    rows: readonly PlannedRow[],
  ): Promise<Omit<PlannedChunk, 'line'>> {
    const related = rows.flatMap((row): Related[] =>
      row.fate !== 'skipped' && namesOthers(row.reading) ? [{ id: '', ...row }] : [],
    );
    if (planning.round === 'look') return { rows: rows.map(withSomebody), waiting: [] };
    if (related.length === 0) return { rows, waiting: [] };
    const { connectionId } = mapping;
    const settled = await this.relations.settle({ ...planning, connectionId }, related);
    const done = await this.#doneBefore(planning, settled);
    const isWaiting = ({ line, fate }: PlannedRow) =>
      fate !== 'failed' && settled.get(line)?.waits === true && !done.has(line);
    const going = rows.filter((row) => !isWaiting(row));
    const named = new Map([...settled].filter(([line]) => !done.has(line)));
    const others = await this.#otherErrors(mapping, going, named);
    return {
      rows: going.map((row) => withRelations(row, named.get(row.line), others.get(row.line))),
      waiting: rows.filter(isWaiting).map(({ line }) => line),
    };
  }

  /** Line -> what else is wrong with a row whose relations fail, as far as it can be told without them. */
  async #otherErrors(
    mapping: ImportMapping,
    rows: readonly PlannedRow[],
    settled: ReadonlyMap<number, Settled>,
  ): Promise<ReadonlyMap<number, readonly RowError[]>> {
    const failing = rows.flatMap((row): Taken[] => {
      const { links, errors } = settled.get(row.line) ?? { links: {}, errors: [] };
      return errors.length > 0 && (row.fate === 'command' || row.fate === 'edit') ? [{ ...row, links }] : [];
    });
    if (failing.length === 0) return new Map();
    const outcomes = await this.outcomes.ofEach(failing, await this.outcomes.beside(failing, { mapping }));
    return new Map(
      failing.map(({ line, reading }, index) => {
        const { end, errors = [] } = outcomes[index] as CheckedOutcome;
        return [line, [...(end === 'error' ? errors : []), ...companyErrors(reading)]];
      }),
    );
  }

  /** Lines of rows that were carried out before a kill: whom they name was decided then. */
  async #doneBefore({ jobId, round }: Planning, settled: ReadonlyMap<number, Settled>): Promise<ReadonlySet<number>> {
    if (round === 'check') return new Set();
    const open = [...settled].filter(([, { waits, errors }]) => waits || errors.length > 0).map(([line]) => line);
    const commandIds = open.map((line) => itemId({ id: jobId }, line));
    const done = await this.commands.settled(commandIds);
    return new Set(open.filter((_, index) => done.has(commandIds[index] as string)));
  }
}

/** `times`: line -> in how many rows of the sample its key stands; nothing of one without a key. */
type Looked = { planned: readonly PlannedRow[]; times: ReadonlyMap<number, number> };
type Read = (cells: readonly Cell[]) => RowReading;
type Find = (row: CustomerInput) => Refusal['errors'];
type Reading = {
  header: readonly string[];
  mapping: ImportMapping;
  fields: readonly ImportField[];
  read: Read;
  /** What is wrong with fields, as far as it can be told without their record. */
  wrongIn: (row: CustomerInput, isNew: boolean) => Refusal['errors'];
  /** A table that was exported before. */
  isEdited: boolean;
  /** Its rows may name other customers. */
  isRelated: boolean;
};
type Taken = Extract<PlannedRow, { fate: 'command' | 'edit' }>;
type Edited =
  { fate: 'failed'; errors: readonly RowError[] } | Omit<Extract<PlannedRow, { fate: 'edit' }>, 'line' | 'cells'>;
/** All records of a customer as it is answered. */
const recordsOf = (id: string, { records }: Readonly<Record<string, unknown>>): string[] =>
  ((records ?? [{ id }]) as readonly { id: string }[]).map((one) => one.id);
const failed = (errors: readonly RowError[]): Edited => ({ fate: 'failed', errors });
const atOnce = 16;

/** Pieces of a table that fit into memory. */
async function* chunksOf(rows: AsyncIterable<FileRow>, after = 0): AsyncGenerator<readonly FileRow[]> {
  let chunk: FileRow[] = [];
  let characters = 0;
  for await (const row of rows) {
    if (row.line <= after) continue;
    chunk.push(row);
    characters += row.cells.reduce((sum, { text }) => sum + text.length, 0);
    if (chunk.length < chunkRows && characters <= chunkCharacters) continue;
    yield chunk;
    [chunk, characters] = [[], 0];
  }
  if (chunk.length > 0) yield chunk;
}

const withSomebody = (row: PlannedRow): PlannedRow =>
  'links' in row ? { ...row, links: somebodyIn(row.reading.relations) } : row;

const namesOthers = ({ relations, companies }: RowReading): boolean => relations.length > 0 || companies.length > 0;

const shapeErrorsIn: Find = (row) => shapeErrorsOf(ChangeCustomerDto, row);

/** What cannot be read of a row. */
function errorsOf(reading: RowReading): readonly RowError[] {
  return [
    ...reading.errors,
    ...timeErrors(reading),
    ...asRowErrors(reading, shapeErrorsIn(reading.row)),
    ...companyErrors(reading, shapeErrorsIn),
  ];
}

/**
 * What the decider would say besides, who is not asked any more, of what could be read.
 *
 * @param isNew of one who is there, or may be, it is not known what else they have: what rules ask for is left out
 */
function othersBeside(
  errors: readonly RowError[],
  reading: RowReading,
  { mapping: { columns }, wrongIn }: Pick<Reading, 'mapping' | 'wrongIn'>,
  isNew: boolean,
): RowError[] {
  const unread = new Set(errors.map(({ column }) => column));
  const open = [
    ...columns.flatMap(({ column, field }) => (unread.has(column) ? [field] : [])),
    ...reading.relations.map(({ field }) => field),
  ];
  const isOpen = (path: string) =>
    open.some(
      (field) => path === field || (!field.startsWith('custom.') && path.split('.')[0] === recordFieldOf(field)),
    );
  const own = wrongIn(reading.row, isNew).filter(({ path }) => !isOpen(path));
  return [...asRowErrors(reading, own), ...companyErrors(reading, (row) => wrongIn(row, false))];
}

const companyErrors = ({ companies }: RowReading, find: Find = fieldErrorsOf): RowError[] =>
  companies.flatMap(({ reading, role }) => asRowErrors(reading, find(reading.row), role));

/** Nothing was made later than now. */
const timeErrors = (reading: RowReading): RowError[] =>
  reading.createdAt !== undefined && reading.createdAt > new Date().toISOString()
    ? [{ column: columnOf('createdAt', reading), code: 'in-the-future' }]
    : [];

/** What is wrong with fields, whatever they are held against. @param isNew whether also what is missing */
function fieldErrorsOf(row: CustomerInput, rules: CustomerRules = builtInRules, isNew = false): Refusal['errors'] {
  const known = isNew ? undefined : { name: row.name ?? '-' };
  try {
    tidyFields(row, known, { now: new Date().toISOString(), entry: 'import', rules });
    return [];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.errors;
  }
}
