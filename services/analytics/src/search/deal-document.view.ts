import type { Instant, Money } from '@throughline/contracts';
import { document, touch } from '@throughline/event-sourcing';
import { dimDeal, type DealStatus } from '../star/dim-deal.view.ts';

/** A deal as lists and search answer it. */
export type DealDocument = {
  id: string;
  customerId: string;
  title: string | null;
  value: Money;
  pipelineId: string | null;
  stage: string | null;
  status: DealStatus;
  ownerId: string | null;
  expectedCloseOn: string | null;
  lostReason: string | null;
  closedAt: Instant | null;
  createdAt: Instant;
  updatedAt: Instant;
};

export const dealDocument = document<DealDocument>({
  name: 'deal_document',
  version: 1,
  touchedBy: [touch(dimDeal, ({ dealId }) => dealId)],
  async render(keys, read) {
    const rows = await read(dimDeal, 'dealId', keys);
    return rows.flatMap((row) => {
      const { dealId, recordId, title, amount, currency, pipelineId, stageId, status, ownerId } = row;
      if (!recordId || amount === null || currency === null) return [];
      const { expectedCloseOn, lostReason, closedAt, openedAt, updatedAt } = row;
      return [
        {
          id: dealId,
          customerId: recordId,
          title,
          value: { amount, currency },
          pipelineId,
          stage: stageId,
          status,
          ownerId,
          expectedCloseOn,
          lostReason,
          closedAt,
          createdAt: openedAt,
          updatedAt,
        },
      ];
    });
  },
});
