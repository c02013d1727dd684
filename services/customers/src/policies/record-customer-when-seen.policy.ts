import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import {
  customerFieldNames,
  known,
  type CustomerFields,
  type RecordedOf,
  type SeenEvent,
} from '@throughline/contracts';
import { Commands, Elsewhere } from '@throughline/event-sourcing';
import type { PolicyPattern } from '@throughline/service';
import { withE164 } from '../customer/customer-fields.ts';
import { CustomerNumbers } from '../customer/customer-numbers.store.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import { customer, type CustomerCommand } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';

type CustomerSeen = RecordedOf<Extract<SeenEvent, { type: 'CustomerSeen' }>>;

/** What a source said, as a command to its own record. */
export function react({ data }: CustomerSeen, number: string): CustomerCommand {
  const fields = Object.fromEntries(
    customerFieldNames.flatMap((name) => {
      const value = known(data[name] as unknown);
      return value === undefined ? [] : [[name, value]];
    }),
  ) as CustomerFields;
  const externalId = known(data.externalId);
  return {
    type: 'RecordSeenCustomer',
    number,
    stamp: data.stamp,
    fields: withE164(fields),
    ...(externalId && { externalId }),
  };
}

const on: PolicyPattern = {
  policy: 'record-customer-when-seen',
  event: 'CustomerSeen',
  from: 'beginning',
  entry: 'connector',
};

@Controller()
export class RecordCustomerWhenSeen {
  constructor(
    private readonly commands: Commands,
    private readonly numbers: CustomerNumbers,
    private readonly current: CurrentRules,
    private readonly customers: GoldenCustomers,
  ) {}

  @EventPattern(on)
  async seen(@Payload() event: CustomerSeen) {
    const id = event.data.customerId;
    // A number is only taken from the sequence for a record that does not exist yet.
    const number = (await this.commands.exists(customer.category, id)) ? '' : await this.numbers.next();
    const stamped = { ...(await this.current.recent()), occurredAt: event.data.stamp.at };
    const record = (rules: CustomerRules) =>
      this.commands.execute(customer, id, react(event, number), { ...stamped, rules });
    try {
      await record(stamped.rules);
    } catch (error) {
      if (!(error instanceof Elsewhere)) throw error;
      await record(await this.customers.withKindErrors(id, stamped.rules));
    }
  }
}
