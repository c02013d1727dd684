import { Readable } from 'node:stream';
import replyFrom from '@fastify/reply-from';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ServiceName } from '@throughline/contracts';
import { HttpProblem, pathOf, problemOf, sendProblem, type Identity } from '@throughline/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Passes } from './passes.edge.ts';
import { isAllowed, methodsBeside, ownerOf } from './routes.ts';

/**
 * The path as its owner will read it, without dots, backslashes and what is escaped for nothing: what is allowed must be what
 * is done.
 *
 * @returns undefined where percent signs are not followed by what they promise, in UTF-8
 */
function pathAsRead(url: string): string | undefined {
  try {
    decodeURIComponent(url);
    return pathOf(decodeURI(new URL(`http://owner${url}`).pathname));
  } catch {
    return undefined;
  }
}

/** What a caller says of its own connection to us ends here. */
const ofThisConnection = { expect: undefined, 'keep-alive': undefined, upgrade: undefined };

const withOthers = (allow: string, path: string): string =>
  [...new Set([...allow.split(', '), ...methodsBeside(path)])].sort().join(', ');

/** Hands every request on to the service that owns its path, under a token that says who asks. */
export async function forwardToOwners(
  app: NestFastifyApplication,
  passes: Passes,
  baseUrl: (service: ServiceName) => string,
): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance();
  await fastify.register(replyFrom as never, {
    undici: { connections: 64, bodyTimeout: 60_000, headersTimeout: 60_000 },
  });

  fastify.all('/api/*', async (request: FastifyRequest, reply: FastifyReply) => {
    const answer = (error: unknown) => sendProblem(request, reply, problemOf(error), request.traceId ?? request.id);
    const path = pathAsRead(request.url);
    if (path === undefined) return answer(new HttpProblem(400, 'unreadable-url'));
    const service = ownerOf(request.method, path);
    if (!service) return answer(new HttpProblem(404, 'not-found'));
    const identity = request.identity as Identity;
    if (!isAllowed(identity.roles, request.method, path)) return answer(new HttpProblem(403, 'forbidden'));
    const pass = await passes.for(identity);
    const { method, body } = request;
    return reply.from(baseUrl(service) + request.url, {
      // A stream is what the request itself has: it is piped.
      ...(method !== 'GET' &&
        method !== 'HEAD' &&
        !(body instanceof Readable) && {
          body: body as Buffer,
          contentType: request.headers['content-type'] ?? 'application/json',
        }),
      rewriteRequestHeaders: (_: unknown, headers: Record<string, unknown>) => ({
        ...headers,
        ...ofThisConnection,
        authorization: `Bearer ${pass}`,
        traceparent: request.traceparent,
        // Where its links have to lead.
        'x-forwarded-proto': request.protocol,
        'x-forwarded-host': request.host,
      }),
      rewriteHeaders: (headers: Record<string, string>) =>
        headers['allow'] === undefined ? headers : { ...headers, allow: withOthers(headers['allow'], path) },
      onError: () => void answer(new HttpProblem(503, 'unavailable')),
    } as never);
  });
}
