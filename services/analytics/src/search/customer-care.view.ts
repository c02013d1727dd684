import {
  careAfter,
  noCare,
  type Care,
  type CareEvent,
  type CustomerEvent,
  type Recorded,
  type RecordedOf,
} from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What was found out about a record; of most of them nothing was yet, and there is no row. */
@Entity()
export class CustomerCare {
  @PrimaryColumn('uuid') recordId!: string;
  @Column('json') care!: Care;
}

type Heard = Recorded<CustomerEvent | CareEvent>;

const recordOf = ({ stream, data }: Heard): string =>
  'customerId' in data ? (data as { customerId: string }).customerId : stream.id;

const found = ([row]: readonly CustomerCare[], _: object, event: Heard): CustomerCare[] => [
  { recordId: recordOf(event), care: careAfter(row?.care ?? noCare, event as RecordedOf<CareEvent>) },
];
/** A confirmation answers a question; where none was asked it says nothing that anybody lists by. */
const answered = (rows: readonly CustomerCare[], data: object, event: Heard): readonly CustomerCare[] =>
  rows.length > 0 ? found(rows, data, event) : rows;

export const customerCare = fold<CustomerCare, CustomerEvent | CareEvent>(CustomerCare, {
  name: 'customer_care',
  version: 2,
  feed: 'customers',
  key: recordOf,
  on: {
    CustomerDetailsChanged: answered,
    CustomerConfirmed: answered,
    CustomerErased: answered,
    // What is said of it from now on answers for the whole customer.
    CustomerAbsorbed: (rows, _, { stream }) => (rows.length > 0 ? rows : [{ recordId: stream.id, care: noCare }]),
    RecordConfirmed: found,
    ConfirmationDue: found,
    ConfirmationEscalated: found,
    EmailBounced: found,
    VerificationFailed: found,
    VerificationPassed: found,
    NewCustomerPeriodEnded: found,
  },
});
