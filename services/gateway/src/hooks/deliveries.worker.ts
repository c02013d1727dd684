import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Commands, Refusal, errorForLog, isTransient, newId, runInContext } from '@throughline/event-sourcing';
import { Kernel, Log } from '@throughline/service';
import { Connections, type KnownConnection } from '../connection/connections.store.ts';
import { cloudEvents } from '../connectors/cloudevents.ts';
import { Unmappable, type Delivery, type MappingContext, type Seen } from '../connectors/connector.ts';
import { mappers, unusedReason } from '../connectors/mappers.ts';
import { ReadBackFailed, SapReader } from '../connectors/sap-read-back.client.ts';
import { isSapEvent, readBackRequest, withReadBack } from '../connectors/sap.ts';
import { ErasedRecords } from '../erasure/erased-records.store.ts';
import { Deliveries, type PendingDelivery } from './deliveries.store.ts';
import { seenDeciders } from './seen.ts';

const batch = 64;
const atOnce = 8;
const idleMilliseconds = 1_000;
const longestPostponement = 10 * 60_000;
const purgeMilliseconds = 3_600_000;

/** Turns raw messages into what was seen, in the background and as often as it takes. */
@Injectable()
export class DeliveriesWorker {
  readonly #sap = new SapReader();

  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly connections: Connections,
    private readonly deliveries: Deliveries,
    private readonly erased: ErasedRecords,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    let purged = 0;
    while (!signal.aborted) {
      try {
        if (Date.now() - purged > purgeMilliseconds) {
          await this.deliveries.purge();
          purged = Date.now();
        }
        const stored = this.#stored(signal);
        const pending = await this.deliveries.pending(batch);
        if (pending.length === 0) await stored;
        const queue = pending.values();
        const lane = async () => {
          for (const next of queue) if (!signal.aborted) await this.#apply(next);
        };
        await Promise.all(Array.from({ length: atOnce }, lane));
      } catch (error) {
        this.log.warn('deliveries wait', errorForLog(error));
        await sleep(idleMilliseconds, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #apply({ id, attempts, delivery }: PendingDelivery): Promise<void> {
    try {
      const connection = await this.connections.find(delivery.connectionId);
      if (!connection) return await this.deliveries.failed(id, 'The connection was archived.');
      const context: MappingContext = {
        hmac: (value) => this.kernel.secrets.hmac('record-ids', value),
        ...(connection.mapping !== undefined && { mapping: connection.mapping }),
      };
      let isUsed = false;
      for (const whole of await this.#complete(connection, delivery)) {
        for (const seen of mappers[connection.kind](whole, context)) {
          await this.#record(connection, id, await this.erased.redirect(seen));
          isUsed = true;
        }
      }
      if (isUsed) await this.deliveries.applied(id);
      else await this.deliveries.ignored(id, unusedReason(delivery));
    } catch (error) {
      if (error instanceof Unmappable) {
        await this.deliveries.failed(id, error.pointer ? `${error.message} (${error.pointer})` : error.message);
      } else if ((error instanceof ReadBackFailed && error.transient) || isTransient(error)) {
        const pause = Math.min(longestPostponement, 1_000 * 2 ** attempts);
        await this.deliveries.postponed(id, (error as Error).message, pause);
      } else {
        const known = error instanceof ReadBackFailed || error instanceof Refusal;
        this.log.error('delivery failed', { delivery: id, ...errorForLog(error) });
        await this.deliveries.failed(id, known ? error.message : 'The message could not be processed.');
      }
    }
  }

  /** An event that brings only a key along is completed by what its system says now. */
  async #complete({ kind, mapping, secrets }: KnownConnection, delivery: Delivery): Promise<Delivery[]> {
    const { readBack } = secrets;
    const events =
      kind === 'sap' || (kind === 'cloudevents' && mapping === undefined && readBack)
        ? cloudEvents(delivery.headers, delivery.body)
        : undefined;
    if (!events || !readBack) return [delivery];
    const complete: Delivery[] = [];
    for (const event of events) {
      const request = isSapEvent(event) ? readBackRequest(event) : undefined;
      if (!request) {
        complete.push({
          ...delivery,
          headers: { 'content-type': 'application/cloudevents+json' },
          body: JSON.stringify({ specversion: '1.0', ...event }),
        });
        continue;
      }
      const answer = await this.#sap.readBack(readBack, request);
      // What is gone in the source changes nothing here: records leave by archiving.
      if (answer.outcome === 'found') complete.push(withReadBack(delivery, event, answer.body));
    }
    return complete;
  }

  async #record(connection: KnownConnection, delivery: string, { stream, event }: Seen): Promise<void> {
    const decider = seenDeciders[stream.type];
    if (!decider) throw new Error(`no stream of type ${stream.type}`);
    const context = {
      actor: { type: 'connection' as const, id: connection.id },
      entry: 'connector' as const,
      source: connection.kind,
      correlationId: delivery,
    };
    await runInContext(context, () =>
      this.commands.execute(decider, stream.id, { type: 'RecordSeen', event }, { commandId: newId() }),
    );
  }

  #stored(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.deliveries.off('stored', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, idleMilliseconds);
      this.deliveries.once('stored', done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
