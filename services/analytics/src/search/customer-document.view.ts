import {
  careOf,
  emptyLedger,
  inMinorUnits,
  isStale,
  ledgerOf,
  noCare,
  permissionsOf,
  qualityOf,
  type Care,
  type CustomerField,
  type CustomerFields,
  type CustomerRecord,
  type Instant,
  type Money,
  type Permissions,
  type Quality,
  type SetBy,
  type LifeStage,
} from '@throughline/contracts';
import { document, touch, type ReadRows } from '@throughline/event-sourcing';
import { Exact } from '../star/columns.view.ts';
import { factInteraction } from '../star/fact-interaction.view.ts';
import { factOrderLine, type FactOrderLine } from '../star/fact-order-line.view.ts';
import { customerCare } from './customer-care.view.ts';
import { customerConsent } from './customer-consent.view.ts';
import {
  customerProfile,
  fieldsOfGroup,
  groupsOf,
  lifeOf,
  stageOfGroup,
  type CustomerGroup,
} from './customer-profile.view.ts';
import { namesNow, namesOf, tagName } from '../star/tag-name.view.ts';
import { customerTag } from './customer-tag.view.ts';

/** The fields as callers name them: an event cannot have a field called `type`. */
type Details = { [F in Exclude<CustomerField, 'customerType'>]?: NonNullable<CustomerFields[F]> } & { type?: string };
type ExternalId = { connectionId: string; id: string };
type RecordPart = { id: string; number: string; into?: string; externalIds: readonly ExternalId[] };

export type CustomerType = 'potential' | 'new' | 'existing';
/** The type that follows from the orders, and the one that holds: what somebody or a source said stands above it. */
type Typed = { type: string; typeSetBy: SetBy; derivedType: CustomerType };

/** A customer as lists and search answer it. */
export type CustomerDocument = Details &
  Permissions &
  LifeStage &
  Partial<Quality> &
  Typed & {
    id: string;
    /** As its ETag has it: the version of each of its records. */
    version: string;
    number: string;
    /** Those of all its records: an old one goes on finding it. */
    numbers: readonly string[];
    externalIds: readonly ExternalId[];
    /** Where several were merged: all of them, the one that answers for them first. */
    records?: readonly RecordPart[];
    archived: boolean;
    /** Of the orders that stand, less refunds, in the base currency; null without any. */
    revenue: Money | null;
    /** The same in other currencies, largest first, where orders have no rate into the base currency. */
    revenueOther: readonly Money[];
    orderCount: number;
    firstOrderAt: Instant | null;
    lastOrderAt: Instant | null;
    lastInteractionAt: Instant | null;
    createdAt: Instant;
    updatedAt: Instant;
  };

/** In front of the id of a tag, where it is a tag that was touched. */
const ofTag = 'tag:';

