import type { Queryable } from '@throughline/event-sourcing';

/** Another store has the name of the one that this process opened: it was restored meanwhile. */
export class StoreReplaced extends Error {
  constructor() {
    super('the store was restored while this process ran: start it anew');
  }
}

/**
 * Watches over a pool's connections. What a process found out when it opened its store (tables, migrations, that it may be
 * answered from) does not hold for one that was restored: such a connection is not handed out.
 */
export class SameStore {
  #generation: string | undefined;
  #isReplaced = false;

  get isReplaced(): boolean {
    return this.#isReplaced;
  }

  /** From now on all connections have to lead to the store of this generation. */
  expect(generation: string): void {
    this.#generation = generation;
  }

  /** The `onConnect` of a pool. */
  readonly check = async (client: Queryable): Promise<void> => {
    if (this.#generation === undefined) return;
    const { rows } = await client.query<{ generation: string }>('select generation from store');
    this.#isReplaced = rows[0]?.generation !== this.#generation;
    if (this.#isReplaced) throw new StoreReplaced();
  };
}
