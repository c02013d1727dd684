import { Service } from '@throughline/service';
import { BulkCommands } from './bulk/bulk.commands.ts';
import { BulkController } from './bulk/bulk.controller.ts';
import { CustomerNumbers } from './customer/customer-numbers.store.ts';
import { CustomerController } from './customer/customer.controller.ts';
import { CustomerNumber1700000000001 } from './migrations/1-customer-number.migration.ts';
import { ErasureReplay } from './erasure/erasure-replay.worker.ts';
import { ErasureController } from './erasure/erasure.controller.ts';
import { AcknowledgeErasureWhenPersonForgotten } from './policies/acknowledge-erasure-when-person-forgotten.policy.ts';
import { DestroyKeyWhenCustomerErased } from './policies/destroy-key-when-customer-erased.policy.ts';
import { RecordCustomerWhenFormSubmitted } from './policies/record-customer-when-form-submitted.policy.ts';
import { RecordCustomerWhenSeen } from './policies/record-customer-when-seen.policy.ts';
import { VcardController } from './vcard/vcard.controller.ts';

@Service({
  name: 'customers',
  controllers: [CustomerController, BulkController, VcardController, ErasureController],
  policies: [
    RecordCustomerWhenSeen,
    RecordCustomerWhenFormSubmitted,
    DestroyKeyWhenCustomerErased,
    AcknowledgeErasureWhenPersonForgotten,
  ],
  providers: [CustomerNumbers, BulkCommands],
  workers: [ErasureReplay],
  takesRaw: { path: /^\/api\/customers\/vcard$/, type: /^text\/(x-)?(vcard|directory)/i },
  migrations: [CustomerNumber1700000000001],
})
export class CustomersModule {}
