import { Jobs1700000000006, Service } from '@throughline/service';
import { CleaningController } from './cleaning/cleaning.controller.ts';
import { CompaniesByDomain, companyDomains } from './cleaning/company-domains.view.ts';
import { Batches, batchList } from './batch/batch-list.view.ts';
import { BatchController } from './batch/batch.controller.ts';
import { ConnectionRecords, connectionRecords } from './batch/connection-records.view.ts';
import { ConnectionUndoController } from './batch/connection-undo.controller.ts';
import { BatchFailures } from './batch/batch-failures.store.ts';
import { BulkChangeController } from './batch/bulk-change.controller.ts';
import { ChangeInBulk } from './batch/bulk-change.job.ts';
import { BulkPreviews } from './batch/bulk-change.preview.ts';
import { LeftBehind } from './batch/left-behind.store.ts';
import { RecordUses } from './batch/record-uses.store.ts';
import { Selections } from './batch/selections.store.ts';
import { UndoSources } from './batch/undo-sources.store.ts';
import { UndoBatch } from './batch/undo-batch.job.ts';
import { UndoPreviews } from './batch/undo-batch.preview.ts';
import { CareSettingsController } from './care/care-settings.controller.ts';
import { CareController } from './care/care.controller.ts';
import { CareOfCustomers } from './care/care.store.ts';
import { CareRounds } from './care/care-rounds.worker.ts';
import { careRecords } from './care/care-records.view.ts';
import { OrganisationTime, organisation } from './care/organisation.view.ts';
import { FactsOfCustomers, contactFacts, salesFacts } from './care/customer-facts.view.ts';
import { LifecycleController } from './care/lifecycle.controller.ts';
import { Lifecycles } from './care/lifecycles.store.ts';
import { BatchRequestController } from './batch-request/batch-request.controller.ts';
import { BatchRequests } from './batch-request/batch-requests.store.ts';
import { ConsentController } from './consent/consent.controller.ts';
import { ConsentPurposeController } from './consent/consent-purpose.controller.ts';
import { Consents } from './consent/consents.store.ts';
import { UnsubscribeController } from './consent/unsubscribe.controller.ts';
import { CustomerNumbers } from './customer/customer-numbers.store.ts';
import { CurrentRules } from './customer/customer-rules.store.ts';
import { CustomerController } from './customer/customer.controller.ts';
import { TagController } from './tag/tag.controller.ts';
import { Tags, tags } from './tag/tags.view.ts';
import { CustomerNumber1700000000001 } from './migrations/1-customer-number.migration.ts';
import { Imports1700000000002 } from './migrations/2-imports.migration.ts';
import { BulkChange1700000000005 } from './migrations/5-bulk-change.migration.ts';
import { ImportRelations1700000000007 } from './migrations/7-import-relations.migration.ts';
import { ReplayedErasures1700000000008 } from './migrations/8-replayed-erasures.migration.ts';
import { ImportCells1700000000009 } from './migrations/9-import-cells.migration.ts';
import { ImportRepeats1700000000010 } from './migrations/10-import-repeats.migration.ts';
import { NamedCustomers } from './customer/named-customers.store.ts';
import { GoldenCustomers } from './customer/golden-customers.store.ts';
import { FieldController } from './field/field.controller.ts';
import { FieldSchemas } from './field/field-schemas.store.ts';
import { FieldTemplateController } from './field/field-template.controller.ts';
import { LinksController } from './links/links.controller.ts';
import { CustomerLinks, customerLinks } from './links/customer-links.view.ts';
import { CheckImport } from './import/check-import.job.ts';
import { CustomerKeys, customerKeys } from './import/customer-keys.view.ts';
import { ForgetImports } from './import/forget-imports.worker.ts';
import { ImportCells } from './import/import-cells.store.ts';
import { ImportCompanies } from './import/import-companies.store.ts';
import { ImportController } from './import/import.controller.ts';
import { ImportDuplicates } from './import/import-duplicates.store.ts';
import { ImportFiles } from './import/import-files.store.ts';
import { Imports, importList } from './import/import-list.view.ts';
import { ImportOutcomes } from './import/import-outcomes.store.ts';
import { ImportPlans } from './import/import-plan.store.ts';
import { ImportPreviews } from './import/import-preview.store.ts';
import { ImportRelations } from './import/import-relations.store.ts';
import { ImportRows } from './import/import-rows.store.ts';
import { ImportSuggestions } from './import/import-suggestions.store.ts';
import { ImportTargets } from './import/import-targets.store.ts';
import { ImportedPeople } from './import/imported-people.store.ts';
import { RunImport } from './import/run-import.job.ts';
import { MergeController } from './merge/merge.controller.ts';
import { Merges } from './merge/merges.store.ts';
import { SurvivorshipController } from './merge/survivorship.controller.ts';
import { DuplicateCheck } from './duplicates/duplicate-check.store.ts';
import { duplicateQueue } from './duplicates/duplicate-queue.view.ts';
import { DuplicateController } from './duplicates/duplicate.controller.ts';
import { DuplicateRulesController } from './duplicates/duplicate-rules.controller.ts';
import { Duplicates } from './duplicates/duplicates.store.ts';
import { GuardedCustomers } from './duplicates/guarded-customers.store.ts';
import { MatchController } from './duplicates/match.controller.ts';
import { MatchQuestions } from './duplicates/match-questions.store.ts';
import { MatchRecords } from './duplicates/match-records.store.ts';
import { matchRecords } from './duplicates/match-records.view.ts';
import { MergeDuplicates } from './duplicates/merge-duplicates.job.ts';
import { NightlyScans } from './duplicates/nightly-scans.worker.ts';
import { ScanDuplicates } from './duplicates/scan-duplicates.job.ts';
import { ErasureReplay } from './erasure/erasure-replay.worker.ts';
import { ReplayedErasures } from './erasure/replayed-erasures.store.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { AcknowledgeErasureWhenPersonForgotten } from './policies/acknowledge-erasure-when-person-forgotten.policy.ts';
import { AdvanceLifecycleWhenCustomerActs } from './policies/advance-lifecycle-when-customer-acts.policy.ts';
import { DestroyKeyWhenCustomerErased } from './policies/destroy-key-when-customer-erased.policy.ts';
import { RunBatchWhenStarted } from './policies/run-batch-when-started.policy.ts';
import { StartBatchWhenImportStarted } from './policies/start-batch-when-import-started.policy.ts';
import { ConsentTimer, consentTimer } from './policies/record-expiry-when-consent-ends.timer.ts';
import { RecordDuplicatesWhenCustomerChanges } from './policies/record-duplicates-when-customer-changes.policy.ts';
import { RecordConsentsWhenFormSubmitted } from './policies/record-consents-when-form-submitted.policy.ts';
import { RecordCustomerWhenFormSubmitted } from './policies/record-customer-when-form-submitted.policy.ts';
import { RecordCustomerWhenSeen } from './policies/record-customer-when-seen.policy.ts';
import { ScheduleExpiryWhenConsentGiven } from './policies/schedule-expiry-when-consent-given.policy.ts';
import { VerifyCustomersWhenUniqueRuleDefined } from './policies/verify-customers-when-unique-rule-defined.policy.ts';
import { FieldClassesController } from './privacy/field-classes.controller.ts';
import { BrokenRulesController } from './rules/broken-rules.controller.ts';
import { RulesController } from './rules/rules.controller.ts';
import { VerificationController } from './rules/verification.controller.ts';
import { VerificationRounds } from './rules/verification-rounds.worker.ts';
import { Verifications } from './rules/verifications.store.ts';
import { VerifyCustomers } from './rules/verify-customers.job.ts';
import { VcardController } from './vcard/vcard.controller.ts';

