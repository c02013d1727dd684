import { Body, Controller, Headers, HttpCode, Post, Req } from '@nestjs/common';
import { errorForLog } from '@throughline/event-sourcing';
import { Answers, HttpProblem, Log, bodyOf, languageOf, problemOf } from '@throughline/service';
import type { FastifyRequest } from 'fastify';
import { isSkipped, skipHeader } from '../duplicates/duplicate.dto.ts';
import { BatchRequests, type Misshapen, type Outcome } from './batch-requests.store.ts';
import { BatchRequestDto, BatchRequestOutcome } from './batch-request.dto.ts';
import type { Operation } from './batch-request.ts';
import { operationOf } from './operation.shape.ts';

@Controller('customers')
export class BatchRequestController {
  constructor(
    private readonly batch: BatchRequests,
    private readonly log: Log,
  ) {}

  /** Many changes at once, those of one record in their order; with `allOrNone`, none where one of them is refused. */
  @Post('batch')
  @HttpCode(200)
  @Answers(BatchRequestOutcome)
  async carryOut(
    @Body() body: BatchRequestDto,
    @Req() request: FastifyRequest,
    @Headers(skipHeader) skipping?: string,
  ) {
    const skip = isSkipped(skipping);
    const operations = await Promise.all(
      body.operations.map((one, index) => operationOf(one, index).catch((error: unknown): Misshapen => ({ error }))),
    );
    const outcomes = body.allOrNone
      ? await this.#allOrNone(operations, body, skip)
      : await this.batch.each(operations, body, skip);
    const items = outcomes.map((outcome, index) => {
      if ('error' in outcome) return problemItem(outcome.error, request, this.log);
      const { created, ...done } = outcome.done;
      return { status: created || body.operations[index]?.op === 'create' ? 201 : 200, ...done };
    });
    return { items };
  }

  async #allOrNone(
    operations: readonly (Operation | Misshapen)[],
    body: BatchRequestDto,
    skip: boolean,
  ): Promise<Outcome[]> {
    const readable = operations.filter((one) => 'op' in one);
    const outcomes: readonly Outcome[] =
      readable.length === operations.length
        ? await this.batch.allOrNone(readable, body, skip)
        : operations.map((one) => ('op' in one ? { error: new HttpProblem(424, 'batch-refused') } : one));
    return [...outcomes];
  }
}

/** How an answer to many says what one of them is refused with. */
export function problemItem(error: unknown, request: FastifyRequest, log: Log) {
  const problem = problemOf(error);
  const traceId = request.traceId ?? request.id;
  if (problem.status === 500) log.error('operation failed', { traceId, ...errorForLog(error) });
  return { status: problem.status, problem: bodyOf(problem, languageOf(request.headers['accept-language']), traceId) };
}
