import { Injectable } from '@nestjs/common';
import type { Lifecycle } from '@throughline/contracts';
import { Commands, Refusal } from '@throughline/event-sourcing';
import type { Group } from '../customer/customer-group.ts';
import { GoldenCustomers } from '../customer/golden-customers.store.ts';
import { FactsOfCustomers } from './customer-facts.view.ts';
import { advanceOf, advanced } from './lifecycle-advance.ts';
import { lifecycle, lifecycleId } from './lifecycle.ts';

/** The stages that customers go through, and how they move on by themselves. */
@Injectable()
export class Lifecycles {
  constructor(
    private readonly commands: Commands,
    private readonly customers: GoldenCustomers,
    private readonly facts: FactsOfCustomers,
  ) {}

  async configured(): Promise<Lifecycle> {
    return (await this.commands.load(lifecycle, lifecycleId)).state;
  }

  /**
   * Moves the customer of a record on, where what it did leads further. A record that is not there yet is asked for again when
   * it is made.
   */
  async advance(recordId: string): Promise<void> {
    const group = await this.#groupOf(recordId);
    if (!group) return;
    const facts = await this.facts.of(group.map(({ id }) => id));
    const configured = await this.configured();
    const advance = advanceOf(group, facts, configured);
    if (!advance) return;
    await this.customers.decide([recordId], { type: 'AdvanceLifecycle' }, ([now]) => advanced(now, facts, configured), {
      target: recordId,
      occurredAt: advance.at,
    });
  }

  /** Most records are made before they did anything. */
  async advanceNew(recordId: string): Promise<void> {
    const { orders, contacts } = await this.facts.of([recordId]);
    if (orders.length + contacts.length > 0) await this.advance(recordId);
  }

  async #groupOf(recordId: string): Promise<Group | undefined> {
    try {
      return await this.customers.group(recordId);
    } catch (error) {
      if (error instanceof Refusal && error.code === 'customer-not-found') return undefined;
      throw error;
    }
  }
}
