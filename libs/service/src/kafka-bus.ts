import { topicOf, type ServiceName } from '@throughline/contracts';
import { secretsFrom, type Feed, type Pool, type StoreFeed } from '@throughline/event-sourcing';
import {
  KafkaFeed,
  fetchWatch,
  httpHistory,
  openKafka,
  runRelay,
  type KafkaOptions,
  type KafkaPort,
  type SetAside,
} from '@throughline/messaging';
import type { Bus } from './bus.ts';
import type { ServiceConfig } from './config.ts';
import type { Log } from './log.ts';
import { Tokens } from './tokens.ts';

const tokenSeconds = 60;

/** Every service a process of its own: logs travel over Kafka, gaps are filled from their owners. */
export class KafkaBus implements Bus {
  readonly relays = true;
  readonly #tokens: Tokens;
  readonly #followed = new Set<ServiceName>();
  readonly #hangs: () => Promise<boolean>;

  private constructor(
    private readonly self: ServiceName,
    private readonly config: ServiceConfig,
    private readonly log: Log,
    private readonly port: KafkaPort,
  ) {
    this.#tokens = new Tokens(secretsFrom(config.masterKey));
    this.#hangs = fetchWatch({
      port,
      topics: () => [...this.#followed].map(topicOf),
      limitMilliseconds: config.kafkaFetchLimit * 1_000,
    });
  }

  static async open(self: ServiceName, config: ServiceConfig, log: Log): Promise<KafkaBus> {
    return new KafkaBus(self, config, log, await openKafka(config.kafkaClient, kafkaOptions(self, config)));
  }

  feed(service: ServiceName, setAside: SetAside): Feed {
    this.#followed.add(service);
    const identity = { id: this.self, type: 'system' as const, roles: [] };
    const token = async () => (await this.#tokens.issue(identity, 'internal', tokenSeconds)).token;
    const history = httpHistory(baseUrlOf(this.config, service), token);
    return new KafkaFeed({ service, port: this.port, history, log: this.log, setAside });
  }

  relay(feed: StoreFeed, pool: Pool, signal: AbortSignal): Promise<void> {
    return runRelay({ feed, port: this.port, pool, log: this.log }, signal);
  }

  fetchAge(): number {
    return this.port.fetchAge();
  }

  async hangs(): Promise<boolean> {
    const hangs = await this.#hangs();
    if (hangs) this.log.error('a reader hangs', { ms: this.port.fetchAge() });
    return hangs;
  }

  stop(): Promise<void> {
    return this.port.disconnect();
  }
}

function kafkaOptions(self: ServiceName, config: ServiceConfig): KafkaOptions {
  const { kafkaSaslMechanism: mechanism, kafkaSaslUsername: username, kafkaSaslPassword: password } = config;
  return {
    brokers: (config.kafkaBrokers ?? '').split(',').map((broker) => broker.trim()),
    clientId: `throughline-${self}`,
    prefix: config.databasePrefix,
    replicationFactor: config.kafkaReplicationFactor,
    ssl: config.kafkaTls,
    ...(mechanism && username && password && { sasl: { mechanism, username, password } }),
  };
}

/** @throws Error where the environment does not say where the service is */
export function baseUrlOf(config: ServiceConfig, service: ServiceName): string {
  const url = config[`${service}Url`];
  if (!url) throw new Error(`THROUGHLINE_${service.toUpperCase()}_URL is missing`);
  return url;
}
