import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Kernel } from '@throughline/service';
import type { FastifyReply, FastifyRequest } from 'fastify';

const milliseconds = 2_000;

/** `X-After` of a query that is posted because it is too long for a URL. */
@Injectable()
export class SeesOwnWrites implements NestInterceptor {
  constructor(private readonly kernel: Kernel) {}

  async intercept(execution: ExecutionContext, next: CallHandler) {
    const { after, method } = execution.switchToHttp().getRequest<FastifyRequest>();
    if (method === 'POST' && after && after.size > 0 && !(await this.kernel.caughtUp(after, milliseconds))) {
      void execution.switchToHttp().getResponse<FastifyReply>().header('x-stale', 'true');
    }
    return next.handle();
  }
}
