import type { CustomerEvent, Instant, RecordedOf } from '@throughline/contracts';
import type { Customer } from '../customer/customer-state.ts';
import type { Telling } from '../customer/customer-undo.ts';

type Happened = RecordedOf<CustomerEvent>;

/** Whose changes are taken back: those of a batch, or all that a connection said. */
export type Undoing = { undoes: string } | { undoesConnection: string };

/** A batch that takes something back. */
export type Undo = { id: string; undoes: string | null; undoesConnection: string | null; startedAt: Instant };

/** By the record: which of its events are to be taken back, and which stand then. */
export type TellingOf = (record: Pick<Customer, 'externalIds'>) => Telling;

/** Whether a batch was taken back, by one that was not taken back itself. */
export const isTakenBack = (undos: readonly Undo[], batchId: string): boolean =>
  undos.some(({ id, undoes }) => undoes === batchId && !isTakenBack(undos, id));

/** @param undos all that there were, whether or not the one under way is among them */
export function tellingOf(undoing: Undoing, undos: readonly Undo[]): TellingOf {
  const isUnderWay = { id: '', undoes: null, undoesConnection: null, startedAt: '', ...undoing };
  const holding = [...undos, isUnderWay].filter(({ id }, _, all) => !isTakenBack(all, id));
  const ids = new Set(undos.map(({ id }) => id));
  const batches = new Set(holding.map(({ undoes }) => undoes));
  const ofConnections = holding.filter(({ undoesConnection }) => undoesConnection !== null);
  return (record) => {
    const isOne = isUndone(undoing, record);
    const taken = ofConnections.map(({ undoesConnection, startedAt }) => {
      const isSaid = isUndone({ undoesConnection: undoesConnection as string }, record);
      return (event: Happened) => event.recordedAt < startedAt && isSaid(event);
    });
    const stands = (event: Happened) => {
      const { batchId } = event.meta;
      const isOfBatch = batchId !== undefined && (ids.has(batchId) || batches.has(batchId));
      return !isOne(event) && !isOfBatch && !taken.some((isTaken) => isTaken(event));
    };
    return { isUndone: isOne, stands };
  };
}

/** Tells the events of a record that are to be taken back. */
function isUndone(undoing: Undoing, { externalIds }: Pick<Customer, 'externalIds'>): (event: Happened) => boolean {
  if ('undoes' in undoing) return ({ meta }) => meta.batchId === undoing.undoes;
  const { undoesConnection } = undoing;
  const isItsRecord = externalIds.some(({ connectionId }) => connectionId === undoesConnection);
  return ({ data, meta: { actor } }) =>
    actor.type === 'connection' ? actor.id === undoesConnection : isItsRecord && 'stamp' in data;
}
