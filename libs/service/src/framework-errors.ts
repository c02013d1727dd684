import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { HttpProblem, problemOf, textOf, type ProblemFilter } from './problem.ts';
import { traceIdOf, unrecorded } from './request.ts';

const statusOfSocketError: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Options of Fastify, so that what it and Node refuse before a route is found is a problem as well. */
export const refusals = (problems: ProblemFilter) => ({
  frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
    request.traceId = traceIdOf(unrecorded());
    void problems.answer(error, request, reply);
  },
  clientErrorHandler: ({ code = '' }: Error & { code?: string }, socket: Socket) => {
    if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const status = statusOfSocketError[code] ?? 400;
    const problem = problemOf(status === 400 ? new HttpProblem(400, 'unreadable-request') : { statusCode: status });
    const body = textOf(problem, 'en', traceIdOf(unrecorded()));
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
  },
});

/**
 * Watches the routes being made.
 *
 * @returns what answers 405 with `Allow` at each of them for every other method; to be called after the last one
 */
export function watchRoutes(fastify: FastifyInstance, problems: ProblemFilter): () => void {
  const known = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }: RouteOptions) => {
    if (url.includes('*')) return;
    known.set(url, new Set([...(known.get(url) ?? []), ...[method].flat()]));
  });
  return () => {
    for (const [url, methods] of known) {
      const allow = [...methods].sort().join(', ');
      const refuse = async (request: FastifyRequest, reply: FastifyReply) =>
        problems.answer(new HttpProblem(405, 'method-not-allowed', { allow }), request, reply);
      const method = fastify.supportedMethods.filter((one) => !methods.has(one));
      fastify.route({ url, method, onRequest: refuse, handler: refuse });
    }
  };
}
