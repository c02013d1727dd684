import type { DuplicateBand, DuplicateEvent, DuplicateReason, Instant } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Two customers that may be the same, or may have been taken for it. */
@Entity()
@Index(['status', 'score', 'id'])
export class DuplicateRow {
  @PrimaryColumn('uuid') id!: string;
  @Index() @Column('uuid') a!: string;
  @Index() @Column('uuid') b!: string;
  @Column('text') status!: 'open' | 'dismissed' | 'merged';
  @Column('float8') score!: number;
  @Column('text') band!: DuplicateBand;
  @Column('json') reasons!: readonly DuplicateReason[];
  @Column('text') by!: string;
  @Column('timestamptz') foundAt!: Instant;
  @Column({ type: 'timestamptz', nullable: true }) settledAt!: Instant | null;
  /** Whether somebody, or a scan, has merged them before: what was taken apart since is not merged again by itself. */
  @Column('boolean') wasMerged!: boolean;
}

export const duplicateQueue = fold<DuplicateRow, DuplicateEvent>(DuplicateRow, {
  name: 'duplicate_queue',
  version: 1,
  feed: 'customers',
  key: ({ stream }) => stream.id,
  on: {
    DuplicateFound: ([before], { records, score, band, reasons, by }, { stream, recordedAt }) => [
      {
        id: stream.id,
        a: records[0] as string,
        b: records[1] as string,
        status: 'open',
        score,
        band,
        reasons,
        by,
        foundAt: before?.foundAt ?? recordedAt,
        settledAt: null,
        wasMerged: before?.wasMerged ?? false,
      },
    ],
    DuplicateDismissed: (rows, _, { recordedAt }) =>
      rows.map((row) => ({ ...row, status: 'dismissed', settledAt: recordedAt })),
    DuplicateReopened: (rows) => rows.map((row) => ({ ...row, status: 'open', settledAt: null })),
    DuplicateMerged: (rows, _, { recordedAt }) =>
      rows.map((row) => ({ ...row, status: 'merged', settledAt: recordedAt, wasMerged: true })),
  },
});
