import { isUUID } from 'class-validator';
import { Injectable } from '@nestjs/common';
import {
  interactionKinds,
  type Actor,
  type Direction,
  type Instant,
  type InteractionKind,
} from '@throughline/contracts';
import { notFound, plainTypes } from '@throughline/event-sourcing';
import { Kernel, ShapeError, keysetPage } from '@throughline/service';
import { recordsBeside } from '../search/customer-records.reader.ts';
import { interactionRecord } from '../search/interaction-document.view.ts';
import type { TimelineQueryDto } from './timeline.dto.ts';
import { timeline } from './timeline.view.ts';

export type TimelineItem = {
  id: string;
  at: Instant;
  kind: string;
  /** The record that it happened to: a customer, an order, a deal, an interaction. */
  recordId: string;
  /** The event's type. */
  type: string;
  title: string | null;
  actor: Actor;
  source: string | null;
  data: Record<string, unknown>;
};

export type FirstContact = {
  interactionId: string;
  at: Instant;
  kind: InteractionKind;
  direction: Direction | null;
  subject: string | null;
  outcome: string | null;
};

const usualItems = 50;
const mostItems = 200;
const kinds = [
  'customer',
  'merge',
  'unmerge',
  'consent',
  'order',
  'payment',
  'refund',
  'deal',
  ...interactionKinds,
] as const;

/** Answers what happened with a customer, in any service and to any of its records. */
@Injectable()
export class Timelines {
  constructor(private readonly kernel: Kernel) {}

  /** @throws Refusal `customer-not-found` where nothing is known */
  async read(
    customerId: string,
    query: TimelineQueryDto,
  ): Promise<{ items: TimelineItem[]; nextCursor: string | null }> {
    const { limit, wanted, after } = understood(query);
    const records = await this.#recordsOf(customerId);
    const values: unknown[] = [records ?? [customerId]];
    const add = (value: unknown) => `$${values.push(value)}`;
    const where = [
      'customer_id = r.id',
      ...(wanted ? [`kind = any(${add(wanted)}::text[])`] : []),
      ...(after ? [`(at, id) < (${add(after.at)}::timestamptz, ${add(after.id)}::uuid)`] : []),
    ].join(' and ');
    const order = `order by at desc, id desc limit ${limit + 1}`;
    // Record by record, so that an index gives the newest of each.
    const parts = timeline.map(
      ({ table }) =>
        `select e.* from unnest($1::uuid[]) as r(id) cross join lateral (
           select id, at, kind, type, title, actor, source, data, stream_id from "${table}" where ${where} ${order}) e`,
    );
    const { rows } = await this.kernel.pool.query<Omit<TimelineItem, 'recordId'> & { stream_id: string }>({
      text: `select * from (${parts.join(' union all ')}) entries ${order}`,
      values,
      types: plainTypes,
    });
    if (rows.length === 0 && !records) throw notFound('customer-not-found');
    const { items, nextCursor } = keysetPage(rows, limit, ({ at }) => at);
    return { items: items.map(({ stream_id: recordId, ...item }) => ({ ...item, recordId })), nextCursor };
  }

  /** When, how and with what result this customer was first spoken to. */
  async firstContact(customerId: string): Promise<FirstContact> {
    const { rows } = await this.kernel.pool.query<FirstContact>({
      text: `select id as "interactionId", started_at as at, kind, direction,
          said->>'subject' as subject, said->>'outcome' as outcome
        from "${interactionRecord.table}" where customer_id = any($1::uuid[]) and not archived
        order by started_at, id limit 1`,
      values: [(await this.#recordsOf(customerId)) ?? [customerId]],
      types: plainTypes,
    });
    const [first] = rows;
    if (!first) throw notFound('no-first-contact');
    return first;
  }

  /** All records of the customer; undefined where nothing is known of it. */
  async #recordsOf(id: string): Promise<readonly string[] | undefined> {
    return (await recordsBeside(this.kernel.pool, [id])).get(id);
  }
}

function understood(query: TimelineQueryDto) {
  const limit = Number(query.limit ?? usualItems);
  const names =
    query.kinds
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '') ?? [];
  const unknown = names.filter((name) => name !== 'interaction' && !kinds.some((kind) => kind === name));
  const after = query.cursor ? placeOf(query.cursor) : undefined;
  const errors = [
    ...unknown.map((name) => ({ path: `kinds.${name}`, code: 'not-allowed' })),
    ...(limit < 1 || limit > mostItems ? [{ path: 'limit', code: 'out-of-range' }] : []),
    ...(query.cursor && !after ? [{ path: 'cursor', code: 'wrong-cursor' }] : []),
  ];
  if (errors.length > 0) throw new ShapeError(errors);
  const wanted = names.flatMap((name) => (name === 'interaction' ? interactionKinds : [name]));
  return { limit, after, wanted: names.length > 0 ? wanted : undefined };
}

function placeOf(cursor: string): { at: string; id: string } | undefined {
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, at, id] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([0-9a-f-]{36})$/.exec(text) ?? [];
  return at && id && isUUID(id) && at >= '0001' && !Number.isNaN(Date.parse(at)) ? { at, id } : undefined;
}
