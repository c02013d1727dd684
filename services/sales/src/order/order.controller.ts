import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Commands, idOfNew, notFound, type ExecuteOptions } from '@throughline/event-sourcing';
import { Answers, AtQuery, HistoryQuery, IdPipe, Records, type RecordAnswer } from '@throughline/service';
import { currencyIn } from './order-facts.ts';
import { OrderNumbers } from './order-numbers.store.ts';
import type { RateRules } from './order-rate.ts';
import { OrderRules } from './order-rules.store.ts';
import { Order, PlaceOrderDto, RecordPaymentDto, RecordRefundDto } from './order.dto.ts';
import { order, type OrderCommand } from './order.ts';

@Controller('orders')
@Answers(Order)
export class OrderController {
  constructor(
    private readonly commands: Commands,
    private readonly records: Records,
    private readonly numbers: OrderNumbers,
    private readonly rules: OrderRules,
  ) {}

  @Post()
  async place(@Body() body: PlaceOrderDto) {
    const { id = idOfNew(order.category), number = await this.numbers.next(), ...input } = body;
    const rules = await this.rules.load(body.currency ?? currencyIn(body));
    return this.#execute(id, { type: 'PlaceOrder', number, order: input }, { rules, body, ...happened(body.placedAt) });
  }

  @Get(':id')
  async read(@Param('id', IdPipe) id: string, @Query() at: AtQuery) {
    return placed(await this.records.read(order, id, at));
  }

  @Get(':id/history')
  history(@Param('id', IdPipe) id: string, @Query() query: HistoryQuery) {
    return this.records.history(order, id, query);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  cancel(@Param('id', IdPipe) id: string) {
    return this.#execute(id, { type: 'CancelOrder' });
  }

  @Post(':id/payments')
  @HttpCode(200)
  pay(@Param('id', IdPipe) id: string, @Body() { at, ...payment }: RecordPaymentDto) {
    return this.#execute(id, { type: 'RecordPayment', ...payment }, happened(at));
  }

  @Post(':id/refunds')
  @HttpCode(200)
  refund(@Param('id', IdPipe) id: string, @Body() body: RecordRefundDto) {
    const { refundId = idOfNew(order.category), ...refund } = body;
    return this.#execute(id, { type: 'RecordRefund', refundId, ...refund }, { body, ...happened(body.at) });
  }

  #execute(id: string, command: OrderCommand, options: ExecuteOptions<RateRules> = {}) {
    return this.commands.execute(order, id, command, options);
  }
}

const happened = (at: string | undefined) => (at ? { occurredAt: new Date(at).toISOString() } : {});

/** A refund may be known before its order is. */
function placed(answer: RecordAnswer): RecordAnswer {
  if (!('number' in answer.fields)) throw notFound('order-not-found');
  return answer;
}
