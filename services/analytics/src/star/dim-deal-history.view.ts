import type { DealEvent, Instant } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from './columns.view.ts';
import { DealAttributes, dealChanged, dealOpened, dealWon } from './dim-deal.view.ts';
import { firstVersion, revised } from './versions.view.ts';

/** What the deals were at any time (type 2), by when things happened. */
@Entity()
export class DimDealHistory extends DealAttributes {
  @PrimaryColumn('uuid') dealId!: string;
  @PrimaryColumn('int') version!: number;
  @Column('timestamptz') validFrom!: Instant;
  @Column(instant) validTo!: Instant | null;
}

export const dimDealHistory = fold<DimDealHistory, DealEvent>(DimDealHistory, {
  name: 'dim_deal_history',
  version: 1,
  feed: 'sales',
  key: (event) => event.stream.id,
  on: {
    DealOpened: (_, deal, { stream, effectiveAt }) => [
      { dealId: stream.id, ...firstVersion(effectiveAt), ...dealOpened(deal) },
    ],
    DealDetailsChanged: (rows, change, { effectiveAt }) =>
      revised(rows, effectiveAt, (now) => dealChanged(now, change)),
    DealMoved: (rows, { to }, { effectiveAt }) => revised(rows, effectiveAt, () => ({ stageId: to })),
    DealWon: (rows, won, { effectiveAt }) => revised(rows, effectiveAt, () => dealWon(won)),
    DealLost: (rows, _, { effectiveAt }) => revised(rows, effectiveAt, () => ({ status: 'lost' })),
  },
});
