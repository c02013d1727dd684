import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Commands, derivedId, errorForLog, runInContext, systemContext } from '@throughline/event-sourcing';
import { Kernel, Log, type Worker } from '@throughline/service';
import { customer } from '../customer/customer.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';

const page = 500;
const retryMilliseconds = 10_000;

/**
 * A store that was restored may know nothing of erasures since; the keyring's tombstones do. They are carried out anew, once
 * whenever this service begins to lead.
 */
@Injectable()
export class ErasureReplay implements Worker {
  constructor(
    private readonly kernel: Kernel,
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly log: Log,
  ) {}

  async run(signal: AbortSignal): Promise<void> {
    for (let done = false; !done && !signal.aborted;) {
      try {
        await this.#replay(signal);
        done = true;
      } catch (error) {
        this.log.warn('erasures wait to be replayed', errorForLog(error));
        await sleep(retryMilliseconds, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #replay(signal: AbortSignal): Promise<void> {
    for (let above = ''; !signal.aborted;) {
      const subjects = await this.kernel.keyring.destroyed(above, page);
      if (subjects.length === 0) return;
      above = subjects.at(-1) as string;
      for (const id of subjects) if (await this.commands.exists(customer.category, id)) await this.#erase(id);
    }
  }

  async #erase(id: string): Promise<void> {
    const { state } = await this.commands.load(customer, id);
    if (state.status === 'erased') return;
    const command = { type: 'EraseCustomer', erasureId: derivedId('erasure', id) } as const;
    await runInContext(systemContext('erasure-replay'), () => this.customers.execute(id, command));
  }
}
