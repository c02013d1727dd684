import { isDeepStrictEqual } from 'node:util';
import { known, type DealEvent, type Money } from '@throughline/contracts';
import { conflict, invalid, notFound, type Decider, type FieldError } from '@throughline/event-sourcing';
import { isNegative } from '../money/amounts.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';

/** JSON merge patch: what is absent stays, null clears. */
export type DealChanges = {
  title?: string | null;
  value?: Money | null;
  ownerId?: string | null;
  expectedCloseOn?: string | null;
};

export type DealCommand =
  | {
      type: 'OpenDeal';
      customerId: string;
      title: string;
      value: Money;
      /** The pipeline's first where it is left out. */
      stage?: string | null;
      ownerId?: string | null;
      expectedCloseOn?: string | null;
    }
  | { type: 'ChangeDeal'; changes: DealChanges }
  | { type: 'MoveDeal'; to: string }
  | { type: 'WinDeal' }
  | { type: 'LoseDeal'; reason: string };

type Details = { title?: string; value: Money; ownerId?: string; expectedCloseOn?: string };

export type Deal =
  | { status: 'none' }
  | {
      status: 'open' | 'won' | 'lost';
      customerId: string;
      pipelineId: string;
      stage: string;
      details: Details;
      lostReason?: string;
    };

/** The pipeline that the deal is in; undefined where there is none of that id. */
export type DealRules = Pipeline | undefined;

export const deal: Decider<Deal, DealCommand, DealEvent, DealRules> = {
  category: 'deal',
  initial: { status: 'none' },

  decide(state, command, { rules }) {
    if (command.type === 'OpenDeal') {
      if (state.status !== 'none') throw conflict('deal-exists');
      const { customerId, title, value, stage, ownerId, expectedCloseOn } = command;
      check({ title, value }, rules ? [] : [{ path: 'pipelineId', code: 'unknown-record' }]);
      return [
        {
          type: 'DealOpened',
          customerId,
          title,
          value,
          pipelineId: (rules as Pipeline).id,
          stage: stageOf(rules, stage ?? rules?.stages[0]?.id),
          ...(ownerId && { ownerId }),
          ...(expectedCloseOn && { expectedCloseOn }),
        },
      ];
    }
    if (state.status === 'none') throw notFound('deal-not-found');
    if (state.status !== 'open') throw conflict('deal-closed', { outcome: state.status });

    switch (command.type) {
      case 'ChangeDeal': {
        check(command.changes);
        const { customerId, details } = state;
        const changes = Object.entries(command.changes).filter(
          ([field, value]) => value !== undefined && !isDeepStrictEqual(value, details[field as keyof Details] ?? null),
        );
        if (changes.length === 0) return [];
        return [{ type: 'DealDetailsChanged', customerId, ...(Object.fromEntries(changes) as Partial<Details>) }];
      }
      case 'MoveDeal': {
        const to = stageOf(rules, command.to);
        return to === state.stage ? [] : [{ type: 'DealMoved', from: state.stage, to }];
      }
      case 'WinDeal':
        return [{ type: 'DealWon', value: state.details.value }];
      case 'LoseDeal':
        if (!command.reason.trim()) throw invalid('invalid-deal', [{ path: 'reason', code: 'required' }]);
        return [{ type: 'DealLost', customerId: state.customerId, reason: command.reason }];
    }
  },

  evolve(state, event) {
    if (event.type === 'DealOpened') {
      const { customerId, pipelineId, stage, title, value, ownerId, expectedCloseOn } = event;
      const details = withChanges({ value }, { title, value, ownerId, expectedCloseOn });
      return { status: 'open', customerId, pipelineId, stage, details };
    }
    if (state.status === 'none') return state;
    switch (event.type) {
      case 'DealDetailsChanged':
        return { ...state, details: withChanges(state.details, event) };
      case 'DealMoved':
        return { ...state, stage: event.to };
      case 'DealWon':
        return { ...state, status: 'won' };
      case 'DealLost': {
        const lostReason = known(event.reason);
        return { ...state, status: 'lost', ...(lostReason !== undefined && { lostReason }) };
      }
    }
  },

  access: (state) => (state.status === 'none' ? {} : { ownerId: state.details.ownerId }),

  fields: (state) => {
    if (state.status === 'none') return {};
    const { details, ...rest } = state;
    return { ...rest, ...details };
  },
};

/** @throws Refusal `invalid-deal` that names every failing field */
function check({ title, value }: DealChanges, errors: FieldError[] = []): void {
  if (title !== undefined && !title?.trim()) errors.push({ path: 'title', code: 'required' });
  if (value === null) errors.push({ path: 'value', code: 'required' });
  if (value && isNegative(value.amount)) errors.push({ path: 'value.amount', code: 'out-of-range' });
  if (errors.length > 0) throw invalid('invalid-deal', errors);
}

/** @throws Refusal `stage-unknown` */
function stageOf(rules: DealRules, stage: string | undefined): string {
  const found = rules?.stages.find(({ id }) => id === stage);
  if (!found) throw invalid('stage-unknown', [{ path: 'stage', code: 'not-allowed' }]);
  return found.id;
}

type Told = Partial<Pick<Extract<DealEvent, { type: 'DealDetailsChanged' }>, keyof Details>>;

/** Null clears; what was erased is as if never told. */
function withChanges(details: Details, told: { [F in keyof Told]: Told[F] | undefined }): Details {
  const next: Record<string, unknown> = { ...details };
  for (const field of ['title', 'value', 'ownerId', 'expectedCloseOn'] as const) {
    if (told[field] === undefined) continue;
    const value = known<unknown>(told[field]);
    if (value === undefined) delete next[field];
    else next[field] = value;
  }
  return next as Details;
}
