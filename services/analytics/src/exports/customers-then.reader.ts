import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { permissionLabels, recordAfter, type CustomerRecord, type Instant } from '@throughline/contracts';
import { plainTypes } from '@throughline/event-sourcing';
import { Kernel } from '@throughline/service';
import { tagNamesNow } from '../bi/bi-views.sql.ts';
import { meets, type Condition } from '../search/condition.ts';
import { customerDocument, detailsOf } from '../search/customer-document.view.ts';
import {
  customerProfile,
  groupsAmong,
  lifeOf,
  stageOfGroup,
  type CustomerGroup,
} from '../search/customer-profile.view.ts';
import type { RecordsBeside } from '../search/customer-records.reader.ts';
import { keysOfDocument, type Fields } from '../search/search-index.ts';
import { customers } from '../search/customers.index.ts';
import type { RecordType } from '../search/record-type.ts';
import type { Hit } from '../search/search-engine.ts';
import { customerPast, eventOfPast, type CustomerPast } from './customer-past.view.ts';

type Then = { record: CustomerRecord; version: number };

const recordsAtOnce = 500;
const nobody = '00000000-0000-0000-0000-000000000000';

/** What a customer's own records do not say: of then it is not kept. */
const besideRecords = new Set([
  'typeSetBy',
  'derivedType',
  'doNotContact',
  'marketingEmail',
  'marketingPhone',
  'marketingSms',
  'marketingMessenger',
  'marketingPost',
  'consents',
  'optOuts',
  'revenue',
  'revenueCurrency',
  'orderCount',
  'firstOrderAt',
  'lastOrderAt',
  'lastInteractionAt',
  'quality',
  'qualityIssues',
]);

/** Customers, by what their records say alone. */
export const customersAlone: RecordType = {
  ...(customers as unknown as RecordType),
  fields: Object.fromEntries(Object.entries(customers.fields).filter(([name]) => !besideRecords.has(name))) as Fields,
};

/**
 * Customers as they were at a moment of the past: the same as their owner answers under `?asOf=`. Whom one may write to is
 * what they say today: a list of then is no leave to do so.
 */
@Injectable()
export class CustomersThen {
  constructor(private readonly kernel: Kernel) {}

  /** Those that meet a condition by what they were then, in the order of their ids. */
  async *meeting(condition: Condition, asOf: Instant): AsyncGenerator<Hit['doc']> {
    const tags = await this.#tagNames();
    for (let after = nobody; ;) {
      const { rows } = await this.kernel.pool.query<{ id: string }>(
        `select record_id as id from "${customerPast.table}"
         where version = 1 and record_id > $1 and at <= $2 order by record_id limit ${recordsAtOnce}`,
        [after, asOf],
      );
      const ids = rows.map(({ id }) => id);
      for (const doc of await this.#documents(ids, asOf, tags)) {
        if (meets(keysOfDocument(customers as never, doc as never), condition)) yield doc;
      }
      if (ids.length < recordsAtOnce) return;
      after = ids.at(-1) as string;
    }
  }

  /** Which records belonged to one customer then. */
  besideAt(asOf: Instant): RecordsBeside {
    const groups = async (ids: readonly string[]) => {
      const asked = await this.#records(
        ids.filter((id) => isUUID(id)),
        asOf,
      );
      const goldenIds = new Map([...asked].map(([id, { record }]) => [id, record.goldenId]));
      const { groups: found } = await this.#groups([...new Set(goldenIds.values())], asOf);
      return new Map([...goldenIds].map(([id, goldenId]) => [id, found.get(goldenId) ?? []]));
    };
    return {
      records: async (ids) =>
        new Map([...(await groups(ids))].map(([id, group]) => [id, group.map(({ recordId }) => recordId)])),
      numbers: async (numbers) => {
        const { rows } = await this.kernel.pool.query<{ id: string; number: string }>(
          `select id, number from "${customerProfile.table}" where number = any($1)`,
          [numbers],
        );
        const found = await groups(rows.map(({ id }) => id));
        return new Map(
          rows.map(({ id, number }) => [number, (found.get(id) ?? []).slice(0, 1).map((top) => top.number)]),
        );
      },
    };
  }

  async #groups(ids: readonly string[], asOf: Instant) {
    const then = new Map<string, Then>();
    for (let missing = ids; missing.length > 0;) {
      const loaded = await this.#records(missing, asOf);
      for (const [id, one] of loaded) then.set(id, one);
      const members = [...loaded.values()].flatMap(({ record }) => record.members.map(({ recordId }) => recordId));
      missing = members.filter((id) => !then.has(id));
    }
    return { then, groups: groupsAmong(ids, new Map([...then].map(([id, { record }]) => [id, record]))) };
  }

  async #documents(ids: readonly string[], asOf: Instant, tags: ReadonlyMap<string, string>): Promise<Hit['doc'][]> {
    const { then, groups } = await this.#groups(ids, asOf);
    const permissions = await this.#permissionsNow([...groups.keys()]);
    return [...groups].map(([id, group]) => ({
      ...documentOf(
        group,
        (id) => then.get(id)?.version ?? 0,
        (tag) => tags.get(tag) ?? tag,
      ),
      ...permissions.get(id),
    }));
  }

  /** Record -> what the customer says that it belongs to today. */
  async #permissionsNow(ids: readonly string[]): Promise<ReadonlyMap<string, object>> {
    const { rows } = await this.kernel.pool.query<{ id: string; doc: Hit['doc'] }>(
      `select r.id, c.doc from "${customerProfile.table}" r
       join "${customerDocument.table}" c on c.id = r.golden_id::text where r.id = any($1::uuid[])`,
      [ids],
    );
    const columns = Object.keys(permissionLabels);
    return new Map(rows.map(({ id, doc }) => [id, Object.fromEntries(columns.map((column) => [column, doc[column]]))]));
  }

  async #records(ids: readonly string[], asOf: Instant): Promise<Map<string, Then>> {
    const { rows } = await this.kernel.pool.query<Omit<CustomerPast, 'id'>>({
      text: `select record_id as "recordId", version, position, occurred_at as "occurredAt", at, type, data
        from "${customerPast.table}"
        where record_id = any($1::uuid[]) and at <= $2 order by record_id, version`,
      values: [ids, asOf],
      types: plainTypes,
    });
    return new Map(
      [...Map.groupBy(rows, ({ recordId }) => recordId)].flatMap(([id, past]): [string, Then][] => {
        const record = past.map(eventOfPast).reduce<CustomerRecord | undefined>(recordAfter, undefined);
        return record ? [[id, { record, version: past.at(-1)?.version ?? 0 }]] : [];
      }),
    );
  }

  /** Given name -> the one that the tag has now, as everywhere. */
  async #tagNames(): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.kernel.pool.query<{ given: string; name: string }>(
      `${tagNamesNow} where given <> name`,
    );
    return new Map(rows.map(({ given, name }) => [given, name]));
  }
}

function documentOf(
  group: CustomerGroup,
  versionOf: (id: string) => number,
  tagNow: (tag: string) => string,
): Hit['doc'] {
  const [top] = group;
  const { tags, ...details } = detailsOf(group);
  return {
    id: top.recordId,
    version: group.map(({ recordId }) => versionOf(recordId)).join('-'),
    number: top.number,
    numbers: group.map(({ number }) => number),
    ...details,
    ...(tags && { tags: [...new Set(tags.map(tagNow))] }),
    ...stageOfGroup(group),
    externalIds: group.flatMap(({ externalIds }) => externalIds),
    archived: top.status !== 'active',
    ...lifeOf(group),
  };
}
