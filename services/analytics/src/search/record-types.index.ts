import { customers } from './customers.index.ts';
import { deals } from './deals.index.ts';
import { interactions } from './interactions.index.ts';
import { orders } from './orders.index.ts';
import type { RecordType } from './record-type.ts';

/** Every kind of record with a list. */
export const recordTypes: readonly RecordType[] = [customers, orders, deals, interactions];
