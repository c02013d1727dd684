import {
  known,
  type CustomerEvent,
  type CustomerField,
  type CustomerFields,
  type Reservable,
  type Reverted,
  type SourceStamp,
  type UniqueValue,
} from '@throughline/contracts';
import { withInferred, type SayingEvent } from '../cleaning/inferred.ts';
import { stillUnique } from '../rules/unique-values.ts';
import { withWords } from './customer-words.ts';

export type ExternalId = { connectionId: string; id: string };

export type Customer = {
  status: 'none' | 'active' | 'archived' | 'erased';
  number: string;
  /** The number as it is compared, where that is another one. */
  numberKey?: string | undefined;
  details: CustomerFields;
  emailsReserved: boolean;
  /** The other fields whose values nobody else may have. */
  reserved: readonly Reservable[];
  /** The rules by which nobody else may have what fields hold. */
  unique: readonly UniqueValue[];
  /** Whether what was recorded of the person can no longer be read: at every moment, also before the erasure. */
  unreadable: boolean;
  externalIds: readonly ExternalId[];
  /** What the source said last, and when: its next word counts where it is newer and different. */
  said: CustomerFields;
  stamps: { readonly [F in CustomerField]?: SourceStamp };
  /** Field -> the rule that its value follows from, where nobody said it. */
  inferred: Readonly<Record<string, string>>;
  /** Fields that somebody cleared: nothing is inferred there any more. */
  cleared: readonly string[];
  /** Corrections that were taken back: the values stay as they were entered. */
  reverted: readonly Reverted[];
  /** Suggestions that somebody does not want. */
  dismissed: readonly string[];
  /** The record that answers for this one since they were merged. */
  goldenId?: string | undefined;
  into?: string | undefined;
  /** The records that were merged into this one. */
  members: readonly string[];
  /** E-mail addresses, by place, that another record of the group holds. */
  unreserved: readonly number[];
};

export const noCustomer: Customer = {
  status: 'none',
  number: '',
  details: {},
  emailsReserved: false,
  reserved: [],
  unique: [],
  unreadable: false,
  externalIds: [],
  said: {},
  stamps: {},
  inferred: {},
  cleared: [],
  reverted: [],
  dismissed: [],
  members: [],
  unreserved: [],
};

export const isOneOfSeveral = ({ into, members }: Pick<Customer, 'into' | 'members'>): boolean =>
  into !== undefined || members.length > 0;

/** The record with what happened to it. */
export function evolve(state: Customer, event: CustomerEvent): Customer {
  switch (event.type) {
    case 'CustomerCreated': {
      const externalId = known(event.externalId);
      return {
        ...withWords(state, event, event.stamp),
        status: 'active',
        number: event.number,
        numberKey: event.numberKey,
        emailsReserved: event.emailsReserved,
        reserved: event.reserved ?? [],
        unique: event.unique ?? [],
        externalIds: externalId ? [externalId] : [],
      };
    }
    case 'CustomerDetailsChanged': {
      const next = withWords(state, event, event.stamp, event.confirmed);
      return {
        ...next,
        emailsReserved: event.emailsReserved,
        reserved: event.reserved ?? state.reserved.filter((field) => event[field] === undefined),
        unique: event.unique ?? stillUnique(state.unique, state.details, next.details),
        reverted: [...state.reverted, ...(known(event.reverted) ?? [])],
        unreserved: event.unreserved ?? (event.emails === undefined ? state.unreserved : []),
      };
    }
    case 'CustomerConfirmed':
      return withWords(state, {}, event.stamp, event.confirmed);
    case 'CustomerSuggestionDismissed':
      return { ...state, dismissed: [...state.dismissed, known(event.suggestionId) ?? ''] };
    case 'CustomerMet':
      return state;
    case 'CustomerValuesClaimed':
      return { ...state, unique: event.unique, numberKey: event.numberKey ?? state.numberKey };
    case 'CustomerArchived':
      return { ...state, status: 'archived' };
    case 'CustomerRestored':
      return { ...state, status: 'active' };
    case 'CustomerErased':
      return { ...state, ...noCustomer, number: state.number, status: 'erased', members: state.members };
    case 'CustomersMerged':
      return { ...state, members: [...state.members, ...event.absorbed] };
    case 'CustomersUnmerged':
      return { ...state, members: state.members.filter((id) => !event.released.includes(id)) };
    case 'CustomerAbsorbed':
      return { ...state, into: event.into, goldenId: event.goldenId };
    case 'CustomerReleased':
      return { ...state, into: undefined, goldenId: undefined };
  }
}

/** With what follows from it, where a field is empty or was inferred before. */
export const completed = (state: Customer, event: SayingEvent): SayingEvent =>
  withInferred(event, evolve(state, event));
