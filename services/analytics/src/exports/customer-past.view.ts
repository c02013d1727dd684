import type { CustomerEvent, EventData, Instant, Recorded, RecordedOf } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What happened to a record of a customer, as far as it changes what the record says. */
@Entity()
export class CustomerPast {
  @PrimaryColumn('uuid') recordId!: string;
  @PrimaryColumn('integer') version!: number;
  @Column('bigint') position!: string;
  @Column('timestamptz') occurredAt!: Instant;
  /** When it took effect. */
  @Column('timestamptz') at!: Instant;
  @Column('text') type!: string;
  @Column('json') data!: EventData;
}

function happened(
  rows: readonly CustomerPast[],
  data: object,
  { stream, position, occurredAt, effectiveAt: at, type }: Recorded<CustomerEvent>,
): CustomerPast[] {
  const { id: recordId, version } = stream;
  const past = { recordId, version, position: String(position), occurredAt, at, type, data: data as EventData };
  return [...rows, past];
}

export const customerPast = fold<CustomerPast, CustomerEvent>(CustomerPast, {
  name: 'customer_past',
  version: 1,
  feed: 'customers',
  key: ({ stream }) => stream.id,
  on: {
    CustomerCreated: happened,
    CustomerDetailsChanged: happened,
    CustomerArchived: happened,
    CustomerRestored: happened,
    CustomerErased: happened,
    CustomersMerged: happened,
    CustomersUnmerged: happened,
    CustomerAbsorbed: happened,
    CustomerReleased: happened,
  },
});

/** The event again, as far as records are folded from it. */
export const eventOfPast = ({
  recordId,
  version,
  position,
  occurredAt,
  at,
  type,
  data,
}: CustomerPast): RecordedOf<CustomerEvent> =>
  ({
    type,
    data,
    stream: { type: 'customer', id: recordId, version },
    position: Number(position),
    occurredAt,
    effectiveAt: at,
  }) as RecordedOf<CustomerEvent>;
