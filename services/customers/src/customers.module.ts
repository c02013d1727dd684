import { Service } from '@throughline/service';
import { CleaningController } from './cleaning/cleaning.controller.ts';
import { CompaniesByDomain, companyDomains } from './cleaning/company-domains.view.ts';
import { Batches, batchList } from './batch/batch-list.view.ts';
import { BatchController } from './batch/batch.controller.ts';
import { UndoBatch } from './batch/undo-batch.job.ts';
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
import { GoldenCustomers } from './customer/golden-customers.store.ts';
import { FieldController } from './field/field.controller.ts';
import { FieldSchemas } from './field/field-schemas.store.ts';
import { FieldTemplateController } from './field/field-template.controller.ts';
import { LinksController } from './links/links.controller.ts';
import { CustomerLinks, customerLinks } from './links/customer-links.view.ts';
import { MergeController } from './merge/merge.controller.ts';
import { ErasureReplay } from './erasure/erasure-replay.worker.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { AcknowledgeErasureWhenPersonForgotten } from './policies/acknowledge-erasure-when-person-forgotten.policy.ts';
import { DestroyKeyWhenCustomerErased } from './policies/destroy-key-when-customer-erased.policy.ts';
import { RunBatchWhenStarted } from './policies/run-batch-when-started.policy.ts';
import { ConsentTimer, consentTimer } from './policies/record-expiry-when-consent-ends.timer.ts';
import { RecordConsentsWhenFormSubmitted } from './policies/record-consents-when-form-submitted.policy.ts';
import { RecordCustomerWhenFormSubmitted } from './policies/record-customer-when-form-submitted.policy.ts';
import { RecordCustomerWhenSeen } from './policies/record-customer-when-seen.policy.ts';
import { ScheduleExpiryWhenConsentGiven } from './policies/schedule-expiry-when-consent-given.policy.ts';
import { FieldClassesController } from './privacy/field-classes.controller.ts';
import { VcardController } from './vcard/vcard.controller.ts';

@Service({
  name: 'customers',
  controllers: [
    FieldController,
    FieldTemplateController,
    TagController,
    CleaningController,
    MergeController,
    LinksController,
    CustomerController,
    BatchRequestController,
    VcardController,
    ErasureController,
    BatchController,
    ConsentController,
    ConsentPurposeController,
    UnsubscribeController,
    FieldClassesController,
  ],
  policies: [
    RecordCustomerWhenSeen,
    RecordCustomerWhenFormSubmitted,
    RecordConsentsWhenFormSubmitted,
    DestroyKeyWhenCustomerErased,
    AcknowledgeErasureWhenPersonForgotten,
    RunBatchWhenStarted,
    ScheduleExpiryWhenConsentGiven,
  ],
  folds: [batchList, customerLinks, tags, companyDomains],
  providers: [
    CustomerNumbers,
    CurrentRules,
    GoldenCustomers,
    CustomerLinks,
    FieldSchemas,
    Tags,
    Batches,
    BatchRequests,
    Consents,
    CompaniesByDomain,
  ],
  describes: [FieldSchemas],
  jobs: { undo: UndoBatch },
  keeps: ['jobs'],
  workers: [ErasureReplay],
  takesRaw: { path: /^\/api\/customers\/vcard$/, type: /^text\/(x-)?(vcard|directory)/i },
  timers: { [consentTimer]: ConsentTimer },
  migrations: [CustomerNumber1700000000001],
})
export class CustomersModule {}
