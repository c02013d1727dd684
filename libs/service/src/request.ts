import { randomBytes } from 'node:crypto';
import { runInContext, type RequestContext } from '@throughline/event-sourcing';
import { services, type ServiceName } from '@throughline/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from './log.ts';
import { HttpProblem, ShapeError, type ProblemFilter } from './problem.ts';
import { isPublic, pathOf } from './public-routes.ts';
import type { Identity, Tokens } from './tokens.ts';

declare module 'fastify' {
  interface FastifyRequest {
    traceId?: string;
    traceparent?: string;
    identity?: Identity;
    context?: RequestContext;
    after?: ReadonlyMap<string, number>;
  }
}

const traceparentPattern = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Continues the caller's trace (W3C Trace Context), or begins one. */
export function traceOf(header: string | undefined): { traceparent: string; traceId: string } {
  const given = header && traceparentPattern.exec(header);
  const traceId = given ? (given[1] as string) : randomBytes(16).toString('hex');
  return { traceId, traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };
}

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
  const version = match === undefined || match === '*' ? undefined : /^(?:W\/)?"(\d+)"$/.exec(match)?.[1];
  if (match !== undefined && match !== '*' && version === undefined)
    throw new ShapeError([{ path: 'If-Match', code: 'wrong-type' }]);
  const type = identity.type;
  return {
    actor: { type, id: identity.id },
    entry: type === 'user' ? 'person' : 'api',
    source: type === 'user' ? 'web' : 'api',
    correlationId: traceId,
    traceparent,
    ...(commandId !== undefined && { commandId }),
    ...(version !== undefined && { ifMatch: Number(version) }),
  };
}

/** Every request: a trace, a token, a context that everything below can ask, one line in the log. */
export function prepareRequests(
  fastify: FastifyInstance,
  options: { service: ServiceName; authenticate: Authenticate; problems: ProblemFilter; log: Log },
): void {
  const { authenticate, problems, log } = options;
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done) => {
    const trace = traceOf(header(request, 'traceparent'));
    request.traceId = trace.traceId;
    request.traceparent = trace.traceparent;
    void reply.headers({
      'x-trace-id': trace.traceId,
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
          request.context = contextOf(request, identity, trace.traceparent, trace.traceId);
        } catch (error) {
          return void problems.answer(error, request, reply);
        }
        return runInContext(request.context, () => done());
      },
      (error: unknown) => void problems.answer(error, request, reply),
    );
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    log.info('request', {
      traceId: request.traceId,
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      actor: request.identity?.id,
    });
    done();
  });
}
