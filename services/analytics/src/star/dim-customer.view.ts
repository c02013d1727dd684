import { known, type Address, type CustomerEvent, type Instant } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { after, date, dateText, text, texts, uuid } from './columns.view.ts';

/** What analysts group customers by; nothing in it is free text. */
export abstract class CustomerAttributes {
  @Column(text) kind!: string | null;
  @Column(text) type!: string | null;
  @Column(text) source!: string | null;
  @Column(text) channel!: string | null;
  @Column(text) campaign!: string | null;
  @Column(text) industry!: string | null;
  @Column(text) size!: string | null;
  @Column(text) region!: string | null;
  /** Of the primary address, else of the first one. */
  @Column(text) country!: string | null;
  @Column(text) province!: string | null;
  @Column(text) city!: string | null;
  @Column(text) gender!: string | null;
  @Index() @Column(uuid) ownerId!: string | null;
  @Column(text) lifecycle!: string | null;
  @Column(texts) tags!: string[] | null;
  @Column('boolean') archived!: boolean;
}

/** The customers' records as they are now, one row a record. */
@Entity()
export class DimCustomer extends CustomerAttributes {
  @PrimaryColumn('uuid') recordId!: string;
  @Column(text) number!: string | null;
  @Column(text) name!: string | null;
  @Column(text) companyName!: string | null;
  @Column(date) birthDate!: string | null;
  @Column('timestamptz') createdAt!: Instant;
  @Column('timestamptz') updatedAt!: Instant;
}

type Of<Type extends CustomerEvent['type']> = Omit<Extract<CustomerEvent, { type: Type }>, 'type'>;
export type CustomerDetails = Of<'CustomerCreated'> | Of<'CustomerDetailsChanged'>;

export const noAttributes: CustomerAttributes = {
  kind: null,
  type: null,
  source: null,
  channel: null,
  campaign: null,
  industry: null,
  size: null,
  region: null,
  country: null,
  province: null,
  city: null,
  gender: null,
  ownerId: null,
  lifecycle: null,
  tags: null,
  archived: false,
};

export function attributesAfter(before: CustomerAttributes, details: CustomerDetails): CustomerAttributes {
  const address = details.addresses === undefined ? before : primaryOf(known(details.addresses) ?? []);
  return {
    kind: after(details.kind, before.kind),
    type: after(details.customerType, before.type),
    source: after(details.source, before.source),
    channel: after(details.channel, before.channel),
    campaign: after(details.campaign, before.campaign),
    industry: after(details.industry, before.industry),
    size: after(details.size, before.size),
    region: after(details.region, before.region),
    country: address?.country ?? null,
    province: address?.province ?? null,
    city: address?.city ?? null,
    gender: after(details.gender, before.gender),
    ownerId: after(details.ownerId, before.ownerId),
    lifecycle: after(details.lifecycle, before.lifecycle),
    tags: after(details.tags, before.tags),
    archived: before.archived,
  };
}

const primaryOf = (addresses: readonly Address[]) => addresses.find(({ primary }) => primary) ?? addresses[0];

export const dimCustomer = fold<DimCustomer, CustomerEvent>(DimCustomer, {
  name: 'dim_customer',
  version: 1,
  feed: 'customers',
  key: (event) => event.stream.id,
  on: {
    CustomerCreated: (_, details, { stream, effectiveAt }) => [
      {
        recordId: stream.id,
        number: details.number,
        name: after(details.name, null),
        companyName: after(details.companyName, null),
        birthDate: dateText(known(details.birthDate)),
        ...attributesAfter(noAttributes, details),
        createdAt: effectiveAt,
        updatedAt: effectiveAt,
      },
    ],
    CustomerDetailsChanged: (rows, details, { effectiveAt }) =>
      rows.map((row) => ({
        ...row,
        name: after(details.name, row.name),
        companyName: after(details.companyName, row.companyName),
        birthDate: details.birthDate === undefined ? row.birthDate : dateText(known(details.birthDate)),
        ...attributesAfter(row, details),
        updatedAt: effectiveAt,
      })),
    CustomerArchived: (rows, _, { effectiveAt }) =>
      rows.map((row) => ({ ...row, archived: true, updatedAt: effectiveAt })),
    CustomerErased: (rows, _, { effectiveAt }) =>
      rows.map((row) => ({ ...row, archived: true, updatedAt: effectiveAt })),
    CustomerRestored: (rows, _, { effectiveAt }) =>
      rows.map((row) => ({ ...row, archived: false, updatedAt: effectiveAt })),
  },
});
