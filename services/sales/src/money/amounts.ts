import { Decimal as DecimalJs } from 'decimal.js';

/** Wide enough that no sum or product of contract decimals is rounded on the way. */
const Wide = DecimalJs.clone({ precision: 60, rounding: DecimalJs.ROUND_HALF_UP });
type Wide = InstanceType<typeof Wide>;

/** What a contract decimal can hold. */
const mostPlaces = 6;
const limit = new Wide('1e15');

const placesOf = (amount: string): number => amount.split('.')[1]?.length ?? 0;

/** At least as many places as the amounts that it was made of, so that 12.50 and 0.50 make 13.00. */
function rendered(value: Wide, atLeast: number, atMost = mostPlaces): string {
  const rounded = value.toDecimalPlaces(atMost);
  return rounded.toFixed(Math.max(atLeast, rounded.decimalPlaces()));
}

export const sum = (amounts: readonly string[]): string =>
  rendered(
    amounts.reduce<Wide>((total, amount) => total.plus(amount), new Wide(0)),
    Math.max(0, ...amounts.map(placesOf)),
  );
export const minus = (amount: string, less: string): string =>
  rendered(new Wide(amount).minus(less), Math.max(placesOf(amount), placesOf(less)));
/** Exact up to six places, half up beyond. */
export const times = (quantity: string, price: string): string =>
  rendered(new Wide(quantity).times(price), placesOf(price));
/** `percent` hundredths of an amount, exact. */
export const hundredths = (amount: string, percent: number): string =>
  rendered(new Wide(amount).times(percent).dividedBy(100), placesOf(amount), mostPlaces + 2);

export const sameAmount = (a: string, b: string): boolean => new Wide(a).eq(b);
export const isPositive = (amount: string): boolean => new Wide(amount).gt(0);
export const isNegative = (amount: string): boolean => new Wide(amount).lt(0);
/** Whether a contract decimal can hold it. */
export const fits = (amount: string): boolean => new Wide(amount).abs().lt(limit);
