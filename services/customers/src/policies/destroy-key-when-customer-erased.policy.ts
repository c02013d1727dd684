import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import type { CustomerEvent, RecordedOf } from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import { Kernel, type PolicyPattern } from '@throughline/service';
import { erasure, type ErasureCommand } from '../erasure/erasure.ts';

type CustomerErased = RecordedOf<Extract<CustomerEvent, { type: 'CustomerErased' }>>;

export const react = ({ stream }: Pick<CustomerErased, 'stream'>): ErasureCommand => ({
  type: 'RecordDestroyedKey',
  customerId: stream.id,
});

const on: PolicyPattern = {
  policy: 'destroy-key-when-customer-erased',
  event: 'CustomerErased',
  from: 'beginning',
};

@Controller()
export class DestroyKeyWhenCustomerErased {
  constructor(
    private readonly commands: Commands,
    private readonly kernel: Kernel,
  ) {}

  @EventPattern(on)
  async erased(@Payload() event: CustomerErased) {
    await this.kernel.keyring.destroy(event.stream.id);
    await this.commands.execute(erasure, event.data.erasureId, react(event));
  }
}
