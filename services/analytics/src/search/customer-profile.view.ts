import { isDeepStrictEqual } from 'node:util';
import {
  customerFieldNames,
  fieldsOf,
  goldenOf,
  recordAfter,
  stageOf,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
  type CustomerRecord,
  type Recorded,
  type RecordedOf,
  type LifeStage,
  type Word,
  type Words,
} from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Fields that one event gave their values, in one way. */
type Said = Omit<Word, 'value'> & { fields: { [F in CustomerField]?: unknown } };
type Usual = Pick<CustomerRecord, 'externalIds' | 'into' | 'members' | 'picks' | 'status'>;
/** What stands in no column of its own, without what is as usual: most records were said at once and never merged. */
type Rest = Pick<CustomerRecord, 'createdAt' | 'updatedAt'> & Partial<Usual> & { said: readonly Said[] };

/** What is known about a record of a customer, whole, with all that merging needs to know. */
@Entity()
export class CustomerProfile {
  @PrimaryColumn('uuid') id!: string;
  @Index() @Column('text') number!: string;
  /** The record that answers for it; its own id where it stands for itself. */
  @Index() @Column('uuid') goldenId!: string;
  /** Of the last event that counts here. */
  @Column('integer') version!: number;
  @Column('json') rest!: Rest;
}

const usual: Usual = { externalIds: [], into: null, members: [], picks: {}, status: 'active' };

export function recordOf({
  id,
  number,
  goldenId,
  rest: { said, ...rest },
}: Omit<CustomerProfile, 'version'>): CustomerRecord {
  const words = said.flatMap(({ fields, ...how }) =>
    Object.entries(fields).map(([field, value]) => [field, { value, ...how }]),
  );
  return { ...usual, ...rest, recordId: id, number, goldenId, words: Object.fromEntries(words) as Words };
}

function profileOf({ recordId, number, goldenId, words, ...rest }: CustomerRecord, version: number): CustomerProfile {
  const { createdAt, updatedAt, ...others } = rest;
  const unusual = (Object.keys(usual) as (keyof Usual)[]).filter(
    (name) => !isDeepStrictEqual(others[name], usual[name]),
  );
  return {
    id: recordId,
    number,
    goldenId,
    version,
    rest: {
      ...Object.fromEntries(unusual.map((name) => [name, others[name]])),
      said: saidAtOnce(words),
      createdAt,
      updatedAt,
    },
  };
}

/** In one order whatever was said before what: rows are compared as text. */
function saidAtOnce(words: Words): Said[] {
  const said = new Map<string, Said>();
  for (const field of customerFieldNames) {
    const word = words[field];
    if (!word) continue;
    const { value, ...how } = word;
    const way = JSON.stringify(how);
    const event = said.get(way) ?? { ...how, fields: {} };
    event.fields[field] = value;
    said.set(way, event);
  }
  return [...said.values()].toSorted((a, b) => a.position - b.position);
}

function told([row]: readonly CustomerProfile[], _: object, event: Recorded<CustomerEvent>): CustomerProfile[] {
  const record = recordAfter(row && recordOf(row), event as RecordedOf<CustomerEvent>);
  return record ? [profileOf(record, event.stream.version)] : [];
}

export const customerProfile = fold<CustomerProfile, CustomerEvent>(CustomerProfile, {
  name: 'customer_profile',
  version: 8,
  feed: 'customers',
  key: (event) => event.stream.id,
  on: {
    CustomerCreated: told,
    CustomerDetailsChanged: told,
    CustomerArchived: told,
    CustomerRestored: told,
    CustomerErased: told,
    CustomersMerged: told,
    CustomersUnmerged: told,
    CustomerAbsorbed: told,
    CustomerReleased: told,
  },
});

/** The records of one customer: the one that answers for them first, each before those that were merged into it. */
export type CustomerGroup = readonly [CustomerRecord, ...CustomerRecord[]];

/** The groups at whose top these records stand, by id. */
export const groupsOf = (ids: readonly string[], rows: readonly CustomerProfile[]): Map<string, CustomerGroup> =>
  groupsAmong(ids, new Map(rows.map((row) => [row.id, recordOf(row)])));

/** The same of records by their ids. */
export function groupsAmong(
  ids: readonly string[],
  records: ReadonlyMap<string, CustomerRecord>,
): Map<string, CustomerGroup> {
  const below = (record: CustomerRecord, goldenId: string): CustomerRecord[] =>
    record.members.flatMap(({ recordId }) => {
      const member = records.get(recordId);
      return member?.goldenId === goldenId ? [member, ...below(member, goldenId)] : [];
    });
  return new Map(
    ids.flatMap((id): [string, CustomerGroup][] => {
      const top = records.get(id);
      return top?.goldenId === id ? [[id, [top, ...below(top, id)]]] : [];
    }),
  );
}

/** What the records say together; null or nothing where a field was cleared, erased or never told. */
export function fieldsOfGroup([top, ...others]: CustomerGroup): CustomerFields {
  if (others.length > 0) return fieldsOf(goldenOf(top, new Map(others.map((record) => [record.recordId, record]))));
  return Object.fromEntries(Object.entries(top.words).map(([field, { value }]) => [field, value])) as CustomerFields;
}

/** Since when the customer is in its stage of life, and how it got there. */
export function stageOfGroup([top, ...others]: CustomerGroup): LifeStage {
  if (others.length > 0) return stageOf(goldenOf(top, new Map(others.map((record) => [record.recordId, record]))));
  const { recordId, words } = top;
  return stageOf(words.lifecycle?.value ? { lifecycle: [{ ...words.lifecycle, recordId }] } : {});
}

/** Since when there is the customer, and when one of its records changed last. */
export const lifeOf = (group: CustomerGroup): Pick<CustomerRecord, 'createdAt' | 'updatedAt'> => ({
  createdAt: group.map(({ createdAt }) => createdAt).reduce((a, b) => (b < a ? b : a)),
  updatedAt: group.map(({ updatedAt }) => updatedAt).reduce((a, b) => (b > a ? b : a)),
});
