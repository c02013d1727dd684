import { isDeepStrictEqual } from 'node:util';
import { customerCell, tabledAddress, type Address, type Email, type Phone, type Social } from '@throughline/contracts';
import { isScientificNumber, type Cell } from '@throughline/tables';
import type { CustomerInput } from '../customer/customer-fields.ts';
import { recordFieldOf } from './import-fields.ts';
import type { ImportMapping } from './import-mapping.ts';
import type { RowError, RowReading } from './import-row.ts';

/** Columns that say which record it is, and what cannot be changed by a table. */
const fixed = new Set(['id', 'version', 'createdAt', 'externalId']);
const empty: Cell = { type: 'empty', text: '' };

type Shown = Readonly<Record<string, unknown>>;
export type EditedRow = { changes: CustomerInput; errors: readonly RowError[]; reading: RowReading };

/**
 * What somebody changed in a row of an exported table: only cells that say something else than the record did when it was
 * exported. An emptied cell clears.
 *
 * @param seen the record's fields at the version that the row names
 */
export function editedRow(
  cells: readonly Cell[],
  header: readonly string[],
  mapping: ImportMapping,
  seen: Shown,
  read: (cells: readonly Cell[]) => RowReading,
): EditedRow {
  const edited = mapping.columns.filter(({ column, field }) => {
    const text = (cells[header.indexOf(column)] ?? empty).text.trim();
    return !fixed.has(field) && !isSame(text, customerCell(seen, field).trim());
  });
  const named = new Set(edited.map(({ column }) => column));
  const reading = read(cells.map((cell, index) => (named.has(header[index] ?? '') ? cell : empty)));
  const isCleared = (column: string) => (cells[header.indexOf(column)] ?? empty).text.trim() === '';
  const cleared = edited.filter(({ column }) => isCleared(column)).map(({ field }) => field);
  const numbered = edited.find(({ field }) => field === 'number');
  const errors = numbered ? [{ column: numbered.column, code: 'number-stays' }] : [];
  const changes = Object.entries(changesOf(reading.row, cleared, seen)).filter(
    // A spreadsheet may write the same value in another way.
    ([field, value]) => !isDeepStrictEqual(value ?? null, seen[field] ?? null),
  );
  return {
    changes: Object.fromEntries(changes) as CustomerInput,
    errors: [...reading.errors, ...errors],
    reading,
  };
}

function changesOf(row: CustomerInput, cleared: readonly string[], seen: Shown): CustomerInput {
  const changes: Record<string, unknown> = { ...row };
  const clearedParts = (group: string) =>
    cleared.filter((field) => field.startsWith(`${group}.`)).map((field) => field.slice(group.length + 1));
  for (const field of cleared) if (!field.includes('.')) changes[recordFieldOf(field)] = null;
  for (const field of ['emails', 'phones'] as const) {
    const before = (seen[field] ?? []) as readonly (Email | Phone)[];
    // What the table does not show of an entry, its label, stays.
    const kept = (entry: Email) => before.find(({ value }) => value === entry.value) ?? entry;
    if (row[field]) changes[field] = row[field].map(kept).map(({ e164: _, ...entry }: Phone) => entry);
  }
  const parts = clearedParts('address');
  if (row.addresses || parts.length > 0) changes['addresses'] = addressesOf(row.addresses?.[0], parts, seen);
  const networks = new Set([...(row.socials ?? []).map(({ network }) => network), ...clearedParts('socials')]);
  if (networks.size > 0) {
    const others = ((seen['socials'] ?? []) as readonly Social[]).filter(({ network }) => !networks.has(network));
    changes['socials'] = [...others, ...(row.socials ?? [])];
  }
  const keys = clearedParts('custom');
  if (keys.length > 0) {
    changes['custom'] = { ...row.custom, ...Object.fromEntries(keys.map((key) => [key, null])) };
  }
  return changes as CustomerInput;
}

/** The one that the table shows with its new parts, and the others as they are. */
function addressesOf(changed: Address | undefined, cleared: readonly string[], seen: Shown): Address[] {
  const all = (seen['addresses'] ?? []) as readonly Address[];
  const shown = tabledAddress(seen);
  // The code named the divisions that were there.
  const { regionCode: _, ...before } = { ...shown };
  const address = Object.fromEntries(
    Object.entries({ ...before, ...changed }).filter(([part]) => !cleared.includes(part)),
  ) as Address;
  return shown ? all.map((one) => (one === shown ? address : one)) : [address];
}

/** The same, also where a spreadsheet took away what it held for an ornament: leading zeros, a plus, last digits. */
function isSame(text: string, before: string): boolean {
  if (text === before) return true;
  if (!/^[+0-9]\d*$/.test(before)) return false;
  const bare = before.replace(/^\+?0*/, '');
  if (text === bare) return true;
  if (!isScientificNumber(text)) return false;
  const digits = (/^\+?(\d(?:[.,]\d+)?)/.exec(text)?.[1] ?? '').replace(/\D/g, '').length;
  return Number(text.replace(',', '.')) === Number(Number(bare).toPrecision(digits));
}
