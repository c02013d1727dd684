import { isDeepStrictEqual } from 'node:util';
import {
  known,
  type AskingWay,
  type CareEvent,
  type ConfirmationWay,
  type Instant,
  type VerificationFailure,
} from '@throughline/contracts';
import { derivedId, type Decider } from '@throughline/event-sourcing';

export type CareCommand = { customerId: string } & (
  | { type: 'ConfirmRecord'; how: ConfirmationWay }
  | { type: 'AskForConfirmation'; dueAt: Instant; by: AskingWay; ownerId?: string | undefined }
  | { type: 'EscalateConfirmation'; dueAt: Instant; ownerId?: string | undefined }
  | { type: 'RecordBounce'; address: string; reason?: string | undefined }
  | { type: 'RecordVerification'; failures: readonly VerificationFailure[]; ownerId?: string | undefined }
  | { type: 'EndNewCustomerPeriod'; orderedUntil: Instant }
);

type State = {
  /** The last time somebody was to ask. */
  dueAt?: Instant;
  escalated: boolean;
  bounced: readonly string[];
  failures: readonly VerificationFailure[];
  orderedUntil?: Instant;
};

/** The stream of what is found out about a record; the record's id stays its data subject. */
export const careId = (customerId: string): string => derivedId('care', customerId);

const owned = ({ ownerId }: { ownerId?: string | undefined }) => (ownerId === undefined ? {} : { ownerId });

/** What is found out about a record without changing it. */
export const care: Decider<State, CareCommand, CareEvent> = {
  category: 'care',
  initial: { escalated: false, bounced: [], failures: [] },

  decide(state, command) {
    const { customerId } = command;
    switch (command.type) {
      case 'ConfirmRecord':
        return [{ type: 'RecordConfirmed', customerId, how: command.how }];
      case 'AskForConfirmation': {
        const { dueAt, by } = command;
        if (state.dueAt !== undefined && state.dueAt >= dueAt) return [];
        return [{ type: 'ConfirmationDue', customerId, ...owned(command), dueAt, by }];
      }
      case 'EscalateConfirmation': {
        const { dueAt } = command;
        if (state.dueAt !== dueAt || state.escalated) return [];
        return [{ type: 'ConfirmationEscalated', customerId, ...owned(command), dueAt }];
      }
      case 'RecordBounce': {
        const { address, reason } = command;
        if (state.bounced.includes(address)) return [];
        return [{ type: 'EmailBounced', customerId, address, ...(reason !== undefined && { reason }) }];
      }
      case 'RecordVerification': {
        const { failures } = command;
        if (isDeepStrictEqual(failures, state.failures)) return [];
        if (failures.length === 0) return [{ type: 'VerificationPassed', customerId }];
        return [{ type: 'VerificationFailed', customerId, ...owned(command), failures: [...failures] }];
      }
      case 'EndNewCustomerPeriod': {
        const { orderedUntil } = command;
        if (state.orderedUntil !== undefined && state.orderedUntil >= orderedUntil) return [];
        return [{ type: 'NewCustomerPeriodEnded', customerId, orderedUntil }];
      }
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'RecordConfirmed':
        return state;
      case 'ConfirmationDue':
        return { ...state, dueAt: event.dueAt, escalated: false };
      case 'ConfirmationEscalated':
        return { ...state, escalated: true };
      case 'EmailBounced': {
        const address = known(event.address);
        return address === undefined ? state : { ...state, bounced: [...state.bounced, address] };
      }
      case 'VerificationFailed':
        return { ...state, failures: event.failures };
      case 'VerificationPassed':
        return { ...state, failures: [] };
      case 'NewCustomerPeriodEnded':
        return { ...state, orderedUntil: event.orderedUntil };
    }
  },
};
