import { Service } from '@throughline/service';
import { ConsentController } from './consent/consent.controller.ts';
import { ConsentPurposeController } from './consent/consent-purpose.controller.ts';
import { Consents } from './consent/consents.store.ts';
import { UnsubscribeController } from './consent/unsubscribe.controller.ts';
import { CustomerNumbers } from './customer/customer-numbers.store.ts';
import { CustomerController } from './customer/customer.controller.ts';
import { CustomerNumber1700000000001 } from './migrations/1-customer-number.migration.ts';
import { ErasureReplay } from './erasure/erasure-replay.worker.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { AcknowledgeErasureWhenPersonForgotten } from './policies/acknowledge-erasure-when-person-forgotten.policy.ts';
import { DestroyKeyWhenCustomerErased } from './policies/destroy-key-when-customer-erased.policy.ts';
import { ConsentTimer, consentTimer } from './policies/record-expiry-when-consent-ends.timer.ts';
import { RecordCustomerWhenSeen } from './policies/record-customer-when-seen.policy.ts';
import { ScheduleExpiryWhenConsentGiven } from './policies/schedule-expiry-when-consent-given.policy.ts';
import { FieldClassesController } from './privacy/field-classes.controller.ts';

@Service({
  name: 'customers',
  controllers: [
    CustomerController,
    ErasureController,
    ConsentController,
    ConsentPurposeController,
    UnsubscribeController,
    FieldClassesController,
  ],
  policies: [
    RecordCustomerWhenSeen,
    DestroyKeyWhenCustomerErased,
    AcknowledgeErasureWhenPersonForgotten,
    ScheduleExpiryWhenConsentGiven,
  ],
  providers: [CustomerNumbers, Consents],
  workers: [ErasureReplay],
  timers: { [consentTimer]: ConsentTimer },
  migrations: [CustomerNumber1700000000001],
})
export class CustomersModule {}
