import type { Address, CustomerFields, OrderLine, SeenEvent, SourceStamp } from '@throughline/contracts';
import { recordId } from '@throughline/event-sourcing';
import type { Delivery, MappingContext, Seen } from './connector.ts';
import { contentHash } from './exact-json.ts';

export type Optional<T> = { [K in keyof T]?: T[K] | undefined };
type UndefinedKeys<T> = { [K in keyof T]: undefined extends T[K] ? K : never }[keyof T];
type Given<T> = { [K in Exclude<keyof T, UndefinedKeys<T>>]: T[K] } & {
  [K in UndefinedKeys<T>]?: Exclude<T[K], undefined>;
};

/** Without what is undefined: an absent field is left out, never null. */
export const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;

type OrderSeen = Extract<SeenEvent, { type: 'OrderSeen' }>;
/** An order as a mapper describes it: with its own key, and without what follows from it. */
export type SeenOrder = Omit<OrderSeen, 'type' | 'orderId' | 'stamp' | 'externalId' | 'note'> & {
  externalId: string;
  note?: string | undefined;
  at: string;
};
export type SeenLine = OrderLine;

export type SeenCustomer = {
  customerId: string;
  /** Left out where the source has no account for the person. */
  externalId?: string | undefined;
  rank: SourceStamp['rank'];
  at: string;
  fields: Optional<CustomerFields>;
};

export type SeenRefund = {
  orderExternalId: string;
  refundId: string;
  amount: string;
  at: string;
  currency?: string | undefined;
};

/** Builds what a delivery says, with the ids and stamps that follow from connection, external id and content. */
export class Sighting {
  constructor(
    private readonly delivery: Pick<Delivery, 'connectionId'>,
    private readonly context: MappingContext,
  ) {}

  customerId(externalId: string): string {
    return recordId(this.delivery.connectionId, externalId);
  }

  /**
   * The record of somebody without an account: the same e-mail, else the same phone number, is the same guest. The keyed
   * hash keeps the address out of the id.
   */
  guestId(orderExternalId: string, email: string | undefined, phone: string | undefined): string {
    const mail = email?.normalize('NFKC').trim().toLowerCase();
    if (mail?.includes('@')) return this.customerId(`guest:${this.context.hmac(mail)}`);
    const digits = phone?.normalize('NFKC').replace(/\D/g, '') ?? '';
    // 00000000 and the like are what people type to get past a form.
    if (digits.length >= 6 && !/^(\d)\1*$/.test(digits)) return this.customerId(`guest:${this.context.hmac(digits)}`);
    return this.customerId(`guest-order:${orderExternalId}`);
  }

  /** The stamp's hash is keyed: a bare hash over a name and an e-mail could be guessed after the person was erased. */
  private hash(content: object): string {
    return this.context.hmac(contentHash(content));
  }

  customer({ customerId, externalId, rank, at, fields }: SeenCustomer): Seen {
    const known = given(fields) as Partial<CustomerFields>;
    return {
      stream: { type: 'seen-customer', id: customerId },
      event: {
        type: 'CustomerSeen',
        customerId,
        ...(externalId !== undefined && { externalId: { connectionId: this.delivery.connectionId, id: externalId } }),
        stamp: { rank, at, hash: this.hash(known) },
        ...known,
      },
    };
  }

  order({ externalId, at, ...order }: SeenOrder): Seen {
    const orderId = this.customerId(`order:${externalId}`);
    const facts = { ...given(order), externalId: { connectionId: this.delivery.connectionId, id: externalId } };
    return {
      stream: { type: 'seen-order', id: orderId },
      event: { type: 'OrderSeen', orderId, stamp: { at, hash: this.hash(facts) }, ...facts },
    };
  }

  refund({ orderExternalId, ...refund }: SeenRefund): Seen {
    return {
      stream: { type: 'seen-refund', id: this.customerId(`refund:${refund.refundId}`) },
      event: { type: 'RefundSeen', orderId: this.customerId(`order:${orderExternalId}`), ...given(refund) },
    };
  }
}

const isHan = (text: string): boolean => /^\p{Script=Han}[\p{Script=Han}·]*$/u.test(text);

/** 王 and 小明 make 王小明; Ada and Lovelace make Ada Lovelace. */
export function fullName(given: string | undefined, family: string | undefined): string | undefined {
  if (given === undefined || family === undefined) return given ?? family;
  return isHan(given) && isHan(family) ? `${family}${given}` : `${given} ${family}`;
}

/** Two lines of a street as one text. */
export function street(...lines: readonly (string | undefined)[]): string | undefined {
  const present = lines.filter((line) => line !== undefined);
  const glue = present.some((line) => /\p{Script=Han}/u.test(line)) ? ' ' : ', ';
  return present.join(glue) || undefined;
}

/** Undefined when nothing but labels would be in it. */
export function address(fields: Optional<Address>): Address | undefined {
  const known: Address = given(fields);
  const { label: _label, primary: _primary, use: _use, ...rest } = known;
  return Object.keys(rest).length > 0 ? known : undefined;
}

/** Without those that say where somebody is in the same words twice; the first one keeps its labels. */
export function distinctAddresses(addresses: readonly (Address | undefined)[]): Address[] | undefined {
  const seen = new Map<string, Address>();
  for (const one of addresses) {
    if (!one) continue;
    const { label: _label, primary: _primary, use: _use, ...place } = one;
    const key = contentHash(place);
    if (!seen.has(key)) seen.set(key, one);
  }
  return seen.size > 0 ? [...seen.values()] : undefined;
}

export const emails = (value: string | undefined): CustomerFields['emails'] | undefined =>
  value?.includes('@') ? [{ value, primary: true }] : undefined;

export const phones = (...values: readonly (string | undefined)[]): CustomerFields['phones'] | undefined => {
  const known = [...new Set(values.filter((value) => value !== undefined && /\d/.test(value)))];
  return known.length > 0 ? known.map((value) => ({ value: value! })) : undefined;
};
