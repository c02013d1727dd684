import { dictionary, type AnyEvent, type Recorded } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What a view counted of one stream. */
class Tally {
  /** Of the stream, with its type: streams of two types may have one id. */
  @PrimaryColumn('text') id!: string;
  @Column('int') count!: number;
  /** Version of the event that came last. */
  @Column('int') last!: number;
  /** How often another than the next version came. */
  @Column('int') breaks!: number;
}

@Entity()
export class DealTally extends Tally {}
@Entity()
export class CustomerTally extends Tally {}

/** Counts every event of a feed, whatever it says. */
const tally = (name: string, feed: 'sales' | 'customers') => ({
  name,
  version: 1,
  feed,
  key: ({ stream }: Recorded) => nameOf(stream),
  on: Object.fromEntries(Object.keys(dictionary[feed]).map((type) => [type, counted])),
});

const nameOf = ({ type, id }: Recorded['stream']) => `${type}:${id}`;

const counted = ([row]: readonly Tally[], _: unknown, { stream }: Recorded): Tally[] => [
  {
    id: nameOf(stream),
    count: (row?.count ?? 0) + 1,
    last: stream.version,
    breaks: (row?.breaks ?? 0) + (stream.version === (row?.last ?? 0) + 1 ? 0 : 1),
  },
];

export const dealTally = fold<DealTally, AnyEvent>(DealTally, tally('chaos_deal_tally', 'sales'));
export const customerTally = fold<CustomerTally, AnyEvent>(CustomerTally, tally('chaos_customer_tally', 'customers'));
