import type { Correction, CustomerFields, Reverted } from '@throughline/contracts';
import type { DecideContext, FieldError } from '@throughline/event-sourcing';
import { normaliseEmail } from '@throughline/language';
import { tidyFields, type CustomerInput } from '../customer/customer-fields.ts';
import type { CustomerRules } from '../customer/customer-rules.ts';
import { inEvents } from '../customer/field-names.ts';
import { cleanCustomer, type CleanedFields } from './clean-customer.ts';

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
  const once = emailsOnce(tidy, corrections);
  return withCorrections(once.fields, once.corrections);
}

/** Each address once, however it is spelt: as it was first, and the primary one where any of its spellings is said to be. */
function emailsOnce(fields: CustomerFields, corrections: readonly Correction[]): CleanedFields<CustomerFields> {
  const { emails } = fields;
  const groups = Map.groupBy((emails ?? []).entries(), ([, { value }]) => normaliseEmail(value).key ?? value);
  if (groups.size === (emails?.length ?? 0)) return { fields, corrections };
  const same = [...groups.values()];
  const placeOf = new Map(same.map(([first], place) => [first![0], place]));
  const once = same.map(([first, ...others]) => {
    const [, email] = first!;
    return others.some(([, { primary }]) => primary) ? { ...email, primary: true } : email;
  });
  return { fields: { ...fields, emails: once }, corrections: corrections.flatMap((one) => moved(one, placeOf)) };
}

/** Entries of the e-mails stand elsewhere, or are gone. */
function moved(correction: Correction, placeOf: ReadonlyMap<number, number>): Correction[] {
  const [field, place, ...rest] = correction.path.split('.');
  if (field !== 'emails') return [correction];
  const now = placeOf.get(Number(place));
  return now === undefined ? [] : [{ ...correction, path: [field, now, ...rest].join('.') }];
}

/** With the corrections of those fields. */
export function withCorrections(fields: CustomerFields, corrections: readonly Correction[]): Given {
  const own = corrections.filter(({ path }) => {
    const [field = ''] = path.split('.');
    return inEvents(field) in fields;
  });
  return own.length > 0 ? { ...fields, corrections: own } : fields;
}
