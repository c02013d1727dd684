import type { List } from './instance.ts';

type Columns<Item> = Readonly<Record<string, (item: Item) => string | number | null>>;

/** Lines of a table; every column as wide as what it holds. */
export function table<Item>(items: readonly Item[], columns: Columns<Item>): string[] {
  const cells = items.map((item) => Object.values(columns).map((cell) => String(cell(item) ?? '')));
  const rows = [Object.keys(columns), ...cells];
  const widths = Object.keys(columns).map((_, index) => Math.max(...rows.map((row) => (row[index] as string).length)));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] as number))
      .join('  ')
      .trimEnd(),
  );
}

/** A list as a table for people, or as JSON for machines; services that are away are named in either. */
export function showList<Item>({ items, unreachable }: List<Item>, json: boolean, columns: Columns<Item>): void {
  if (json) return console.log(JSON.stringify({ items, unreachable }));
  if (unreachable.length > 0) console.error(`not shown, because they do not answer: ${unreachable.join(', ')}`);
  console.log(items.length === 0 ? 'none' : table(items, columns).join('\n'));
}
