/** A Kafka message as this library sees it: headers are text. */
export type Message = { key: string; value: Buffer; headers: Readonly<Record<string, string>> };

/** A message and where it lies in its topic. */
export type PlacedMessage = Message & { offset: number };

/** The messages from an offset on; none where nothing came in time. `next` is the offset to go on from. */
export type Fetched = { messages: readonly PlacedMessage[]; next: number };

/** Does not answer, or not as it should; goes away by itself. Never holds anything of a payload. */
export class Away extends Error {
  /** By which the kernel knows it for transient. */
  readonly code = 'ETIMEDOUT';
}

/** Reads a topic's one partition from any offset. Nothing is shared with other readers, nothing is committed. */
export interface TopicReader {
  /** The oldest offset there is, and the one that the next message will get: equal where the topic is empty. */
  offsets(): Promise<{ earliest: number; latest: number }>;
  /**
   * The messages from `offset` on. Waits up to a second for the first one.
   *
   * @param most about how many bytes to fetch; one message comes whatever its size
   * @throws Away also where the offset is not, or no longer, in the topic
   */
  fetch(offset: number, most?: number): Promise<Fetched>;
  /** Lets go of the connection, in the background. */
  close(): void;
}

/**
 * The little that we need of Kafka: every topic has one partition, and places are kept in Postgres. Connections come by
 * themselves when something is asked for, and again after a fault.
 */
export interface KafkaPort {
  /**
   * Creates a topic of one partition where it is missing.
   *
   * @throws Away
   * @throws Error where there is one with several partitions: it could not keep one order
   */
  ensureTopic(topic: string): Promise<void>;
  /**
   * Sends a batch and returns once all in-sync replicas have it. Calls are carried out one after the other; a batch whose
   * answer got lost may be in the topic all the same.
   *
   * @param messages at most `maxBatchBytes` together
   * @throws Away
   */
  produce(topic: string, messages: readonly Message[]): Promise<void>;
  reader(topic: string): TopicReader;
  /**
   * Milliseconds for which that reader which has been asking longest got no answer; 0 where none is asking. A healthy
   * broker answers within about a second; a figure above a minute means that Kafka is away, or a connection hangs.
   */
  fetchAge(): number;
  /** Closes everything, in at most two seconds. */
  disconnect(): Promise<void>;
}

/** Brokers refuse a batch above 1 MiB unless told otherwise. */
export const maxBatchBytes = 900_000;

export const saslMechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
export type SaslMechanism = (typeof saslMechanisms)[number];

export type KafkaOptions = {
  /** `host:port`, several for a cluster. */
  brokers: readonly string[];
  /** Name in the brokers' logs and quotas. */
  clientId: string;
  /** Put before every topic's name, so that several installations can share a cluster. */
  prefix?: string;
  /** Copies of every topic; a send waits for all but one of three. */
  replicationFactor: number;
  /** TLS, with certificates that Node trusts. */
  ssl?: boolean;
  sasl?: { mechanism: SaslMechanism; username: string; password: string };
};
