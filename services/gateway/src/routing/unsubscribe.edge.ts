import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { ServiceName } from '@throughline/contracts';
import { HttpProblem, problemOf, sendProblem } from '@throughline/service';
import type { FastifyReply, FastifyRequest } from 'fastify';

const answerMilliseconds = 10_000;
const passedOn = ['content-type', 'content-security-policy'];

/**
 * `/unsubscribe/:token`, without a token of ours: the link at the foot of a message, which customers answers. What is posted says
 * nothing that the link does not say (RFC 8058), so it stays here.
 */
export function serveUnsubscribe(app: NestFastifyApplication, baseUrl: (service: ServiceName) => string): void {
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    const { token } = request.params as { token: string };
    try {
      const page = await fetch(`${baseUrl('customers')}/unsubscribe/${encodeURIComponent(token)}`, {
        method: request.method === 'POST' ? 'POST' : 'GET',
        headers: {
          'accept-language': request.headers['accept-language'] ?? '',
          traceparent: request.traceparent ?? '',
        },
        signal: AbortSignal.timeout(answerMilliseconds),
      });
      const headers = passedOn.flatMap((name) => {
        const value = page.headers.get(name);
        return value === null ? [] : [[name, value] as const];
      });
      return await reply
        .code(page.status)
        .headers(Object.fromEntries(headers))
        .send(await page.text());
    } catch {
      const unavailable = problemOf(new HttpProblem(503, 'unavailable'));
      return sendProblem(request, reply, unavailable, request.traceId ?? request.id);
    }
  };
  const fastify = app.getHttpAdapter().getInstance();
  fastify.get('/unsubscribe/:token', answer);
  fastify.post('/unsubscribe/:token', answer);
}