export const customerDocument = document<CustomerDocument>({
  name: 'customer_document',
  version: 9,
  touchedBy: [
    touch(customerProfile, ({ id }) => id),
    touch(customerConsent, ({ recordId }) => recordId),
    touch(customerCare, ({ recordId }) => recordId),
    touch(customerProfile, ({ goldenId }) => goldenId),
    touch(factOrderLine, ({ recordId }) => recordId),
    touch(factInteraction, ({ recordId }) => recordId),
    touch(customerTag, ({ recordId }) => recordId),
    touch(tagName, ({ tagId }) => `${ofTag}${tagId}`),
  ],
  async owners(keys, read) {
    const records = await recordsTouched(keys, read);
    return [...records, ...(await read(customerProfile, 'id', records)).map(({ goldenId }) => goldenId)];
  },
  async render(keys, read) {
    const profiles = await read(customerProfile, 'goldenId', keys);
    const versions = new Map(profiles.map((profile) => [profile.id, profile.version]));
    const groups = groupsOf(keys, profiles);
    const ids = [...groups.values()].flat().map(({ recordId }) => recordId);
    const consents = new Map((await read(customerConsent, 'recordId', ids)).map((row) => [row.recordId, row.ledger]));
    const cares = new Map((await read(customerCare, 'recordId', ids)).map((row) => [row.recordId, row.care]));
    const lines = Map.groupBy(await read(factOrderLine, 'recordId', ids), ({ recordId }) => recordId);
    const interactions = Map.groupBy(await read(factInteraction, 'recordId', ids), ({ recordId }) => recordId);
    const details = new Map([...groups].map(([id, group]) => [id, detailsOf(group)]));
    const tagsNow = await namesNow([...new Set([...details.values()].flatMap(({ tags = [] }) => tags))], read);
    return [...groups].map(([id, group]) => {
      const orders = ordersOf(group.flatMap(({ recordId }) => lines.get(recordId) ?? []));
      const care = careOf(group.map(({ recordId }) => cares.get(recordId) ?? noCare));
      const told = withTagsNow(details.get(id) ?? {}, tagsNow);
      return {
        id,
        version: group.map(({ recordId }) => versions.get(recordId)).join('-'),
        number: group[0].number,
        numbers: group.map(({ number }) => number),
        ...told,
        ...typeOf(told.type, orders.firstOrderAt, care),
        ...stageOfGroup(group),
        externalIds: group.flatMap(({ externalIds }) => externalIds),
        archived: group[0].status !== 'active',
        ...(group.length > 1 && { records: group.map(partOf) }),
        ...permissionsOf(ledgerOf(group.map(({ recordId }) => consents.get(recordId) ?? emptyLedger))),
        ...(group[0].status !== 'erased' &&
          qualityOf({ fields: told, bounced: care.bounced, stale: isStale(care), failures: care.failures })),
        ...orders,
        lastInteractionAt: latest(
          group.flatMap(({ recordId }) => (interactions.get(recordId) ?? []).map(({ startedAt }) => startedAt)),
        ),
        ...lifeOf(group),
      };
    });
  },
});

function typeOf(given: string | undefined, firstOrderAt: Instant | null, { orderedUntil }: Care): Typed {
  const isExisting = firstOrderAt !== null && orderedUntil !== null && firstOrderAt <= orderedUntil;
  const derivedType = firstOrderAt === null ? 'potential' : isExisting ? 'existing' : 'new';
  return { type: given ?? derivedType, typeSetBy: given === undefined ? 'automatic' : 'manual', derivedType };
}

/** The records that are touched, also those that hold a tag, under any of its names, which was renamed or merged. */
async function recordsTouched(keys: readonly string[], read: ReadRows): Promise<readonly string[]> {
  const tagIds = keys.flatMap((key) => (key.startsWith(ofTag) ? [key.slice(ofTag.length)] : []));
  if (tagIds.length === 0) return keys;
  const holders = await read(customerTag, 'tag', await namesOf(tagIds, read));
  return [...keys.filter((key) => !key.startsWith(ofTag)), ...holders.map(({ recordId }) => recordId)];
}

const withTagsNow = (details: Details, now: ReadonlyMap<string, string>): Details =>
  details.tags ? { ...details, tags: [...new Set(details.tags.map((tag) => now.get(tag) ?? tag))] } : details;

/** What was cleared or erased is as if never told. */
export function detailsOf(group: CustomerGroup): Details {
  const { customerType: type, ...named } = fieldsOfGroup(group);
  const known = Object.entries({ ...named, type }).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(known) as Details;
}

const partOf = ({ recordId, number, into, externalIds }: CustomerRecord): RecordPart => ({
  id: recordId,
  number,
  ...(into !== null && { into }),
  externalIds,
});

function ordersOf(
  lines: readonly FactOrderLine[],
): Pick<CustomerDocument, 'revenue' | 'revenueOther' | 'orderCount' | 'firstOrderAt' | 'lastOrderAt'> {
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
    firstOrderAt: earliest(standing.map(({ occurredAt }) => occurredAt)),
    lastOrderAt: latest(standing.map(({ occurredAt }) => occurredAt)),
  };
}

const earliest = (moments: readonly (Instant | null)[]): Instant | null =>
  moments.reduce((first, moment) => (moment !== null && (first === null || moment < first) ? moment : first), null);
const latest = (moments: readonly (Instant | null)[]): Instant | null =>
  moments.reduce((last, moment) => (moment !== null && (last === null || moment > last) ? moment : last), null);
