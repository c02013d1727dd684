import type { Pool } from '@throughline/event-sourcing';
import type { Told } from './journal.ts';
import { erasedBy } from './traffic.ts';

/** Who was erased, by what stands in their e-mail addresses. */
export function erasedPeople(seed: string, told: ReadonlyMap<string, Told>): ReadonlySet<string> {
  const answered = [...told].filter(([, { acknowledged }]) => acknowledged.length > 0);
  return new Set(
    answered.flatMap(([command]) => {
      const [writer, story, step] = command.split('-').map(Number) as [number, number, number];
      return erasedBy(seed, writer, story, step) ?? [];
    }),
  );
}

/** How many of these people can still be found in any table of a database, and in which tables. */
export async function remainsIn(
  pool: Pool,
  erased: ReadonlySet<string>,
): Promise<{ people: number; tables: string[] }> {
  const { rows: all } = await pool.query<{ name: string }>(
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema') order by name`,
  );
  const people = new Set<string>();
  const tables: string[] = [];
  for (const { name } of all) {
    const { rows } = await pool.query<{ person: string }>(
      `select distinct (regexp_matches(t::text, 'c([0-9]+-[0-9]+)[.][0-9]+@example[.]com', 'g'))[1] as person from ${name} t`,
    );
    const found = rows.filter(({ person }) => erased.has(person));
    for (const { person } of found) people.add(person);
    if (found.length > 0) tables.push(`${name}: ${found.length}`);
  }
  return { people: people.size, tables };
}
