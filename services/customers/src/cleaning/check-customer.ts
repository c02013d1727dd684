import type { Correction } from '@throughline/contracts';
import type { DecideContext, FieldError } from '@throughline/event-sourcing';
import { asFields, inNormalForm, tidyFields, type CustomerInput } from '../customer/customer-fields.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import { customer } from '../customer/customer.ts';
import { completed, type Customer } from '../customer/customer-state.ts';
import { cleanCustomer } from './clean-customer.ts';
import { errorsOf } from './errors.ts';

/** The record as it would be, and what would be corrected and refused. */
export type Checked = { after: Customer; corrections: readonly Correction[]; errors: readonly FieldError[] };

/** What would happen if somebody entered this; nothing is recorded, and nothing is refused. */
export function checkCustomer(state: Customer, input: CustomerInput, context: DecideContext<CustomerRules>): Checked {
  const { details, reverted } = state;
  const { fields, corrections } = cleanCustomer(input, { details, reverted });
  const given = inNormalForm(asFields(fields), details);
  const event = completed(state, { type: 'CustomerDetailsChanged', ...given, emailsReserved: false });
  return {
    after: customer.evolve(state, event),
    corrections,
    errors: errorsOf(() => tidyFields(fields, state.status === 'none' ? undefined : details, context)),
  };
}
