import type { DealEvent, Instant } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { after, date, dateText, instant, numeric, text, uuid } from './columns.view.ts';

export type DealStatus = 'open' | 'won' | 'lost';

/** What analysts group deals by; nothing in it is free text. */
export abstract class DealAttributes {
  @Index() @Column(uuid) recordId!: string | null;
  @Column(uuid) pipelineId!: string | null;
  /** Where it is, or was when it was closed. */
  @Column(text) stageId!: string | null;
  @Column('text') status!: DealStatus;
  @Column(numeric) amount!: string | null;
  @Column(text) currency!: string | null;
  @Index() @Column(uuid) ownerId!: string | null;
  @Column(date) expectedCloseOn!: string | null;
}

/** The deals as they are now. */
@Entity()
export class DimDeal extends DealAttributes {
  @PrimaryColumn('uuid') dealId!: string;
  @Column(text) title!: string | null;
  @Column(text) lostReason!: string | null;
  @Column('timestamptz') openedAt!: Instant;
  @Column(instant) closedAt!: Instant | null;
  @Column('timestamptz') updatedAt!: Instant;
}

type Of<Type extends DealEvent['type']> = Omit<Extract<DealEvent, { type: Type }>, 'type'>;

export const dealOpened = (deal: Of<'DealOpened'>): DealAttributes => ({
  recordId: deal.customerId,
  pipelineId: deal.pipelineId,
  stageId: deal.stage,
  status: 'open',
  amount: deal.value.amount,
  currency: deal.value.currency,
  ownerId: deal.ownerId ?? null,
  expectedCloseOn: dateText(deal.expectedCloseOn),
});

export const dealChanged = (before: DealAttributes, change: Of<'DealDetailsChanged'>): Partial<DealAttributes> => ({
  recordId: change.customerId,
  amount: change.value?.amount ?? before.amount,
  currency: change.value?.currency ?? before.currency,
  ownerId: after(change.ownerId, before.ownerId),
  expectedCloseOn:
    change.expectedCloseOn === undefined ? before.expectedCloseOn : dateText(change.expectedCloseOn ?? undefined),
});

export const dealWon = ({ value }: Of<'DealWon'>): Partial<DealAttributes> => ({ status: 'won', ...value });

export const dimDeal = fold<DimDeal, DealEvent>(DimDeal, {
  name: 'dim_deal',
  version: 1,
  feed: 'sales',
  key: (event) => event.stream.id,
  on: {
    DealOpened: (_, deal, { stream, effectiveAt }) => [
      {
        dealId: stream.id,
        title: after(deal.title, null),
        ...dealOpened(deal),
        lostReason: null,
        openedAt: effectiveAt,
        closedAt: null,
        updatedAt: effectiveAt,
      },
    ],
    DealDetailsChanged: (rows, change, { effectiveAt }) =>
      rows.map((row) => ({
        ...row,
        ...dealChanged(row, change),
        title: after(change.title, row.title),
        updatedAt: effectiveAt,
      })),
    DealMoved: (rows, { to }, { effectiveAt }) => rows.map((row) => ({ ...row, stageId: to, updatedAt: effectiveAt })),
    DealWon: (rows, won, { effectiveAt }) =>
      rows.map((row) => ({ ...row, ...dealWon(won), closedAt: effectiveAt, updatedAt: effectiveAt })),
    DealLost: (rows, { reason }, { effectiveAt }) =>
      rows.map((row) => ({
        ...row,
        status: 'lost',
        lostReason: after(reason, null),
        closedAt: effectiveAt,
        updatedAt: effectiveAt,
      })),
  },
});
