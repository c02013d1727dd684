import { Injectable } from '@nestjs/common';
import {
  known,
  type Actor,
  type BatchEvent,
  type EventData,
  type ImportEvent,
  type Instant,
} from '@throughline/contracts';
import { fold, plainTypes } from '@throughline/event-sourcing';
import { Kernel, keysetPage, keysetPlace } from '@throughline/service';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Files that were uploaded to be imported, the latest first; each with the mapping that it got. */
@Entity()
@Index(['uploadedAt', 'id'])
export class ImportRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') object!: string;
  @Column({ type: 'text', nullable: true }) fileName!: string | null;
  @Column('bigint') bytes!: number;
  @Column('json') uploadedBy!: Actor;
  @Column('timestamptz') uploadedAt!: Instant;
  @Column('text') status!: 'uploaded' | 'mapped' | 'started' | 'done';
  @Column('text') fingerprint!: string;
  @Column({ type: 'json', nullable: true }) mapping!: EventData | null;
  @Column({ type: 'text', nullable: true }) savedAs!: string | null;
  @Column({ type: 'timestamptz', nullable: true }) mappedAt!: Instant | null;
  @Column({ type: 'timestamptz', nullable: true }) startedAt!: Instant | null;
  @Column({ type: 'timestamptz', nullable: true }) finishedAt!: Instant | null;
  @Column('json') counts!: Record<string, number>;
}

export const importList = fold<ImportRow, ImportEvent | BatchEvent>(ImportRow, {
  name: 'import_list',
  version: 2,
  feed: 'customers',
  // The batch that an import becomes has its id.
  key: ({ stream }) => stream.id,
  on: {
    ImportUploaded: (_, { object, fileName, bytes }, { stream, meta, recordedAt }) => [
      {
        id: stream.id,
        object,
        fileName: known(fileName) ?? null,
        bytes,
        uploadedBy: meta.actor,
        uploadedAt: recordedAt,
        status: 'uploaded',
        fingerprint: '',
        mapping: null,
        savedAs: null,
        mappedAt: null,
        startedAt: null,
        finishedAt: null,
        counts: {},
      },
    ],
    ImportRead: (rows, { fingerprint }) =>
      rows.map((row) => ({ ...row, status: 'uploaded', fingerprint, mapping: null, savedAs: null, mappedAt: null })),
    ImportMapped: (rows, { mapping, savedAs, isDateOrderChosen = false }, { recordedAt }) =>
      rows.map((row) => ({
        ...row,
        status: 'mapped',
        mapping: asRemembered(known<EventData>(mapping), isDateOrderChosen),
        savedAs: known(savedAs) ?? null,
        mappedAt: recordedAt,
      })),
    ImportStarted: (rows, _, { recordedAt }) =>
      rows.map((row) => ({ ...row, status: 'started', startedAt: recordedAt })),
    BatchFinished: (rows, { counts }, { recordedAt }) =>
      rows.map((row) => ({ ...row, status: 'done', counts, finishedAt: recordedAt })),
  },
});

/** What holds for other files as well: not the order of dates that only this one's show. */
function asRemembered(mapping: EventData | undefined, isDateOrderChosen: boolean): EventData | null {
  if (!mapping || isDateOrderChosen) return mapping ?? null;
  const { dateOrder: _, ...others } = mapping;
  return others;
}

export type SavedMapping = { name: string; mapping: EventData; savedAt: Instant };

const pageSize = 50;
const mostSaved = 200;

@Injectable()
export class Imports {
  constructor(private readonly kernel: Kernel) {}

  async list(cursor?: string): Promise<{ items: ImportRow[]; nextCursor: string | null }> {
    const place = keysetPlace(cursor, 'instant');
    const { rows } = await this.kernel.pool.query<ImportRow>({
      text: `select id, object, file_name as "fileName", bytes, uploaded_by as "uploadedBy", uploaded_at as "uploadedAt", status,
          started_at as "startedAt", finished_at as "finishedAt", counts
        from "${importList.table}"
        where $1::timestamptz is null or (uploaded_at, id) < ($1::timestamptz, $2::uuid)
        order by uploaded_at desc, id desc limit ${pageSize + 1}`,
      values: [place?.value ?? null, place?.id ?? null],
      types: plainTypes,
    });
    return keysetPage(rows, pageSize, (row) => row.uploadedAt);
  }

  /** Mappings that were given a name, each as it was saved last. */
  async saved(): Promise<SavedMapping[]> {
    const { rows } = await this.kernel.pool.query<SavedMapping>({
      text: `select distinct on (saved_as) saved_as as name, mapping, mapped_at as "savedAt"
        from "${importList.table}" where saved_as is not null and mapping is not null
        order by saved_as, mapped_at desc limit ${mostSaved}`,
      types: plainTypes,
    });
    return rows;
  }

  /** How a file with the same header was mapped last. */
  async mappedBefore(fingerprint: string): Promise<EventData | undefined> {
    const { rows } = await this.kernel.pool.query<{ mapping: EventData }>({
      text: `select mapping from "${importList.table}" where fingerprint = $1 and mapping is not null
        order by mapped_at desc limit 1`,
      values: [fingerprint],
    });
    return rows[0]?.mapping;
  }
}
