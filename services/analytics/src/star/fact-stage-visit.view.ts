import type { DealEvent, Instant } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { instant, text, uuid } from './columns.view.ts';

/** One stay of a deal in a stage; a deal that comes back to a stage visits it twice. */
@Entity()
export class FactStageVisit {
  @PrimaryColumn('uuid') dealId!: string;
  /** From 1, in the order of the deal's stages. */
  @PrimaryColumn('int') visitNo!: number;
  @Index() @Column(uuid) recordId!: string | null;
  @Column(uuid) pipelineId!: string | null;
  @Column('text') stageId!: string;
  @Column('timestamptz') enteredAt!: Instant;
  @Column(instant) leftAt!: Instant | null;
  /** How the visit ended; null while the deal is there. */
  @Column(text) outcome!: 'moved' | 'won' | 'lost' | null;
  /** Where the deal went, where it moved. */
  @Column(text) nextStageId!: string | null;
}

const ended = (
  rows: readonly FactStageVisit[],
  leftAt: Instant,
  outcome: FactStageVisit['outcome'],
  nextStageId: string | null = null,
): FactStageVisit[] => rows.map((row) => (row.leftAt === null ? { ...row, leftAt, outcome, nextStageId } : row));

export const factStageVisit = fold<FactStageVisit, DealEvent>(FactStageVisit, {
  name: 'fact_stage_visit',
  version: 1,
  feed: 'sales',
  key: (event) => event.stream.id,
  on: {
    DealOpened: (_, { customerId, pipelineId, stage }, { stream, effectiveAt }) => [
      {
        dealId: stream.id,
        visitNo: 1,
        recordId: customerId,
        pipelineId,
        stageId: stage,
        enteredAt: effectiveAt,
        leftAt: null,
        outcome: null,
        nextStageId: null,
      },
    ],
    DealDetailsChanged: (rows, { customerId }) =>
      rows.map((row) => (row.recordId === customerId ? row : { ...row, recordId: customerId })),
    DealMoved: (rows, { to }, { effectiveAt }) => {
      const here = rows.find(({ leftAt }) => leftAt === null);
      if (!here) return rows;
      return [
        ...ended(rows, effectiveAt, 'moved', to),
        { ...here, visitNo: here.visitNo + 1, stageId: to, enteredAt: effectiveAt },
      ];
    },
    DealWon: (rows, _, { effectiveAt }) => ended(rows, effectiveAt, 'won'),
    DealLost: (rows, _, { effectiveAt }) => ended(rows, effectiveAt, 'lost'),
  },
});
