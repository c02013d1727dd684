import { Service } from '@throughline/service';
import { Batches, batchList } from './batch/batch-list.view.ts';
import { BatchController } from './batch/batch.controller.ts';
import { ConnectionRecords, connectionRecords } from './batch/connection-records.view.ts';
import { ConnectionUndoController } from './batch/connection-undo.controller.ts';
import { BatchFailures } from './batch/batch-failures.store.ts';
import { BulkChangeController } from './batch/bulk-change.controller.ts';
import { ChangeInBulk } from './batch/bulk-change.job.ts';
import { BulkPreviews } from './batch/bulk-change.preview.ts';
import { Selections } from './batch/selections.store.ts';
import { UndoBatch } from './batch/undo-batch.job.ts';
import { UndoSources } from './batch/undo-sources.store.ts';
import { ConsentController } from './consent/consent.controller.ts';
import { ConsentPurposeController } from './consent/consent-purpose.controller.ts';
import { Consents } from './consent/consents.store.ts';
import { UnsubscribeController } from './consent/unsubscribe.controller.ts';
import { CustomerNumbers } from './customer/customer-numbers.store.ts';
import { CustomerController } from './customer/customer.controller.ts';
import { CustomerNumber1700000000001 } from './migrations/1-customer-number.migration.ts';
import { BulkChange1700000000005 } from './migrations/5-bulk-change.migration.ts';
import { GoldenCustomers } from './customer/golden-customers.store.ts';
import { MergeController } from './merge/merge.controller.ts';
import { ErasureReplay } from './erasure/erasure-replay.worker.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { AcknowledgeErasureWhenPersonForgotten } from './policies/acknowledge-erasure-when-person-forgotten.policy.ts';
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
    BulkChangeController,
    CustomerController,
    ErasureController,
    BatchController,
    ConnectionUndoController,
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
  ],
  folds: [batchList, connectionRecords],
  providers: [
    CustomerNumbers,
    GoldenCustomers,
    Batches,
    BatchFailures,
    BulkPreviews,
    ConnectionRecords,
    Selections,
    UndoSources,
    Consents,
  ],
  jobs: { 'bulk-change': ChangeInBulk, undo: UndoBatch },
  keeps: ['jobs', 'selections', 'selected_records', 'batch_failures'],
  workers: [ErasureReplay],
  timers: { [consentTimer]: ConsentTimer },
  migrations: [CustomerNumber1700000000001, BulkChange1700000000005],
})
export class CustomersModule {}
