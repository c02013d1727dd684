import type { DuplicateBand, DuplicateEvent, DuplicateReason } from '@throughline/contracts';
import { conflict, derivedId, notFound, type Decider } from '@throughline/event-sourcing';

/** Two customers that may be the same, and why. */
export type LikelyPair = {
  records: readonly [string, string];
  score: number;
  reasons: readonly DuplicateReason[];
  band: DuplicateBand;
  by: 'create' | 'change' | 'scan';
};

export type DuplicateCommand =
  | ({ type: 'RecordDuplicate' } & LikelyPair)
  | { type: 'DismissDuplicate'; reason?: string | undefined }
  | { type: 'ReopenDuplicate' }
  | { type: 'MarkMerged'; survivor: string };

export type DuplicatePairEvent = Exclude<DuplicateEvent, { type: 'DuplicateRulesSet' }>;

export type Duplicate = {
  status: 'none' | 'open' | 'dismissed' | 'merged';
  records: readonly string[];
  score: number;
  reasons: readonly DuplicateReason[];
  band: DuplicateBand;
};

/** The pair of two customers, whichever is named first. */
export const pairId = (a: string, b: string): string => derivedId('duplicate', ...[a, b].toSorted());

/** A model that learns every night moves every score a little: less than this is no news, in bits. */
const news = 2;

export const duplicate: Decider<Duplicate, DuplicateCommand, DuplicatePairEvent> = {
  category: 'duplicate',
  initial: { status: 'none', records: [], score: 0, reasons: [], band: 'none' },

  decide(state, command) {
    if (command.type === 'RecordDuplicate') {
      const isNews = state.band !== command.band || Math.abs(state.score - command.score) >= news;
      if (state.status === 'dismissed' || (state.status === 'open' && !isNews)) return [];
      const { score, reasons, band, by } = command;
      return [{ type: 'DuplicateFound', records: command.records.toSorted(), score, reasons: [...reasons], band, by }];
    }
    if (state.status === 'none') throw notFound('duplicate-not-found');
    switch (command.type) {
      case 'DismissDuplicate': {
        if (state.status === 'merged') throw conflict('duplicate-merged');
        const { reason } = command;
        const [recordId = ''] = state.records;
        return state.status === 'dismissed'
          ? []
          : [{ type: 'DuplicateDismissed', recordId, ...(reason !== undefined && { reason }) }];
      }
      case 'ReopenDuplicate':
        return state.status === 'open' ? [] : [{ type: 'DuplicateReopened' }];
      case 'MarkMerged':
        return state.status === 'merged' ? [] : [{ type: 'DuplicateMerged', survivor: command.survivor }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'DuplicateFound': {
        const { records, score, reasons, band } = event;
        return { status: 'open', records, score, reasons, band };
      }
      case 'DuplicateDismissed':
        return { ...state, status: 'dismissed' };
      case 'DuplicateReopened':
        return { ...state, status: 'open' };
      case 'DuplicateMerged':
        return { ...state, status: 'merged' };
    }
  },
};
