import { Injectable } from '@nestjs/common';
import type { TagEvent } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { cleanText } from '@throughline/language';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class TagRow {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') name!: string;
  /** Every name that it ever had, also as it was recorded before names were cleaned. */
  @Column({ type: 'text', array: true }) names!: string[];
  @Column({ type: 'text', nullable: true }) colour!: string | null;
  @Column({ type: 'text', nullable: true }) description!: string | null;
  @Column('boolean') archived!: boolean;
  /** What it was merged into. */
  @Column({ type: 'uuid', nullable: true }) into!: string | null;
}

export const tags = fold<TagRow, TagEvent>(TagRow, {
  name: 'tags',
  version: 2,
  feed: 'customers',
  key: ({ stream }) => stream.id,
  on: {
    TagCreated: (_, { name, colour = null, description = null }, { stream }) => [
      { id: stream.id, ...named([], name), colour, description, archived: false, into: null },
    ],
    TagRenamed: (rows, { to }) => rows.map((row) => ({ ...row, ...named(row.names, to) })),
    TagDescribed: (rows, look) => rows.map((row) => ({ ...row, ...look })),
    TagAbsorbed: (rows, { into }) => rows.map((row) => ({ ...row, into })),
    TagArchived: (rows) => rows.map((row) => ({ ...row, archived: true })),
    TagRestored: (rows) => rows.map((row) => ({ ...row, archived: false })),
  },
});

function named(before: readonly string[], given: string): Pick<TagRow, 'name' | 'names'> {
  const name = cleanText(given).value || given;
  return { name, names: [...new Set([...before, given])].filter((one) => one !== name).concat(name) };
}

export type TagNaming = (tags: readonly string[]) => string[];

export const mostTags = 1_000;

@Injectable()
export class Tags {
  constructor(private readonly database: DataSource) {}

  /** Those that stand for themselves, by name. @param after the tag that a page begins after */
  async list(archived: boolean, limit: number, after: string | null = null) {
    const rows: Omit<TagRow, 'into'>[] = await this.database.query(
      `select id, name, names, colour, description, archived from "${tags.table}"
       where "into" is null and archived = $1
         and ($2::uuid is null or (name, id) > (select name, id from "${tags.table}" where id = $2))
       order by name, id limit $3`,
      [archived, after, limit + 1],
    );
    const items = rows.slice(0, limit).map(({ names, ...row }) => ({
      ...row,
      formerNames: names.filter((name) => name !== row.name),
    }));
    return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
  }

  /** The tag that has, or had, a name, whatever it means now. */
  async holderOf(given: string): Promise<string | undefined> {
    const rows: { id: string }[] = await this.database.query(
      `select id from "${tags.table}" where $1 = any(names) limit 1`,
      [cleanText(given).value],
    );
    return rows[0]?.id;
  }

  /** All names that mean the tags that these names mean, those of tags that were merged into them as well. */
  async namesMeaning(names: readonly string[]): Promise<string[]> {
    const rows: { name: string }[] = await this.database.query(
      `with recursive named as (
         select id, "into" from "${tags.table}" where names && $1::text[]
         union select t.id, t."into" from named n join "${tags.table}" t on t.id = n."into"
       ), meant as (
         select id from named where "into" is null
         union select t.id from meant m join "${tags.table}" t on t."into" = m.id
       ) select distinct unnest(t.names) as name from meant join "${tags.table}" t using (id) order by name`,
      [names],
    );
    return [...new Set([...names, ...rows.map(({ name }) => name)])];
  }

  /** What gives lists of tags, of these names, the names that they have now, each tag once. */
  async naming(names: readonly string[]): Promise<TagNaming> {
    const now = names.length === 0 ? new Map<string, string>() : await this.#namesNow([...new Set(names)]);
    return (tags) => [...new Set(tags.map((tag) => now.get(tag) ?? tag))];
  }

  /** By the names given; those that no tag ever had are left out. */
  async #namesNow(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows: { given: string; name: string }[] = await this.database.query(
      `with recursive meant as (
         select given, t.name, t."into" from "${tags.table}" t join unnest($1::text[]) as given on given = any(t.names)
         union select m.given, t.name, t."into" from meant m join "${tags.table}" t on t.id = m."into"
       ) select given, name from meant where "into" is null order by given = name`,
      [names],
    );
    // Of two the one that is called so: the other was recorded in another form.
    return new Map(rows.map(({ given, name }) => [given, name]));
  }
}
