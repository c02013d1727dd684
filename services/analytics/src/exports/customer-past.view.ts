import type { CustomerEvent, EventData, Instant, Recorded, RecordedOf } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** What happened to a record of a customer, as far as it changes what the record says. */
@Entity()
@Index(['recordId', 'version'], { unique: true })
export class CustomerPast {
  /** The event's, which is a key of its own: what happened before need not be read for it. */
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') recordId!: string;
  @Column('integer') version!: number;
  @Column('bigint') position!: string;
  @Column('timestamptz') occurredAt!: Instant;
  /** When it took effect. */
  @Column('timestamptz') at!: Instant;
  @Column('text') type!: string;
  @Column('json') data!: EventData;
}

const happened = (
  _: readonly CustomerPast[],
  data: object,
  { id, stream, position, occurredAt, effectiveAt: at, type }: Recorded<CustomerEvent>,
): CustomerPast[] => [
  {
    id,
    recordId: stream.id,
    version: stream.version,
    position: String(position),
    occurredAt,
    at,
    type,
    data: data as EventData,
  },
];

export const customerPast = fold<CustomerPast, CustomerEvent>(CustomerPast, {
  name: 'customer_past',
  version: 2,
  feed: 'customers',
  key: ({ id }) => id,
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
}: Omit<CustomerPast, 'id'>): RecordedOf<CustomerEvent> =>
  ({
    type,
    data,
    stream: { type: 'customer', id: recordId, version },
    position: Number(position),
    occurredAt,
    effectiveAt: at,
  }) as RecordedOf<CustomerEvent>;
