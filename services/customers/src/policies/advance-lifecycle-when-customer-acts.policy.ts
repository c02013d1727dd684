import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type {
  CustomerEvent,
  DealEvent,
  InteractionEvent,
  OrderEvent,
  RecordedOf,
  ServiceName,
} from '@throughline/contracts';
import { conflict } from '@throughline/event-sourcing';
import { Kernel, type PolicyPattern } from '@throughline/service';
import { CareOfCustomers } from '../care/care.store.ts';
import { Lifecycles } from '../care/lifecycles.store.ts';

type Ordered = Extract<OrderEvent, { type: 'OrderPlaced' | 'OrderChanged' }>;
type Spoke = Extract<InteractionEvent, { type: 'InteractionLogged' }>;
type Opened = Extract<DealEvent, { type: 'DealOpened' }>;
type Joined = Extract<CustomerEvent, { type: 'CustomerCreated' | 'CustomersMerged' }>;
type Acted = RecordedOf<Ordered | Spoke | Opened | Joined>;

/** The record whose customer may have moved on. */
export const react = ({ stream, data }: Pick<Acted, 'stream' | 'data'>): string =>
  'customerId' in data ? data.customerId : stream.id;

const on = (event: Acted['type']): PolicyPattern => ({
  policy: 'advance-lifecycle-when-customer-acts',
  event,
  from: 'beginning',
});
const longestWait = 10_000;

@Controller()
export class AdvanceLifecycleWhenCustomerActs {
  constructor(
    private readonly lifecycles: Lifecycles,
    private readonly care: CareOfCustomers,
    private readonly kernel: Kernel,
  ) {}

  @EventPattern(on('OrderPlaced'))
  async ordered(@Payload() event: Acted) {
    await this.#advance(event, 'sales');
    await this.care.endNewPeriod(react(event));
  }

  @EventPattern(on('OrderChanged'))
  async orderChanged(@Payload() event: Acted) {
    await this.#advance(event, 'sales');
    await this.care.endNewPeriod(react(event));
  }

  @EventPattern(on('DealOpened'))
  opened(@Payload() event: Acted) {
    return this.#advance(event, 'sales');
  }

  @EventPattern(on('InteractionLogged'))
  spoke(@Payload() event: Acted) {
    return this.#advance(event, 'interactions');
  }

  /** Its orders may have been heard of before. */
  @EventPattern(on('CustomerCreated'))
  async created(@Payload() event: Acted) {
    await this.lifecycles.advanceNew(react(event));
  }

  @EventPattern(on('CustomersMerged'))
  async merged(@Payload() event: Acted) {
    await this.lifecycles.advance(react(event));
  }

  async #advance(event: Acted, feed: ServiceName): Promise<void> {
    if (!(await this.kernel.caughtUp(new Map([[feed, event.position]]), longestWait))) throw conflict('too-busy');
    await this.lifecycles.advance(react(event));
  }
}
