import { Service } from '@throughline/service';
import { Batches, batchList } from './batch/batch-list.view.ts';
import { BatchController } from './batch/batch.controller.ts';
import { UndoBatch } from './batch/undo-batch.job.ts';
import { CareSettingsController } from './care/care-settings.controller.ts';
import { CareController } from './care/care.controller.ts';
import { CareOfCustomers } from './care/care.store.ts';
import { CareRounds } from './care/care-rounds.worker.ts';
import { careRecords } from './care/care-records.view.ts';
import { organisation } from './care/organisation.view.ts';
import { FactsOfCustomers, contactFacts, salesFacts } from './care/customer-facts.view.ts';
import { LifecycleController } from './care/lifecycle.controller.ts';
import { Lifecycles } from './care/lifecycles.store.ts';
import { ConsentController } from './consent/consent.controller.ts';
import { ConsentPurposeController } from './consent/consent-purpose.controller.ts';
import { Consents } from './consent/consents.store.ts';
import { UnsubscribeController } from './consent/unsubscribe.controller.ts';
import { CustomerNumbers } from './customer/customer-numbers.store.ts';
import { CustomerController } from './customer/customer.controller.ts';
import { CustomerNumber1700000000001 } from './migrations/1-customer-number.migration.ts';
import { GoldenCustomers } from './customer/golden-customers.store.ts';
import { MergeController } from './merge/merge.controller.ts';
import { ErasureReplay } from './erasure/erasure-replay.worker.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { AcknowledgeErasureWhenPersonForgotten } from './policies/acknowledge-erasure-when-person-forgotten.policy.ts';
import { AdvanceLifecycleWhenCustomerActs } from './policies/advance-lifecycle-when-customer-acts.policy.ts';
import { DestroyKeyWhenCustomerErased } from './policies/destroy-key-when-customer-erased.policy.ts';
import { RunBatchWhenStarted } from './policies/run-batch-when-started.policy.ts';
import { ConsentTimer, consentTimer } from './policies/record-expiry-when-consent-ends.timer.ts';
import { RecordCustomerWhenSeen } from './policies/record-customer-when-seen.policy.ts';
import { ScheduleExpiryWhenConsentGiven } from './policies/schedule-expiry-when-consent-given.policy.ts';
import { FieldClassesController } from './privacy/field-classes.controller.ts';

@Service({
  name: 'customers',
  controllers: [
    MergeController,
    CustomerController,
    ErasureController,
    BatchController,
    ConsentController,
    ConsentPurposeController,
    UnsubscribeController,
    FieldClassesController,
    LifecycleController,
    CareController,
    CareSettingsController,
  ],
  policies: [
    RecordCustomerWhenSeen,
    DestroyKeyWhenCustomerErased,
    AcknowledgeErasureWhenPersonForgotten,
    RunBatchWhenStarted,
    ScheduleExpiryWhenConsentGiven,
    AdvanceLifecycleWhenCustomerActs,
  ],
  folds: [batchList, salesFacts, contactFacts, careRecords, organisation],
  providers: [CustomerNumbers, GoldenCustomers, Batches, Consents, Lifecycles, FactsOfCustomers, CareOfCustomers],
  jobs: { undo: UndoBatch },
  keeps: ['jobs'],
  workers: [ErasureReplay, CareRounds],
  timers: { [consentTimer]: ConsentTimer },
  migrations: [CustomerNumber1700000000001],
})
export class CustomersModule {}
