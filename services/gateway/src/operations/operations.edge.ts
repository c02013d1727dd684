import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { services, type ServiceName } from '@throughline/contracts';
import { HttpProblem, problemOf, sendProblem, type Identity } from '@throughline/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Passes } from '../routing/passes.ts';

const answerMilliseconds = 10_000;

type Page = { items: readonly { id?: unknown }[] };

/**
 * `/api/operations/*`: what needs an operator, of all services as one. Ids say whose they are: `sales.17` is number 17 of
 * sales. What a service shows and takes under `/internal/operations` is its own affair.
 */
export function serveOperations(
  app: NestFastifyApplication,
  passes: Passes,
  baseUrl: (service: ServiceName) => string,
): void {
  const fastify = app.getHttpAdapter().getInstance();

  const ask = async (request: FastifyRequest, service: ServiceName, path: string) => {
    const { method, body } = request;
    return fetch(`${baseUrl(service)}/internal/operations/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await passes.for(request.identity as Identity)}`,
        'accept-language': request.headers['accept-language'] ?? '',
        traceparent: request.traceparent ?? '',
        ...(body !== undefined && body !== null && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && body !== null && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerMilliseconds),
    });
  };
  const guarded =
    (answer: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        if (!request.identity?.roles.includes('administrator')) throw new HttpProblem(403, 'forbidden');
        return await answer(request, reply);
      } catch (error) {
        const problem = problemOf(error instanceof TypeError ? new HttpProblem(503, 'unavailable') : error);
        return sendProblem(request, reply, problem, request.traceId ?? request.id);
      }
    };

  fastify.get(
    '/api/operations/:what',
    guarded(async (request, reply) => {
      const { what } = request.params as { what: string };
      const query = request.url.split('?', 2)[1];
      const path = encodeURIComponent(what) + (query ? `?${query}` : '');
      const answers = await Promise.all(
        services.map(async (service) => ({
          service,
          answer: await ask(request, service, path).catch(() => undefined),
        })),
      );
      const refused = answers.find(({ answer }) => answer && answer.status >= 400 && answer.status < 500)?.answer;
      if (refused) return passOn(refused, reply);
      const unreachable = answers.flatMap(({ service, answer }) => (answer?.ok ? [] : [service]));
      const items = await Promise.all(
        answers.map(async ({ service, answer }) =>
          answer?.ok
            ? ((await answer.json()) as Page).items.map((item) => ({
                ...item,
                service,
                ...(item.id !== undefined && { id: `${service}.${String(item.id)}` }),
              }))
            : [],
        ),
      );
      return { items: items.flat(), unreachable };
    }),
  );

  const one = guarded(async (request, reply) => {
    const { what, id, action } = request.params as { what: string; id: string; action?: string };
    const [, service, own] = /^([a-z]+)\.(.+)$/.exec(id) ?? [];
    if (!services.includes(service as ServiceName) || own === undefined) throw new HttpProblem(404, 'not-found');
    const path = [what, own, ...(action ? [action] : [])].map(encodeURIComponent).join('/');
    return passOn(await ask(request, service as ServiceName, path), reply);
  });
  fastify.get('/api/operations/:what/:id', one);
  fastify.post('/api/operations/:what/:id/:action', one);
}

async function passOn(answer: Response, reply: FastifyReply): Promise<FastifyReply> {
  const type = answer.headers.get('content-type') ?? 'application/json';
  return reply
    .code(answer.status)
    .header('content-type', type)
    .send(await answer.text());
}
