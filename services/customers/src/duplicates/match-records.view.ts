import {
  known,
  recordTelling,
  type Address,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
} from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { indexKeys } from '../matching/candidates.ts';
import { matchRecord, type MatchKind, type MatchRecord } from '../matching/match-record.ts';
import { hashOf } from '../matching/population.ts';

/** What is compared of a record, as it was entered. */
export type Said = {
  kind?: MatchKind;
  name?: string;
  givenName?: string;
  familyName?: string;
  companyName?: string;
  registrationNumber?: string;
  emails?: readonly string[];
  phones?: readonly string[];
  addresses?: readonly Readonly<Record<string, string>>[];
  birthDate?: string;
};

/** One record as duplicates are looked for. Only those that a customer can be a duplicate of have keys. */
@Entity()
@Index(['goldenId'])
export class MatchRow {
  @PrimaryColumn('uuid') recordId!: string;
  /** The record that answers for it: two of one customer are no duplicates. */
  @Column('uuid') goldenId!: string;
  @Column('text') number!: string;
  @Column('boolean') active!: boolean;
  @Column('json') said!: Said;
  /** The same in the forms that are compared: making them takes longer than comparing. */
  @Column('json') compared!: MatchRecord;
  /** Its blocking keys, hashed to 32 bits: narrow, and two that fall together only bring one record more to compare. */
  @Column({ type: 'int', array: true }) keys!: number[];
}

const comparedFields = [
  'kind',
  'name',
  'givenName',
  'familyName',
  'companyName',
  'registrationNumber',
  'emails',
  'phones',
  'addresses',
  'birthDate',
] as const satisfies readonly CustomerField[];

export const matchRecords = fold<MatchRow, CustomerEvent>(MatchRow, {
  name: 'match_records',
  version: 4,
  feed: 'customers',
  key: recordTelling(...comparedFields),
  elements: 'keys',
  on: {
    CustomerCreated: (_, data, { stream }) => [
      withKeys({
        recordId: stream.id,
        goldenId: stream.id,
        number: data.number,
        active: true,
        said: saidAfter({}, data),
      }),
    ],
    CustomerDetailsChanged: (rows, data) => rows.map((row) => withKeys({ ...row, said: saidAfter(row.said, data) })),
    CustomerArchived: (rows) => rows.map((row) => withKeys({ ...row, active: false })),
    CustomerRestored: (rows) => rows.map((row) => withKeys({ ...row, active: true })),
    CustomerErased: () => [],
    CustomerAbsorbed: (rows, { goldenId }) => rows.map((row) => ({ ...row, goldenId })),
    CustomerReleased: (rows) => rows.map((row) => ({ ...row, goldenId: row.recordId })),
  },
});

/** What a customer, as it is or would be, is compared by. */
export const comparable = (id: string, said: Said): MatchRecord => matchRecord({ id, ...said });

export const keyHash = (key: string): number => hashOf(key) | 0;

/** The compared fields of a customer. */
export const saidOf = (fields: CustomerFields): Said => saidAfter({}, fields);

export const isCompared = (field: string): boolean => comparedFields.some((compared) => compared === field);

function withKeys(row: Omit<MatchRow, 'keys' | 'compared'>): MatchRow {
  const compared = comparable(row.recordId, row.said);
  return { ...row, compared, keys: row.active ? [...new Set(indexKeys(compared).map(keyHash))] : [] };
}

function saidAfter(before: Said, data: { readonly [F in CustomerField]?: unknown }): Said {
  const said: Record<string, unknown> = { ...before };
  for (const field of comparedFields) {
    if (!(field in data)) continue;
    const value = known(data[field]);
    if (value === undefined) delete said[field];
    else said[field] = saidIn(field, value);
  }
  return said;
}

const placeFields = ['country', 'province', 'city', 'district', 'street', 'postcode'];

/** Lists without what nobody compares, such as labels; the primary address comes first, since phones are read as its country's. */
function saidIn(field: CustomerField, value: unknown): unknown {
  if (field === 'emails' || field === 'phones') return (value as { value: string }[]).map((entry) => entry.value);
  if (field !== 'addresses') return value;
  const primaryFirst = (value as Address[]).toSorted((a, b) => Number(b.primary ?? false) - Number(a.primary ?? false));
  return (primaryFirst as Record<string, unknown>[]).map((address) =>
    Object.fromEntries(placeFields.flatMap((part) => (address[part] ? [[part, address[part]]] : []))),
  );
}
