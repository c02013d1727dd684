import type { KafkaOptions, KafkaPort } from './kafka-client.ts';

export const kafkaClients = ['kafkajs', 'platformatic'] as const;
export type KafkaClient = (typeof kafkaClients)[number];

/** Loads only the library that is asked for: they take time and memory, @platformatic/kafka a second and 60 MB. */
export async function openKafka(client: KafkaClient, options: KafkaOptions): Promise<KafkaPort> {
  switch (client) {
    case 'kafkajs':
      return (await import('./kafkajs.ts')).kafkaJs(options);
    case 'platformatic':
      return (await import('./platformatic.ts')).platformatic(options);
  }
}
