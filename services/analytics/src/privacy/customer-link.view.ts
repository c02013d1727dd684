import { known, recordTelling, type CustomerEvent, type Erased } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Entity, Index, PrimaryColumn } from 'typeorm';

const linkFields = ['employerId', 'parentId', 'referredBy'] as const;
type LinkField = (typeof linkFields)[number];

/** Which other customers a record names; of those merged, each names its own. */
@Entity()
export class CustomerLink {
  @PrimaryColumn('uuid') recordId!: string;
  @PrimaryColumn('text') field!: LinkField;
  @Index() @PrimaryColumn('uuid') named!: string;
}

type Said = { [F in LinkField]?: string | Erased | null };

export const customerLink = fold<CustomerLink, CustomerEvent>(CustomerLink, {
  name: 'customer_link',
  version: 1,
  feed: 'customers',
  key: recordTelling(...linkFields),
  on: {
    CustomerCreated: (_, said: Said, { stream }) => rowsOf(stream.id, said),
    CustomerDetailsChanged: (rows, said: Said, { stream }) => [
      ...rows.filter(({ field }) => said[field] === undefined),
      ...rowsOf(stream.id, said),
    ],
    CustomerErased: () => [],
  },
});

const rowsOf = (recordId: string, said: Said): CustomerLink[] =>
  linkFields.flatMap((field) => {
    const named = known(said[field]);
    return named ? [{ recordId, field, named }] : [];
  });
