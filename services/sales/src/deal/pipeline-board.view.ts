import { Injectable } from '@nestjs/common';
import { known, type DealEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, DataSource, Entity, Index, PrimaryColumn } from 'typeorm';

/** An open deal. */
@Entity()
@Index('pipeline_board_of_stage_v1', ['pipelineId', 'stage'])
@Index('pipeline_board_of_customer_v1', ['customerId'])
export class PipelineCard {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid') pipelineId!: string;
  @Column('text') stage!: string;
  @Column('uuid') customerId!: string;
  /** Null where it was erased with its customer. */
  @Column('text', { nullable: true }) title!: string | null;
  @Column('numeric') amount!: string;
  @Column('text') currency!: string;
  @Column('uuid', { nullable: true }) ownerId!: string | null;
  @Column('date', { nullable: true }) expectedCloseOn!: string | null;
  /** Since when it is in its stage. */
  @Column('timestamptz') stageSince!: string;
}

export const pipelineBoard = fold<PipelineCard, DealEvent>(PipelineCard, {
  name: 'pipeline_board',
  version: 1,
  feed: 'sales',
  key: ({ stream }) => stream.id,
  on: {
    DealOpened: (_, { customerId, title, value, pipelineId, stage, ownerId, expectedCloseOn }, envelope) => [
      {
        id: envelope.stream.id,
        pipelineId,
        stage,
        customerId,
        title: known(title) ?? null,
        ...value,
        ownerId: ownerId ?? null,
        expectedCloseOn: expectedCloseOn ?? null,
        stageSince: envelope.effectiveAt,
      },
    ],
    DealDetailsChanged: (cards, { title, value, ownerId, expectedCloseOn }) =>
      cards.map((card) => ({
        ...card,
        ...value,
        ...(title !== undefined && { title: known(title) ?? null }),
        ...(ownerId !== undefined && { ownerId }),
        ...(expectedCloseOn !== undefined && { expectedCloseOn }),
      })),
    DealMoved: (cards, { to }, { effectiveAt }) =>
      cards.map((card) => ({ ...card, stage: to, stageSince: effectiveAt })),
    DealWon: () => [],
    DealLost: () => [],
  },
});

/** Most cards of a column that are answered; counts and sums are over all. */
const mostCards = 200;

@Injectable()
export class PipelineBoard {
  constructor(private readonly database: DataSource) {}

  /** The cards of a pipeline, those to be closed first on top, and what each stage comes to. */
  async of(pipelineId: string) {
    const totals = await this.database.query<{ stage: string; currency: string; count: number; amount: string }[]>(
      `select stage, currency, count(*)::int as count, sum(amount)::text as amount
       from "${pipelineBoard.table}" where pipeline_id = $1 group by stage, currency`,
      [pipelineId],
    );
    const rows = await this.database.query<(Omit<PipelineCard, 'stageSince'> & { stageSince: Date })[]>(
      `select id, stage, customer_id as "customerId", title, amount::text, currency, owner_id as "ownerId",
         expected_close_on::text as "expectedCloseOn", stage_since as "stageSince"
       from (
         select *, row_number() over (partition by stage order by expected_close_on, stage_since, id) as place
         from "${pipelineBoard.table}" where pipeline_id = $1
       ) card
       where place <= $2 order by stage, place`,
      [pipelineId, mostCards],
    );
    const cards = rows.map(({ amount, currency, stageSince, ...card }) => ({
      ...card,
      value: { amount, currency },
      stageSince: stageSince.toISOString(),
    }));
    return { totals, cards };
  }

  /** Ids of a customer's open deals. */
  async openDealsOf(customerId: string): Promise<string[]> {
    const cards = await this.database.getRepository(PipelineCard).find({
      select: { id: true },
      where: { customerId },
      order: { id: 'ASC' },
    });
    return cards.map(({ id }) => id);
  }
}
