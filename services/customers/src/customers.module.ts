import { Service } from '@throughline/service';
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
import { RecordCustomerWhenSeen } from './policies/record-customer-when-seen.policy.ts';

@Service({
  name: 'customers',
  folds: [customerLinks, tags],
  controllers: [
    FieldController,
    FieldTemplateController,
    TagController,
    MergeController,
    LinksController,
    CustomerController,
    ErasureController,
  ],
  policies: [RecordCustomerWhenSeen, DestroyKeyWhenCustomerErased, AcknowledgeErasureWhenPersonForgotten],
  providers: [CustomerNumbers, CurrentRules, GoldenCustomers, CustomerLinks, FieldSchemas, Tags],
  describes: [FieldSchemas],
  workers: [ErasureReplay],
  migrations: [CustomerNumber1700000000001],
})
export class CustomersModule {}
