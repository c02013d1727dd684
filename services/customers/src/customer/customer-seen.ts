import { isDeepStrictEqual } from 'node:util';
import type { CustomerEvent, CustomerField, CustomerFields, SourceStamp } from '@throughline/contracts';
import { Elsewhere } from '@throughline/event-sourcing';
import { withCorrections } from '../cleaning/at-the-door.ts';
import { cleanCustomer, type CleaningContext } from '../cleaning/clean-customer.ts';
import { phonesOnce } from '../cleaning/entries-once.ts';
import { fittingCustom } from '../field/custom-values.ts';
import type { CustomerRules } from './customer-rules.ts';
import { completed, type Customer, type ExternalId } from './customer-state.ts';

export type RecordSeenCustomer = {
  type: 'RecordSeenCustomer';
  number: string;
  externalId?: ExternalId;
  stamp: SourceStamp;
  fields: CustomerFields;
};

/**
 * A source's word about its own customer. A field counts where its stamp is newer than the one before, so any order of
 * arrival ends the same; where the source only repeats itself, a person's edit since then stands. A company that others name
 * as theirs stays one.
 *
 * @throws Elsewhere where it makes a person and nobody looked who names it
 */
export function recordSeen(
  state: Customer,
  command: RecordSeenCustomer,
  { fieldSet, kindErrors }: CustomerRules,
): CustomerEvent[] {
  const { stamp, number, externalId } = command;
  const { custom, leftOut } = fittingCustom(command.fields.custom ?? {}, fieldSet);
  const fitting = { ...command.fields, ...(command.fields.custom && { custom }) };
  const unfitting = leftOut.map((key) => `custom.${key}`);
  // A late delivery brings nobody back.
  if (state.status === 'erased') return [];
  const { fields, corrections } = tidied(fitting, { reverted: state.reverted });
  if (state.status === 'none') {
    const given = { ...withCorrections(fields, corrections), ...noteOf(unfitting) };
    const origin = { stamp, ...(externalId && { externalId }) };
    return [completed(state, { type: 'CustomerCreated', number, ...given, emailsReserved: false, ...origin })];
  }
  const newer = (Object.keys(fields) as CustomerField[]).filter((field) => isNewer(stamp, state.stamps[field]));
  if (newer.length === 0) return [];
  // What was taken back of its words since, or recorded before they were cleaned, it has said nonetheless.
  const saying = state.reverted.length === 0 ? fields : tidied(fitting).fields;
  const said = tidied(state.said).fields;
  const confirmed = newer.filter((field) => isDeepStrictEqual(saying[field], said[field]));
  const changed = newer.filter((field) => !confirmed.includes(field));
  const makesPerson = changed.includes('kind') && fields.kind === 'person' && state.details.kind !== 'person';
  if (makesPerson && !kindErrors) throw new Elsewhere();
  const refused = makesPerson && kindErrors?.length ? ['kind'] : [];
  const changes = Object.fromEntries(
    changed.filter((field) => !refused.includes(field)).map((field) => [field, fields[field]]),
  ) as CustomerFields;
  if (Object.keys(changes).length === 0) {
    return confirmed.length > 0 ? [{ type: 'CustomerConfirmed', stamp, confirmed }] : [];
  }
  const emailsReserved = state.emailsReserved && changes.emails === undefined;
  const note = noteOf([...refused, ...(changes.custom ? unfitting : [])]);
  const beside = { ...(confirmed.length > 0 && { confirmed }), ...note };
  const given = { ...withCorrections(changes, corrections), ...beside };
  return [completed(state, { type: 'CustomerDetailsChanged', ...given, emailsReserved, stamp })];
}

const noteOf = (leftOut: string[]) => leftOut.length > 0 && { leftOut };

/** A source's other lists stay as it says them. */
function tidied(fields: CustomerFields, context?: CleaningContext) {
  const cleaned = cleanCustomer(fields, context);
  return phonesOnce(cleaned.fields, cleaned.corrections);
}

function isNewer(stamp: SourceStamp, before: SourceStamp | undefined): boolean {
  if (!before) return true;
  if (stamp.rank !== before.rank) return stamp.rank === 'profile';
  if (stamp.at !== before.at) return stamp.at > before.at;
  return stamp.hash > before.hash;
}
