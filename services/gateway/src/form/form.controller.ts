import { randomBytes } from 'node:crypto';
import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { Commands, idOfNew } from '@throughline/event-sourcing';
import {
  Answers,
  IdPipe,
  Records,
  ServiceConfig,
  languageOf,
  messageOf,
  ownUrl,
  type RecordAnswer,
} from '@throughline/service';
import type { FastifyRequest } from 'fastify';
import { DataSource } from 'typeorm';
import { requireAdministrator } from '../access/access.controller.ts';
import { FormRow } from './form-list.view.ts';
import { ChangeFormDto, Form, FormPage, MakeFormDto, RefusalPage, RefusalsQuery } from './form.dto.ts';
import { FormRules } from './form-rules.client.ts';
import { form, type ConsentSettings, type Form as FormState, type FormSettings } from './form.ts';
import { Forms } from './forms.store.ts';
import { customerFrom, unaskedRules } from './submission.ts';
import { Submissions } from './submissions.store.ts';

/** What administrators see of forms. The prefix is in the path: `/forms/:key` is everybody's. */
@Controller('api/forms')
@Answers(Form)
export class FormController {
  constructor(
    private readonly commands: Commands,
    private readonly records: Records,
    private readonly forms: Forms,
    private readonly submissions: Submissions,
    private readonly rules: FormRules,
    private readonly database: DataSource,
    private readonly config: ServiceConfig,
  ) {}

  @Post()
  async make(@Body() body: MakeFormDto, @Req() request: FastifyRequest): Promise<RecordAnswer> {
    requireAdministrator(request);
    const { id = idOfNew(form.category), name, title, fields, ...others } = settingsOf(body);
    const given = { name, title, fields, origins: [], active: true, ...others };
    const made = await this.commands.execute(form, id, { type: 'MakeForm', key: newKey(), ...given }, { body });
    return this.#shown(made, request);
  }

  @Get()
  @Answers(FormPage)
  async list(@Req() request: FastifyRequest) {
    requireAdministrator(request);
    const rows = await this.database.getRepository(FormRow).find({ order: { createdAt: 'asc', id: 'asc' } });
    const refused = await this.submissions.countRefused();
    const items = rows.map((row) => ({ ...row, refused: refused.get(row.id) ?? 0, url: this.#url(row.key, request) }));
    return { items, nextCursor: null };
  }

  @Get(':id')
  async read(@Param('id', IdPipe) id: string, @Req() request: FastifyRequest): Promise<RecordAnswer> {
    requireAdministrator(request);
    const { fields, ...read } = await this.records.read(form, id);
    const warnings = await this.#warnings(fields as unknown as FormState, request);
    return this.#shown({ ...read, fields: { ...fields, warnings } }, request);
  }

  @Get(':id/history')
  history(@Param('id', IdPipe) id: string, @Req() request: FastifyRequest) {
    requireAdministrator(request);
    return this.records.history(form, id);
  }

  @Patch(':id')
  async change(@Param('id', IdPipe) id: string, @Body() body: ChangeFormDto, @Req() request: FastifyRequest) {
    requireAdministrator(request);
    const changes = settingsOf(body);
    const changed = await this.commands.execute(form, id, { type: 'ChangeForm', changes }, { body });
    this.forms.forget();
    return this.#shown(changed, request);
  }

  @Post(':id/archive')
  @HttpCode(200)
  archive(@Param('id', IdPipe) id: string, @Req() request: FastifyRequest) {
    return this.#archive(id, request);
  }

  @Delete(':id')
  remove(@Param('id', IdPipe) id: string, @Req() request: FastifyRequest) {
    return this.#archive(id, request);
  }

  /** What looked like spam, newest first: it makes no customer, and is kept for thirty days. */
  @Get(':id/refused')
  @Answers(RefusalPage)
  async refused(@Param('id', IdPipe) id: string, @Query() query: RefusalsQuery, @Req() request: FastifyRequest) {
    requireAdministrator(request);
    await this.records.read(form, id);
    return this.submissions.listRefused(id, query);
  }

  async #archive(id: string, request: FastifyRequest): Promise<RecordAnswer> {
    requireAdministrator(request);
    const archived = await this.commands.execute(form, id, { type: 'ArchiveForm' });
    this.forms.forget();
    return this.#shown(archived, request);
  }

  async #shown({ id, version, position, fields }: RecordAnswer, request: FastifyRequest): Promise<RecordAnswer> {
    const row = await this.database.getRepository(FormRow).findOneBy({ id });
    const refused = (await this.submissions.countRefused(id)).get(id) ?? 0;
    const url = this.#url(String(fields['key']), request);
    return { id, version, position, fields: { ...fields, url, submissions: row?.submissions ?? 0, refused } };
  }

  /** What customers of this form lack, and nobody who fills it in can do anything about. */
  async #warnings(made: FormState, { headers, traceparent }: FastifyRequest) {
    const empty = customerFrom(made, { values: new Map(), utm: {} });
    const unasked = unaskedRules(made, await this.rules.against(empty, traceparent));
    const language = languageOf(headers['accept-language']);
    return unasked.map(({ path: field, code, params }) => ({
      field,
      ...(params?.['ruleId'] !== undefined && { ruleId: params['ruleId'] }),
      message: messageOf(language, code, params),
    }));
  }

  #url(key: string, request: FastifyRequest): string {
    return `${ownUrl(this.config, request)}/forms/${key}`;
  }
}

/** Nobody finds a form by guessing. */
const newKey = (): string => randomBytes(12).toString('base64url');

type Settings<T> = Omit<T, 'consent'> & Pick<FormSettings, 'consent'>;

/** As plain objects: what is compared with what was recorded is no instance of a class. */
function settingsOf<T extends ChangeFormDto>(body: T): Settings<T> {
  const { consent, ...settings } = structuredClone(body) as T;
  const agreed: ConsentSettings | null | undefined = consent && { ...consent, required: consent.required ?? false };
  return { ...settings, ...(agreed !== undefined && { consent: agreed }) } as Settings<T>;
}
