import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import {
  customerFieldNames,
  isErased,
  type CustomerFields,
  type FormEvent,
  type RecordedOf,
} from '@throughline/contracts';
import { Commands } from '@throughline/event-sourcing';
import type { PolicyPattern } from '@throughline/service';
import { asShown } from '../customer/customer-fields.ts';
import { CustomerNumbers } from '../customer/customer-numbers.store.ts';
import { CurrentRules } from '../customer/customer-rules.store.ts';
import { customer } from '../customer/customer.ts';
import type { CreateCustomer } from '../customer/customer-creation.ts';
import { builtInRules } from '../customer/customer-rules.ts';
import { compares } from '../duplicates/duplicate-rules.ts';
import { GuardedCustomers } from '../duplicates/guarded-customers.store.ts';
import { customOfTexts } from '../field/custom-texts.ts';
import { fittingCustom } from '../field/custom-values.ts';
import type { FieldSet } from '../field/field-set.ts';

type FormSubmitted = RecordedOf<Extract<FormEvent, { type: 'FormSubmitted' }>>;

/**
 * What was filled in, as a customer. What is none of its field's type, and was taken because nobody could be asked, stays in the
 * submission alone. Of who was erased since nothing is left that a record could be made of.
 */
export function react(
  { data }: Pick<FormSubmitted, 'data'>,
  number: string,
  fieldSet: FieldSet,
): { id: string; command: CreateCustomer }[] {
  const given = customerFieldNames.flatMap((name) => (data[name] === undefined ? [] : [[name, data[name]] as const]));
  if (given.some(([, value]) => isErased(value))) return [];
  const fields = asShown(Object.fromEntries(given) as CustomerFields);
  const { custom: read, errors } = customOfTexts(fields.custom ?? {}, fieldSet);
  const { custom, leftOut: unfitting } = fittingCustom(read, fieldSet);
  const leftOut = [...errors.map(({ path }) => path), ...unfitting.map((key) => `custom.${key}`)];
  const command: CreateCustomer = {
    type: 'CreateCustomer',
    number,
    fields: { ...fields, ...(fields.custom && { custom }) },
    ...(leftOut.length > 0 && { leftOut }),
  };
  return [{ id: data.customerId, command }];
}

/**
 * Entry `form`: what anybody may say goes through the same checks as everything else, yet is never refused for an e-mail
 * that a customer has, and reserves none. With `api` a stranger could find out who is a customer, keep an address from its
 * owner, and lose what they sent.
 */
const on: PolicyPattern = {
  policy: 'record-customer-when-form-submitted',
  event: 'FormSubmitted',
  from: 'beginning',
  entry: 'form',
};

@Controller()
export class RecordCustomerWhenFormSubmitted {
  constructor(
    private readonly commands: Commands,
    private readonly guarded: GuardedCustomers,
    private readonly numbers: CustomerNumbers,
    private readonly current: CurrentRules,
  ) {}

  /** Recorded whatever the duplicate rules say: what they would block or warn of is queued. */
  @EventPattern(on)
  async submitted(@Payload() event: FormSubmitted) {
    const { occurredAt } = event;
    const isThere = await this.commands.exists(customer.category, event.data.customerId);
    const { fieldSet } = (await this.current.read()).rules;
    for (const { id, command } of react(event, isThere ? '' : await this.numbers.next(), fieldSet)) {
      const { all, rulesVersion, ...rules } = await this.guarded.rules();
      const intended = { operation: 'create', id, goldenId: null, fields: command.fields } as const;
      const [compared] = compares(all) ? await this.guarded.compareEach([intended], { all, ...rules }) : [];
      const stamped = { rules: builtInRules, ...(rulesVersion !== undefined && { rulesVersion }) };
      if (!isThere) await this.commands.execute(customer, id, command, { ...stamped, occurredAt });
      // Also where it was recorded before: the last time may have ended right there.
      if (compared) await this.guarded.queue(compared, { id, version: 1 });
    }
  }
}
