import { Service } from '@throughline/service';
import { Batches, batchList } from './batch/batch-list.view.ts';
import { BatchController } from './batch/batch.controller.ts';
import { UndoBatch } from './batch/undo-batch.job.ts';
import { ConsentController } from './consent/consent.controller.ts';
import { ConsentPurposeController } from './consent/consent-purpose.controller.ts';
import { Consents } from './consent/consents.store.ts';
import { UnsubscribeController } from './consent/unsubscribe.controller.ts';
import { CustomerNumbers } from './customer/customer-numbers.store.ts';
import { CustomerController } from './customer/customer.controller.ts';
import { CustomerNumber1700000000001 } from './migrations/1-customer-number.migration.ts';
import { GoldenCustomers } from './customer/golden-customers.store.ts';
import { MergeController } from './merge/merge.controller.ts';
import { DuplicateCheck } from './duplicates/duplicate-check.store.ts';
import { duplicateQueue } from './duplicates/duplicate-queue.view.ts';
import { DuplicateController } from './duplicates/duplicate.controller.ts';
import { DuplicateRulesController } from './duplicates/duplicate-rules.controller.ts';
import { Duplicates } from './duplicates/duplicates.store.ts';
import { GuardedCustomers } from './duplicates/guarded-customers.store.ts';
import { MatchController } from './duplicates/match.controller.ts';
import { MatchRecords } from './duplicates/match-records.store.ts';
import { matchRecords } from './duplicates/match-records.view.ts';
import { MergeDuplicates } from './duplicates/merge-duplicates.job.ts';
import { ScanDuplicates } from './duplicates/scan-duplicates.job.ts';
import { ErasureReplay } from './erasure/erasure-replay.worker.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { AcknowledgeErasureWhenPersonForgotten } from './policies/acknowledge-erasure-when-person-forgotten.policy.ts';
import { DestroyKeyWhenCustomerErased } from './policies/destroy-key-when-customer-erased.policy.ts';
import { RunBatchWhenStarted } from './policies/run-batch-when-started.policy.ts';
import { ConsentTimer, consentTimer } from './policies/record-expiry-when-consent-ends.timer.ts';
import { RecordDuplicatesWhenCustomerChanges } from './policies/record-duplicates-when-customer-changes.policy.ts';
import { RecordCustomerWhenSeen } from './policies/record-customer-when-seen.policy.ts';
import { ScheduleExpiryWhenConsentGiven } from './policies/schedule-expiry-when-consent-given.policy.ts';
import { FieldClassesController } from './privacy/field-classes.controller.ts';

@Service({
  name: 'customers',
  controllers: [
    MatchController,
    MergeController,
    CustomerController,
    DuplicateController,
    DuplicateRulesController,
    ErasureController,
    BatchController,
    ConsentController,
    ConsentPurposeController,
    UnsubscribeController,
    FieldClassesController,
  ],
  policies: [
    RecordCustomerWhenSeen,
    DestroyKeyWhenCustomerErased,
    AcknowledgeErasureWhenPersonForgotten,
    RunBatchWhenStarted,
    ScheduleExpiryWhenConsentGiven,
    RecordDuplicatesWhenCustomerChanges,
  ],
  folds: [batchList, matchRecords, duplicateQueue],
  providers: [
    CustomerNumbers,
    GoldenCustomers,
    GuardedCustomers,
    Batches,
    Consents,
    MatchRecords,
    Duplicates,
    DuplicateCheck,
  ],
  jobs: { undo: UndoBatch, 'scan-duplicates': ScanDuplicates, merge: MergeDuplicates },
  keeps: ['jobs'],
  workers: [ErasureReplay],
  timers: { [consentTimer]: ConsentTimer },
  migrations: [CustomerNumber1700000000001],
})
export class CustomersModule {}
