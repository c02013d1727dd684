import { inMinorUnits, minorUnitsOf, type Instant, type OrderEvent, type OrderLine } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { Exact, instant, instantText, numeric, numericText, text, uuid } from './columns.view.ts';

export type OrderLineKind = 'order' | 'item' | 'discount' | 'tax' | 'shipping' | 'adjustment' | 'refund';

/**
 * Signed rows: those of an order add up to its total less its refunds, exactly, and `amountBase` to round(total x rate)
 * less each refund's. `counted` is false where a row is not to be added up: in the row of kind `order`, which only says
 * what is known about the order, and in refunds of an order that is cancelled or not known yet.
 */
@Entity()
export class FactOrderLine {
  @PrimaryColumn('uuid') orderId!: string;
  /** 0 is the order itself, then its rows from 1, its refunds from 100,001. */
  @PrimaryColumn('int') lineNo!: number;
  @Column('text') kind!: OrderLineKind;
  @Column('boolean') counted!: boolean;
  /** The customer's record, as the order came with it. */
  @Index() @Column(uuid) recordId!: string | null;
  @Column(text) orderNumber!: string | null;
  /** The source's own id of a line or a refund. */
  @Column(text) reference!: string | null;
  /** SKU, else product id, else title. */
  @Column(text) productKey!: string | null;
  @Column(text) sku!: string | null;
  @Column(text) productId!: string | null;
  @Column(text) title!: string | null;
  @Column(numeric) quantity!: string | null;
  @Column(numeric) unitPrice!: string | null;
  @Column('numeric') amount!: string;
  @Column(text) currency!: string | null;
  /** With the decimals of the base currency's smallest coin, at least. */
  @Column('numeric') amountBase!: string;
  @Column(text) baseCurrency!: string | null;
  /** Price of one unit of `currency` in `baseCurrency`, frozen when the order was placed. */
  @Column(numeric) rate!: string | null;
  /** When the order was placed; of a refund: when it was made. */
  @Column(instant) occurredAt!: Instant | null;
}

type Of<Type extends OrderEvent['type']> = Omit<Extract<OrderEvent, { type: Type }>, 'type'>;
type Facts = Of<'OrderPlaced'> | Of<'OrderChanged'>;
type Frozen = Pick<FactOrderLine, 'currency' | 'baseCurrency' | 'rate'>;
type Draft = { kind: OrderLineKind; amount: Exact; line?: OrderLine };

const firstRefund = 100_001;
const cent = new Exact('0.01');

export const factOrderLine = fold<FactOrderLine, OrderEvent>(FactOrderLine, {
  name: 'fact_order_line',
  version: 1,
  feed: 'sales',
  key: (event) => event.stream.id,
  on: {
    OrderPlaced: (rows, facts, { stream, effectiveAt }) => described(rows, stream.id, facts, facts, effectiveAt),
    OrderChanged: (rows, facts, { stream, effectiveAt }) => {
      const known = rows.find(({ kind }) => kind === 'order');
      const { currency, baseCurrency, rate } = facts;
      // Frozen anew where the event says so. A rate for another currency says nothing: the order counts in its own.
      const kept = known?.currency === currency ? known : atPar(currency);
      const frozen = baseCurrency !== undefined && rate !== undefined ? { currency, baseCurrency, rate } : kept;
      return described(rows, stream.id, facts, frozen, effectiveAt);
    },
    OrderCancelled: (rows) =>
      rows.flatMap((row) => {
        if (row.kind === 'order') return [row];
        return row.kind === 'refund' ? [{ ...row, counted: false }] : [];
      }),
    OrderRefunded: (rows, { refundId, amount, at, currency }, { stream, effectiveAt }) => {
      const refunds = rows.filter(({ kind }) => kind === 'refund');
      const same = refunds.find(({ reference }) => reference === refundId);
      const refund: FactOrderLine = {
        ...blank(stream.id),
        lineNo: same?.lineNo ?? firstRefund + refunds.length,
        kind: 'refund',
        reference: refundId,
        amount: numericText(new Exact(amount).negated()),
        currency: currency ?? null,
        occurredAt: instantText(at, effectiveAt),
      };
      const order = rows.find(({ kind }) => kind === 'order');
      const stands = rows.some(({ kind }) => kind !== 'order' && kind !== 'refund');
      return [...rows.filter((row) => row !== same), order ? refundOf(order, refund, stands) : refund];
    },
  },
});

const blank = (orderId: string): FactOrderLine => ({
  orderId,
  lineNo: 0,
  kind: 'order',
  counted: false,
  recordId: null,
  orderNumber: null,
  reference: null,
  productKey: null,
  sku: null,
  productId: null,
  title: null,
  quantity: null,
  unitPrice: null,
  amount: '0',
  currency: null,
  amountBase: '0.00',
  baseCurrency: null,
  rate: null,
  occurredAt: null,
});

