import { known, type BatchEvent, type BatchKind } from '@throughline/contracts';
import { conflict, notFound, type Decider } from '@throughline/event-sourcing';

export type BatchCommand =
  | {
      type: 'StartBatch';
      kind: BatchKind;
      title?: string | undefined;
      params?: Record<string, unknown> | undefined;
      undoes?: string | undefined;
      undoesConnection?: string | undefined;
    }
  | { type: 'FinishBatch'; counts: Readonly<Record<string, number>> };

export type Batch = {
  status: 'none' | 'running' | 'done';
  kind?: BatchKind;
  title?: string | undefined;
  counts: Readonly<Record<string, number>>;
  undoes?: string | undefined;
  undoesConnection?: string | undefined;
};

/** Work on many records: what it changes carries its id. */
export const batch: Decider<Batch, BatchCommand, BatchEvent> = {
  category: 'batch',
  initial: { status: 'none', counts: {} },

  decide(state, command) {
    switch (command.type) {
      case 'StartBatch': {
        if (state.status !== 'none') throw conflict('batch-exists');
        const { kind, title, params, undoes, undoesConnection } = command;
        return [
          {
            type: 'BatchStarted',
            kind,
            ...(title !== undefined && { title }),
            ...(params !== undefined && { params }),
            ...(undoes !== undefined && { undoes }),
            ...(undoesConnection !== undefined && { undoesConnection }),
          },
        ];
      }
      case 'FinishBatch':
        if (state.status === 'none') throw notFound('batch-not-found');
        return state.status === 'done' ? [] : [{ type: 'BatchFinished', counts: { ...command.counts } }];
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'BatchStarted': {
        const { kind, undoes, undoesConnection } = event;
        return { ...state, status: 'running', kind, title: known(event.title), undoes, undoesConnection };
      }
      case 'BatchFinished':
        return { ...state, status: 'done', counts: event.counts };
    }
  },

  fields: ({ status, kind, title, counts, undoes, undoesConnection }) => ({
    kind,
    status,
    ...(title !== undefined && { title }),
    ...(undoes !== undefined && { undoes }),
    ...(undoesConnection !== undefined && { undoesConnection }),
    counts,
  }),
};
