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

/** @param undos all that there were, whether or not the one under way is among them */
export function tellingOf(undoing: Undoing, undos: readonly Undo[]): TellingOf {
  const isUnderWay = { id: '', undoes: null, undoesConnection: null, startedAt: '', ...undoing };
  const byUndone = Map.groupBy([...undos, isUnderWay], ({ undoes }) => undoes);
  const holds = ({ id }: Undo): boolean => !byUndone.get(id)?.some(holds);
  const ids = new Set(undos.map(({ id }) => id));
  const isBatchUndone = (batchId: string) => byUndone.get(batchId)?.some(holds) ?? false;
  const ofConnections = undos.filter((undo) => undo.undoesConnection !== null && holds(undo));
  return (record) => {
    const isOne = isUndone(undoing, record);
    const taken = ofConnections.map(({ undoesConnection, startedAt }) => {
      const isSaid = isUndone({ undoesConnection: undoesConnection as string }, record);
      return (event: Happened) => event.recordedAt < startedAt && isSaid(event);
    });
    const stands = (event: Happened) => {
      const { batchId } = event.meta;
      const isOfBatch = batchId !== undefined && (ids.has(batchId) || isBatchUndone(batchId));
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
