import { Readable } from 'node:stream';
import {
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Req,
  StreamableFile,
} from '@nestjs/common';
import { ApiBody, ApiConsumes } from '@nestjs/swagger';
import { mayWrite } from '@throughline/contracts';
import { Commands, currentContext, forbidden, idOfNew } from '@throughline/event-sourcing';
import {
  Answers,
  AnswersFile,
  IdPipe,
  Jobs,
  Kernel,
  Records,
  ShapeError,
  languageOf,
  readUpload,
  shapeErrorsOf,
  type Language,
} from '@throughline/service';
import { writeCsv, writeXlsx } from '@throughline/tables';
import { IsOptional, Matches, MaxLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { Batch, UndoPreview } from '../batch/batch.dto.ts';
import { batch } from '../batch/batch.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { UndoBatch } from '../batch/undo-batch.job.ts';
import { UndoPreviews } from '../batch/undo-batch.preview.ts';
import { isSkipped, skipHeader } from '../duplicates/duplicate.dto.ts';
import { mostShown } from './check-import.job.ts';
import { ImportCells } from './import-cells.store.ts';
import { importFields, isPermission, type ImportField } from './import-fields.ts';
import { ImportFiles } from './import-files.store.ts';
import { Imports } from './import-list.view.ts';
import { checkMapping, type ImportMapping } from './import-mapping.ts';
import { ImportPreviews } from './import-preview.store.ts';
import { ImportRows, type RejectedRow } from './import-rows.store.ts';
import { ImportSuggestions } from './import-suggestions.store.ts';
import { openImportTable, readingOf, type ReadingWishes } from './import-table.ts';
import { columnsBeside, reasonOf, shownCheck, shownPreview } from './import.answers.ts';
import {
  EditCellsDto,
  Import,
  ImportPage,
  MappingDto,
  ReadingDto,
  SavedMappings,
  TemplateQuery,
  UploadDto,
} from './import.dto.ts';
import { importing } from './import.ts';

class PageQuery {
  @IsOptional() @MaxLength(200) cursor?: string;
}

class UndoQuery {
  @IsOptional() @Matches(/^\d{1,15}$/) cursor?: string;
}

/** Kept with the import: it runs when its caller is gone. */
const passing = (skip: string | undefined) => isSkipped(skip) && { passesAs: currentContext().roles ?? [] };

const csv = 'text/csv; charset=utf-8';
const xlsx = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

/** Files on their way to become records: uploaded, mapped, checked, run as a batch, and undone as one. */
@Controller('imports')
@Answers(Import)
export class ImportController {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly records: Records,
    private readonly jobs: Jobs,
    private readonly files: ImportFiles,
    private readonly cells: ImportCells,
    private readonly previews: ImportPreviews,
    private readonly rows: ImportRows,
    private readonly imports: Imports,
    private readonly suggestions: ImportSuggestions,
    private readonly undoing: UndoBatch,
    private readonly undoPreviews: UndoPreviews,
    private readonly current: CurrentRules,
  ) {}

  /** Takes a file as a form. The same Idempotency-Key and the same bytes are the same import. */
  @Post()
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['file', 'object'],
      properties: {
        file: { type: 'string', format: 'binary' },
        object: { type: 'string', enum: ['customers'] },
        encoding: { type: 'string' },
        delimiter: { type: 'string' },
        sheet: { type: 'string' },
        header: { type: 'string', enum: ['true', 'false'] },
      },
    },
  })
  async upload(@Req() request: FastifyRequest, @Headers('accept-language') language?: string) {
    const { file, fields } = await readUpload(request, async ({ name, bytes }) => ({
      name: nameOf(name),
      ...(await this.files.write(bytes)),
    }));
    try {
      const wishes = wishesOfForm(fields);
      const id = idOfNew(importing.category);
      const uploaded = { object: 'customers' as const, fileId: file.id, fileName: file.name, bytes: file.bytes };
      const reading = await this.#detected(uploaded, wishes);
      const { repeated } = await this.commands.execute(
        importing,
        id,
        { type: 'UploadImport', file: uploaded, reading },
        { body: { ...fields, sha256: file.sha256 } },
      );
      if (repeated) await this.files.remove(file.id);
      return await this.read(id, language);
    } catch (error) {
      await this.files.remove(file.id);
      throw error;
    }
  }

  @Get()
  @Answers(ImportPage)
  list(@Query() { cursor }: PageQuery) {
    return this.imports.list(cursor);
  }

  /** Mappings that were saved under a name. */
  @Get('mappings')
  @Answers(SavedMappings)
  async mappings() {
    return { items: await this.imports.saved() };
  }

  /** A file to fill in: the header that is understood without mapping. */
  @Get('template.csv')
  @AnswersFile('text/csv')
  async templateCsv(@Query() _: TemplateQuery, @Headers('accept-language') language?: string) {
    const header = templateHeader(await this.#fields(), languageOf(language));
    return fileOf(writeCsv(header, []), csv, 'customers.csv');
  }

  @Get('template.xlsx')
  @AnswersFile(xlsx)
  async templateXlsx(@Query() _: TemplateQuery, @Headers('accept-language') language?: string) {
    const header = templateHeader(await this.#fields(), languageOf(language));
    return fileOf(writeXlsx(header, [], { sheet: 'Customers' }), xlsx, 'customers.xlsx');
  }

  @Get(':id')
  async read(@Param('id', IdPipe) id: string, @Headers('accept-language') language?: string) {
    const { fields, ...answer } = await this.records.read(importing, id);
    const { state } = await this.commands.load(importing, id);
    const { isCheckStale = false } = state;
    const said = languageOf(language);
    // Rows are a table of people for whoever mends it, as those of errors.csv.
    const seesRows = mayWrite(currentContext().roles ?? []);
    const [suggestion, suggestedHeaderRow, check, progress, run] = await Promise.all([
      this.#fields().then((known) => this.suggestions.of(state, known)),
      this.suggestions.headerRow(state),
      this.#check(state.checkId, seesRows),
      this.jobs.find(id),
      this.commands.load(batch, id),
    ]);
    const mapping = state.mapping ?? suggestion;
    const checked = isCheckStale ? undefined : check?.found;
    const preview = seesRows ? await this.previews.rows(id, state, mapping, checked) : [];
    return {
      ...answer,
      fields: {
        ...fields,
        status: run.state.status === 'done' ? 'done' : state.status,
        preview: preview.map((row) => shownPreview(row, said)),
        suggestion,
        ...(suggestedHeaderRow !== undefined && { suggestedHeaderRow }),
        check: check ? shownCheck(check, isCheckStale, said) : null,
        progress: progress ?? null,
        counts: run.state.status === 'done' ? run.state.counts : (progress?.counts ?? {}),
      },
    };
  }

  /** Reads the file in another way than it was found out: encoding, delimiter, sheet, no header, or one further down. */
  @Post(':id/reading')
  @HttpCode(200)
  async reading(
    @Param('id', IdPipe) id: string,
    @Body() wishes: ReadingDto,
    @Headers('accept-language') language?: string,
  ) {
    const { file } = (await this.records.read(importing, id)) && (await this.commands.load(importing, id)).state;
    if (file) {
      const reading = await this.#detected(file, { ...wishes });
      await this.commands.execute(importing, id, { type: 'ReadImport', reading }, { body: { ...wishes } });
    }
    return this.read(id, language);
  }

  @Post(':id/mapping')
  @HttpCode(200)
  async map(@Param('id', IdPipe) id: string, @Body() body: MappingDto, @Headers('accept-language') language?: string) {
    const { saveAs, defaults = {}, policies = {}, columns, ...rest } = body;
    const mapping: ImportMapping = { ...rest, columns: columns.map((column) => ({ ...column })), defaults, policies };
    // Fields are the administrators' to define.
    if (mapping.createMissingOptions && !currentContext().roles?.includes('administrator'))
      throw forbidden('forbidden');
    const { state } = await this.#known(id);
    const known = await this.#fields();
    checkMapping(mapping, state.reading?.header ?? [], known);
    const completed = await this.suggestions.completed(state, known, mapping);
    await this.commands.execute(
      importing,
      id,
      { type: 'MapImport', ...completed, savedAs: saveAs },
      { body: { ...body } },
    );
    return this.read(id, language);
  }

  /** Sets cells by hand, as if that stood in the file. @returns the import with what its first rows would become then */
  @Patch(':id/cells')
  async editCells(
    @Param('id', IdPipe) id: string,
    @Body() { cells }: EditCellsDto,
    @Headers('accept-language') language?: string,
  ) {
    await this.#known(id);
    await this.cells.edit(id, cells);
    return this.read(id, language);
  }

  /** Goes over the file in the background and says what the import would do, without doing it. */
  @Post(':id/check')
  @HttpCode(202)
  async check(
    @Param('id', IdPipe) id: string,
    @Headers('accept-language') language?: string,
    @Headers(skipHeader) skip?: string,
  ) {
    const checkId = idOfNew('import-check');
    const { version } = await this.commands.execute(importing, id, { type: 'CheckImport', checkId });
    await this.jobs.start('check-import', checkId, { importId: id, version, ...passing(skip) }, 'import');
    return this.read(id, language);
  }

  /** Imports the rows in the background, as the batch of the same id. */
  @Post(':id/run')
  @HttpCode(202)
  async run(
    @Param('id', IdPipe) id: string,
    @Headers('accept-language') language?: string,
    @Headers(skipHeader) skip?: string,
  ) {
    const restorePoint = await this.kernel.feed().head();
    await this.commands.execute(importing, id, { type: 'StartImport', restorePoint, ...passing(skip) }, { body: {} });
    return this.read(id, language);
  }

  /** The rows that were not taken as they stood in the file, with what is wrong: to be mended and imported again. */
  @Get(':id/errors.csv')
  @AnswersFile('text/csv')
  errors(@Param('id', IdPipe) id: string, @Headers('accept-language') accepted?: string) {
    return this.#rowsFile(id, 'errors.csv', languageOf(accepted), (jobId) => this.rows.rejected(jobId));
  }

  /** The rows that were taken, or would be, and may be about a customer who was there already; with whom. */
  @Get(':id/warnings.csv')
  @AnswersFile('text/csv')
  warnings(@Param('id', IdPipe) id: string, @Headers('accept-language') accepted?: string) {
    return this.#rowsFile(id, 'warnings.csv', languageOf(accepted), (jobId) => this.rows.warned(jobId));
  }

  /** What undoing it would do to each record, and what it would leave because it was changed since. */
  @Get(':id/undo')
  @Answers(UndoPreview)
  async previewUndo(@Param('id', IdPipe) id: string, @Query() { cursor }: UndoQuery) {
    await this.#known(id);
    const { items, next } = await this.undoPreviews.page({ undoes: id }, cursor);
    return { items, nextCursor: next };
  }

  @Post(':id/undo')
  @HttpCode(202)
  @Answers(Batch)
  undo(@Param('id', IdPipe) id: string) {
    return this.undoing.start(id);
  }

  /** Rows as they stood in the file, with their lines and what is to be said of them. */
  async #rowsFile(
    id: string,
    name: string,
    language: Language,
    rowsOf: (jobId: string) => AsyncIterable<RejectedRow>,
  ): Promise<StreamableFile> {
    const { state } = await this.#known(id);
    const own = Object.values(columnsBeside).flatMap((names) => Object.values(names));
    const header = state.reading?.header ?? [];
    // Of an errors file that was mended and failed again, the reasons of before are not repeated.
    const kept = header.flatMap((name, index) => (own.includes(name) ? [] : [index]));
    const rowOf = ({ line, cells, errors }: RejectedRow) => [
      ...kept.map((index) => cells[index] ?? ''),
      line,
      errors.map((error) => reasonOf(error, language)).join(language === 'zh' ? '；' : '; '),
    ];
    const rows = rowsOf(state.status === 'started' ? id : (state.checkId ?? id));
    const names = [columnsBeside.line[language], columnsBeside.reason[language]];
    return fileOf(
      writeCsv([...kept.map((index) => header[index] as string), ...names], mapped(rows, rowOf)),
      csv,
      name,
    );
  }

  /** What columns can be mapped to, as of now. */
  async #fields(): Promise<readonly ImportField[]> {
    return importFields((await this.current.read()).rules);
  }

  async #known(id: string) {
    await this.records.read(importing, id);
    return this.commands.load(importing, id);
  }

  async #detected(file: { fileId: string; bytes: number }, wishes: ReadingWishes) {
    const table = await openImportTable(this.files.source(file.fileId, file.bytes), wishes);
    const { reading, sample } = await readingOf(table, wishes, (header) => this.kernel.secrets.hmac('imports', header));
    await this.files.writeSample(file.fileId, sample);
    return reading;
  }

  async #check(checkId: string | undefined, withRows: boolean) {
    const job = checkId === undefined ? undefined : await this.jobs.find(checkId);
    if (!job) return undefined;
    const most = withRows ? mostShown : 0;
    const [errors, warnings] = [
      await allOf(this.rows.rejected(job.id, most)),
      await allOf(this.rows.warned(job.id, most)),
    ];
    const found = { errors: byLine(errors), warnings: byLine(warnings), times: await this.rows.times(job.id) };
    return { job, errors, warnings, found };
  }
}

