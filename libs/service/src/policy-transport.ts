import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { dictionary, type Recorded, type ServiceName } from '@throughline/contracts';
import {
  policiesTogether,
  runPolicy,
  type Codec,
  type Feed,
  type Policy,
  type Pool,
  type SubscriptionLog,
} from '@throughline/event-sourcing';
import { isObservable, lastValueFrom, throwError, type Observable } from 'rxjs';

/** The pattern of a policy's handler: `@EventPattern(on)`. */
export type PolicyPattern = {
  policy: string;
  event: string;
  /** Whose word counts, where several services say it. */
  feed?: ServiceName;
  /** `beginning`: also what happened before the policy existed. Default: from now on. */
  from?: 'now' | 'beginning';
  /** `connector`, `form`: it carries in what the outside said, in the name of who said it. Default: `policy`. */
  entry?: 'policy' | 'connector' | 'form';
  /** `actor`: it completes what somebody began, in their name. Default: its own. */
  inNameOf?: 'policy' | 'actor';
};

type Handlers = Map<string, (event: Recorded) => Promise<void>>;

const ownerOf = (event: string): ServiceName => {
  for (const [service, events] of Object.entries(dictionary)) if (event in events) return service as ServiceName;
  throw new Error(`no service publishes ${event}`);
};

/**
 * Serves `@EventPattern({ policy, event })` on top of the kernel's subscription runtime: two policies may react to one
 * event, an error reaches the runtime, and a failing event parks its key instead of blocking the feed.
 */
export class PolicyTransport extends Server implements CustomTransportStrategy {
  readonly #policies = new Map<string, Omit<Policy, 'handlers'> & { feed: ServiceName; handlers: Handlers }>();

  listen(callback: () => void): void {
    for (const [pattern, handler] of this.messageHandlers) {
      if (handler.next) throw new Error(`${pattern} is handled twice`);
      const {
        policy,
        event,
        feed = ownerOf(event),
        from = 'now',
        entry = 'policy',
        inNameOf = 'policy',
      } = JSON.parse(pattern) as PolicyPattern;
      const key = `${policy} ${feed}`;
      const known = this.#policies.get(key) ?? {
        name: policy,
        from,
        entry,
        inNameOf,
        feed,
        handlers: new Map() as Handlers,
      };
      known.handlers.set(event, (recorded) => call(handler, recorded));
      this.#policies.set(key, known);
    }
    callback();
  }

  /** What `run` runs: a policy that listens to several logs stands once for each. */
  get policies(): readonly { policy: string; feed: ServiceName }[] {
    return [...this.#policies.values()].map(({ name, feed }) => ({ policy: name, feed }));
  }

  /** Runs all policies until `signal` aborts. */
  async run(
    deps: { feed: (service: ServiceName) => Feed; codec: Codec; pool: Pool; log: SubscriptionLog },
    signal: AbortSignal,
  ): Promise<void> {
    const { feed, codec, pool, log } = deps;
    const together = policiesTogether(pool);
    await Promise.all(
      [...this.#policies.values()].map((policy) =>
        runPolicy(policy, { feed: feed(policy.feed), codec, pool, log, together }, signal),
      ),
    );
  }

  close(): void {}
  on(): void {}
  unwrap<T>(): T {
    return undefined as T;
  }
}

async function call(handler: MessageHandler, event: Recorded): Promise<void> {
  const answer: unknown = await handler(event, undefined);
  if (isObservable(answer)) await lastValueFrom(answer as Observable<unknown>, { defaultValue: undefined });
}

/** Nest would replace the error by "Internal server error"; the runtime has to see the real one. */
@Catch()
export class PassErrorOn implements RpcExceptionFilter {
  catch(error: Error): Observable<never> {
    return throwError(() => error);
  }
}
