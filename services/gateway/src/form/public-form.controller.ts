import { timingSafeEqual } from 'node:crypto';
import { Controller, Get, HttpCode, Options, Param, Post, Req, Res } from '@nestjs/common';
import {
  Commands,
  Refusal,
  derivedId,
  forbidden,
  invalid,
  newId,
  notFound,
  runInContext,
  type FieldError,
} from '@throughline/event-sourcing';
import {
  Answers,
  Kernel,
  ServiceConfig,
  messageOf,
  ownUrl,
  problemOf,
  sendProblem,
  type Language,
} from '@throughline/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { valuesOf, written, type CustomFields } from './custom-fields.ts';
import { KnownCustomFields } from './custom-fields.view.ts';
import { definitionOf, formPage, messagePage, policyOf } from './form-page.ts';
import { FormDefinition, Submitted } from './form.dto.ts';
import { FormRules } from './form-rules.client.ts';
import { Forms, type KnownForm } from './forms.store.ts';
import { isPageId, languageIn, readSubmission, utmOf, type ReadSubmission } from './sent.shape.ts';
import {
  customerFrom,
  repeatable,
  ruleErrors,
  spamReason,
  submission,
  submissionErrors,
  submittedOf,
  type Sent,
} from './submission.ts';
import { Submissions } from './submissions.store.ts';

type Submission = ReadSubmission & Sent;

const hiddenOf = (utm: ReadSubmission['utm']): Record<string, string> =>
  Object.fromEntries(Object.entries(utm).map(([name, value]) => [`utm_${name}`, value]));

/** A form for everybody: no token, but a limit by address and checks against spam. */
@Controller('forms')
export class PublicFormController {
  constructor(
    private readonly commands: Commands,
    private readonly forms: Forms,
    private readonly customFields: KnownCustomFields,
    private readonly rules: FormRules,
    private readonly submissions: Submissions,
    private readonly kernel: Kernel,
    private readonly config: ServiceConfig,
  ) {}

  /** Its own page; what it asks for as JSON, for who accepts that alone. */
  @Get(':key')
  @Answers(FormDefinition)
  async show(@Param('key') key: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const lang = new URLSearchParams(request.url.split('?').slice(1).join('?')).get('lang') ?? undefined;
    const form = await this.#form(key, request, reply);
    const language = languageIn(lang, request.headers['accept-language']);
    const submissionId = newId();
    const token = this.#token(key, submissionId, new Date());
    const custom = await this.customFields.askedBy(form);
    const { accept = '' } = request.headers;
    if (/application\/json/.test(accept) && !/text\/html/.test(accept))
      return reply
        .header('vary', 'Accept, Origin')
        .send({ ...definitionOf(form, custom, language), submissionId, token });
    const page = `${this.#ownOrigin(request)}${request.url}`;
    const hidden = { submissionId, token, lang: language, page, ...hiddenOf(utmOf(request.url)) };
    const typed = new Map();
    return this.#page(reply, form, 200, { custom, language, typed, consent: false, hidden, errors: new Map() });
  }

  @Options(':key')
  async greet(@Param('key') key: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    await this.#form(key, request, reply);
    const headers = { 'access-control-allow-methods': 'GET, POST', 'access-control-max-age': '600' };
    return reply
      .code(204)
      .headers({ ...headers, 'access-control-allow-headers': 'content-type, idempotency-key, accept-language' })
      .send();
  }

  /** Taken at once; the customer's record follows within moments. The same submission again is the same record. */
  @Post(':key')
  @HttpCode(202)
  @Answers(Submitted)
  async take(@Param('key') key: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const form = await this.#form(key, request, reply);
    const read = readSubmission(request);
    const custom = await this.customFields.askedBy(form);
    const sent = { ...read, values: valuesOf(read.entries, custom) };
    try {
      const id = await this.#submit(form, custom, sent, request);
      if (!sent.asPage) return await reply.code(202).send({ id });
      if (form.redirect) return await reply.code(303).header('location', new URL(form.redirect).href).send();
      return await this.#html(reply, form, 200, messagePage(sent.language, messageOf(sent.language, 'form-taken')));
    } catch (error) {
      if (!(error instanceof Refusal && error.kind === 'invalid')) throw error;
      if (sent.asPage) return this.#refused(reply, form, custom, sent, error);
      return sendProblem(request, reply, problemOf(error), request.traceId ?? request.id, sent.language);
    }
  }

