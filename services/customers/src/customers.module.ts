import { Service } from '@throughline/service';
import { CustomerNumbers } from './customer/customer-numbers.store.ts';
import { CustomerController } from './customer/customer.controller.ts';
import { CustomerNumber1700000000001 } from './migrations/1-customer-number.migration.ts';
import { RecordCustomerWhenSeen } from './policies/record-customer-when-seen.policy.ts';

@Service({
  name: 'customers',
  controllers: [CustomerController],
  policies: [RecordCustomerWhenSeen],
  providers: [CustomerNumbers],
  migrations: [CustomerNumber1700000000001],
})
export class CustomersModule {}
