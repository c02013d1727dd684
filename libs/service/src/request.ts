import { randomBytes } from 'node:crypto';
import {
  SpanKind,
  runInContext,
  startSpan,
  traceparentOf,
  type RequestContext,
  type Span,
} from '@throughline/event-sourcing';
import { services, type ServiceName } from '@throughline/contracts';
import { SpanStatusCode } from '@opentelemetry/api';
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
} from '@opentelemetry/semantic-conventions';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from './log.ts';
import type { Meters } from './meters.ts';
import { HttpProblem, ShapeError, type ProblemFilter } from './problem.ts';
import { isPublic, pathOf } from './public-routes.ts';
import type { Identity, Tokens } from './tokens.ts';

declare module 'fastify' {
  interface FastifyRequest {
    traceId?: string;
    traceparent?: string;
    span?: Span;
    identity?: Identity;
    context?: RequestContext;
    after?: ReadonlyMap<string, number>;
  }
}

/** Asked all the time, by machines only. */
const untraced = new Set(['/healthz', '/readyz', '/internal/history']);

/** The request as a span, which continues the caller's trace (W3C Trace Context) or begins one. */
function spanOf(request: FastifyRequest, service: ServiceName): Span | undefined {
  const { method, routeOptions } = request;
  const { url: route } = routeOptions;
  if (route !== undefined && untraced.has(route)) return undefined;
  return startSpan(route === undefined ? method : `${method} ${route}`, {
    parent: header(request, 'traceparent'),
    kind: SpanKind.SERVER,
    attributes: {
      [ATTR_HTTP_REQUEST_METHOD]: method,
      ...(route !== undefined && { [ATTR_HTTP_ROUTE]: route }),
      'throughline.service': service,
    },
  });
}

export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);

/** Where nobody records a trace, its id ties answers, log and events together all the same. */
export const unrecorded = (): string => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-00`;

/** How a request proves who it is from. */
export type Authenticate = (request: FastifyRequest) => Promise<Identity | undefined>;

/** What the services accept: the gateway's short token. */
export const byInternalToken =
  (tokens: Tokens): Authenticate =>
  async (request) => {
    const bearer = bearerOf(request);
    return bearer === undefined ? undefined : tokens.check(bearer, 'internal');
  };

export const bearerOf = (request: FastifyRequest): string | undefined =>
  /^Bearer +([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1];

/** `sales@12,customers@7` -> positions by service; undefined where it says anything else. */
export function positionsOf(header: string | string[] | undefined): ReadonlyMap<string, number> | undefined {
  const positions = new Map<string, number>();
  for (const part of String(header ?? '').split(',')) {
    if (part.trim() === '') continue;
    const [, service, position] = /^\s*([a-z]+)@(\d{1,15})\s*$/.exec(part) ?? [];
    if (!services.some((name) => name === service)) return undefined;
    positions.set(service as string, Number(position));
  }
  return positions;
}

const header = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

function contextOf(request: FastifyRequest, identity: Identity, traceparent: string, traceId: string): RequestContext {
  const commandId = request.method === 'GET' ? undefined : header(request, 'idempotency-key');
  if (commandId !== undefined && (commandId.length === 0 || commandId.length > 255)) {
    throw new ShapeError([{ path: 'Idempotency-Key', code: commandId.length === 0 ? 'required' : 'too-long' }]);
  }
  const match = header(request, 'if-match');
  const version =
    match === undefined || match === '*' ? undefined : /^(?:W\/)?"(\d{1,9}(?:-\d{1,9})*)"$/.exec(match)?.[1];
  if (match !== undefined && match !== '*' && version === undefined)
    throw new ShapeError([{ path: 'If-Match', code: 'wrong-type' }]);
  const type = identity.type;
  return {
    actor: { type, id: identity.id },
    entry: type === 'user' ? 'person' : 'api',
    source: type === 'user' ? 'web' : 'api',
    roles: identity.roles,
    correlationId: traceId,
    traceparent,
    ...(commandId !== undefined && { commandId }),
    ...(version !== undefined && { ifMatch: version.split('-').map(Number) }),
  };
}

/** Every request: a trace, a token, a context that everything below can ask, one line in the log. */
export function prepareRequests(
  fastify: FastifyInstance,
  options: { service: ServiceName; authenticate: Authenticate; problems: ProblemFilter; log: Log; meters: Meters },
): void {
  const { service, authenticate, problems, log, meters } = options;
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    const span = spanOf(request, service);
    const traceparent = (span && traceparentOf(span)) ?? unrecorded();
    const traceId = traceIdOf(traceparent);
    Object.assign(request, { span, traceparent, traceId });
    void reply.headers({
      'x-trace-id': traceId,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    const after = positionsOf(request.headers['x-after']);
    if (!after) return void problems.answer(new HttpProblem(400, 'unreadable-position'), request, reply);
    request.after = after;
    if (isPublic(pathOf(request.url))) return done();
    authenticate(request).then(
      (identity) => {
        if (!identity)
          return void problems.answer(
            new HttpProblem(401, 'unauthorised'),
            request,
            reply.header('www-authenticate', 'Bearer'),
          );
        try {
          request.identity = identity;
          request.context = contextOf(request, identity, traceparent, traceId);
        } catch (error) {
          return void problems.answer(error, request, reply);
        }
        return runInContext(request.context, () => done());
      },
      (error: unknown) => void problems.answer(error, request, reply),
    );
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const { statusCode, elapsedTime } = reply;
    request.span?.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, statusCode);
    if (statusCode >= 500) request.span?.setStatus({ code: SpanStatusCode.ERROR });
    request.span?.end();
    meters.request(elapsedTime / 1_000, {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: `${Math.floor(statusCode / 100)}xx`,
    });
    log.info('request', {
      traceId: request.traceId,
      method: request.method,
      route: request.routeOptions.url,
      status: statusCode,
      ms: Math.round(elapsedTime),
      actor: request.identity?.id,
    });
    done();
  });
}
