import type { ServiceName } from '@throughline/contracts';
import { StoreFeed, secretsFrom, type EventStore, type Feed } from '@throughline/event-sourcing';
import { KafkaFeed, KafkaJs, httpHistory, runRelay, type KafkaPort } from '@throughline/messaging';
import type { Bus } from './bus.ts';
import type { ServiceConfig } from './config.ts';
import type { Log } from './log.ts';
import { Tokens } from './tokens.ts';

const tokenSeconds = 60;

/** Every service a process of its own: logs travel over Kafka, gaps are filled from their owners. */
export class KafkaBus implements Bus {
  readonly relays = true;
  readonly #port: KafkaPort;
  readonly #tokens: Tokens;

  constructor(
    private readonly self: ServiceName,
    private readonly config: ServiceConfig,
    private readonly log: Log,
  ) {
    const brokers = (config.kafkaBrokers ?? '').split(',').map((broker) => broker.trim());
    this.#port = new KafkaJs({
      brokers,
      clientId: `throughline-${self}`,
      prefix: config.databasePrefix,
      replicationFactor: config.kafkaReplicationFactor,
    });
    this.#tokens = new Tokens(secretsFrom(config.masterKey));
  }

  feed(service: ServiceName): Feed {
    const identity = { id: this.self, type: 'system' as const, roles: [] };
    const token = async () => (await this.#tokens.issue(identity, 'internal', tokenSeconds)).token;
    const history = httpHistory(baseUrlOf(this.config, service), token);
    return new KafkaFeed({ service, port: this.#port, history, log: this.log });
  }

  relay(service: ServiceName, store: EventStore, signal: AbortSignal): Promise<void> {
    return runRelay({ feed: new StoreFeed(service, store), port: this.#port, pool: store.pool, log: this.log }, signal);
  }

  fetchAge(): number {
    return this.#port.fetchAge();
  }

  stop(): Promise<void> {
    return this.#port.disconnect();
  }
}

/** @throws Error where the environment does not say where the service is */
export function baseUrlOf(config: ServiceConfig, service: ServiceName): string {
  const url = config[`${service}Url`];
  if (!url) throw new Error(`THROUGHLINE_${service.toUpperCase()}_URL is missing`);
  return url;
}
