import { emptyLedger, ledgerAfter, type ConsentEvent, type ConsentLedger } from '@throughline/contracts';
import { fold } from '@throughline/event-sourcing';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What was said about the use of a record's data. */
@Entity()
export class CustomerConsent {
  @PrimaryColumn('uuid') recordId!: string;
  @Column('json') ledger!: ConsentLedger;
}

const withEvent =
  <Type extends ConsentEvent['type']>(type: Type) =>
  (
    [before]: readonly CustomerConsent[],
    data: Omit<Extract<ConsentEvent, { type: Type }>, 'type'> & { customerId: string },
  ): CustomerConsent[] => [
    {
      recordId: data.customerId,
      ledger: ledgerAfter(before?.ledger ?? emptyLedger, { type, ...data } as unknown as ConsentEvent),
    },
  ];

export const customerConsent = fold<CustomerConsent, ConsentEvent>(CustomerConsent, {
  name: 'customer_consent',
  version: 1,
  feed: 'customers',
  key: ({ data }) => data.customerId,
  on: {
    ConsentGiven: withEvent('ConsentGiven'),
    ConsentWithdrawn: withEvent('ConsentWithdrawn'),
    ConsentExpired: withEvent('ConsentExpired'),
    ContactForbidden: withEvent('ContactForbidden'),
    ContactAllowed: withEvent('ContactAllowed'),
  },
});
