import { isUUID } from 'class-validator';
import { plainTypes, type Queryable } from '@throughline/event-sourcing';
import { customerProfile } from './customer-profile.view.ts';

const table = `"${customerProfile.table}"`;

/** Which records, and which numbers, mean one customer. */
export type RecordsBeside = {
  /** Record -> all records of its customer. */
  records: (ids: readonly string[]) => Promise<ReadonlyMap<string, readonly string[]>>;
  /** Number of a record -> that of the customer. */
  numbers: (numbers: readonly string[]) => Promise<ReadonlyMap<string, readonly string[]>>;
};

/** Record -> all records of its customer. Records that are not known are left out. */
export const recordsBeside = (db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> =>
  beside(
    db,
    ids.filter((id) => isUUID(id)),
    `select a.id as asked, array_agg(r.id) as found from ${table} a
    join ${table} r on r.golden_id = a.golden_id where a.id = any($1::uuid[]) group by a.id`,
  );

/** Record -> the one that answers for its customer, of all records of the customers that these are of. */
export async function survivorsOf(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ id: string; survivor: string }>({
    text: `select distinct r.id, r.golden_id as survivor from ${table} a join ${table} r on r.golden_id = a.golden_id
      where a.id = any($1::uuid[])`,
    values: [ids.filter((id) => isUUID(id))],
    types: plainTypes,
  });
  return new Map(rows.map(({ id, survivor }) => [id, survivor]));
}

/** Number of a record -> that of the customer. */
export const numbersBeside = (
  db: Queryable,
  numbers: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> =>
  beside(
    db,
    numbers,
    `select a.number as asked, array_agg(r.number) as found from ${table} a
    join ${table} r on r.id = a.golden_id where a.number = any($1) group by a.number`,
  );

async function beside(db: Queryable, values: readonly string[], text: string) {
  if (values.length === 0) return new Map<string, string[]>();
  const { rows } = await db.query<{ asked: string; found: string[] }>({ text, values: [values], types: plainTypes });
  return new Map(rows.map(({ asked, found }) => [asked, found]));
}
