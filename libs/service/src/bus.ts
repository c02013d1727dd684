import type { ServiceName } from '@throughline/contracts';
import { StoreFeed, type EventStore, type Feed } from '@throughline/event-sourcing';

/** Where a service reads the logs of the others, and hands on its own. */
export interface Bus {
  /** The log of another service. */
  feed(service: ServiceName): Feed;
  /** Hands this service's log on for as long as this process leads; nothing to do where the store is the bus. */
  relay(service: ServiceName, store: EventStore, signal: AbortSignal): Promise<void>;
  /** Milliseconds for which a read of another service's log has got no answer; 0 where none is under way. */
  fetchAge(): number;
  /** Whether `relay` has something to do, and a checkpoint. */
  readonly relays: boolean;
  stop(): Promise<void>;
}

/** Every log that a service may follow: its own from its store, those of the others by the bus. */
export class Feeds {
  constructor(
    private readonly own: Feed,
    private readonly others: Bus,
  ) {}

  of(service: ServiceName): Feed {
    return service === this.own.service ? this.own : this.others.feed(service);
  }
}

/** All services in one process: the topic is the owner's store. */
export class EmbeddedBus implements Bus {
  readonly relays = false;
  readonly #stores = new Map<ServiceName, EventStore>();

  join(service: ServiceName, store: EventStore): void {
    this.#stores.set(service, store);
  }

  feed(service: ServiceName): Feed {
    const store = this.#stores.get(service);
    if (!store) throw new Error(`${service} does not run in this process`);
    return new StoreFeed(service, store);
  }

  async relay(): Promise<void> {}
  fetchAge(): number {
    return 0;
  }
  async stop(): Promise<void> {}
}
