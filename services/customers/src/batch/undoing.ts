import type { CustomerEvent, Instant, RecordedOf } from '@throughline/contracts';
import { conflict } from '@throughline/event-sourcing';
import type { Customer } from '../customer/customer-state.ts';
import type { Telling } from '../customer/customer-undo.ts';

type Happened = RecordedOf<CustomerEvent>;

const endOfTime = '9999-12-31T23:59:59.999Z';

/** Whose changes are taken back: those of a batch, or all that a connection said. */
export type Undoing = { undoes: string } | { undoesConnection: string };

/** A batch that takes something back. */
export type Undo = { id: string; undoes: string | null; undoesConnection: string | null; startedAt: Instant };

/** By the record: which of its events are to be taken back, and which stand then, or stand again. */
export type TellingOf = (record: Pick<Customer, 'externalIds'>) => Telling;

/** Which one took a batch back, or is about to, and was not taken back itself. */
export const undoneBy = (undos: readonly Undo[], batchId: string): string | undefined =>
  undos.find(({ id, undoes }) => undoes === batchId && undoneBy(undos, id) === undefined)?.id;

/** Who was merged into a record by what is taken back, and still is. */
export const mergesUndone = (
  { isUndone }: Telling,
  { members }: Pick<Customer, 'members'>,
  events: readonly Happened[],
): string[] =>
  members.filter((recordId) => {
    const isMerge = ({ type, data }: Happened) => type === 'CustomersMerged' && data.absorbed.includes(recordId);
    const merged = events.findLast(isMerge);
    return merged !== undefined && isUndone(merged);
  });

/** @throws Refusal `batch-undone` where it was taken back, and still is */
export function checkNotUndone(undos: readonly Undo[], batchId: string): void {
  const undo = undoneBy(undos, batchId);
  if (undo !== undefined) throw conflict('batch-undone', { undoneBy: undo });
}

/** What an undo is about: where it takes back another one, also what that one had taken back, and so on. */
export function wholeOf(undoing: Undoing, undos: readonly Undo[]): readonly Undo[] {
  const underWay: Undo = { id: '', undoes: null, undoesConnection: null, startedAt: endOfTime, ...undoing };
  const below = ({ undoes }: Undo): Undo[] => {
    const taken = undos.find(({ id }) => id === undoes);
    return taken ? [taken, ...below(taken)] : [];
  };
  return [underWay, ...below(underWay)];
}

/** @param undos all that there were, whether or not the one under way is among them */
export function tellingOf(undoing: Undoing, undos: readonly Undo[]): TellingOf {
  const whole = wholeOf(undoing, undos);
  const holding = [...undos, ...whole.slice(0, 1)].filter(({ id }, _, all) => undoneBy(all, id) === undefined);
  const ids = new Set(undos.map(({ id }) => id));
  const batches = new Set(holding.map(({ undoes }) => undoes));
  const ofConnections = holding.filter(({ undoesConnection }) => undoesConnection !== null);
  return (record) => {
    const isTaken = takenBy(ofConnections, record);
    const isOfWhole = takenBy(whole, record);
    const stands = (event: Happened) => {
      const { batchId } = event.meta;
      return !(batchId !== undefined && (ids.has(batchId) || batches.has(batchId))) && !isTaken(event);
    };
    return {
      isUndone: (event) => isOfWhole(event) && !stands(event),
      isAgain: (event) => isOfWhole(event) && stands(event),
      stands,
    };
  };
}

/** Tells the events of a record that any of these take back. */
function takenBy(undos: readonly Undo[], { externalIds }: Pick<Customer, 'externalIds'>): (event: Happened) => boolean {
  const tells = undos.map(({ undoes, undoesConnection, startedAt }) => {
    if (undoes !== null) return ({ meta }: Happened) => meta.batchId === undoes;
    const isItsRecord = externalIds.some(({ connectionId }) => connectionId === undoesConnection);
    return ({ data, meta: { actor }, recordedAt }: Happened) =>
      recordedAt < startedAt &&
      (actor.type === 'connection' ? actor.id === undoesConnection : isItsRecord && 'stamp' in data);
  });
  return (event) => tells.some((isTaken) => isTaken(event));
}
