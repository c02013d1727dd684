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
import { Imports1700000000002 } from './migrations/2-imports.migration.ts';
import { GoldenCustomers } from './customer/golden-customers.store.ts';
import { CheckImport } from './import/check-import.job.ts';
import { CustomerKeys, customerKeys } from './import/customer-keys.view.ts';
import { ForgetImports } from './import/forget-imports.worker.ts';
import { ImportController } from './import/import.controller.ts';
import { ImportFiles } from './import/import-files.store.ts';
import { Imports, importList } from './import/import-list.view.ts';
import { ImportPlans } from './import/import-plan.store.ts';
import { ImportRows } from './import/import-rows.store.ts';
import { ImportTargets } from './import/import-targets.store.ts';
import { RunImport } from './import/run-import.job.ts';
import { MergeController } from './merge/merge.controller.ts';
import { ErasureReplay } from './erasure/erasure-replay.worker.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { AcknowledgeErasureWhenPersonForgotten } from './policies/acknowledge-erasure-when-person-forgotten.policy.ts';
import { DestroyKeyWhenCustomerErased } from './policies/destroy-key-when-customer-erased.policy.ts';
import { RunBatchWhenStarted } from './policies/run-batch-when-started.policy.ts';
import { StartBatchWhenImportStarted } from './policies/start-batch-when-import-started.policy.ts';
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
    ImportController,
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
    StartBatchWhenImportStarted,
    ScheduleExpiryWhenConsentGiven,
  ],
  folds: [batchList, customerKeys, importList],
  uploads: ['/api/imports'],
  providers: [
    CustomerNumbers,
    GoldenCustomers,
    Batches,
    Consents,
    CustomerKeys,
    Imports,
    ImportFiles,
    ImportPlans,
    ImportRows,
    ImportTargets,
  ],
  jobs: { undo: UndoBatch, 'check-import': CheckImport, import: RunImport },
  keeps: ['jobs', 'import_files', 'import_chunks', 'import_keys', 'import_errors'],
  workers: [ErasureReplay, ForgetImports],
  timers: { [consentTimer]: ConsentTimer },
  migrations: [CustomerNumber1700000000001, Imports1700000000002],
})
export class CustomersModule {}
