import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import {
  Refusal,
  UnknownEvent,
  errorForLog,
  isTransient,
  type FieldError,
  type RefusalKind,
} from '@throughline/event-sourcing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from './log.ts';
import { languageOf, messageOf, type Language } from './messages.ts';
import { StoreReplaced } from './same-store.ts';

const statusOf: Record<RefusalKind, number> = {
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  precondition: 412,
  invalid: 422,
};

export type Problem = {
  status: number;
  code: string;
  params?: Readonly<Record<string, unknown>>;
  errors?: readonly FieldError[];
  headers?: Readonly<Record<string, string>>;
};

/** A request whose shape is wrong: 400 with every failing field. */
export class ShapeError extends Error {
  constructor(
    readonly errors: readonly FieldError[],
    readonly code = 'invalid-request',
  ) {
    super(code);
  }
}

/** An answer of a status that no refusal has, such as 401. */
export class HttpProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    /** What the status asks for: `Retry-After`, `Allow`. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(code);
  }
}

const codeOfStatus: Record<number, string> = {
  400: 'invalid-request',
  401: 'unauthorised',
  403: 'forbidden',
  404: 'not-found',
  405: 'method-not-allowed',
  408: 'request-timeout',
  413: 'too-large',
  414: 'url-too-long',
  415: 'unsupported-media-type',
  429: 'too-many-requests',
  431: 'headers-too-large',
  503: 'unavailable',
};

/** What an error is to the caller. Anything unknown is a bug: 500, and nothing about it leaves the house. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal)
    return { status: statusOf[error.kind], code: error.code, params: error.params, errors: error.errors };
  if (error instanceof ShapeError) return { status: 400, code: error.code, errors: error.errors };
  if (error instanceof HttpProblem) return { status: error.status, code: error.code, headers: error.headers };
  // Another process, of a newer release, wrote the record: during an upgrade one that can read it soon answers here.
  if (error instanceof UnknownEvent) return { status: 503, code: 'newer-release', headers: { 'retry-after': '30' } };
  if (error instanceof StoreReplaced) return { status: 503, code: 'store-replaced', headers: { 'retry-after': '30' } };
  if (isTransient(error)) return { status: 503, code: 'unavailable' };
  const { code, statusCode } = Object(error) as { code?: unknown; statusCode?: number };
  if (code === 'FST_ERR_BAD_URL') return { status: 400, code: 'unreadable-url' };
  if (String(code).startsWith('FST_ERR_CTP_') && statusCode === 400) return { status: 400, code: 'unreadable-json' };
  const status = error instanceof HttpException ? error.getStatus() : (statusCode ?? 500);
  if (status >= 400 && status < 500) return { status, code: codeOfStatus[status] ?? 'invalid-request' };
  return status === 503 ? { status, code: 'unavailable' } : { status: 500, code: 'internal' };
}

/** A body can be wrong in very many places, and a name in it very long: the rest is counted. */
const mostErrors = 100;
const longestPath = 200;

/** An RFC 9457 problem. */
export function bodyOf({ status, code, params = {}, errors = [] }: Problem, language: Language, traceId: string) {
  const title = messageOf(language, code, params);
  return {
    ...params,
    type: `/problems/${code}`,
    title,
    status,
    detail: title,
    code,
    traceId,
    ...(errors.length > 0 && {
      errors: errors.slice(0, mostErrors).map(({ path, code: field, params: fill }) => ({
        path: path.slice(0, longestPath).toWellFormed(),
        code: field,
        message: messageOf(language, field, fill),
        ...(fill && { params: fill }),
      })),
    }),
    ...(errors.length > mostErrors && { moreErrors: errors.length - mostErrors }),
  };
}
export const textOf = (problem: Problem, language: Language, traceId: string): string =>
  JSON.stringify(bodyOf(problem, language, traceId));

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
  traceId: string,
  language = languageOf(request.headers['accept-language']),
): FastifyReply {
  return reply
    .code(problem.status)
    .headers(problem.headers ?? {})
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('content-language', language)
    .send(textOf(problem, language, traceId));
}

/** The one place that turns what was thrown into an answer. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly log: Log) {}

  catch(error: unknown, host: ArgumentsHost) {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(error: unknown, request: FastifyRequest, reply: FastifyReply) {
    const problem = problemOf(error);
    const traceId = request.traceId ?? request.id;
    if (problem.status === 500) {
      this.log.error('request failed', { traceId, route: request.routeOptions.url, ...errorForLog(error) });
    }
    return sendProblem(request, reply, problem, traceId);
  }
}
