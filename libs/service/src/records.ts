import { Injectable } from '@nestjs/common';
import type { AnyEvent, Recorded } from '@throughline/contracts';
import { Commands, notFound, type Decider } from '@throughline/event-sourcing';
import { IsOptional, Matches } from 'class-validator';
import { IsInstant } from './instant.ts';
import { ShapeError } from './problem.ts';

/** `?asOf=` by when things happened, `?knownAt=` by when the CRM knew. */
export class AtQuery {
  @IsOptional()
  @IsInstant()
  asOf?: string;

  @IsOptional()
  @IsInstant()
  knownAt?: string;
}

export class HistoryQuery {
  @IsOptional()
  @Matches(/^\d{1,9}$/)
  cursor?: string;

  @IsOptional()
  @Matches(/^\d{1,3}$/)
  limit?: string;
}

/** A record as it is answered: its fields in the body, its version as ETag. */
export type RecordAnswer = {
  id: string;
  version: number;
  position: number;
  fields: Readonly<Record<string, unknown>>;
  /** Instead of the version, where the record is made of several streams: the version of each. */
  versions?: readonly number[];
  /** Whether an upsert made it: answered with 201 then. */
  created?: boolean;
};

export type HistoryItem = {
  id: string;
  type: string;
  version: number;
  position: number;
  occurredAt: string;
  effectiveAt: string;
  recordedAt: string;
  actor: Recorded['meta']['actor'];
  source: string;
  commandId: string;
  causationId: string | undefined;
  data: Recorded['data'];
  /** Which of the streams that the record is made of, where there are several. */
  recordId?: string;
};

type Readable<S, E extends AnyEvent> = Pick<Decider<S, never, E, never>, 'category' | 'initial' | 'evolve' | 'fields'>;

/** Reads single records straight from their streams: always current, at any moment of their past. */
@Injectable()
export class Records {
  constructor(private readonly commands: Commands) {}

  /** @throws Refusal `<category>-not-found` where it did not exist then */
  async read<S, E extends AnyEvent>(decider: Readable<S, E>, id: string, at: AtQuery = {}): Promise<RecordAnswer> {
    const utc = (text: string) => new Date(text).toISOString();
    const { state, version, position } = await this.commands.load(decider, id, {
      ...(at.asOf !== undefined && { asOf: utc(at.asOf) }),
      ...(at.knownAt !== undefined && { knownAt: utc(at.knownAt) }),
    });
    if (version === 0) throw notFound(`${decider.category}-not-found`);
    return { id, version, position, fields: decider.fields?.(state) ?? {} };
  }

  /** What happened to a record: who, from where, when, by which command; oldest first, a page at a time. */
  async history<S, E extends AnyEvent>(
    decider: Readable<S, E>,
    id: string,
    query: HistoryQuery = {},
  ): Promise<{ items: HistoryItem[]; nextCursor: string | null }> {
    const { events, version } = await this.commands.load(decider, id);
    if (version === 0) throw notFound(`${decider.category}-not-found`);
    return historyPageOf(events, query);
  }
}

/** @throws ShapeError where the limit is not between 1 and 200 */
export function historyPageOf(
  events: readonly Recorded[],
  query: HistoryQuery,
  item: (event: Recorded) => HistoryItem = historyItem,
): { items: HistoryItem[]; nextCursor: string | null } {
  const from = Number(query.cursor ?? 0);
  const limit = Number(query.limit ?? 50);
  if (limit < 1 || limit > 200) throw new ShapeError([{ path: 'limit', code: 'wrong-type' }]);
  return {
    items: events.slice(from, from + limit).map(item),
    nextCursor: from + limit < events.length ? String(from + limit) : null,
  };
}

/** The command id without the actor that its memory is kept under. */
const commandOf = (event: Recorded) => event.meta.commandId.slice(event.meta.commandId.indexOf('/') + 1);

export const historyItem = (event: Recorded): HistoryItem => ({
  id: event.id,
  type: event.type,
  version: event.stream.version,
  position: event.position,
  occurredAt: event.occurredAt,
  effectiveAt: event.effectiveAt,
  recordedAt: event.recordedAt,
  actor: event.meta.actor,
  source: event.meta.source,
  commandId: commandOf(event),
  causationId: event.meta.causationId,
  data: event.data,
});
