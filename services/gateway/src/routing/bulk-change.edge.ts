import { createHash } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ServiceName } from '@throughline/contracts';
import { derivedId, newId } from '@throughline/event-sourcing';
import { HttpProblem, linesType, problemOf, readIds, sendProblem, type Identity } from '@throughline/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Passes } from './passes.edge.ts';
import { isAllowed } from './routes.ts';

const path = '/api/customers/bulk';
const passedOn = ['content-type', 'content-language', 'x-position', 'etag'];
/** As many as customers looks at for a preview. */
const mostPreviewed = 5_000;

type Bulk = { filter?: unknown; q?: unknown } & Record<string, unknown>;
type Sent = { body?: string | Uint8Array | ReadableStream; type?: string; headers?: Record<string, string> };

/**
 * `POST /api/customers/bulk` and its preview. Analytics knows what a filter selects, customers how to change it, and no
 * service calls another: so what is selected goes through here, as a stream, and the change begins once all of it is
 * there. The batch has the id that its selection has.
 */
export function serveBulkChanges(
  app: NestFastifyApplication,
  passes: Passes,
  baseUrl: (service: ServiceName) => string,
): void {
  const fastify = app.getHttpAdapter().getInstance();

  /** As the caller, who sees and may do no more this way than any other. */
  const ask = async (
    request: FastifyRequest,
    service: ServiceName,
    method: string,
    to: string,
    { body, type = 'application/json', headers = {} }: Sent = {},
  ): Promise<Response> => {
    const sent = {
      authorization: `Bearer ${await passes.for(request.identity as Identity)}`,
      'accept-language': request.headers['accept-language'] ?? '',
      traceparent: request.traceparent ?? '',
      ...(body !== undefined && { 'content-type': type }),
      ...headers,
    };
    try {
      return await fetch(baseUrl(service) + to, {
        method,
        headers: sent,
        duplex: 'half',
        ...(body && { body }),
      } as never);
    } catch {
      throw new HttpProblem(503, 'unavailable');
    }
  };
  const good = async (answer: Promise<Response>): Promise<Response> => {
    const { ok } = await answer;
    if (!ok) throw new Refused(await answer);
    return answer;
  };
  const customers = (request: FastifyRequest, to: string, body: unknown, type?: string): Promise<Response> => {
    const key = request.headers['idempotency-key'];
    const text = body instanceof Uint8Array ? body : JSON.stringify(body);
    return ask(request, 'customers', 'POST', to, {
      body: text,
      ...(type !== undefined && { type }),
      ...(typeof key === 'string' && !to.endsWith('/preview') && { headers: { 'idempotency-key': key } }),
    });
  };
  const selected = (request: FastifyRequest, { filter, q }: Bulk): Promise<Response> => {
    const after = request.headers['x-after'];
    return good(
      ask(request, 'analytics', 'POST', '/internal/customers/ids/query', {
        body: JSON.stringify({ filter, q }),
        ...(typeof after === 'string' && { headers: { 'x-after': after } }),
      }),
    );
  };
  const route = (
    to: string,
    ofFilter: (request: FastifyRequest, bulk: Bulk, reply: FastifyReply) => Promise<Response | object>,
  ) =>
    fastify.post(to, async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        const { roles } = request.identity as Identity;
        if (!isAllowed(roles, 'POST', to)) throw new HttpProblem(403, 'forbidden');
        const bulk = bulkOf(request.body);
        const answer = bulk
          ? await ofFilter(request, bulk, reply)
          : await customers(request, to, request.body ?? Buffer.alloc(0), request.headers['content-type']);
        return answer instanceof Response ? await passOn(answer, reply) : answer;
      } catch (error) {
        if (error instanceof Refused) return passOn(error.answer, reply);
        return sendProblem(request, reply, problemOf(error), request.traceId ?? request.id);
      }
    });

  route(path, async (request, { filter, q, ...change }, reply) => {
    // Nobody waits for a long selection to hear that the change is wrong.
    await good(customers(request, `${path}/preview`, { ...change, ids: [] }));
    const id = idOf(request);
    const selection = `/internal/selections/${id}?of=${madeOf({ filter, q })}`;
    const there = await ask(request, 'customers', 'GET', selection);
    if (there.status !== 404) await good(Promise.resolve(there));
    else {
      const ids = await selected(request, { filter, q });
      if (ids.headers.get('x-stale') !== null) void reply.header('x-stale', 'true');
      await good(ask(request, 'customers', 'PUT', selection, { body: ids.body as ReadableStream, type: linesType }));
    }
    return customers(request, `/internal/customers/bulk/${id}`, request.body);
  });

  route(`${path}/preview`, async (request, { filter, q, ...change }) => {
    const answer = await selected(request, { filter, q });
    const first: string[] = [];
    let matches = 0;
    for await (const page of readIds(answer.body as unknown as AsyncIterable<Uint8Array>)) {
      matches += page.length;
      first.push(...page.slice(0, mostPreviewed - first.length));
    }
    const preview = await good(customers(request, `${path}/preview`, { ...change, ids: first }));
    return { ...((await preview.json()) as object), matches };
  });
}

/** What a service answered instead of doing it. */
class Refused extends Error {
  constructor(readonly answer: Response) {
    super('refused');
  }
}

/** What is to be selected by a filter; everything else is for customers to read. */
function bulkOf(body: unknown): Bulk | undefined {
  try {
    const bulk = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body as Buffer)) as Bulk;
    const { filter, q, ids } = Object(bulk) as Bulk;
    return ids === undefined && (filter !== undefined || q !== undefined) ? bulk : undefined;
  } catch {
    return undefined;
  }
}

/** That of the batch: a repeat under the same key names the same one. */
function idOf({ identity, headers }: FastifyRequest): string {
  const key = headers['idempotency-key'];
  const { type, id } = identity as Identity;
  return typeof key === 'string' ? derivedId('batch', type, id, key) : newId();
}

const madeOf = (selects: Bulk): string => createHash('sha256').update(JSON.stringify(selects)).digest('hex');

async function passOn(answer: Response, reply: FastifyReply): Promise<FastifyReply> {
  for (const name of passedOn) {
    const value = answer.headers.get(name);
    if (value !== null) void reply.header(name, value);
  }
  return reply.code(answer.status).send(Buffer.from(await answer.arrayBuffer()));
}
