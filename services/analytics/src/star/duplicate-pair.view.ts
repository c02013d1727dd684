import type { DuplicateEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Two records that may be, or were taken for, the same customer. */
@Entity()
export class DuplicatePair {
  @PrimaryColumn('uuid') pairId!: string;
  @Column('uuid') a!: string;
  @Column('uuid') b!: string;
  /** Nobody has said yet whether they are. */
  @Column('boolean') isOpen!: boolean;
}

const settled = (rows: readonly DuplicatePair[]) => rows.map((row) => ({ ...row, isOpen: false }));

export const duplicatePair = fold<DuplicatePair, DuplicateEvent>(DuplicatePair, {
  name: 'duplicate_pair',
  version: 1,
  feed: 'customers',
  key: ({ stream }) => stream.id,
  on: {
    DuplicateFound: (_, { records: [a, b] }, { stream }) => [
      { pairId: stream.id, a: a as string, b: b as string, isOpen: true },
    ],
    DuplicateDismissed: settled,
    DuplicateReopened: (rows) => rows.map((row) => ({ ...row, isOpen: true })),
    DuplicateMerged: settled,
  },
});
