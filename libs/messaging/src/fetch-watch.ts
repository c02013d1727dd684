import type { KafkaPort } from './kafka-client.ts';
import { within } from './kafka-connections.ts';

export type FetchWatchOptions = {
  port: KafkaPort;
  /** What is followed. */
  topics: () => readonly string[];
  /** For how long a reader may ask in vain. */
  limitMilliseconds: number;
  /** How long readers have to find back once Kafka answers again: more than one deadline and one pause. */
  patienceMilliseconds?: number;
};

const patienceMilliseconds = 30_000;
const answerMilliseconds = 2_000;

/**
 * Answers whether a reader hangs although Kafka would answer it, which is all that ending the process mends. While Kafka is
 * away every reader asks in vain, and those of a new process would, too. So a reader that has asked for too long counts only
 * where new connections are answered about all topics, and have been for a while. To be asked every few seconds.
 */
export function fetchWatch({
  port,
  topics,
  limitMilliseconds,
  patienceMilliseconds: patience = patienceMilliseconds,
}: FetchWatchOptions): () => Promise<boolean> {
  let answeredSince: number | undefined;
  const look = async () => {
    const answered = port.fetchAge() > limitMilliseconds && (await isAnswered(port, topics()));
    answeredSince = answered ? (answeredSince ?? Date.now()) : undefined;
    return answeredSince !== undefined && Date.now() - answeredSince >= patience;
  };
  let looking: Promise<boolean> | undefined;
  return () => (looking ??= look().finally(() => (looking = undefined)));
}

async function isAnswered(port: KafkaPort, topics: readonly string[]): Promise<boolean> {
  const readers = topics.map((topic) => port.reader(topic));
  try {
    await within(answerMilliseconds, Promise.all(readers.map((reader) => reader.offsets())));
    return true;
  } catch {
    return false;
  } finally {
    for (const reader of readers) reader.close();
  }
}
