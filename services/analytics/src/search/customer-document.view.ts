import {
  customerFieldNames,
  inMinorUnits,
  known,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
  type Instant,
  type Money,
} from '@throughline/contracts';
import { document, fold, touch } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Exact } from '../star/columns.view.ts';
import { factInteraction } from '../star/fact-interaction.view.ts';
import { factOrderLine, type FactOrderLine } from '../star/fact-order-line.view.ts';
import { namesNow, namesOf, tagName } from '../star/tag-name.view.ts';
import { customerTag } from './customer-tag.view.ts';

/** The fields as callers name them: an event cannot have a field called `type`. */
type Details = { [F in Exclude<CustomerField, 'customerType'>]?: NonNullable<CustomerFields[F]> } & { type?: string };
type ExternalId = { connectionId: string; id: string };

/** What is known about a customer's record, whole: what the lists show. */
@Entity()
export class CustomerProfile {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') number!: string;
  @Column('json') details!: Details;
  @Column('json') externalIds!: readonly ExternalId[];
  @Column('boolean') archived!: boolean;
  @Column('timestamptz') createdAt!: Instant;
  @Column('timestamptz') updatedAt!: Instant;
}

export const customerProfile = fold<CustomerProfile, CustomerEvent>(CustomerProfile, {
  name: 'customer_profile',
  version: 1,
  feed: 'customers',
  key: (event) => event.stream.id,
  on: {
    CustomerCreated: (_, { number, externalId, ...fields }, { stream, effectiveAt }) => {
      const external = known(externalId);
      return [
        {
          id: stream.id,
          number,
          details: withFields({}, fields),
          externalIds: external ? [external] : [],
          archived: false,
          createdAt: effectiveAt,
          updatedAt: effectiveAt,
        },
      ];
    },
    CustomerDetailsChanged: (rows, fields, { effectiveAt }) =>
      rows.map((row) => ({ ...row, details: withFields(row.details, fields), updatedAt: effectiveAt })),
    CustomerArchived: (rows, _, { effectiveAt }) =>
      rows.map((row) => ({ ...row, archived: true, updatedAt: effectiveAt })),
    CustomerErased: (rows, _, { effectiveAt }) =>
      rows.map((row) => ({ ...row, archived: true, updatedAt: effectiveAt })),
    CustomerRestored: (rows, _, { effectiveAt }) =>
      rows.map((row) => ({ ...row, archived: false, updatedAt: effectiveAt })),
  },
});

/** What was cleared or erased is as if never told. */
function withFields(before: Details, given: { [F in CustomerField]?: unknown }): Details {
  const details: Record<string, unknown> = { ...before };
  for (const field of customerFieldNames) {
    if (!(field in given)) continue;
    const value = known(given[field]);
    const name = field === 'customerType' ? 'type' : field;
    if (value === undefined) delete details[name];
    else details[name] = value;
  }
  return details;
}

/** A customer as lists and search answer it. */
export type CustomerDocument = Details & {
  id: string;
  number: string;
  externalIds: readonly ExternalId[];
  archived: boolean;
  /** Of the orders that stand, less refunds, in the base currency; null without any. */
  revenue: Money | null;
  /** The same in other currencies, largest first, where orders have no rate into the base currency. */
  revenueOther: readonly Money[];
  orderCount: number;
  lastOrderAt: Instant | null;
  lastInteractionAt: Instant | null;
  createdAt: Instant;
  updatedAt: Instant;
};

/** In front of the id of a tag, where it is a tag that was touched. */
const ofTag = 'tag:';

export const customerDocument = document<CustomerDocument>({
  name: 'customer_document',
  version: 3,
  touchedBy: [
    touch(customerProfile, ({ id }) => id),
    touch(factOrderLine, ({ recordId }) => recordId),
    touch(factInteraction, ({ recordId }) => recordId),
    touch(customerTag, ({ recordId }) => recordId),
    touch(tagName, ({ tagId }) => `${ofTag}${tagId}`),
  ],
  // A tag that is renamed or merged is part of all that hold it, under any of its names.
  async owners(keys, read) {
    const tagIds = keys.flatMap((key) => (key.startsWith(ofTag) ? [key.slice(ofTag.length)] : []));
    const records = keys.filter((key) => !key.startsWith(ofTag));
    if (tagIds.length === 0) return records;
    const holders = await read(customerTag, 'tag', await namesOf(tagIds, read));
    return [...records, ...holders.map(({ recordId }) => recordId)];
  },
  async render(keys, read) {
    const profiles = await read(customerProfile, 'id', keys);
    const tagsNow = await namesNow([...new Set(profiles.flatMap(({ details }) => details.tags ?? []))], read);
    const lines = Map.groupBy(await read(factOrderLine, 'recordId', keys), ({ recordId }) => recordId);
    const interactions = Map.groupBy(await read(factInteraction, 'recordId', keys), ({ recordId }) => recordId);
    return profiles.map(({ id, number, details, externalIds, archived, createdAt, updatedAt }) => ({
      id,
      number,
      ...details,
      ...(details.tags && { tags: [...new Set(details.tags.map((tag) => tagsNow.get(tag) ?? tag))] }),
      externalIds,
      archived,
      ...ordersOf(lines.get(id) ?? []),
      lastInteractionAt: latest((interactions.get(id) ?? []).map(({ startedAt }) => startedAt)),
      createdAt,
      updatedAt,
    }));
  },
});

function ordersOf(
  lines: readonly FactOrderLine[],
): Pick<CustomerDocument, 'revenue' | 'revenueOther' | 'orderCount' | 'lastOrderAt'> {
  const counted = lines.filter(({ counted: counts }) => counts);
  const sums = new Map<string, Exact>();
  for (const { baseCurrency, amountBase } of counted) {
    if (baseCurrency) sums.set(baseCurrency, (sums.get(baseCurrency) ?? new Exact(0)).plus(amountBase));
  }
  // Amounts in several currencies (no base currency, no rate) are not added up: the largest stands, the others beside it.
  const [largest, ...others] = [...sums]
    .sort(([a, one], [b, other]) => other.comparedTo(one) || (a < b ? -1 : 1))
    .map(([currency, amount]): Money => ({ amount: inMinorUnits(amount.toFixed(), currency), currency }));
  const standing = counted.filter(({ kind }) => kind !== 'refund');
  return {
    revenue: largest ?? null,
    revenueOther: others,
    orderCount: new Set(standing.map(({ orderId }) => orderId)).size,
    lastOrderAt: latest(standing.map(({ occurredAt }) => occurredAt)),
  };
}

const latest = (moments: readonly (Instant | null)[]): Instant | null =>
  moments.reduce((last, moment) => (moment !== null && (last === null || moment > last) ? moment : last), null);
