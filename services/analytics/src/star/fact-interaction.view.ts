import type { Direction, Instant, InteractionEvent, InteractionKind } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { instant, instantText, text, uuid } from './columns.view.ts';

/** The interactions that were not archived, without what was said. */
@Entity()
export class FactInteraction {
  @PrimaryColumn('uuid') interactionId!: string;
  @Index() @Column('uuid') recordId!: string;
  @Column('text') kind!: InteractionKind;
  @Column(text) direction!: Direction | null;
  @Column('timestamptz') startedAt!: Instant;
  @Column(instant) endedAt!: Instant | null;
  /** The user who logged it; null where a program did. */
  @Column(uuid) employeeId!: string | null;
}

const userId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const factInteraction = fold<FactInteraction, InteractionEvent>(FactInteraction, {
  name: 'fact_interaction',
  version: 1,
  feed: 'interactions',
  key: (event) => event.stream.id,
  on: {
    InteractionLogged: (_, { customerId, kind, direction, startedAt, endedAt }, { stream, effectiveAt, meta }) => {
      const start = instantText(startedAt, effectiveAt);
      const { type, id } = meta.actor;
      return [
        {
          interactionId: stream.id,
          recordId: customerId,
          kind,
          direction: direction ?? null,
          startedAt: start,
          endedAt: endedAt === undefined ? null : instantText(endedAt, start),
          employeeId: type === 'user' && userId.test(id) ? id : null,
        },
      ];
    },
    InteractionDetailsChanged: (rows, { customerId }) =>
      rows.map((row) => (row.recordId === customerId ? row : { ...row, recordId: customerId })),
    InteractionArchived: () => [],
  },
});
