import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { derivedId, errorForLog, newId, runInContext, systemContext } from '@throughline/event-sourcing';
import { Kernel, Log, type Preparation, type Worker } from '@throughline/service';
import { unmergeRecord } from '../customer/customer-group.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { ReplayedErasures } from './replayed-erasures.store.ts';

const page = 500;
const everyMilliseconds = 60_000;

/**
 * A store that was restored may know nothing of erasures since; the keyring's tombstones do. They are carried out anew before
 * anybody is answered, and looked for while the service runs, as tombstones come along when another store is restored.
 *
 * A key is destroyed after its erasure was recorded. So whatever number a store has noted, all below are in it, even where a
 * lower one was committed later.
 */
@Injectable()
export class ErasureReplay implements Preparation, Worker {
  constructor(
    private readonly kernel: Kernel,
    private readonly customers: GoldenCustomers,
    private readonly replayed: ReplayedErasures,
    private readonly log: Log,
  ) {}

  async prepare(signal: AbortSignal): Promise<void> {
    const { keyring } = this.kernel;
    for (let above = await this.replayed.upTo(); !signal.aborted;) {
      const destroyed = await keyring.destroyed(above, page);
      const last = destroyed.at(-1);
      if (!last) return;
      for (const id of await this.replayed.notErased(destroyed.map(({ subject }) => subject))) {
        if (signal.aborted) return;
        await runInContext(systemContext('erasure-replay'), () => this.#erase(id));
      }
      await this.replayed.reached((above = last.number));
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(everyMilliseconds, undefined, { signal }).catch(() => undefined);
      await this.prepare(signal).catch((error: unknown) => {
        this.log.warn('erasures wait to be replayed', errorForLog(error));
      });
    }
  }

  async #erase(id: string): Promise<void> {
    await this.#takeApart(id);
    await this.customers.execute(id, { type: 'EraseCustomer', erasureId: derivedId('erasure', id) });
  }

  /** Records that were taken out of a customer since, and whose key is there, are not erased with the others. */
  async #takeApart(id: string): Promise<void> {
    for (;;) {
      const group = await this.customers.group(id);
      if (group.length === 1) return;
      const destroyed = await this.kernel.keyring.destroyedOf(group.map((part) => part.id));
      const apart = group.find(
        ({ id: own, state: { into } }) => into !== undefined && destroyed.has(own) !== destroyed.has(into),
      );
      if (!apart) return;
      const command = { type: 'UnmergeCustomer', mergeId: newId(), recordId: apart.id, move: [] } as const;
      await this.customers.decide([id], command, ([whole]) => unmergeRecord(whole, command));
    }
  }
}