const atPar = (currency: string): Frozen => ({ currency, baseCurrency: currency, rate: '1' });

/** Decimals of the base currency's smallest coin. */
const placesOf = ({ baseCurrency }: Frozen) => minorUnitsOf(baseCurrency ?? '');
/** An amount in its own currency stays as it is; one that was converted is rounded to the smallest coin. */
const inBase = (amount: Exact, frozen: Frozen) =>
  frozen.currency === frozen.baseCurrency ? amount : amount.times(frozen.rate ?? 1).toDecimalPlaces(placesOf(frozen));

const shownBase = (amount: Exact, { baseCurrency }: Frozen) => inMinorUnits(numericText(amount), baseCurrency ?? '');

/** All rows of an order as its source describes it now. */
function described(
  before: readonly FactOrderLine[],
  orderId: string,
  facts: Facts,
  { currency, baseCurrency, rate }: Frozen,
  effectiveAt: Instant,
): readonly FactOrderLine[] {
  const order: FactOrderLine = {
    ...blank(orderId),
    recordId: facts.customerId,
    orderNumber: facts.number,
    currency,
    baseCurrency,
    rate,
    occurredAt: instantText(facts.placedAt, effectiveAt),
  };
  const stands = facts.status !== 'cancelled';
  const refunds = before.filter(({ kind }) => kind === 'refund').map((refund) => refundOf(order, refund, stands));
  return [order, ...(stands ? rowsOf(order, facts) : []), ...refunds];
}

/** A refund, with what only its order says. */
function refundOf(order: FactOrderLine, refund: FactOrderLine, stands: boolean): FactOrderLine {
  const currency = refund.currency ?? order.currency;
  const frozen: Frozen = currency === order.currency ? order : atPar(currency ?? '');
  return {
    ...refund,
    counted: stands,
    recordId: order.recordId,
    orderNumber: order.orderNumber,
    currency,
    amountBase: shownBase(inBase(new Exact(refund.amount), frozen), frozen),
    baseCurrency: frozen.baseCurrency,
    rate: frozen.rate,
  };
}

function rowsOf(order: FactOrderLine, facts: Facts): FactOrderLine[] {
  const drafts = draftsOf(facts);
  const bases = drafts.map(({ amount }) => inBase(amount, order));
  // The last row (the adjustment, where there is one) takes what rounding each row left over.
  const left = inBase(new Exact(facts.total), order).minus(sum(bases));
  bases.push((bases.pop() as Exact).plus(left));
  return drafts.map(({ kind, amount, line }, index) => ({
    ...order,
    lineNo: index + 1,
    kind,
    counted: true,
    amount: numericText(amount),
    amountBase: shownBase(bases[index] as Exact, order),
    ...(line && {
      reference: line.lineId,
      productKey: line.sku || line.productId || line.title,
      sku: line.sku || null,
      productId: line.productId || null,
      title: line.title,
      ...(kind === 'item' && { quantity: line.quantity, unitPrice: line.unitPrice }),
    }),
  }));
}

/** Never empty, and adds up to the total. */
function draftsOf({ lines, discount, tax, shipping, total, taxIncluded }: Facts): Draft[] {
  const drafts: Draft[] = [
    ...lines.map((line): Draft => ({ kind: 'item', amount: grossOf(line), line })),
    ...lines.map((line): Draft => ({ kind: 'discount', amount: new Exact(line.discount).negated(), line })),
    { kind: 'discount', amount: new Exact(discount).negated() },
    { kind: 'shipping', amount: new Exact(shipping) },
  ];
  const rest = () => new Exact(total).minus(sum(drafts.map(({ amount }) => amount)));
  // Where prices hold the tax it is in the rows already. Not so in WooCommerce, which says that of the prices that were
  // typed in, while its lines come without: the tax counts where it brings the rows nearer to the total.
  const counts = !taxIncluded || rest().minus(tax).abs().lessThan(rest().abs());
  if (counts) drafts.push({ kind: 'tax', amount: new Exact(tax) });
  const found = drafts.filter(({ kind, amount }) => kind === 'item' || !amount.isZero());
  const adjustment: Draft = { kind: 'adjustment', amount: rest() };
  return adjustment.amount.isZero() && found.length > 0 ? found : [...found, adjustment];
}

/** Quantity x unit price, rounded as the source did where its own word differs by less than a cent. */
function grossOf({ quantity, unitPrice, total, discount }: OrderLine): Exact {
  const exact = new Exact(quantity).times(unitPrice);
  const said = new Exact(total).plus(discount);
  return said.minus(exact).abs().lessThan(cent) ? said : exact;
}

const sum = (amounts: readonly Exact[]): Exact => amounts.reduce((total, amount) => total.plus(amount), new Exact(0));
