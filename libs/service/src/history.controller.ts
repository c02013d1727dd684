import { Controller, Get, Query, Req } from '@nestjs/common';
import { forbidden } from '@throughline/event-sourcing';
import { historyLimit, historyPage } from '@throughline/messaging';
import { Matches } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { Kernel } from './kernel.ts';

class HistoryPageQuery {
  @Matches(/^\d{1,16}$/) after!: string;
  @Matches(/^\d{1,6}$/) limit!: string;
}

/** The history port: this service's log by position, for services whose topic lacks a part of it. Ciphertext stays so. */
@Controller('internal')
export class HistoryController {
  constructor(private readonly kernel: Kernel) {}

  @Get('history')
  page(@Query() { after, limit }: HistoryPageQuery, @Req() { identity }: FastifyRequest) {
    if (identity?.type !== 'system') throw forbidden('forbidden');
    return historyPage(this.kernel.store, this.kernel.feed(), Number(after), Math.min(Number(limit), historyLimit));
  }
}
