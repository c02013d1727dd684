import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '@throughline/contracts';
import type { SetAside } from '@throughline/messaging';
import type { Feed, Pool, StoreFeed } from '@throughline/event-sourcing';

/** Where a service reads the logs of the others, and hands on its own. */
export abstract class Bus {
  /** The log of another service; `setAside` gets what cannot be read of it. */
  abstract feed(service: ServiceName, setAside: SetAside): Feed;
  /** Hands this service's log on for as long as this process leads; nothing to do where the store is the bus. */
  abstract relay(feed: StoreFeed, pool: Pool, signal: AbortSignal): Promise<void>;
  /** Milliseconds for which a read of another service's log has got no answer; 0 where none is under way. */
  abstract fetchAge(): number;
  /** Whether `relay` has something to do, and a checkpoint. */
  abstract readonly relays: boolean;
  /** Whether a reader hangs in a way that only a new process mends: never because the bus itself is away. */
  abstract hangs(): Promise<boolean>;
  abstract stop(): Promise<void>;
}

/** Every log that a service may follow: its own from its store, those of the others by the bus. */
export class Feeds {
  constructor(
    private readonly own: Feed,
    private readonly others: Bus,
    private readonly setAside: SetAside,
  ) {}

  of(service: ServiceName): Feed {
    return service === this.own.service ? this.own : this.others.feed(service, this.setAside);
  }
}

/** All services in one process: the topic is the owner's store. They start one after the other, and wait for each other. */
export class EmbeddedBus implements Bus {
  readonly relays = false;
  readonly #logs = new Map<ServiceName, PromiseWithResolvers<StoreFeed>>();

  /** @param joinMilliseconds whoever has not come by then is away: to be asked again later */
  constructor(private readonly joinMilliseconds = 5_000) {}

  join(service: ServiceName, feed: StoreFeed): void {
    this.#log(service).resolve(feed);
  }

  feed(service: ServiceName): Feed {
    const joined = this.#log(service).promise;
    return {
      service,
      async *read(after, limit, signal) {
        const feed = await Promise.race([joined, aborted(signal)]);
        if (feed) yield* feed.read(after, limit, signal);
      },
      head: async () => (await this.#inTime(joined)).head(),
      behind: async (position) => (await this.#inTime(joined)).behind(position),
    };
  }

  async relay(): Promise<void> {}
  fetchAge(): number {
    return 0;
  }
  async hangs(): Promise<boolean> {
    return false;
  }
  async stop(): Promise<void> {}

  #log(service: ServiceName): PromiseWithResolvers<StoreFeed> {
    const log = this.#logs.get(service) ?? Promise.withResolvers<StoreFeed>();
    this.#logs.set(service, log);
    return log;
  }

  async #inTime(joined: Promise<StoreFeed>): Promise<StoreFeed> {
    const late = new AbortController();
    try {
      const feed = await Promise.race([joined, sleep(this.joinMilliseconds, undefined, { signal: late.signal })]);
      if (feed) return feed;
      throw Object.assign(new Error('a service of this process has not started'), { code: 'ETIMEDOUT' });
    } finally {
      late.abort();
    }
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
