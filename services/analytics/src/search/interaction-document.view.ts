import {
  known,
  type Direction,
  type Erased,
  type FollowUp,
  type Instant,
  type InteractionEvent,
  type InteractionKind,
} from '@throughline/contracts';
import { document, fold, touch } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { instant, instantText, text } from '../star/columns.view.ts';

type Said = {
  subject?: string;
  content?: string;
  outcome?: string;
  participants?: readonly string[];
  followUp?: FollowUp;
};

/** An interaction, whole: what the lists show. */
@Entity()
export class InteractionRecord {
  @PrimaryColumn('uuid') id!: string;
  @Index() @Column('uuid') customerId!: string;
  @Column('text') kind!: InteractionKind;
  @Column(text) direction!: Direction | null;
  @Column('json') said!: Said;
  @Column('timestamptz') startedAt!: Instant;
  @Column(instant) endedAt!: Instant | null;
  @Column('boolean') archived!: boolean;
  @Column('timestamptz') createdAt!: Instant;
  @Column('timestamptz') updatedAt!: Instant;
}

export const interactionRecord = fold<InteractionRecord, InteractionEvent>(InteractionRecord, {
  name: 'interaction_record',
  version: 1,
  feed: 'interactions',
  key: (event) => event.stream.id,
  on: {
    InteractionLogged: (_, data, { stream, effectiveAt, recordedAt }) => {
      const startedAt = instantText(data.startedAt, effectiveAt);
      return [
        {
          id: stream.id,
          customerId: data.customerId,
          kind: data.kind,
          direction: data.direction ?? null,
          said: withChanges({}, data),
          startedAt,
          endedAt: data.endedAt === undefined ? null : instantText(data.endedAt, startedAt),
          archived: false,
          createdAt: recordedAt,
          updatedAt: recordedAt,
        },
      ];
    },
    InteractionDetailsChanged: (rows, changes, { recordedAt }) =>
      rows.map((row) => ({
        ...row,
        customerId: changes.customerId,
        said: withChanges(row.said, changes),
        updatedAt: recordedAt,
      })),
    InteractionArchived: (rows, _, { recordedAt }) =>
      rows.map((row) => ({ ...row, archived: true, updatedAt: recordedAt })),
  },
});

type Given = { [K in keyof Said]?: Said[K] | Erased };

/** What was erased is as if never said. */
function withChanges(before: Said, { subject, content, outcome, participants, followUp }: Given): Said {
  const said: Record<string, unknown> = { ...before };
  for (const [name, given] of Object.entries({ subject, content, outcome, participants, followUp })) {
    if (given === undefined) continue;
    const value: unknown = known<unknown>(given);
    if (value === undefined) delete said[name];
    else said[name] = value;
  }
  return said;
}

/** An interaction as lists and search answer it. */
export type InteractionDocument = Said &
  Pick<InteractionRecord, 'id' | 'customerId' | 'kind' | 'startedAt' | 'archived' | 'createdAt' | 'updatedAt'> & {
    direction?: Direction;
    endedAt?: Instant;
  };

export const interactionDocument = document<InteractionDocument>({
  name: 'interaction_document',
  version: 1,
  touchedBy: [touch(interactionRecord, ({ id }) => id)],
  async render(keys, read) {
    const rows = await read(interactionRecord, 'id', keys);
    return rows.map(({ said, direction, endedAt, ...row }) => ({
      ...row,
      ...said,
      ...(direction && { direction }),
      ...(endedAt && { endedAt }),
    }));
  },
});
