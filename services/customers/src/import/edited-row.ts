import { isDeepStrictEqual } from 'node:util';
import {
  cellEntries,
  customerCell,
  tabledAddress,
  type Address,
  type Email,
  type Permissions,
  type Phone,
  type Social,
} from '@throughline/contracts';
import { isScientificNumber, type Cell } from '@throughline/tables';
import { partedFields, type CustomerInput } from '../customer/customer-fields.ts';
import { isPermission, recordFieldOf } from './import-fields.ts';
import type { ImportMapping } from './import-mapping.ts';
import type { RowError, RowReading } from './import-row.ts';

/** Columns that say which record it is, and what cannot be changed by a table. */
const fixed = new Set(['id', 'version', 'createdAt', 'externalId']);
const empty: Cell = { type: 'empty', text: '' };

/** The code of why what a column says cannot be changed by a table. */
const staying = (field: string): string | undefined =>
  field === 'number' ? 'number-stays' : isPermission(field) ? 'permission-stays' : undefined;

type Shown = Readonly<Record<string, unknown>>;
export type EditedRow = { changes: CustomerInput; errors: readonly RowError[]; reading: RowReading };

/**
 * What somebody changed in a row of an exported table: only cells that say something else than the record did when it was
 * exported. An emptied cell clears.
 *
 * @param seen the record's fields at the version that the row names
 * @param permissions whom one may write to, as that was at any time: no version tells when a table was exported
 */
export function editedRow(
  cells: readonly Cell[],
  header: readonly string[],
  mapping: ImportMapping,
  seen: Shown,
  read: (cells: readonly Cell[]) => RowReading,
  permissions: readonly Permissions[] = [],
): EditedRow {
  const told = mapping.columns.filter(({ column, field }) => {
    const text = (cells[header.indexOf(column)] ?? empty).text.trim();
    const before = isPermission(field) ? permissions : [seen];
    return !fixed.has(field) && !before.some((one) => formsOf(one, field).some((form) => isSame(text, form)));
  });
  const errors = told.flatMap(({ column, field }) => {
    const code = staying(field);
    return code === undefined ? [] : [{ column, code }];
  });
  const edited = told.filter(({ field }) => staying(field) === undefined);
  const named = new Set(edited.map(({ column }) => column));
  const reading = read(cells.map((cell, index) => (named.has(header[index] ?? '') ? cell : empty)));
  const isCleared = (column: string) => (cells[header.indexOf(column)] ?? empty).text.trim() === '';
  const cleared = edited.filter(({ column }) => isCleared(column)).map(({ field }) => field);
  const { custom, ...changes } = differing(changesOf(reading.row, cleared, seen), seen);
  const own = differing((custom ?? {}) as Shown, (seen['custom'] ?? {}) as Shown);
  return {
    changes: { ...changes, ...(Object.keys(own).length > 0 && { custom: own }) } as CustomerInput,
    errors: [...reading.errors, ...errors],
    reading,
  };
}

/** A spreadsheet may write the same value in another way. */
const differing = (now: Shown, seen: Shown): Shown =>
  Object.fromEntries(
    Object.entries(now).filter(([field, value]) => !isDeepStrictEqual(value ?? null, seen[field] ?? null)),
  );

function changesOf(row: CustomerInput, cleared: readonly string[], seen: Shown): CustomerInput {
  const changes: Record<string, unknown> = { ...row };
  const clearedParts = (group: string) =>
    cleared.filter((field) => field.startsWith(`${group}.`)).map((field) => field.slice(group.length + 1));
  for (const field of cleared) if (!field.includes('.')) changes[recordFieldOf(field)] = null;
  for (const field of ['emails', 'phones'] as const) {
    const before = (seen[field] ?? []) as readonly (Email | Phone)[];
    if (row[field]) changes[field] = withMarks(before, row[field]).map(({ e164: _, ...entry }: Phone) => entry);
  }
  const parts = clearedParts('address');
  if (row.addresses || parts.length > 0) changes['addresses'] = addressesOf(row.addresses?.[0], parts, seen);
  const networks = new Set([...(row.socials ?? []).map(({ network }) => network), ...clearedParts('socials')]);
  if (networks.size > 0) {
    const before = (seen['socials'] ?? []) as readonly Social[];
    const of = (all: readonly Social[], name: string) => all.filter(({ network }) => network === name);
    changes['socials'] = [
      ...before.filter(({ network }) => !networks.has(network)),
      ...[...networks].flatMap((name) => withMarks(of(before, name), of(row.socials ?? [], name))),
    ];
  }
  for (const field of partedFields) {
    const emptied = clearedParts(field);
    if (!row[field] && emptied.length === 0) continue;
    changes[field] = { ...(seen[field] as object | undefined), ...row[field], ...noneOf(emptied) };
  }
  const keys = clearedParts('custom');
  if (keys.length > 0) changes['custom'] = { ...row.custom, ...noneOf(keys) };
  return changes as CustomerInput;
}

const noneOf = (parts: readonly string[]) => Object.fromEntries(parts.map((part) => [part, null]));

/** With what the table does not show of an entry, as its label: where it stayed, and where it alone was corrected. */
function withMarks<E extends { value: string }>(before: readonly E[], now: readonly E[]): E[] {
  const corrected = now.filter(({ value }, index) => value !== before[index]?.value);
  const isCorrection = now.length === before.length && corrected.length === 1;
  return now.map(
    (entry, index) =>
      before.find(({ value }) => value === entry.value) ?? (isCorrection ? { ...before[index], ...entry } : entry),
  );
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

const lists = new Set(['emails', 'phones', 'tags', 'socials', 'productInterests', 'hobbies']);

/** What an export says in a field's cell, and what one said when it quoted no entries. */
function formsOf(seen: Shown, field: string): string[] {
  const cell = customerCell(seen, field).trim();
  return lists.has(recordFieldOf(field)) ? [cell, cellEntries(cell).join('; ')] : [cell];
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