@Service({
  name: 'customers',
  controllers: [
    MatchController,
    FieldController,
    FieldTemplateController,
    TagController,
    CleaningController,
    MergeController,
    BulkChangeController,
    LinksController,
    CustomerController,
    DuplicateController,
    DuplicateRulesController,
    BatchRequestController,
    VcardController,
    ErasureController,
    BatchController,
    ConnectionUndoController,
    ImportController,
    ConsentController,
    ConsentPurposeController,
    UnsubscribeController,
    FieldClassesController,
    LifecycleController,
    RulesController,
    VerificationController,
    BrokenRulesController,
    CareController,
    CareSettingsController,
    SurvivorshipController,
  ],
  policies: [
    RecordCustomerWhenSeen,
    RecordCustomerWhenFormSubmitted,
    RecordConsentsWhenFormSubmitted,
    DestroyKeyWhenCustomerErased,
    AcknowledgeErasureWhenPersonForgotten,
    RunBatchWhenStarted,
    StartBatchWhenImportStarted,
    ScheduleExpiryWhenConsentGiven,
    RecordDuplicatesWhenCustomerChanges,
    AdvanceLifecycleWhenCustomerActs,
    VerifyCustomersWhenUniqueRuleDefined,
  ],
  folds: [
    batchList,
    connectionRecords,
    customerLinks,
    tags,
    companyDomains,
    customerKeys,
    importList,
    matchRecords,
    duplicateQueue,
    salesFacts,
    contactFacts,
    careRecords,
    organisation,
  ],
  providers: [
    CustomerNumbers,
    CurrentRules,
    GoldenCustomers,
    GuardedCustomers,
    NamedCustomers,
    Merges,
    CustomerLinks,
    FieldSchemas,
    Tags,
    Batches,
    BatchFailures,
    BatchRequests,
    BulkPreviews,
    UndoPreviews,
    ConnectionRecords,
    Selections,
    RecordUses,
    LeftBehind,
    UndoSources,
    Consents,
    CompaniesByDomain,
    CustomerKeys,
    Imports,
    ImportCells,
    ImportCompanies,
    ImportDuplicates,
    ImportFiles,
    ImportOutcomes,
    ImportPlans,
    ImportPreviews,
    ImportRelations,
    ImportRows,
    ImportSuggestions,
    ImportTargets,
    ImportedPeople,
    MatchQuestions,
    MatchRecords,
    Duplicates,
    DuplicateCheck,
    Lifecycles,
    FactsOfCustomers,
    CareOfCustomers,
    OrganisationTime,
    Verifications,
    ReplayedErasures,
  ],
  describes: [FieldSchemas],
  forgets: [ImportedPeople],
  uploads: ['/api/imports'],
  jobs: {
    'bulk-change': ChangeInBulk,
    undo: UndoBatch,
    'check-import': CheckImport,
    import: RunImport,
    'scan-duplicates': ScanDuplicates,
    merge: MergeDuplicates,
    'verify-customers': VerifyCustomers,
  },
  keeps: [
    'jobs',
    'selections',
    'selected_records',
    'batch_failures',
    'import_files',
    'import_chunks',
    'import_cells',
    'import_keys',
    'import_waiting',
    'import_errors',
    'import_repeats',
    'replayed_erasures',
  ],
  preparations: [ErasureReplay],
  workers: [ErasureReplay, ForgetImports, CareRounds, VerificationRounds, NightlyScans],
  takesRaw: { path: /^\/api\/customers\/vcard$/, type: /^text\/(x-)?(vcard|directory)/i },
  timers: { [consentTimer]: ConsentTimer },
  migrations: [
    CustomerNumber1700000000001,
    Imports1700000000002,
    BulkChange1700000000005,
    Jobs1700000000006,
    ImportRelations1700000000007,
    ReplayedErasures1700000000008,
    ImportCells1700000000009,
    ImportRepeats1700000000010,
  ],
})
export class CustomersModule {}
