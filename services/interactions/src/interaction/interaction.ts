import { isDeepStrictEqual } from 'node:util';
import {
  known,
  type Direction,
  type FollowUp,
  type InteractionEvent,
  type InteractionKind,
} from '@throughline/contracts';
import { conflict, invalid, notFound, type Decider, type FieldError } from '@throughline/event-sourcing';

export type InteractionDetails = {
  subject?: string;
  content?: string;
  outcome?: string;
  participants?: readonly string[];
  followUp?: FollowUp;
};

export type InteractionCommand =
  | ({
      type: 'LogInteraction';
      customerId: string;
      kind: InteractionKind;
      direction?: Direction;
      startedAt?: string;
      endedAt?: string;
    } & InteractionDetails)
  | { type: 'ChangeInteraction'; changes: InteractionDetails }
  | { type: 'RecordFollowUpDue'; dueAt: string }
  | { type: 'ArchiveInteraction' };

type Facts = { customerId: string; kind: InteractionKind; direction?: Direction; startedAt: string; endedAt?: string };
type Interaction =
  | { status: 'none' }
  | {
      status: 'logged' | 'archived';
      facts: Facts;
      details: InteractionDetails;
      /** The last instant at which a follow-up fell due. */
      fellDueAt?: string;
    };

export const interaction: Decider<Interaction, InteractionCommand, InteractionEvent> = {
  category: 'interaction',
  initial: { status: 'none' },

  decide(state, command, { now }) {
    if (command.type === 'LogInteraction') {
      if (state.status !== 'none') throw conflict('interaction-exists');
      const {
        customerId,
        kind,
        direction,
        endedAt,
        startedAt = now,
        subject,
        content,
        outcome,
        participants,
        followUp,
      } = command;
      const times = { startedAt: utc(startedAt), ...(endedAt !== undefined && { endedAt: utc(endedAt) }) };
      checkTimes(times, now);
      const details = mutable({ subject, content, outcome, participants, followUp });
      return [{ type: 'InteractionLogged', customerId, kind, ...(direction && { direction }), ...times, ...details }];
    }
    if (state.status === 'none') throw notFound('interaction-not-found');
    const { customerId } = state.facts;
    switch (command.type) {
      case 'ChangeInteraction': {
        if (state.status === 'archived') throw conflict('interaction-archived');
        const { details } = state;
        const changes = Object.entries(command.changes).filter(
          ([field, value]) =>
            value !== undefined && !isDeepStrictEqual(value, details[field as keyof InteractionDetails]),
        );
        if (changes.length === 0) return [];
        return [{ type: 'InteractionDetailsChanged', customerId, ...mutable(Object.fromEntries(changes)) }];
      }
      case 'RecordFollowUpDue': {
        const { dueAt } = command;
        const planned = state.details.followUp?.dueAt;
        // It may have been moved, or put away, just when it fell due.
        const holds = state.status === 'logged' && planned !== undefined && utc(planned) === dueAt;
        return holds && state.fellDueAt !== dueAt ? [{ type: 'FollowUpDue', customerId, dueAt }] : [];
      }
      case 'ArchiveInteraction':
        return state.status === 'archived' ? [] : [{ type: 'InteractionArchived', customerId }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'InteractionLogged': {
        const { customerId, kind, direction, startedAt, endedAt } = event;
        const facts = { customerId, kind, startedAt, ...(direction && { direction }), ...(endedAt && { endedAt }) };
        return { status: 'logged', facts, details: detailsOf(event) };
      }
      case 'InteractionDetailsChanged':
        return state.status === 'none' ? state : { ...state, details: { ...state.details, ...detailsOf(event) } };
      case 'FollowUpDue':
        return state.status === 'none' ? state : { ...state, fellDueAt: event.dueAt };
      case 'InteractionArchived':
        return state.status === 'none' ? state : { ...state, status: 'archived' };
    }
  },

  fields: (state) =>
    state.status === 'none' ? {} : { ...state.facts, ...state.details, archived: state.status === 'archived' },
};

const utc = (time: string): string => new Date(time).toISOString();

function checkTimes({ startedAt, endedAt }: { startedAt: string; endedAt?: string }, now: string): void {
  const errors: FieldError[] = [];
  if (startedAt > now) errors.push({ path: 'startedAt', code: 'in-the-future' });
  if (endedAt !== undefined && endedAt < startedAt) errors.push({ path: 'endedAt', code: 'before-start' });
  if (errors.length > 0) throw invalid('invalid-interaction', errors);
}

type Given = { [K in keyof InteractionDetails]: InteractionDetails[K] | undefined };

/** What was given, in the shape that events have. */
function mutable({ subject, content, outcome, participants, followUp }: Given) {
  return {
    ...(subject !== undefined && { subject }),
    ...(content !== undefined && { content }),
    ...(outcome !== undefined && { outcome }),
    ...(participants !== undefined && { participants: [...participants] }),
    ...(followUp !== undefined && { followUp }),
  };
}

type Detailed = Extract<InteractionEvent, { type: 'InteractionLogged' | 'InteractionDetailsChanged' }>;
const detailsOf = ({ subject, content, outcome, participants, followUp }: Detailed): InteractionDetails =>
  mutable({
    subject: known(subject),
    content: known(content),
    outcome: known(outcome),
    participants: known(participants),
    followUp: known(followUp),
  });
