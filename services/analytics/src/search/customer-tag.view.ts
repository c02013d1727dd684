import { recordTelling, type CustomerEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Entity, Index, PrimaryColumn } from 'typeorm';

/** Which records hold which tag, by the name that was given. */
@Entity()
export class CustomerTag {
  @PrimaryColumn('uuid') recordId!: string;
  @Index() @PrimaryColumn('text') tag!: string;
}

export const customerTag = fold<CustomerTag, CustomerEvent>(CustomerTag, {
  name: 'customer_tag',
  version: 1,
  feed: 'customers',
  key: recordTelling('tags'),
  on: {
    CustomerCreated: (_, { tags }, { stream }) => rowsOf(stream.id, tags),
    CustomerDetailsChanged: (_, { tags }, { stream }) => rowsOf(stream.id, tags),
    CustomerErased: () => [],
  },
});

const rowsOf = (recordId: string, tags: readonly string[] | null | undefined): CustomerTag[] =>
  [...new Set(tags ?? [])].map((tag) => ({ recordId, tag }));
