import { type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, map, switchMap, type Observable } from 'rxjs';
import type { Kernel } from './kernel.ts';
import { pathOf } from './public-routes.ts';
import type { RecordAnswer } from './records.ts';

const fenceMilliseconds = 2_000;

/** Answers of this controller wait, under `X-After`, for the kernel's fence of that name as well. */
export const WaitsFor = Reflector.createDecorator<string>();
const metadata = new Reflector();

const isRecord = (value: unknown): value is RecordAnswer =>
  typeof value === 'object' && value !== null && 'fields' in value && 'version' in value && 'position' in value;

/**
 * The manners of every answer: a record's fields as body and its version as ETag, `X-Position` of what was appended,
 * `X-After` waited for and `X-Stale` where that took too long, `Location` of what was created.
 */
export class Answer implements NestInterceptor {
  constructor(private readonly kernel: Kernel) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (execution.getType() !== 'http') return next.handle();
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const reply = execution.switchToHttp().getResponse<FastifyReply>();
    const fence = metadata.get(WaitsFor, execution.getClass()) as string | undefined;
    return from(this.#wait(request, reply, fence)).pipe(
      switchMap(() => next.handle()),
      map((value: unknown) => {
        const position = request.context?.position ?? (isRecord(value) ? value.position : undefined);
        if (position) void reply.header('x-position', `${this.kernel.service}@${position}`);
        if (!isRecord(value)) return value;
        void reply.header('etag', `"${(value.versions ?? [value.version]).join('-')}"`);
        if (value.created) void reply.status(201);
        const created = value.created || (request.method === 'POST' && reply.statusCode === 201);
        // An upsert's address goes on with the key: `/by/<key>/<value>`.
        if (created) void reply.header('location', `${pathOf(request.url).split('/by/', 1)[0]}/${value.id}`);
        return { id: value.id, version: value.version, ...value.fields };
      }),
    );
  }

  async #wait(request: FastifyRequest, reply: FastifyReply, fence: string | undefined): Promise<void> {
    const { after, method, url } = request;
    const reads = method === 'GET' || method === 'HEAD' || (method === 'POST' && pathOf(url).endsWith('/query'));
    if (!reads || !after || after.size === 0) return;
    if (!(await this.kernel.caughtUp(after, fenceMilliseconds, fence))) void reply.header('x-stale', 'true');
  }
}
