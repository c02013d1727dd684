import { Injectable } from '@nestjs/common';
import { known, type Actor, type BatchEvent, type BatchKind, type Instant } from '@throughline/contracts';
import { fold, plainTypes } from '@throughline/event-sourcing';
import { Kernel, keysetPage, keysetPlace, type JobState } from '@throughline/service';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Everything that changed many records at once, the latest first. */
@Entity()
@Index(['startedAt', 'id'])
export class BatchRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') kind!: BatchKind;
  @Column({ type: 'json', nullable: true }) title!: string | null;
  @Column('json') startedBy!: Actor;
  @Column('timestamptz') startedAt!: Instant;
  @Column({ type: 'timestamptz', nullable: true }) finishedAt!: Instant | null;
  @Column('json') counts!: Record<string, number>;
  @Column({ type: 'uuid', nullable: true }) undoes!: string | null;
  @Column({ type: 'uuid', nullable: true }) undoesConnection!: string | null;
}

export const batchList = fold<BatchRow, BatchEvent>(BatchRow, {
  name: 'batch_list',
  version: 2,
  feed: 'customers',
  key: ({ stream }) => stream.id,
  on: {
    BatchStarted: (_, { kind, title, undoes, undoesConnection }, { stream, meta, recordedAt }) => [
      {
        id: stream.id,
        kind,
        title: known(title) ?? null,
        startedBy: meta.actor,
        startedAt: recordedAt,
        finishedAt: null,
        counts: {},
        undoes: undoes ?? null,
        undoesConnection: undoesConnection ?? null,
      },
    ],
    BatchFinished: (rows, { counts }, { recordedAt }) =>
      rows.map((row) => ({ ...row, counts, finishedAt: recordedAt })),
  },
});

const pageSize = 50;

/** Of the job of a batch that did not come to its end. */
export const endedEarly: readonly JobState[] = ['stopped', 'failed'];

export type Listed = BatchRow & { status: 'running' | 'done' | 'stopped' | 'failed' };

@Injectable()
export class Batches {
  constructor(private readonly kernel: Kernel) {}

  /** The latest first. */
  async list(cursor?: string): Promise<{ items: Listed[]; nextCursor: string | null }> {
    const place = keysetPlace(cursor, 'instant');
    const { rows } = await this.kernel.pool.query<Listed>({
      text: `select b.id, b.kind, title, started_by as "startedBy", started_at as "startedAt", finished_at as "finishedAt",
          case when finished_at is not null then 'done' else coalesce(j.state, 'running') end as status,
          coalesce(j.counts::json, b.counts) as counts, undoes, undoes_connection as "undoesConnection"
        from "${batchList.table}" b
        left join jobs j on j.id = b.id and j.state = any($3) and finished_at is null
        where $1::timestamptz is null or (started_at, b.id) < ($1::timestamptz, $2::uuid)
        order by started_at desc, b.id desc limit ${pageSize + 1}`,
      values: [place?.value ?? null, place?.id ?? null, endedEarly],
      types: plainTypes,
    });
    return keysetPage(rows, pageSize, (row) => row.startedAt);
  }

  /** All that took something back, or is about to. */
  async undos(): Promise<Pick<BatchRow, 'id' | 'undoes' | 'undoesConnection' | 'startedAt'>[]> {
    const { rows } = await this.kernel.pool.query<BatchRow>({
      text: `select id, undoes, undoes_connection as "undoesConnection", started_at as "startedAt"
        from "${batchList.table}" where kind = 'undo'`,
      types: plainTypes,
    });
    return rows;
  }
}
