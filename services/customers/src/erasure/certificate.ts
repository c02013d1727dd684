import type { Instant, Recorded } from '@throughline/contracts';

/** What a completed erasure proves to whoever asks. Names nobody. */
export type ErasureCertificate = {
  erasureId: string;
  customerId: string;
  keyDestroyedAt: Instant;
  /** Who derives data from events, and since when nothing of the person is in it. */
  services: readonly { service: string; at: Instant }[];
  completedAt: Instant;
  /** Day, UTC, on which the last backup goes that may hold what was derived before. Its events are unreadable already. */
  backupsExpireOn: string;
};

const day = 86_400_000;

/** @param backupDays for how many days a backup is kept */
export function certificateOf(erasureId: string, events: readonly Recorded[], backupDays: number): ErasureCertificate {
  const of = (type: string) => events.filter((event) => event.type === type);
  const [destroyed] = of('PersonErased');
  const [completed] = of('ErasureCompleted');
  if (!destroyed || !completed) throw new Error(`the erasure ${erasureId} is not completed`);
  return {
    erasureId,
    customerId: (destroyed.data as { customerId: string }).customerId,
    keyDestroyedAt: destroyed.recordedAt,
    services: of('ErasureAcknowledged').map(({ data, recordedAt }) => ({
      service: (data as { service: string }).service,
      at: recordedAt,
    })),
    completedAt: completed.recordedAt,
    backupsExpireOn: new Date(Date.parse(completed.recordedAt) + backupDays * day).toISOString().slice(0, 10),
  };
}
