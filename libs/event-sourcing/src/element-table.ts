import type { Queryable } from './database.ts';
import type { FoldTable } from './fold-table.ts';

/** Where the elements of a view's list stand, each with the primary key of its row: `(element, …)`, unique and in order. */
export const elementsOf = ({ table }: { table: string }): string => `${table}_elements`;

/**
 * Makes the table of a list's elements. The database keeps it, as it keeps an index, whoever writes the rows; but unlike one
 * over the whole list it gives the first few rows of an element without reading all of them.
 */
export async function createElementTable(db: Queryable, { name, primary, elements }: FoldTable): Promise<void> {
  if (!elements) return;
  const table = elementsOf({ table: name });
  const { rowCount } = await db.query('select from pg_class where oid = to_regclass($1)', [`"${table}"`]);
  if (rowCount !== 0) return;
  const keys = primary.map((column) => `"${column.name}"`);
  const unnested = `select unnest("${elements.name}") as element, ${keys.join(', ')} from`;
  const same = keys.map((key) => `e.${key} = g.${key}`).join(' and ');
  const add = (rows: string) => `insert into "${table}" ${rows} order by 1`;
  const remove = (rows: string) => `delete from "${table}" e using (${rows}) g where e.element = g.element and ${same}`;
  await db.query(`
    create table "${table}" (
      element ${elements.type.replace('[]', '')} not null,
      ${primary.map((column) => `"${column.name}" ${column.type} not null`).join(', ')},
      primary key (element, ${keys.join(', ')})
    );
    create function "${table}"() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' then
        ${add(`${unnested} come`)};
      elsif tg_op = 'DELETE' then
        ${remove(`${unnested} gone`)};
      else
        ${remove(`${unnested} gone except ${unnested} come`)};
        ${add(`${unnested} come except ${unnested} gone`)};
      end if;
      return null;
    end $$;
    create trigger elements_come after insert on "${name}" referencing new table as come
      for each statement execute function "${table}"();
    create trigger elements_gone after delete on "${name}" referencing old table as gone
      for each statement execute function "${table}"();
    create trigger elements_change after update on "${name}" referencing old table as gone new table as come
      for each statement execute function "${table}"();
    ${add(`${unnested} "${name}"`)}`);
}