  /** @returns the id of the customer's record, also where it looked like spam and will not be made */
  async #submit(form: KnownForm, custom: CustomFields, sent: Submission, request: FastifyRequest): Promise<string> {
    const { id: formId, key } = form;
    const submissionId = sent.submissionId ?? newId();
    const customerId = derivedId(submission.category, formId, submissionId);
    const now = new Date();
    const looksLike = spamReason(sent, this.#served(key, sent), now);
    if (looksLike) return this.#refuse(formId, customerId, looksLike, sent);
    // What was taken once stays taken, whatever is asked of others since.
    const isTaken = sent.submissionId !== undefined && (await this.commands.exists(submission.category, customerId));
    const errors = isTaken ? [] : await this.#errors(form, custom, sent, now, request.traceparent);
    if (errors.length > 0) throw invalid('invalid-submission', errors);
    const text = repeatable(written(sent.values, custom));
    if (text !== undefined && (await this.submissions.isCommon(formId, customerId, text)))
      return this.#refuse(formId, customerId, 'repeated', sent);
    const addressHash = this.kernel.secrets.hmac('form-addresses', request.ip);
    const submitted = submittedOf(form, sent, { customerId, formId, addressHash });
    const { traceId = customerId, traceparent } = request;
    const context = {
      actor: { type: 'system' as const, id: `form:${formId}` },
      entry: 'form' as const,
      source: 'web-form',
      correlationId: traceId,
      commandId: submissionId,
      ...(traceparent !== undefined && { traceparent }),
    };
    // As it was sent: what a repeat says does not hang on what fields are defined meanwhile.
    const body = { values: sent.entries, consent: sent.consent };
    await runInContext(context, () =>
      this.commands.execute(submission, customerId, { type: 'SubmitForm', submitted }, { body }),
    );
    return customerId;
  }

  /** Everything that is wrong with it, by the form and by the rules for customers. */
  async #errors(
    form: KnownForm,
    custom: CustomFields,
    sent: Submission,
    now: Date,
    traceparent?: string,
  ): Promise<FieldError[]> {
    const errors = submissionErrors(form, sent, now.toISOString(), custom);
    const broken = await this.rules.against(customerFrom(form, sent, errors), traceparent);
    return [...errors, ...ruleErrors(form, broken, errors)];
  }

  /** Whoever sends spam is not told so. */
  async #refuse(formId: string, id: string, reason: Parameters<Submissions['refuse']>[2], sent: Sent) {
    await this.submissions.refuse(formId, id, reason, sent.values);
    return id;
  }

  /** @throws Refusal `form-not-found`, `origin-not-allowed` */
  async #form(key: string, request: FastifyRequest, reply: FastifyReply): Promise<KnownForm> {
    const form = await this.forms.find(key);
    if (!form) throw notFound('form-not-found');
    const { origin } = request.headers;
    void reply.header('vary', 'Origin');
    // Pages without an origin of their own, as those in a sandbox, say `null`: nothing here depends on who sends it.
    if (origin === undefined || origin === 'null' || origin === this.#ownOrigin(request)) return form;
    if (!form.origins.includes(origin)) throw forbidden('origin-not-allowed');
    void reply.header('access-control-allow-origin', origin);
    return form;
  }

  #ownOrigin(request: FastifyRequest): string {
    return new URL(ownUrl(this.config, request)).origin;
  }

  /** Proof that a page was served then, under this submission's id and no other. */
  #token(key: string, submissionId: string, at: Date): string {
    const time = String(at.getTime());
    return `${time}.${this.kernel.secrets.hmac('form-pages', `${key} ${submissionId} ${time}`)}`;
  }

  #served(key: string, { token, submissionId }: ReadSubmission): Date | 'forged' | undefined {
    if (token === undefined) return undefined;
    const [time = ''] = token.split('.', 1);
    const at = new Date(Number(time));
    if (!/^\d{13}$/.test(time) || !isPageId(submissionId)) return 'forged';
    const [given, own] = [token, this.#token(key, submissionId, at)].map((text) => Buffer.from(text)) as [
      Buffer,
      Buffer,
    ];
    return given.length === own.length && timingSafeEqual(given, own) ? at : 'forged';
  }

  #refused(reply: FastifyReply, form: KnownForm, custom: CustomFields, sent: Submission, { code, errors }: Refusal) {
    const { language, entries, consent, submissionId = newId(), token, page, utm } = sent;
    if (errors.length === 0) return this.#html(reply, form, 422, messagePage(language, messageOf(language, code)));
    const hidden = {
      submissionId,
      lang: language,
      ...(token !== undefined && { token }),
      ...(page !== undefined && { page }),
      ...hiddenOf(utm),
    };
    const typed = typedOf(entries);
    const messages = messagesOf(errors, language);
    // Who agreed to another text has to read this one.
    const agreed = consent && !messages.has('consent');
    return this.#page(reply, form, 422, { custom, language, typed, consent: agreed, hidden, errors: messages });
  }

  #page(reply: FastifyReply, form: KnownForm, status: number, shown: Omit<Parameters<typeof formPage>[0], 'form'>) {
    return this.#html(reply, form, status, formPage({ form, ...shown }));
  }

  #html(reply: FastifyReply, form: KnownForm, status: number, html: string) {
    return reply
      .code(status)
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': policyOf(form),
        // With less, a browser would not say of its own page that it is its own.
        'referrer-policy': 'same-origin',
        vary: 'Accept, Accept-Language, Origin',
      })
      .send(html);
  }
}

const typedOf = (entries: ReadSubmission['entries']): ReadonlyMap<string, readonly string[]> =>
  new Map([...Map.groupBy(entries, ([name]) => name)].map(([name, all]) => [name, all.map(([, text]) => text)]));

function messagesOf(errors: readonly FieldError[], language: Language): ReadonlyMap<string, string> {
  const found = Map.groupBy(errors, ({ path }) => path);
  const said = ({ code, params }: FieldError) => messageOf(language, code, params);
  return new Map([...found].map(([path, all]) => [path, all.map(said).join(' ')]));
}
