import { isDeepStrictEqual } from 'node:util';
import type { CustomerEvent, CustomerField, CustomerFields } from '@throughline/contracts';
import { Elsewhere, conflict, type DecideContext } from '@throughline/event-sourcing';
import { checkMove } from '../care/lifecycle.ts';
import { atTheDoor, withCorrections } from '../cleaning/at-the-door.ts';
import type { CustomerInput } from './customer-fields.ts';
import { isBoundToMoves, type CustomerRules } from './customer-rules.ts';
import { completed, type Customer } from './customer-state.ts';
import { claimed, reservations } from './reserved-values.ts';

/** @throws Refusal as `checkMove`, to who is bound to the moves of the life cycle */
export function checkMoveOf(
  { status, details }: Customer,
  { lifecycle }: CustomerInput,
  { entry, rules }: DecideContext<CustomerRules>,
): void {
  if (isBoundToMoves(entry) && status === 'active') checkMove(rules.lifecycle, details.lifecycle, lifecycle);
}

/**
 * What somebody enters, as far as it differs.
 *
 * @throws Elsewhere where it makes a person and nobody looked who names it
 */
export function changeDetails(
  state: Customer,
  input: CustomerInput,
  context: DecideContext<CustomerRules>,
): CustomerEvent[] {
  const { entry, rules } = context;
  if (state.status === 'archived') throw conflict('customer-archived');
  const { corrections = [], ...wanted } = atTheDoor(state, input, context);
  // A table that was written here repeats what was inferred: that is nobody's word yet.
  const changes = differing(wanted, entry === 'import' ? { ...state, inferred: {} } : state);
  if (Object.keys(changes).length === 0) return [];
  if (changes.kind === 'person' && !rules.kindErrors) throw new Elsewhere();
  const { emailsReserved, reserved = [] } = reservations(changes, rules.reserves(entry, 'change'));
  const kept = state.reserved.filter((field) => changes[field] === undefined);
  const given = withCorrections(changes, corrections);
  return [
    completed(state, {
      type: 'CustomerDetailsChanged',
      ...given,
      emailsReserved: changes.emails === undefined ? state.emailsReserved : emailsReserved,
      ...(reserved.length > 0 && { reserved: [...kept, ...reserved] }),
      ...claimed(state, changes, rules),
    }),
  ];
}

/** Only what differs; null clears what is there. Who says what was inferred makes it a word of their own. */
export const differing = (
  wanted: CustomerFields,
  { details, inferred }: Pick<Customer, 'details' | 'inferred'>,
): CustomerFields =>
  Object.fromEntries(
    Object.entries(wanted).filter(
      ([field, value]) =>
        !isUnsayable(field as CustomerField, value) &&
        (!isDeepStrictEqual(value ?? null, details[field as CustomerField] ?? null) ||
          (field in inferred && value !== null)),
    ),
  );

/** Whom a customer is about can be changed, but not taken back: no released event says so. */
export const isUnsayable = (field: CustomerField, value: unknown): boolean => field === 'kind' && value === null;
