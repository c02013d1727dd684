import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { known, type RecordedOf, type SeenEvent } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import type { PolicyPattern } from '@throughline/service';
import { OrderRules } from '../order/order-rules.store.ts';
import { order, type OrderCommand } from '../order/order.ts';

type OrderSeen = RecordedOf<Extract<SeenEvent, { type: 'OrderSeen' }>>;
type RefundSeen = RecordedOf<Extract<SeenEvent, { type: 'RefundSeen' }>>;

/** What a source said, as a command to its own record. */
export function react(event: OrderSeen | RefundSeen): OrderCommand {
  if (event.type === 'OrderSeen') {
    const { orderId: _, stamp, note: given, ...facts } = event.data;
    const note = known(given);
    return { type: 'RecordSeenOrder', stamp, facts: { ...facts, ...(note !== undefined && { note }) } };
  }
  const { orderId: _, ...refund } = event.data;
  return { type: 'RecordSeenRefund', ...refund };
}

const on = (event: 'OrderSeen' | 'RefundSeen'): PolicyPattern => ({
  policy: 'record-order-when-seen',
  event,
  from: 'beginning',
  entry: 'connector',
});

@Controller()
export class RecordOrderWhenSeen {
  constructor(
    private readonly commands: Commands,
    private readonly rules: OrderRules,
  ) {}

  @EventPattern(on('OrderSeen'))
  async seenOrder(@Payload() event: OrderSeen) {
    const { orderId, currency, placedAt, stamp } = event.data;
    const { state } = await this.commands.load(order, orderId);
    await this.commands.execute(order, orderId, react(event), {
      rules: await this.rules.load(currency, event.position),
      occurredAt: state.facts ? stamp.at : placedAt,
    });
  }

  @EventPattern(on('RefundSeen'))
  async seenRefund(@Payload() event: RefundSeen) {
    await this.commands.execute(order, event.data.orderId, react(event), { occurredAt: event.data.at });
  }
}
