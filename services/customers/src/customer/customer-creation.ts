import type { CustomerEvent } from '@throughline/contracts';
import { conflict, type DecideContext } from '@throughline/event-sourcing';
import { checkStage } from '../care/lifecycle.ts';
import { atTheDoor } from '../cleaning/at-the-door.ts';
import { withSource, type CustomerInput } from './customer-fields.ts';
import { isBoundToMoves, type CustomerRules } from './customer-rules.ts';
import { completed, type Customer, type ExternalId } from './customer-state.ts';
import { customerMet, metErrors, type Met } from './met.ts';
import { claimed, reservations } from './reserved-values.ts';
import { numberKey } from './unique-keys.ts';

export type CreateCustomer = {
  type: 'CreateCustomer';
  number: string;
  fields: CustomerInput;
  externalId?: ExternalId;
  met?: Met;
  /** Fields that a form brought values of another type for: they are not in `fields`. */
  leftOut?: string[];
};

/** A record of what somebody entered; with an encounter also that. */
export function createCustomer(
  state: Customer,
  { number, fields: input, externalId, met, leftOut }: Omit<CreateCustomer, 'type'>,
  context: DecideContext<CustomerRules>,
): CustomerEvent[] {
  if (state.status !== 'none') throw conflict('customer-exists');
  const { entry, rules, now } = context;
  const way = met ? 'quick-add' : entry;
  const fields = atTheDoor(state, withSource(input, way), context, met && metErrors(met, now));
  if (isBoundToMoves(entry)) checkStage(rules.lifecycle, fields.lifecycle);
  return [
    completed(state, {
      type: 'CustomerCreated',
      number,
      ...(numberKey(number) !== number && { numberKey: numberKey(number) }),
      ...fields,
      ...reservations(fields, rules.reserves(way, 'create')),
      ...claimed(state, fields, rules),
      ...(externalId && { externalId }),
      ...(leftOut && { leftOut }),
    }),
    ...(met ? [customerMet(met, now)] : []),
  ];
}
