import {
  customerFieldNames,
  known,
  type Actor,
  type AnyEvent,
  type ConsentEvent,
  type CustomerEvent,
  type DealEvent,
  type Instant,
  type InteractionEvent,
  type OrderEvent,
  type Recorded,
} from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { text, uuid } from '../star/columns.view.ts';

/** One event that concerns a customer. */
export abstract class TimelineEntry {
  /** The event's. */
  @PrimaryColumn('uuid') id!: string;
  @Index() @Column('uuid') streamId!: string;
  /** Of the stream, with this event. */
  @Column('int') version!: number;
  /** Null while nobody has said whose the order is. */
  @Column(uuid) customerId!: string | null;
  /** When it took effect. */
  @Column('timestamptz') at!: Instant;
  @Column('text') kind!: string;
  @Column('text') type!: string;
  /** What the thing is called: an order's number, a subject. JSON, since a text column does not take everything. */
  @Column({ type: 'json', nullable: true }) title!: string | null;
  @Column('json') actor!: Actor;
  @Column(text) source!: string | null;
  @Column('json') data!: Record<string, unknown>;
}

@Entity()
@Index(['customerId', 'at', 'id'])
export class CustomerEntry extends TimelineEntry {}

@Entity()
@Index(['customerId', 'at', 'id'])
export class SalesEntry extends TimelineEntry {}

@Entity()
@Index(['customerId', 'at', 'id'])
export class InteractionEntry extends TimelineEntry {}

type Happened = {
  customerId: string | null;
  kind: string;
  title?: string | null | undefined;
  data?: Record<string, unknown>;
};

/** The rows with an event more; whose it is and what it is called holds for what came before as well. */
function withEvent<Row extends TimelineEntry>(
  rows: readonly Row[],
  event: Recorded<AnyEvent>,
  happened: Happened,
): Row[] {
  const { customerId, kind, title = null, data = {} } = happened;
  const entry = {
    id: event.id,
    streamId: event.stream.id,
    version: event.stream.version,
    customerId,
    at: event.effectiveAt,
    kind,
    type: event.type,
    title,
    actor: event.meta.actor,
    source: event.meta.source,
    data: Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined && value !== null)),
  } as Row;
  const isKnown = (row: Row) => row.customerId === customerId && (row.title !== null || title === null);
  return [...rows.map((row) => (isKnown(row) ? row : { ...row, customerId, title: row.title ?? title })), entry];
}

const key = (event: Recorded) => event.stream.id;
const customerOf = (rows: readonly TimelineEntry[]) => rows[0]?.customerId ?? null;
const byVersion = (rows: readonly TimelineEntry[]) => rows.toSorted((a, b) => a.version - b.version);
/** What the thing was called last. */
const titleOf = (rows: readonly TimelineEntry[]) =>
  byVersion(rows).findLast(({ title }) => title !== null)?.title ?? null;
const kindOf = (rows: readonly TimelineEntry[]) => byVersion(rows)[0]?.kind ?? 'interaction';

const isField = (name: string) => customerFieldNames.some((field) => field === name);

export const timelineCustomers = fold<CustomerEntry, CustomerEvent | ConsentEvent>(CustomerEntry, {
  name: 'timeline_customers',
  version: 4,
  feed: 'customers',
  key,
  by: 'streamId',
  on: {
    CustomerCreated: (rows, { number, name, companyName, source }, event) =>
      withEvent(rows, event, {
        customerId: event.stream.id,
        kind: 'customer',
        title: known(name) ?? known(companyName) ?? number,
        data: { number, source },
      }),
    CustomerDetailsChanged: (rows, details, event) =>
      withEvent(rows, event, {
        customerId: event.stream.id,
        kind: 'customer',
        title: known(details.name) ?? titleOf(rows),
        data: {
          fields: Object.keys(details)
            .filter(isField)
            .map((field) => (field === 'customerType' ? 'type' : field)),
        },
      }),
    CustomerArchived: (rows, _, event) =>
      withEvent(rows, event, { customerId: event.stream.id, kind: 'customer', title: titleOf(rows) }),
    CustomerErased: (rows, _, event) =>
      withEvent(rows, event, { customerId: event.stream.id, kind: 'customer', title: titleOf(rows) }),
    CustomerRestored: (rows, _, event) =>
      withEvent(rows, event, { customerId: event.stream.id, kind: 'customer', title: titleOf(rows) }),
    ConsentGiven: (rows, { customerId, purpose, channel, basis, how }, event) =>
      withEvent(rows, event, { customerId, kind: 'consent', data: { purpose, channel, basis, how } }),
    ConsentWithdrawn: (rows, { customerId, purpose, channel, how }, event) =>
      withEvent(rows, event, { customerId, kind: 'consent', data: { purpose, channel, how } }),
    ConsentExpired: (rows, { customerId, purpose, channel, expiresOn }, event) =>
      withEvent(rows, event, { customerId, kind: 'consent', data: { purpose, channel, expiresOn } }),
    ContactForbidden: (rows, { customerId, how }, event) =>
      withEvent(rows, event, { customerId, kind: 'consent', data: { how } }),
    ContactAllowed: (rows, { customerId, how }, event) =>
      withEvent(rows, event, { customerId, kind: 'consent', data: { how } }),
    CustomersMerged: (rows, { mergeId, absorbed, reason, score }, event) =>
      withEvent(rows, event, {
        customerId: event.stream.id,
        kind: 'merge',
        title: titleOf(rows),
        data: { mergeId, absorbed, reason: known(reason), score },
      }),
    CustomerAbsorbed: (rows, { mergeId, into, goldenId }, event) =>
      withEvent(rows, event, {
        customerId: event.stream.id,
        kind: 'merge',
        title: titleOf(rows),
        data: { mergeId, into, goldenId },
      }),
    CustomersUnmerged: (rows, { mergeId, released }, event) =>
      withEvent(rows, event, {
        customerId: event.stream.id,
        kind: 'unmerge',
        title: titleOf(rows),
        data: { mergeId, released },
      }),
    CustomerReleased: (rows, { mergeId, from }, event) =>
      withEvent(rows, event, {
        customerId: event.stream.id,
        kind: 'unmerge',
        title: titleOf(rows),
        data: { mergeId, from },
      }),
  },
});

