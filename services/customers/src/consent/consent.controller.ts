import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { Answers, AtQuery, IdPipe, ServiceConfig, gatewayUrl } from '@throughline/service';
import type { FastifyRequest } from 'fastify';
import {
  Consents as Answer,
  GiveConsentDto,
  SaidDto,
  UnsubscribeLink,
  UnsubscribeLinkQuery,
  WithdrawConsentDto,
} from './consent.dto.ts';
import { Consents } from './consents.store.ts';

@Controller('customers/:id')
@Answers(Answer)
export class ConsentController {
  constructor(
    private readonly consents: Consents,
    private readonly config: ServiceConfig,
  ) {}

  @Get('consents')
  read(@Param('id', IdPipe) id: string, @Query() at: AtQuery) {
    return this.consents.read(id, at);
  }

  @Post('consents')
  @HttpCode(200)
  give(@Param('id', IdPipe) customerId: string, @Body() body: GiveConsentDto) {
    return this.consents.give(customerId, body);
  }

  @Post('consents/withdraw')
  @HttpCode(200)
  withdraw(@Param('id', IdPipe) customerId: string, @Body() body: WithdrawConsentDto) {
    return this.consents.execute({ type: 'WithdrawConsent', customerId, ...body }, body);
  }

  /** For the foot and the headers of a message: whoever follows it needs no account. */
  @Get('consents/unsubscribe-link')
  @Answers(UnsubscribeLink)
  link(@Param('id', IdPipe) customerId: string, @Query() what: UnsubscribeLinkQuery, @Req() request: FastifyRequest) {
    return this.consents.link({ customerId, ...what }, gatewayUrl(this.config, request));
  }

  /** Do not contact: beats every consent. */
  @Post('forbid-contact')
  @HttpCode(200)
  forbid(@Param('id', IdPipe) customerId: string, @Body() body: SaidDto) {
    return this.consents.execute({ type: 'ForbidContact', customerId, ...body }, body);
  }

  @Post('allow-contact')
  @HttpCode(200)
  allow(@Param('id', IdPipe) customerId: string, @Body() body: SaidDto) {
    return this.consents.execute({ type: 'AllowContact', customerId, ...body }, body);
  }
}
