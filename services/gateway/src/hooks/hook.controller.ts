import { Controller, HttpCode, Options, Param, Post, Req, Res } from '@nestjs/common';
import { notFound } from '@throughline/event-sourcing';
import { Answers, HttpProblem, IdPipe } from '@throughline/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Connections } from '../connection/connections.store.ts';
import { Unmappable } from '../connectors/connector.ts';
import { parseExact } from '../connectors/exact-json.ts';
import { deliveryId, handshake, verify } from '../connectors/signatures.ts';
import { Taken } from './delivery.dto.ts';
import { Deliveries } from './deliveries.store.ts';

/** Where outside systems post. Answers fast: 202 as soon as the raw message is stored. */
@Controller('hooks')
export class HookController {
  constructor(
    private readonly connections: Connections,
    private readonly deliveries: Deliveries,
  ) {}

  @Post(':connection')
  @HttpCode(202)
  @Answers(Taken)
  take(@Param('connection', IdPipe) id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.#answer(id, request, reply);
  }

  @Options(':connection')
  greet(@Param('connection', IdPipe) id: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.#answer(id, request, reply);
  }

  async #answer(id: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const connection = await this.connections.find(id);
    if (!connection) throw notFound('connection-not-found');
    const { kind, secrets } = connection;
    const headers = headersOf(request);
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const greeting = handshake(kind, request.method, headers, raw);
    if (greeting)
      return reply
        .code(greeting.status)
        .headers(greeting.headers ?? {})
        .send();
    if (request.method !== 'POST') throw new HttpProblem(405, 'method-not-allowed', { allow: 'POST' });
    if (verify(kind, secrets, headers, raw, new Date()) !== 'ok') throw new HttpProblem(401, 'wrong-signature');
    const body = readable(raw);
    const delivery = { connectionId: id, headers: kept(headers), body, receivedAt: new Date().toISOString() };
    const stored = await this.deliveries.store(deliveryId(kind, headers, body), delivery);
    return reply.code(202).send({ delivery: stored });
  }
}

function readable(raw: Buffer): string {
  try {
    const body = new TextDecoder('utf-8', { fatal: true }).decode(raw);
    parseExact(body);
    return body;
  } catch (error) {
    if (error instanceof Unmappable || error instanceof TypeError) throw new HttpProblem(400, 'unreadable-json');
    throw error;
  }
}

const headersOf = (request: FastifyRequest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );

/** What mappers need; credentials are not kept. */
const kept = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) =>
        /^(content-type|ce-|x-shopify-|shopify-|x-wc-|webhook-id|webhook-timestamp)/.test(name) &&
        !/hmac|signature/.test(name),
    ),
  );