export const timelineSales = fold<SalesEntry, OrderEvent | DealEvent>(SalesEntry, {
  name: 'timeline_sales',
  version: 1,
  feed: 'sales',
  key,
  by: 'streamId',
  on: {
    OrderPlaced: (rows, { customerId, number, total, currency, status }, event) =>
      withEvent(rows, event, {
        customerId,
        kind: 'order',
        title: number,
        data: { number, amount: total, currency, status },
      }),
    OrderChanged: (rows, { customerId, number, total, currency, status }, event) =>
      withEvent(rows, event, {
        customerId,
        kind: 'order',
        title: number,
        data: { number, amount: total, currency, status },
      }),
    OrderPaid: (rows, { paid, currency }, event) =>
      withEvent(rows, event, {
        customerId: customerOf(rows),
        kind: 'payment',
        title: titleOf(rows),
        data: { paid, currency },
      }),
    OrderCancelled: (rows, _, event) =>
      withEvent(rows, event, { customerId: customerOf(rows), kind: 'order', title: titleOf(rows) }),
    OrderRefunded: (rows, { refundId, amount, currency }, event) =>
      withEvent(rows, event, {
        customerId: customerOf(rows),
        kind: 'refund',
        title: titleOf(rows),
        data: { refundId, amount, currency },
      }),
    DealOpened: (rows, { customerId, title, value, stage }, event) =>
      withEvent(rows, event, { customerId, kind: 'deal', title: known(title), data: { ...value, stage } }),
    DealDetailsChanged: (rows, { customerId, title, ...changes }, event) =>
      withEvent(rows, event, {
        customerId,
        kind: 'deal',
        title: known(title) ?? titleOf(rows),
        data: { ...changes.value, fields: [...(title === undefined ? [] : ['title']), ...Object.keys(changes)] },
      }),
    DealMoved: (rows, { from, to }, event) =>
      withEvent(rows, event, {
        customerId: customerOf(rows),
        kind: 'deal',
        title: titleOf(rows),
        data: { from, to },
      }),
    DealWon: (rows, { value }, event) =>
      withEvent(rows, event, {
        customerId: customerOf(rows),
        kind: 'deal',
        title: titleOf(rows),
        data: { ...value },
      }),
    DealLost: (rows, { customerId, reason }, event) =>
      withEvent(rows, event, { customerId, kind: 'deal', title: titleOf(rows), data: { reason: known(reason) } }),
  },
});

export const timelineInteractions = fold<InteractionEntry, InteractionEvent>(InteractionEntry, {
  name: 'timeline_interactions',
  version: 2,
  feed: 'interactions',
  key,
  by: 'streamId',
  on: {
    InteractionLogged: (rows, { customerId, kind, direction, subject, outcome, startedAt }, event) =>
      withEvent(rows, event, {
        customerId,
        kind,
        title: known(subject),
        data: { kind, direction, subject: known(subject), outcome: known(outcome), startedAt },
      }),
    InteractionDetailsChanged: (rows, { customerId, subject, outcome }, event) =>
      withEvent(rows, event, {
        customerId,
        kind: kindOf(rows),
        title: known(subject) ?? titleOf(rows),
        data: { subject: known(subject), outcome: known(outcome) },
      }),
    FollowUpDue: (rows, { customerId, dueAt }, event) =>
      withEvent(rows, event, { customerId, kind: kindOf(rows), title: titleOf(rows), data: { dueAt } }),
    InteractionArchived: (rows, { customerId }, event) =>
      withEvent(rows, event, { customerId, kind: kindOf(rows), title: titleOf(rows) }),
  },
});

export const timeline = [timelineCustomers, timelineSales, timelineInteractions];
