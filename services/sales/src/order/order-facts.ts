import type { Instant, Money, OrderEvent, OrderLine } from '@throughline/contracts';
import { invalid, type FieldError } from '@throughline/event-sourcing';
import { fits, isNegative, isPositive, minus, sum, times } from '../money/amounts.ts';

type Placed = Extract<OrderEvent, { type: 'OrderPlaced' }>;
/** An order as its source describes it, in clear. */
export type OrderFacts = Omit<Placed, 'type' | 'stamp' | 'baseCurrency' | 'rate' | 'note'> & { note?: string };

type Given<T> = T | null | undefined;

export type LineInput = {
  lineId?: Given<string>;
  productId?: Given<string>;
  sku?: Given<string>;
  title: string;
  quantity: string;
  unit?: Given<string>;
  unitPrice: Money;
  discount?: Given<Money>;
  tax?: Given<Money>;
  total?: Given<Money>;
};

/** An order as callers write it: every amount with its currency; what is left out follows from the lines. */
export type OrderInput = {
  customerId: string;
  status?: Given<'open' | 'completed'>;
  currency?: Given<string>;
  lines?: Given<LineInput[]>;
  taxIncluded?: Given<boolean>;
  subtotal?: Given<Money>;
  discount?: Given<Money>;
  tax?: Given<Money>;
  shipping?: Given<Money>;
  total?: Given<Money>;
  placedAt?: Given<string>;
  note?: Given<string>;
};

/**
 * Checks what a person or a program orders, and works out what was left out: a line's total, subtotal, tax and total.
 *
 * @throws Refusal `invalid-order` that names every failing field
 */
export function tidyOrder(input: OrderInput, number: string, now: Instant): OrderFacts {
  const check = new Check(input.currency ?? currencyIn(input));
  const lines = (input.lines ?? []).map((line, index) => tidyLine(line, index, check));
  lines.forEach(({ lineId }, index) => {
    if (lines.findIndex((other) => other.lineId === lineId) < index) check.wrong(`lines.${index}.lineId`, 'repeated');
  });
  const taxIncluded = input.taxIncluded ?? false;
  const subtotal = check.amount('subtotal', input.subtotal, () => sum(lines.map(({ total }) => total)));
  const discount = check.amount('discount', input.discount);
  const tax = check.amount('tax', input.tax, () => sum(lines.map((line) => line.tax)));
  const shipping = check.amount('shipping', input.shipping);
  const total = check.amount('total', input.total, () =>
    sum([minus(subtotal, discount), shipping, taxIncluded ? '0' : tax]),
  );
  return {
    customerId: input.customerId,
    number,
    status: input.status ?? 'open',
    currency: check.done(),
    lines,
    taxIncluded,
    subtotal,
    discount,
    tax,
    shipping,
    total,
    paid: '0',
    placedAt: input.placedAt ? new Date(input.placedAt).toISOString() : now,
    ...(input.note && { note: input.note }),
  };
}

function tidyLine(line: LineInput, index: number, check: Check): OrderLine {
  const path = `lines.${index}`;
  if (!isPositive(line.quantity)) check.wrong(`${path}.quantity`, 'out-of-range');
  const unitPrice = check.amount(`${path}.unitPrice`, line.unitPrice);
  const discount = check.amount(`${path}.discount`, line.discount);
  const tax = check.amount(`${path}.tax`, line.tax);
  const total = check.amount(`${path}.total`, line.total, () => minus(times(line.quantity, unitPrice), discount));
  return {
    lineId: line.lineId ?? String(index + 1),
    ...(line.productId && { productId: line.productId }),
    ...(line.sku && { sku: line.sku }),
    title: line.title,
    quantity: line.quantity,
    ...(line.unit && { unit: line.unit }),
    unitPrice,
    discount,
    tax,
    total,
  };
}

/** Collects everything that is wrong with an order's amounts. */
class Check {
  readonly #errors: FieldError[] = [];

  constructor(private readonly currency: string | undefined) {
    if (currency === undefined) this.wrong('currency', 'required');
  }

  wrong(path: string, code: string): void {
    this.#errors.push({ path, code });
  }

  amount(path: string, given: Given<Money>, otherwise: () => string = () => '0'): string {
    const amount = given?.amount ?? otherwise();
    if (given && given.currency !== this.currency) this.wrong(`${path}.currency`, 'other-currency');
    // What was worked out is only to blame where everything that it was worked out of is right.
    const blamed = given ? `${path}.amount` : this.#errors.length === 0 ? path : undefined;
    if (blamed !== undefined && (isNegative(amount) || !fits(amount))) this.wrong(blamed, 'out-of-range');
    return amount;
  }

  /** The currency of an order with nothing wrong. */
  done(): string {
    if (this.#errors.length > 0 || this.currency === undefined) throw invalid('invalid-order', this.#errors);
    return this.currency;
  }
}

/** The currency that the first amount is in. */
export function currencyIn(input: OrderInput): string | undefined {
  const { lines, total, subtotal, shipping, discount, tax } = input;
  const amounts = [total, subtotal, ...(lines ?? []).map((line) => line.unitPrice), shipping, discount, tax];
  return amounts.find((money) => money)?.currency;
}
