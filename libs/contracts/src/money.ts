import { Type, type Static, type TUnsafe } from 'typebox';

/** Money is never a float. */
export const Decimal = Type.String({
  pattern: '^-?\\d{1,15}(\\.\\d{1,6})?$',
  title: 'Decimal',
  description: 'A decimal number as text, at most 15 digits before and 6 after the point.',
});
export const Currency = Type.String({
  pattern: '^[A-Z]{3}$',
  title: 'Currency',
  description: 'ISO 4217 code of a currency.',
});
const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));
/** True for a code that ISO 4217 knows: what comes in has to have one. */
export const isCurrency = (code: unknown): code is string => typeof code === 'string' && currencies.has(code);

export const Money = Type.Object(
  { amount: Decimal, currency: Currency },
  { title: 'Money', description: 'An amount of a currency.' },
);
export type Money = Static<typeof Money>;

export const InstantText = Type.String({
  format: 'date-time',
  title: 'Instant',
  description: 'A point in time, RFC 3339.',
});
export const DateText = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}$',
  title: 'Date',
  description: 'A calendar day without a time zone, `YYYY-MM-DD`.',
});
export const Uuid = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  title: 'Uuid',
  description: 'A UUID in lower case.',
});

/** One of some texts. */
export const OneOf = <const T extends readonly string[]>(values: T): TUnsafe<T[number]> =>
  Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value))));

const minorUnits = new Map<string, number>();

/** Decimals of a currency's smallest coin: 2 of CNY, 0 of JPY, 3 of KWD; 2 where the code is unknown. */
export function minorUnitsOf(currency: string): number {
  let digits = minorUnits.get(currency);
  if (digits === undefined) {
    const known = /^[A-Z]{3}$/.test(currency);
    const format = known ? new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions() : undefined;
    minorUnits.set(currency, (digits = format?.maximumFractionDigits ?? 2));
  }
  return digits;
}

/** With at least as many decimals as the currency has: `12.5` CNY is `12.50`. More are kept. */
export function inMinorUnits(amount: string, currency: string): string {
  const [whole, fraction = ''] = amount.split('.');
  const decimals = fraction.padEnd(minorUnitsOf(currency), '0');
  return decimals === '' ? `${whole}` : `${whole}.${decimals}`;
}

/** The exact sum of decimals, with as many places as the one that has most. */
export function addUp(amounts: readonly string[]): string {
  const places = Math.max(0, ...amounts.map((amount) => amount.split('.')[1]?.length ?? 0));
  const units = amounts.reduce((sum, amount) => {
    const [whole = '', fraction = ''] = amount.split('.');
    return sum + BigInt(whole + fraction.padEnd(places, '0'));
  }, 0n);
  const digits = String(units < 0n ? -units : units).padStart(places + 1, '0');
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return units < 0n ? `-${text}` : text;
}