const byLine = (rows: readonly RejectedRow[]) => new Map(rows.map(({ line, errors }) => [line, errors]));

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const templateHeader = (fields: readonly ImportField[], language: Language): string[] =>
  fields.filter(({ field }) => !notInTemplate.has(field) && !isPermission(field)).map(({ label }) => label[language]);
const notInTemplate = new Set(['id', 'version', 'externalId', 'ownerId', 'address', 'familyName', 'givenName']);

const fileOf = (bytes: AsyncIterable<Uint8Array>, type: string, name: string): StreamableFile =>
  new StreamableFile(Readable.from(bytes, { objectMode: false }), {
    type,
    disposition: `attachment; filename="${name}"`,
  });

async function* mapped<T, R>(items: AsyncIterable<T>, change: (item: T) => R): AsyncGenerator<R> {
  for await (const item of items) yield change(item);
}

/** Without the folders that some browsers tell. */
const nameOf = (given: string | undefined): string =>
  ((given ?? '').split(/[/\\]/).at(-1) ?? '').toWellFormed().replaceAll('\0', '').slice(0, 200) || 'file';

/** @throws ShapeError with everything that is wrong beside the file */
function wishesOfForm(fields: Readonly<Record<string, string>>): ReadingWishes {
  const errors = shapeErrorsOf(UploadDto, fields);
  if (errors.length > 0) throw new ShapeError(errors);
  const { encoding, delimiter, sheet, header } = fields;
  return {
    ...(encoding !== undefined && { encoding }),
    ...(delimiter !== undefined && { delimiter }),
    ...(sheet !== undefined && { sheet }),
    ...(header !== undefined && { header: header === 'true' }),
  };
}
