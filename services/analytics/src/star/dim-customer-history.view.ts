import type { CustomerEvent, Instant } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from './columns.view.ts';
import { CustomerAttributes, attributesAfter, noAttributes } from './dim-customer.view.ts';
import { firstVersion, revised } from './versions.view.ts';

/** What the customers' records were at any time (type 2), by when things happened. */
@Entity()
export class DimCustomerHistory extends CustomerAttributes {
  @PrimaryColumn('uuid') recordId!: string;
  @PrimaryColumn('int') version!: number;
  @Column('timestamptz') validFrom!: Instant;
  @Column(instant) validTo!: Instant | null;
}

export const dimCustomerHistory = fold<DimCustomerHistory, CustomerEvent>(DimCustomerHistory, {
  name: 'dim_customer_history',
  version: 1,
  feed: 'customers',
  key: (event) => event.stream.id,
  on: {
    CustomerCreated: (_, details, { stream, effectiveAt }) => [
      { recordId: stream.id, ...firstVersion(effectiveAt), ...attributesAfter(noAttributes, details) },
    ],
    CustomerDetailsChanged: (rows, details, { effectiveAt }) =>
      revised(rows, effectiveAt, (now) => attributesAfter(now, details)),
    CustomerArchived: (rows, _, { effectiveAt }) => revised(rows, effectiveAt, () => ({ archived: true })),
    CustomerErased: (rows, _, { effectiveAt }) => revised(rows, effectiveAt, () => ({ archived: true })),
    CustomerRestored: (rows, _, { effectiveAt }) => revised(rows, effectiveAt, () => ({ archived: false })),
  },
});
