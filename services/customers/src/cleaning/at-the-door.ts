import type { Correction, CustomerFields, Reverted } from '@throughline/contracts';
import { tidyFields, type CustomerInput } from '../customer/customer-fields.ts';
import { cleanCustomer } from './clean-customer.ts';

export type Given = CustomerFields & { corrections?: Correction[] };

/**
 * What somebody gives for a record, in its normal form and checked; with what that changed.
 *
 * @throws Refusal `invalid-customer` that names every failing field
 */
export function atTheDoor(
  { details, reverted }: { details: CustomerFields; reverted: readonly Reverted[] },
  input: CustomerInput,
  now: string,
): Given {
  const { fields, corrections } = cleanCustomer(input, { details, reverted });
  return withCorrections(tidyFields(fields, details, now), corrections);
}

/** With the corrections of those fields. */
export function withCorrections(fields: CustomerFields, corrections: readonly Correction[]): Given {
  const own = corrections.filter(({ path }) => {
    const [field = ''] = path.split('.');
    return (field === 'type' ? 'customerType' : field) in fields;
  });
  return own.length > 0 ? { ...fields, corrections: own } : fields;
}
