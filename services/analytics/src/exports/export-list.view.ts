import { Injectable } from '@nestjs/common';
import {
  known,
  withoutNames,
  type Actor,
  type ExportEvent,
  type Instant,
  type Selection,
  type TableFormat,
} from '@throughline/contracts';
import { fold, plainTypes } from '@throughline/event-sourcing';
import { Kernel, keysetPage, keysetPlace } from '@throughline/service';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** What was exported, by whom and when. */
@Entity()
@Index(['at', 'id'])
export class ExportRow {
  /** The event's. */
  @PrimaryColumn('uuid') id!: string;
  @Index() @Column('uuid') streamId!: string;
  @Column('timestamptz') at!: Instant;
  @Column('json') actor!: Actor;
  @Column('integer') rows!: number;
  @Column('text') format!: TableFormat;
  @Column('json') columns!: readonly string[];
  /** Null where its key was destroyed. */
  @Column({ type: 'json', nullable: true }) selection!: Selection | null;
  @Column({ type: 'timestamptz', nullable: true }) asOf!: Instant | null;
}

export const exportList = fold<ExportRow, ExportEvent>(ExportRow, {
  name: 'export_list',
  version: 2,
  feed: 'analytics',
  key: ({ stream }) => stream.id,
  by: 'streamId',
  on: {
    CustomersExported: (
      before,
      { rows, format, columns, selection, asOf = null },
      { id, stream, meta, recordedAt },
    ) => [
      ...before,
      {
        id,
        streamId: stream.id,
        at: recordedAt,
        actor: meta.actor,
        rows,
        format,
        columns,
        selection: statedOf(known(selection)),
        asOf,
      },
    ],
  },
});

/** Older records have it as it was asked. */
const statedOf = (selection?: Selection) => (selection ? withoutNames(selection) : null);

const pageSize = 50;

@Injectable()
export class ExportList {
  constructor(private readonly kernel: Kernel) {}

  /** The latest first. */
  async page(cursor?: string) {
    const place = keysetPlace(cursor, 'instant');
    const { rows } = await this.kernel.pool.query<Omit<ExportRow, 'streamId'>>({
      text: `select id, at, actor, rows, format, columns, selection, as_of as "asOf" from "${exportList.table}"
        where $1::timestamptz is null or (at, id) < ($1::timestamptz, $2::uuid)
        order by at desc, id desc limit ${pageSize + 1}`,
      values: [place?.value ?? null, place?.id ?? null],
      types: plainTypes,
    });
    return keysetPage(rows, pageSize, ({ at }) => at);
  }
}
