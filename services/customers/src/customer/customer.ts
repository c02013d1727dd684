import type { CustomerEvent, Reverted, Words } from '@throughline/contracts';
import { Elsewhere, conflict, notFound, type Decider } from '@throughline/event-sourcing';
import { changeInBulk, type BulkChange } from './customer-bulk.ts';
import { changeDetails, checkMoveOf } from './customer-change.ts';
import { answerSuggestion, revertCorrection, type AnswerSuggestion } from './customer-cleaning.ts';
import { createCustomer, type CreateCustomer } from './customer-creation.ts';
import { asShown, type CustomerInput } from './customer-fields.ts';
import { importRow, type ImportCustomer } from './customer-import.ts';
import type { CustomerRules } from './customer-rules.ts';
import { recordSeen, type RecordSeenCustomer } from './customer-seen.ts';
import { evolve, isOneOfSeveral, noCustomer, type Customer } from './customer-state.ts';
import { undoChanges, type Undone } from './customer-undo.ts';
import { claimValues, claimedByRules, reservedEmails, reservedValues } from './reserved-values.ts';

export type CustomerCommand =
  | CreateCustomer
  /** `words`: what a customer's first record said when its fields had these values, where they are given back. */
  | { type: 'ChangeCustomer'; changes: CustomerInput; words?: Words }
  | { type: 'ChangeInBulk'; change: BulkChange }
  | RecordSeenCustomer
  | ImportCustomer
  | { type: 'UndoChanges'; undone: Undone }
  | { type: 'RevertCorrection'; reverted: Reverted }
  | AnswerSuggestion
  | { type: 'ClaimValues'; free: readonly string[] }
  | { type: 'ArchiveCustomer' }
  | { type: 'RestoreCustomer' }
  | { type: 'EraseCustomer'; erasureId: string };

/** A command that concerns all records of a customer was sent to one of them. */
export class OneOfSeveral extends Elsewhere {}

/** A source goes on speaking of its own record alone, what was said of one is taken back there, and each claims its own values. */
const ofOneRecord = new Set(['CreateCustomer', 'RecordSeenCustomer', 'UndoChanges', 'ClaimValues']);

export const customer: Decider<Customer, CustomerCommand, CustomerEvent, CustomerRules> = {
  category: 'customer',
  initial: noCustomer,

  guard(state, { type }) {
    if (!ofOneRecord.has(type) && isOneOfSeveral(state)) {
      throw new OneOfSeveral();
    }
  },

  decide(state, command, context) {
    if (command.type === 'CreateCustomer') return createCustomer(state, command, context);
    if (command.type === 'RecordSeenCustomer') return recordSeen(state, command, context.rules);
    if (command.type === 'ImportCustomer' && state.status === 'none' && command.mode !== 'update') {
      return createCustomer(state, { ...command, fields: command.row }, context);
    }
    if (state.status === 'none') throw notFound('customer-not-found');
    if (command.type === 'EraseCustomer') {
      return state.status === 'erased' ? [] : [{ type: 'CustomerErased', erasureId: command.erasureId }];
    }
    if (state.status === 'erased') throw conflict('customer-erased');

    switch (command.type) {
      case 'ChangeCustomer':
        // Who gives fields back takes a move back, and makes none.
        if (!command.words) checkMoveOf(state, command.changes, context);
        return changeDetails(state, command.changes, context);
      case 'ChangeInBulk':
        return changeInBulk(state, command.change, context);
      case 'ImportCustomer':
        return importRow(state, command, context);
      case 'UndoChanges':
        return undoChanges(state, command.undone, context.rules);
      case 'RevertCorrection':
        return revertCorrection(state, command.reverted);
      case 'AcceptSuggestion':
      case 'DismissSuggestion':
        return answerSuggestion(state, command, context);
      case 'ClaimValues':
        return claimValues(state, command.free, context.rules);
      case 'ArchiveCustomer':
        return state.status === 'archived' ? [] : [{ type: 'CustomerArchived' }];
      case 'RestoreCustomer':
        return state.status === 'active' ? [] : [{ type: 'CustomerRestored' }];
    }
  },

  evolve,

  claims(state) {
    const { status, number, numberKey } = state;
    if (status === 'none') return [];
    // The number is never given out again; an archived customer's addresses are free for others.
    const emails = status === 'active' ? reservedEmails(state) : [];
    const others = status === 'active' ? [...reservedValues(state), ...claimedByRules(state)] : [];
    const numbers = numberKey === undefined ? [number] : [number, numberKey];
    return [...numbers.map((form) => `number:${form}`), ...emails.map((email) => `email:${email}`), ...others];
  },

  access: ({ details }) => ({ ownerId: details.ownerId ?? undefined }),

  fields: ({ status, number, details, externalIds, inferred, unreadable }) => ({
    number,
    ...asShown(details),
    ...(Object.keys(inferred).length > 0 && { inferred }),
    externalIds,
    archived: status === 'archived',
    ...((status === 'erased' || unreadable) && { erased: true }),
  }),
};
