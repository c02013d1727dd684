import { Body, Controller, Get, HttpCode, Optional, Param, Post, Query, Req } from '@nestjs/common';
import {
  DeadLetters,
  Operations,
  forbidden,
  notFound,
  type DeadLetterState,
  type ViewJobKind,
} from '@throughline/event-sourcing';
import type { ServiceName } from '@throughline/contracts';
import { Transform } from 'class-transformer';
import { IsIn, IsOptional, IsString, Matches, MaxLength, MinLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { Feeds } from './bus.ts';
import { Answers } from './answers.ts';
import { DeadMessages } from './dead-messages.ts';
import { Kernel } from './kernel.ts';
import {
  BrokenKeyList,
  DeadLetterList,
  DeadMessageAnswer,
  DeadMessageList,
  Resumed,
  Settled,
  SubscriptionList,
  TimerList,
  ViewJobAnswer,
  ViewList,
} from './operations.answers.ts';
import { Timers } from './timers.ts';

const most = 200;
const states: Record<string, readonly DeadLetterState[]> = {
  open: ['parked', 'retrying'],
  parked: ['parked'],
  retrying: ['retrying'],
  handled: ['handled'],
  discarded: ['discarded'],
};

class DeadLettersQuery {
  @IsOptional() @IsIn(Object.keys(states)) state = 'open';
  /** Id of the last one seen. */
  @IsOptional() @Matches(/^\d{1,15}$/) after = '0';
}
class DeadMessagesQuery {
  @IsOptional() @IsIn(['open', 'discarded']) state = 'open';
}
class DiscardDto {
  /** More than blanks. */
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsString()
  @MinLength(1)
  @MaxLength(500)
  reason!: string;
}
class ResumeDto {
  @IsIn(['beginning', 'now']) from!: 'beginning' | 'now';
}

/** What needs an operator in this service. The gateway asks every service and shows them as one. */
@Controller('internal/operations')
export class OperationsController {
  readonly #operations: Operations;
  readonly #letters: DeadLetters;
  readonly #messages: DeadMessages;

  constructor(
    kernel: Kernel,
    private readonly feeds: Feeds,
    @Optional() private readonly timers?: Timers,
  ) {
    this.#operations = new Operations(kernel.pool);
    this.#letters = new DeadLetters(kernel.pool);
    this.#messages = new DeadMessages(kernel);
  }

  @Get('dead-letters')
  @Answers(DeadLetterList)
  async deadLetters(@Query() { state, after }: DeadLettersQuery, @Req() request: FastifyRequest) {
    operatorOf(request);
    return { items: await this.#letters.list(states[state] ?? [], most, Number(after)) };
  }

  @Post('dead-letters/:id/retry')
  @Answers(Settled)
  @HttpCode(202)
  async retry(@Param('id') id: string, @Req() request: FastifyRequest) {
    operatorOf(request);
    await this.#letters.retry(numberOf(id));
    return { id: numberOf(id), state: 'retrying' };
  }

  @Post('dead-letters/:id/discard')
  @Answers(Settled)
  @HttpCode(202)
  async discard(@Param('id') id: string, @Body() { reason }: DiscardDto, @Req() request: FastifyRequest) {
    await this.#letters.discard(numberOf(id), operatorOf(request), reason);
    return { id: numberOf(id), state: 'discarded' };
  }

  @Get('dead-messages')
  @Answers(DeadMessageList)
  async deadMessages(@Query() { state }: DeadMessagesQuery, @Req() request: FastifyRequest) {
    operatorOf(request);
    return { items: await this.#messages.list(state === 'open', most) };
  }

  @Get('dead-messages/:id')
  @Answers(DeadMessageAnswer)
  deadMessage(@Param('id') id: string, @Req() request: FastifyRequest) {
    operatorOf(request);
    return this.#messages.read(numberOf(id));
  }

  @Post('dead-messages/:id/discard')
  @Answers(Settled)
  @HttpCode(202)
  async discardMessage(@Param('id') id: string, @Body() { reason }: DiscardDto, @Req() request: FastifyRequest) {
    await this.#messages.discard(numberOf(id), operatorOf(request), reason);
    return { id: numberOf(id), state: 'discarded' };
  }

  @Get('subscriptions')
  @Answers(SubscriptionList)
  async subscriptions(@Req() request: FastifyRequest) {
    operatorOf(request);
    return {
      items: (await this.#operations.subscriptions()).map((one) => ({ id: `${one.subscription}@${one.feed}`, ...one })),
    };
  }

  @Post('subscriptions/:id/resume')
  @Answers(Resumed)
  @HttpCode(202)
  async resume(@Param('id') id: string, @Body() { from }: ResumeDto, @Req() request: FastifyRequest) {
    operatorOf(request);
    const [, subscription = '', feed = ''] = /^(.+)@([a-z]+)$/.exec(id) ?? [];
    const position = await this.#operations.resume(subscription, feed, async () =>
      from === 'now' ? this.feeds.of(feed as ServiceName).head() : 0,
    );
    return { id, position };
  }

  @Get('timers')
  @Answers(TimerList)
  async failedTimers(@Req() request: FastifyRequest) {
    operatorOf(request);
    return { items: (await this.timers?.failed(most)) ?? [] };
  }

  @Post('timers/:id/retry')
  @Answers(Settled)
  @HttpCode(202)
  async retryTimer(@Param('id') id: string, @Req() request: FastifyRequest) {
    operatorOf(request);
    if (!this.timers) throw notFound('timer-not-found');
    await this.timers.retry(id);
    return { id, state: 'retry' };
  }

  @Post('timers/:id/discard')
  @Answers(Settled)
  @HttpCode(202)
  async discardTimer(@Param('id') id: string, @Body() { reason }: DiscardDto, @Req() request: FastifyRequest) {
    const by = operatorOf(request);
    if (!this.timers) throw notFound('timer-not-found');
    await this.timers.discard(id, by, reason);
    return { id, state: 'discarded' };
  }

  @Get('broken-keys')
  @Answers(BrokenKeyList)
  async brokenKeys(@Req() request: FastifyRequest) {
    operatorOf(request);
    return { items: await this.#operations.brokenKeys(most) };
  }

  @Get('views')
  @Answers(ViewList)
  async views(@Req() request: FastifyRequest) {
    operatorOf(request);
    return { items: (await this.#operations.views()).map((view) => ({ id: view.table, ...view })) };
  }

  @Post('views/:view/:kind')
  @Answers(ViewJobAnswer)
  @HttpCode(202)
  request(@Param('view') view: string, @Param('kind') kind: string, @Req() request: FastifyRequest) {
    const by = operatorOf(request);
    if (!isKind(kind)) throw notFound('not-found');
    return this.#operations.request(view, kind, by);
  }

  @Get('view-jobs/:id')
  @Answers(ViewJobAnswer)
  job(@Param('id') id: string, @Req() request: FastifyRequest) {
    operatorOf(request);
    return this.#operations.job(numberOf(id));
  }
}

/** @throws Refusal `forbidden` */
function operatorOf({ identity }: FastifyRequest): string {
  if (!identity || !(identity.type === 'system' || identity.roles.includes('administrator')))
    throw forbidden('forbidden');
  return `${identity.type}:${identity.id}`;
}

const isKind = (kind: string): kind is ViewJobKind => ['rebuild', 'verify', 'mend'].includes(kind);
const numberOf = (id: string): number => (/^\d{1,15}$/.test(id) ? Number(id) : 0);
