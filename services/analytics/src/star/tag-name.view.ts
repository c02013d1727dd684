import type { TagEvent } from '@throughline/contracts';
import { fold, type ReadRows } from '@throughline/event-sourcing';
import { cleanText } from '@throughline/language';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { uuid } from './columns.view.ts';

/** Every name that a tag ever had, also as it was recorded before names were cleaned. */
@Entity()
export class TagName {
  @PrimaryColumn('uuid') tagId!: string;
  @Index() @PrimaryColumn('text') name!: string;
  /** The name that the tag has now. */
  @Column('text') current!: string;
  /** The tag that it was merged into. */
  @Index() @Column(uuid) into!: string | null;
}

export const tagName = fold<TagName, TagEvent>(TagName, {
  name: 'tag_name',
  version: 2,
  feed: 'customers',
  key: ({ stream }) => stream.id,
  on: {
    TagCreated: (rows, { name }, { stream }) => named(rows, stream.id, name),
    TagRenamed: (rows, { to }, { stream }) => named(rows, stream.id, to),
    TagAbsorbed: (rows, { into }) => rows.map((row) => ({ ...row, into })),
  },
});

/** Customers hold clean names. */
function named(rows: readonly TagName[], tagId: string, given: string): TagName[] {
  const current = cleanText(given).value || given;
  const names = new Set([...rows.map(({ name }) => name), given, current]);
  return [...names].map((name) => ({ tagId, name, current, into: null }));
}

/** The names of tags as they are now, by the names given. */
export async function namesNow(names: readonly string[], read: ReadRows): Promise<ReadonlyMap<string, string>> {
  const now = new Map<string, string>();
  let meant = (await read(tagName, 'name', names)).map((row) => ({ given: row.name, row }));
  while (meant.length > 0) {
    const next: typeof meant = [];
    const merged = meant.flatMap(({ row }) => row.into ?? []);
    const into = merged.length > 0 ? await read(tagName, 'tagId', [...new Set(merged)]) : [];
    for (const { given, row } of meant) {
      const other = row.into === null ? undefined : into.find(({ tagId }) => tagId === row.into);
      if (other) next.push({ given, row: other });
      else now.set(given, row.current);
    }
    meant = next;
  }
  return now;
}

/** All names that mean these tags, those of tags that were merged into them as well. */
export async function namesOf(tagIds: readonly string[], read: ReadRows): Promise<string[]> {
  const names: string[] = [];
  const passed = new Set<string>();
  for (let next = [...tagIds]; next.length > 0;) {
    for (const id of next) passed.add(id);
    names.push(...(await read(tagName, 'tagId', next)).map(({ name }) => name));
    const absorbed = (await read(tagName, 'into', next)).map(({ tagId }) => tagId);
    next = [...new Set(absorbed)].filter((id) => !passed.has(id));
  }
  return names;
}
