import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { services, type ServiceName } from '@throughline/contracts';
import { HttpProblem, problemOf, sendProblem, type Identity } from '@throughline/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Passes } from '../routing/passes.edge.ts';

const answerMilliseconds = 10_000;

type Item = { id?: string | number; service?: ServiceName; job?: Item | null };
type Answer = { service: ServiceName; status: number; type: string; text: string };

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

  /** Undefined where the service is away, or does not answer in time. */
  const ask = async (request: FastifyRequest, service: ServiceName, path: string): Promise<Answer | undefined> => {
    const { method, body } = request;
    const hasBody = body !== undefined && body !== null;
    const headers = {
      authorization: `Bearer ${await passes.for(request.identity as Identity)}`,
      'accept-language': request.headers['accept-language'] ?? '',
      traceparent: request.traceparent ?? '',
      ...(hasBody && { 'content-type': 'application/json' }),
    };
    try {
      const answer = await fetch(`${baseUrl(service)}/internal/operations/${path}`, {
        method,
        headers,
        ...(hasBody && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(answerMilliseconds),
      });
      const type = answer.headers.get('content-type') ?? 'application/json';
      return { service, status: answer.status, type, text: await answer.text() };
    } catch {
      return undefined;
    }
  };
  const guarded =
    (answer: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        if (!request.identity?.roles.includes('administrator')) throw new HttpProblem(403, 'forbidden');
        return await answer(request, reply);
      } catch (error) {
        return sendProblem(request, reply, problemOf(error), request.traceId ?? request.id);
      }
    };

  fastify.get(
    '/api/operations/:what',
    guarded(async (request, reply) => {
      const { what } = request.params as { what: string };
      const query = new URLSearchParams(request.url.split('?', 2)[1]);
      // After one of a service come others of that service.
      const [last, lastId] = split(query.get('after') ?? '');
      if (last) query.set('after', lastId);
      const asked = last ? [last] : services;
      const path = `${encodeURIComponent(what)}?${query.toString()}`;
      const answers = await Promise.all(asked.map(async (service) => ask(request, service, path)));
      const refused = answers.find((answer) => answer && answer.status >= 400 && answer.status < 500);
      if (refused) return passOn(refused, reply);
      const good = answers.filter((answer) => answer?.status === 200) as Answer[];
      const items = good.flatMap(({ service, text }) =>
        (JSON.parse(text) as { items: Item[] }).items.map((item) => named(service, item)),
      );
      const unreachable = asked.filter((service) => !good.some((answer) => answer.service === service));
      return { items, unreachable };
    }),
  );

  const one = guarded(async (request, reply) => {
    const { what, id, action } = request.params as { what: string; id: string; action?: string };
    const [service, own] = split(id);
    if (!service) throw new HttpProblem(404, 'not-found');
    const path = [what, own, ...(action ? [action] : [])].map(encodeURIComponent).join('/');
    const answer = await ask(request, service, path);
    if (!answer) throw new HttpProblem(503, 'unavailable');
    if (answer.status >= 300) return passOn(answer, reply);
    return reply.code(answer.status).send(named(service, JSON.parse(answer.text) as Item));
  });
  fastify.get('/api/operations/:what/:id', one);
  fastify.post('/api/operations/:what/:id/:action', one);
}

/** `sales.17` -> sales and 17. */
function split(id: string): readonly [ServiceName, string] | readonly [undefined, ''] {
  const [, name, own] = /^([a-z]+)\.(.+)$/.exec(id) ?? [];
  const service = services.find((one) => one === name);
  return service && own !== undefined ? [service, own] : [undefined, ''];
}

/** Says of an item, and of a job within it, whose it is. */
const named = (service: ServiceName, item: Item): Item => ({
  ...item,
  service,
  ...(item.id !== undefined && { id: `${service}.${item.id}` }),
  ...(item.job && { job: named(service, item.job) }),
});

const passOn = ({ status, type, text }: Answer, reply: FastifyReply): FastifyReply =>
  reply.code(status).header('content-type', type).send(text);
