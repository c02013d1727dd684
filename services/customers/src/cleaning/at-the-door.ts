import type { Correction, CustomerFields, Reverted } from '@throughline/contracts';
import type { DecideContext, FieldError } from '@throughline/event-sourcing';
import { tidyFields, type CustomerInput } from '../customer/customer-fields.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import { inEvents } from '../customer/field-names.ts';
import { cleanCustomer } from './clean-customer.ts';
import { emailsOnce, phonesOnce } from './entries-once.ts';

export type Given = CustomerFields & { corrections?: Correction[] };

/**
 * What somebody gives for a record, in its normal form and checked; with what that changed.
 *
 * @param others what is wrong with what came along
 * @throws Refusal `invalid-customer` that names every failing field
 */
export function atTheDoor(
  { status, details, reverted }: { status: string; details: CustomerFields; reverted: readonly Reverted[] },
  input: CustomerInput,
  context: DecideContext<CustomerRules>,
  others: readonly FieldError[] = [],
): Given {
  const { fields, corrections } = cleanCustomer(input, { details, reverted });
  const tidy = tidyFields(fields, status === 'none' ? undefined : details, context, others);
  const mails = emailsOnce(tidy, corrections, details);
  const once = phonesOnce(mails.fields, mails.corrections, details);
  return withCorrections(once.fields, once.corrections);
}

/** With the corrections of those fields. */
export function withCorrections(fields: CustomerFields, corrections: readonly Correction[]): Given {
  const own = corrections.filter(({ path }) => {
    const [field = ''] = path.split('.');
    return inEvents(field) in fields;
  });
  return own.length > 0 ? { ...fields, corrections: own } : fields;
}
