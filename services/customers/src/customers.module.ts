import { Service } from '@throughline/service';
import { CleaningController } from './cleaning/cleaning.controller.ts';
import { CompaniesByDomain, companyDomains } from './cleaning/company-domains.view.ts';
import { CustomerNumbers } from './customer/customer-numbers.store.ts';
import { CustomerController } from './customer/customer.controller.ts';
import { CustomerNumber1700000000001 } from './migrations/1-customer-number.migration.ts';
import { GoldenCustomers } from './customer/golden-customers.store.ts';
import { MergeController } from './merge/merge.controller.ts';
import { ErasureReplay } from './erasure/erasure-replay.worker.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { AcknowledgeErasureWhenPersonForgotten } from './policies/acknowledge-erasure-when-person-forgotten.policy.ts';
import { DestroyKeyWhenCustomerErased } from './policies/destroy-key-when-customer-erased.policy.ts';
import { RecordCustomerWhenSeen } from './policies/record-customer-when-seen.policy.ts';

@Service({
  name: 'customers',
  controllers: [CleaningController, MergeController, CustomerController, ErasureController],
  policies: [RecordCustomerWhenSeen, DestroyKeyWhenCustomerErased, AcknowledgeErasureWhenPersonForgotten],
  folds: [companyDomains],
  providers: [CompaniesByDomain, CustomerNumbers, GoldenCustomers],
  workers: [ErasureReplay],
  migrations: [CustomerNumber1700000000001],
})
export class CustomersModule {}
