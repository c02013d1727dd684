import {
  careAfter,
  noCare,
  type Care,
  type CareEvent,
  type CustomerEvent,
  type Instant,
  type Recorded,
  type RecordedOf,
} from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** When a record is to be asked about. */
@Entity()
export class CareRecord {
  @PrimaryColumn('uuid') recordId!: string;
  /** The record that answers for it; its own id where it stands for itself. */
  @Index() @Column('uuid') goldenId!: string;
  /** Of its first event: who came first has the smaller one. */
  @Index() @Column('bigint') position!: number;
  @Column('boolean') active!: boolean;
  @Column('text') kind!: 'person' | 'company';
  @Column({ type: 'uuid', nullable: true }) ownerId!: string | null;
  @Index() @Column({ type: 'timestamptz', nullable: true }) confirmedAt!: Instant | null;
  /** As far as it matters when something falls due. */
  @Column({ type: 'timestamptz', nullable: true }) askedAt!: Instant | null;
  @Column({ type: 'timestamptz', nullable: true }) dueAt!: Instant | null;
  @Column('boolean') escalated!: boolean;
  @Column({ type: 'timestamptz', nullable: true }) orderedUntil!: Instant | null;
  /** Whether the last verification found anything wrong. */
  @Column('boolean') failing!: boolean;
}

const careOfRow = ({ confirmedAt, askedAt, dueAt, escalated, orderedUntil }: CareRecord): Care => ({
  ...noCare,
  confirmedAt,
  due: askedAt && dueAt ? { dueAt, by: 'call', at: askedAt, ...(escalated && { escalatedAt: askedAt }) } : null,
  orderedUntil,
});

function cared([row]: readonly CareRecord[], _: object, event: Recorded<CustomerEvent | CareEvent>): CareRecord[] {
  if (!row) return [];
  const { confirmedAt, due, orderedUntil } = careAfter(careOfRow(row), event as RecordedOf<CareEvent>);
  return [
    {
      ...row,
      confirmedAt,
      askedAt: due?.at ?? null,
      dueAt: due?.dueAt ?? null,
      escalated: due?.escalatedAt !== undefined,
      orderedUntil,
    },
  ];
}

const withRow =
  (change: Partial<CareRecord>) =>
  ([row]: readonly CareRecord[]): CareRecord[] =>
    row ? [{ ...row, ...change }] : [];

export const careRecords = fold<CareRecord, CustomerEvent | CareEvent>(CareRecord, {
  name: 'care_records',
  version: 3,
  feed: 'customers',
  key: ({ stream, data }) => ('customerId' in data ? (data as { customerId: string }).customerId : stream.id),
  on: {
    CustomerCreated: (_, { kind, ownerId }, event) =>
      cared(
        [
          {
            recordId: event.stream.id,
            goldenId: event.stream.id,
            position: event.position,
            active: true,
            kind: kind ?? 'person',
            ownerId: ownerId ?? null,
            confirmedAt: null,
            askedAt: null,
            dueAt: null,
            escalated: false,
            orderedUntil: null,
            failing: false,
          },
        ],
        {},
        event,
      ),
    CustomerDetailsChanged: (rows, { kind, ownerId }, event) =>
      cared(rows, {}, event).map((row) => ({
        ...row,
        kind: kind ?? row.kind,
        ownerId: ownerId === undefined ? row.ownerId : ownerId,
      })),
    CustomerConfirmed: cared,
    CustomerArchived: withRow({ active: false }),
    CustomerErased: withRow({ active: false }),
    CustomerRestored: withRow({ active: true }),
    CustomerAbsorbed: ([row], { goldenId }) => (row ? [{ ...row, goldenId }] : []),
    CustomerReleased: ([row]) => (row ? [{ ...row, goldenId: row.recordId }] : []),
    RecordConfirmed: cared,
    ConfirmationDue: cared,
    ConfirmationEscalated: cared,
    NewCustomerPeriodEnded: cared,
    VerificationFailed: withRow({ failing: true }),
    VerificationPassed: withRow({ failing: false }),
  },
});
