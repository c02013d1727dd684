import { cellEntries } from '@throughline/contracts';
import { readDate, type DateOrder } from '@throughline/tables';
import type { FieldDefinition } from '../field/field-set.ts';

/** How cells are read that leave something open. */
export type CellWishes = {
  dateOrder?: DateOrder | undefined;
  timeZone?: string | undefined;
  currency?: string | undefined;
};

type Read = { value: unknown } | { code: string };

const symbols: Readonly<Record<string, string>> = {
  '¥': 'CNY',
  元: 'CNY',
  人民币: 'CNY',
  RMB: 'CNY',
  $: 'USD',
  '€': 'EUR',
  '£': 'GBP',
};
const truths: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  y: true,
  '1': true,
  是: true,
  有: true,
  false: false,
  no: false,
  n: false,
  '0': false,
  否: false,
  无: false,
};

/** What a cell says of a field of the installation's own, in its type. Whether it is a choice is the decider's to say. */
export function customCell({ type }: Pick<FieldDefinition, 'type'>, text: string, wishes: CellWishes = {}): Read {
  switch (type) {
    case 'number': {
      const number = plain(text);
      return /^[+-]?\d+(\.\d+)?(E[+-]?\d{1,3})?$/i.test(number) ? { value: Number(number) } : { code: 'wrong-type' };
    }
    case 'boolean': {
      const key = text.normalize('NFKC').toLowerCase();
      return Object.hasOwn(truths, key) ? { value: truths[key] } : { code: 'wrong-type' };
    }
    case 'date':
      return dateOf(text, wishes);
    case 'money':
      return moneyOf(text, wishes);
    case 'multi-choice':
      return { value: text.startsWith('[') ? (json(text) ?? text) : cellEntries(text) };
    case 'text':
    case 'choice':
    case 'reference':
      return { value: text };
  }
}

/** Without what separates thousands: 1,234.50 and １，２３４ as well. */
function plain(text: string): string {
  const narrow = text.normalize('NFKC').replace(/\s/g, '');
  return /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/.test(narrow) ? narrow.replaceAll(',', '') : narrow;
}

function dateOf(text: string, { dateOrder, timeZone }: CellWishes): Read {
  const zone = { ...(timeZone !== undefined && { timeZone }) };
  // A time of day beside it is none of its business.
  const [day = ''] = text.trim().split(/[T\s](?=\d{1,2}:)/i);
  const value = readDate(day, { ...zone, ...(dateOrder && { order: dateOrder }) });
  if (value !== undefined) return { value };
  return { code: readDate(day, { ...zone, order: 'dmy' }) === undefined ? 'impossible-date' : 'ambiguous-date' };
}

/** ¥1,234.50, 1234.5 元, USD 12, 12 usd; as an export has it, {"amount":"12","currency":"USD"}. */
function moneyOf(text: string, { currency }: CellWishes): Read {
  const exported = json(text);
  if (typeof exported === 'object' && exported !== null) return { value: exported };
  const narrow = text.normalize('NFKC').replace(/\s/g, '');
  const [, before = '', number = '', after = ''] = /^([^\d.+-]*)([+-]?[\d,.]+)([^\d]*)$/.exec(narrow) ?? [];
  const amount = plain(number).replace(/^\+/, '');
  if (!/^-?\d+(\.\d+)?$/.test(amount) || (before && after)) return { code: 'wrong-type' };
  const named = before || after;
  const code = symbols[named] ?? symbols[named.toUpperCase()] ?? (named.toUpperCase() || currency);
  return code === undefined ? { code: 'currency-missing' } : { value: { amount, currency: code } };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
