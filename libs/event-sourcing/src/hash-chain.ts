import { createHmac, type KeyObject } from 'node:crypto';
import type { Instant } from '@throughline/contracts';

/** Everything of a stored event but its position, which nobody knows before the INSERT: that is for the anchors to prove. */
export type Chained = {
  id: string;
  streamType: string;
  streamId: string;
  version: number;
  type: string;
  schemaVersion: number;
  data: string;
  personal: string | null;
  meta: string;
  commandId: string;
  batchId: string | null;
  occurredAt: Instant;
  recordedAt: Instant;
  effectiveAt: Instant;
};

/** Keyed chain over a stream: HMAC-SHA256 of the hash before and of everything that is stored, ciphertext included. */
export function chainHash(key: KeyObject, previous: string, event: Chained): Buffer {
  const { id, streamType, streamId, version, type, schemaVersion, data, personal, meta } = event;
  const { commandId, batchId, occurredAt, recordedAt, effectiveAt } = event;
  const stored = [
    id,
    streamType,
    streamId,
    version,
    type,
    schemaVersion,
    data,
    personal,
    meta,
    commandId,
    batchId,
    occurredAt,
    recordedAt,
    effectiveAt,
  ];
  return createHmac('sha256', key).update(previous).update(JSON.stringify(stored)).digest();
}
