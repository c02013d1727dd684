import type { Moment } from './calendar.ts';
import type { Cents } from './money.ts';
import type { Order, Buyer } from './orders.ts';

export type ConnectionKey = 'shopify' | 'woocommerce' | 'sap' | 'till';

/** What an object looks like in the ERP system when a read comes back for it. */
export type SapObject =
  | { entity: 'A_BusinessPartner'; key: string; object: Record<string, unknown> }
  | { entity: 'A_SalesOrder'; key: string; object: Record<string, unknown> };

export type Delivery = {
  connection: ConnectionKey;
  /** As the system sends them, but for the signature. */
  headers: Readonly<Record<string, string>>;
  /** The very bytes, as UTF-8. */
  body: string;
  /** When the system sends it; deliveries are in this order. */
  at: Moment;
  /** The ERP system says only that something changed: this is what it then shows, if it is not further already. */
  shows?: SapObject & { version: Moment };
};

export type ConnectionPlan = {
  key: ConnectionKey;
  name: string;
  kind: 'shopify' | 'woocommerce' | 'sap' | 'json';
  secret?: string;
  token?: string;
  mapping?: unknown;
  readBack?: { user: string; password: string };
};

/** What one system does in the period. */
export type Trade = { connection: ConnectionPlan; buyers: Buyer[]; orders: Order[]; deliveries: Delivery[] };

export type Expected = {
  customers: number;
  orders: number;
  cancelled: number;
  refunds: number;
  /** By `YYYY-MM` in Shanghai, oldest first; every month that anything happened in. */
  revenueByMonth: ReadonlyMap<string, Cents>;
  total: Cents;
};

// TypeScript's library does not know `JSON.rawJSON` yet; Node does.
const { rawJSON } = JSON as unknown as { rawJSON: (digits: string) => unknown };

/** JSON in which a bigint is a bare number, digit for digit: ids of shops exceed 2^53. */
export const json = (value: unknown): string =>
  JSON.stringify(value, (_, held: unknown) => (typeof held === 'bigint' ? rawJSON(held.toString()) : held));
