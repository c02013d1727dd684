import { Decimal as DecimalJs } from 'decimal.js';
import { Unmappable } from './connector.ts';

/** Wide enough that no sum or product of contract decimals is rounded on the way. */
const Wide = DecimalJs.clone({ precision: 60, rounding: DecimalJs.ROUND_HALF_UP, toExpNeg: -7, toExpPos: 21 });
type Wide = InstanceType<typeof Wide>;

const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?$/;
const limit = new Wide('1e15');

/**
 * The one text of a number: no exponent, no superfluous zeros, at most 6 places (half up). `'3.10'` and `'3.1'` come out
 * the same, so that equal amounts are equal texts and two snapshots that say the same hash the same.
 *
 * @throws Unmappable when it is not a number or has more than 15 digits before the point
 */
export function decimal(text: string, pointer?: string): string {
  return rendered(parsed(text, pointer), pointer);
}

function parsed(text: string, pointer?: string): Wide {
  const trimmed = text.trim();
  if (trimmed.length > 100 || !number.test(trimmed)) throw new Unmappable('Not a decimal number.', pointer);
  return new Wide(trimmed);
}

function rendered(value: Wide, pointer?: string): string {
  const rounded = value.toDecimalPlaces(6);
  if (rounded.abs().gte(limit)) throw new Unmappable('More than 15 digits before the decimal point.', pointer);
  // Not toString (exponents) and not -0.
  return rounded.isZero() ? '0' : rounded.toFixed();
}

export const sum = (amounts: readonly string[], pointer?: string): string =>
  rendered(
    amounts.reduce<Wide>((total, amount) => total.plus(parsed(amount, pointer)), new Wide(0)),
    pointer,
  );
export const minus = (from: string, ...amounts: readonly string[]): string =>
  rendered(amounts.reduce<Wide>((rest, amount) => rest.minus(parsed(amount)), parsed(from)));
export const times = (a: string, b: string): string => rendered(parsed(a).times(parsed(b)));
/** Undefined when dividing by zero. */
export const divided = (a: string, b: string): string | undefined =>
  parsed(b).isZero() ? undefined : rendered(parsed(a).dividedBy(parsed(b)));
export const absolute = (amount: string): string => rendered(parsed(amount).abs());
export const isNegative = (amount: string): boolean => parsed(amount).lt(0);
export const isZero = (amount: string): boolean => parsed(amount).isZero();
export const notBelowZero = (amount: string): string => (isNegative(amount) ? '0' : amount);
