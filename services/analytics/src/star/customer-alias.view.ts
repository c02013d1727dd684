import type { CustomerEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Entity, Index, Column, PrimaryColumn } from 'typeorm';

/** Which golden customer answers for a record that was merged into another; records that stand for themselves have none. */
@Entity()
export class CustomerAlias {
  @PrimaryColumn('uuid') recordId!: string;
  @Index() @Column('uuid') customerId!: string;
}

export const customerAlias = fold<CustomerAlias, CustomerEvent>(CustomerAlias, {
  name: 'customer_alias',
  version: 1,
  feed: 'customers',
  key: (event) => event.stream.id,
  on: {
    CustomerAbsorbed: (_, { goldenId }, { stream }) => [{ recordId: stream.id, customerId: goldenId }],
    CustomerReleased: () => [],
  },
});
